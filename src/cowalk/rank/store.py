"""A ranking model as a folder: a manifest, weights as safetensors, vocabularies as Parquet; no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cowalk import __version__
from cowalk.errors import CowalkError, ModelError, UsageError
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.prepare.click_settings import ClickSettings
from cowalk.rank.columns import InputColumns
from cowalk.rank.model import RankModel
from cowalk.rank.networks import empty_items, history_network, table_network
from cowalk.rank.settings import RankSettings
from cowalk.rank.trees import Trees
from cowalk.tables.clicks import ClickColumn
from cowalk.tables.folder import (
    check_files,
    check_target,
    finish_version,
    new_version,
    publish_version,
    read_manifest,
    resolve_version,
)
from cowalk.tables.parquet import read_vocab, write_vocab
from cowalk.tables.tensors import map_tensors
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray

KIND = "cowalk rank model"
MAKER = "cowalk rank fit"
SIDES = ("users", "log")


def check_folder(folder: Path) -> None:
    """UsageError where the folder holds something else than a ranking model."""
    check_target(folder)
    if (folder / "current" / "manifest.json").is_file():
        try:
            read_manifest(folder / "current", KIND, MAKER)
        except ModelError as error:
            raise UsageError(f"{error}; the folder is left as it is: name another") from None


def save_rank(model: RankModel, folder: Path) -> Path:
    """Publish the model as a new version; UsageError where the folder holds something else."""
    check_folder(folder)
    return publish_version(folder, new_version(), lambda draft: _write(model, draft))


def _write(model: RankModel, draft: Path) -> None:
    told: dict[str, Any] = {
        "cowalk": __version__, "settings": model.settings.model_dump(mode="json"), "last": model.last,
        "clicks": model.clicks.model_dump(mode="json"), "about": dict(model.about),
        "columns": [column.to_dict() for column in model.columns],
        "context": getattr(model.network, "context", {}),
        "inputs": {side: [c.to_dict() for c in getattr(model.inputs, side)] for side in SIDES},
    }  # fmt: skip
    if model.vocab is not None:
        write_vocab(draft / "vocab.parquet", model.vocab)
        told["items"] = model.vocab.fingerprint
    for prefix, columns in (
        ("", model.columns),
        *((f"{side}-", getattr(model.inputs, side)) for side in SIDES),
    ):
        for number, column in enumerate(columns):
            if column.labels is not None:
                write_vocab(draft / _values(prefix, number), Vocab.of(column.labels))
    state = model.network.state_dict()
    arrays: dict[str, Mapping[str, AnyArray]] = {
        "network": {name: one.detach().cpu().numpy() for name, one in state.items()}
    }
    if model.trees is not None:
        arrays["trees"] = model.trees.arrays()
    if model.inputs.users:
        write_vocab(draft / "people.parquet", model.inputs.people)
        arrays["people"] = {str(number): values for number, values in enumerate(model.inputs.values)}
    finish_version(draft, told, arrays, KIND)


def _values(prefix: str, number: int) -> str:
    return f"{prefix}values-{number}.parquet"


def load(folder: str | Path, *, verify: bool = False) -> RankModel:
    """The ranking model of a folder; ModelError with the mend where it is none, or not whole."""
    version = resolve_version(Path(folder), MAKER)
    manifest = read_manifest(version, KIND, MAKER)
    check_files(version, manifest, verify)
    try:
        return _read(version, manifest)
    except CowalkError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{version}: network and weights do not agree ({first}); fit again") from None


def _read(version: Path, manifest: Mapping[str, Any]) -> RankModel:
    settings = RankSettings.model_validate(manifest["settings"])
    arrays = map_tensors(version / "network.safetensors")
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    columns, inputs = _columns(version, "", manifest["columns"]), _inputs(version, manifest)
    vocab = trees = None
    if "items" in manifest:
        vocab = read_vocab(version / "vocab.parquet")
        if vocab.fingerprint != manifest["items"]:
            raise ModelError(f"{version}: vocabulary and weights come from different fits; copy it again")
    if "trees.safetensors" in manifest["files"]:
        trees = Trees.of_arrays(map_tensors(version / "trees.safetensors"))
    network = _network(settings, state, vocab, columns, trees, dict(manifest["context"]), inputs)
    network.load_state_dict(state)
    return RankModel(
        settings, network.eval(), vocab, columns, ClickSettings.model_validate(manifest["clicks"]), trees,
        manifest["last"], manifest["about"], inputs,
    )  # fmt: skip


def _columns(version: Path, prefix: str, told: list[dict[str, Any]]) -> tuple[ClickColumn, ...]:
    paths = [version / _values(prefix, number) for number in range(len(told))]
    return tuple(
        ClickColumn.from_dict(one, read_vocab(path).ids if one["kind"] == "categorical" else None)
        for one, path in zip(told, paths, strict=True)
    )


def _inputs(version: Path, manifest: Mapping[str, Any]) -> InputColumns:
    """The columns of users and of the log, and the users that were known."""
    told = manifest.get("inputs", {})
    users, log = (_columns(version, f"{side}-", told.get(side, [])) for side in SIDES)
    if not users:
        return InputColumns(log=log)
    arrays = map_tensors(version / "people.safetensors")
    values = tuple(np.array(arrays[str(number)]) for number in range(len(users)))
    return InputColumns(users, log, read_vocab(version / "people.parquet"), values)


def _network(
    settings: RankSettings, state: Mapping[str, Tensor], vocab: Vocab | None,
    columns: tuple[ClickColumn, ...], trees: Trees | None, context: dict[str, int], inputs: InputColumns,
) -> ClickNetwork:  # fmt: skip
    """A network of the stored shapes, its weights still to be put in."""
    with torch.random.fork_rng():
        if vocab is not None:
            return history_network(settings, empty_items(settings, vocab, state), context, inputs.sizes)
        if trees is not None:
            return table_network(settings, [int(size) + 1 for size in np.diff(trees.offsets)], 0)
        sizes = [column.size for column in columns if column.kind != "number"]
        return table_network(settings, sizes, sum(column.kind == "number" for column in columns))
