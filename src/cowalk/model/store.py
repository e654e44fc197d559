"""A model into its folder and out of it: save and load are mirror images."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cowalk import __version__
from cowalk.errors import CowalkError, ModelError
from cowalk.learn import Learned
from cowalk.learn.result import Squares
from cowalk.maps import ItemMap
from cowalk.model.data import ModelData
from cowalk.model.indexes import CarriedIndex
from cowalk.model.item_names import ItemNames
from cowalk.model.whole import check_whole
from cowalk.recall import CooccurrenceLists
from cowalk.settings import load_recipe
from cowalk.tables import Vocab
from cowalk.tables.folder import Stored, read_folder, write_folder
from cowalk.tables.probe import Probe
from cowalk.types import AnyArray

LIBRARIES = ("numpy", "numba", "duckdb", "pydantic", "safetensors")
ROWS = ("vectors", "contexts", "own", "weights")  # one file each, so that each can be mapped or copied alone


def save(model: ModelData, folder: Path) -> Path:
    """Publish the model as a new version of `folder` and give the version's path."""
    arrays = _learned_arrays(model.learned, "")
    if model.cold_learned is not None:
        arrays |= _learned_arrays(model.cold_learned, "cold_")
    if model.lists is not None:
        arrays["lists"] = {f.name: getattr(model.lists, f.name) for f in fields(model.lists)}
    if model.probe is not None:
        arrays["probe"] = {f.name: getattr(model.probe, f.name) for f in fields(model.probe)}
    if model.map is not None:
        arrays["map"] = {"places": model.map.places, "clusters": model.map.clusters}
    if model.names is not None:
        arrays["names"] = {"text": model.names.text, "offsets": model.names.offsets}
    arrays |= {f"index_{purpose}": carried.arrays for purpose, carried in model.indexes.items()}
    cold = None
    if model.cold_vocab is not None and model.cold_info is not None:
        cold = (model.cold_vocab, model.cold_info)
    manifest = {
        **model.manifest,
        "cowalk": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "recipe": model.recipe.model_dump(mode="json"),
        "seed": model.recipe.seed,
        "learned": _learned_summary(model.learned),
        "cold_learned": None if model.cold_learned is None else _learned_summary(model.cold_learned),
        "map": None if model.map is None else {"method": model.map.method},
        "indexes": {purpose: dict(carried.told) for purpose, carried in model.indexes.items()},
    }
    return write_folder(
        folder, Stored(manifest, model.vocab, model.side_info, arrays, cold, model.user_vocab)
    )


def load(folder: Path, *, verify: bool = False) -> ModelData:
    """The model that `save` wrote; ModelError where it is not whole."""
    stored = read_folder(folder, verify=verify)
    manifest, arrays = stored.manifest, stored.arrays
    try:
        cold = manifest["cold_learned"]
        lists = CooccurrenceLists(**arrays["lists"]) if "lists" in arrays else None
        model = ModelData(
            recipe=load_recipe(manifest["recipe"]),
            vocab=stored.vocab,
            learned=_learned(manifest["learned"], arrays, "", stored.vocab),
            side_info=stored.side_info,
            lists=lists,
            cold_learned=None if cold is None else _learned(cold, arrays, "cold_", stored.vocab),
            cold_vocab=None if stored.cold is None else stored.cold[0],
            cold_info=None if stored.cold is None else stored.cold[1],
            probe=Probe(**arrays["probe"]) if "probe" in arrays else None,
            manifest=manifest,
            user_vocab=stored.users,
            map=_map(manifest, arrays, stored.vocab),
            names=ItemNames.opened(arrays["names"], _rows(stored)) if "names" in arrays else None,
            indexes={
                purpose: CarriedIndex(told, arrays[f"index_{purpose}"])
                for purpose, told in manifest.get("indexes", {}).items()
            },
        )
        check_whole(model)
        return model
    except (CowalkError, KeyError, TypeError, IndexError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{folder}: {_foreign(manifest)} ({error})") from None


def _rows(stored: Stored) -> int:
    """Warm and cold items."""
    return len(stored.vocab) + (0 if stored.cold is None else len(stored.cold[0]))


def _foreign(manifest: Mapping[str, Any]) -> str:
    """Whose model this is, and the mend."""
    by = manifest.get("cowalk")
    if by == __version__:
        return "does not hold what this cowalk needs; fit again"
    return (
        f"written by {f'cowalk {by}' if by else 'an older cowalk'}, lacks what cowalk {__version__} needs; "
        "fit again, or go on with the cowalk that wrote it"
    )


def _learned_arrays(learned: Learned, prefix: str) -> dict[str, Mapping[str, AnyArray]]:
    arrays: dict[str, Mapping[str, AnyArray]] = {
        prefix + name: {name: getattr(learned, name)} for name in ROWS
    }
    arrays[prefix + "fields"] = {str(number): rows for number, rows in enumerate(learned.fields)}
    if learned.extra:
        arrays[prefix + "extra"] = learned.extra
    if learned.squares is not None:
        arrays[prefix + "squares"] = learned.squares._asdict()
    return arrays


def _map(
    manifest: Mapping[str, Any], arrays: Mapping[str, Mapping[str, AnyArray]], vocab: Vocab
) -> ItemMap | None:
    told = manifest.get("map")
    if told is None:
        return None
    drawn = ItemMap(arrays["map"]["places"], arrays["map"]["clusters"], told["method"])
    if len(drawn.places) != len(vocab):
        raise ModelError(f"map.safetensors holds {len(drawn.places)} places, wanted {len(vocab)}; fit again")
    return drawn


def _learned_summary(learned: Learned) -> dict[str, Any]:
    return {
        "vector_size": int(learned.vectors.shape[1]),
        "fields": list(learned.field_names),
        "losses": [float(loss) for loss in learned.losses],
        "multi": learned.multi,
    }


def _learned(
    told: Mapping[str, Any], arrays: Mapping[str, Mapping[str, AnyArray]], prefix: str, vocab: Vocab
) -> Learned:
    """The rows of one set, their shapes checked against the vocabulary."""
    rows = {name: arrays[prefix + name][name] for name in ROWS}
    names = tuple(told["fields"])
    parts = tuple(arrays[prefix + "fields"][str(number)] for number in range(len(names)))
    size = told["vector_size"]
    wanted = {name: (len(vocab), len(names) + 1 if name == "weights" else size) for name in ROWS}
    for name, shape in wanted.items():
        none = name == "contexts" and rows[name].shape == (len(vocab), 0)  # of hierarchical softmax
        if (rows[name].shape != shape and not none) or rows[name].dtype != np.float32:
            raise ModelError(
                f"{prefix}{name}.safetensors holds {rows[name].shape}, wanted {shape}; fit again"
            )
    sums = arrays.get(prefix + "squares")
    squares = None if sums is None else Squares(**sums)
    return Learned(
        vocab.fingerprint, rows["vectors"], rows["contexts"], rows["own"], parts, rows["weights"], names,
        tuple(told["losses"]), told["multi"], arrays.get(prefix + "extra", {}), squares,
    )  # fmt: skip
