"""The model reader on files whose checksums are right and whose arrays are wrong: refused, or harmless."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.errors import CowalkError
from cowalk.tables.folder import _checksum
from cowalk.tables.tensors import map_tensors, write_tensors
from cowalk.types import AnyArray

Change = Callable[[AnyArray], AnyArray]
CHANGES: dict[str, Change] = {
    "cut": lambda array: array[: len(array) // 2],
    "one row less": lambda array: array[:-1],
    "one row more": lambda array: np.concatenate([array, array[-1:]]),
    "empty": lambda array: array[:0],
    "narrower": lambda array: array[..., :-1] if array.ndim > 1 else array.reshape(1, -1),
    "another type": lambda array: array.astype(np.float64 if array.dtype != np.float64 else np.float32),
    "whole numbers": lambda array: array.astype(np.int32 if array.dtype != np.int32 else np.int64),
}
FEW: dict[str, tuple[float, ...]] = {  # settings of LSH to choose from
    "LINES": (8,), "ENDS": (1,), "FUNCTIONS": (4,), "TABLES": (4,), "WIDTHS": (3.5,),
}  # fmt: skip
KINDS = ("exact", "ivf", "hnsw", "lsh")


@pytest.fixture(scope="module")
def models(shop_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By kind of index a version folder with both indexes, a map and names."""
    pytest.importorskip("faiss")
    made, home = {}, tmp_path_factory.mktemp("fuzz")
    model = cw.load(shop_model).with_map("pca")
    with pytest.MonkeyPatch.context() as patch:
        for name, few in FEW.items():
            patch.setattr(f"cowalk.recall.lsh.costs.{name}", few)
        for kind in KINDS:
            made[kind] = model.with_index(kind, 0.8, k=5).save(home / kind)
    return made


def rewritten(version: Path, to: Path, file: str, arrays: dict[str, AnyArray]) -> Path:
    """A copy of the version with other arrays in one file, and with checksums that say it is whole."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(version, to)
    size, digest = write_tensors(to / file, arrays)
    manifest = json.loads((to / "manifest.json").read_text())
    manifest["files"][file] = {"size": size, "blake2b": digest}
    manifest.pop("checksum")
    (to / "manifest.json").write_text(json.dumps(manifest | {"checksum": _checksum(manifest)}))
    return to


def asked(folder: Path, first: str) -> None:
    """Load and ask in every way: a CowalkError, or answers that name items there are."""
    try:
        model = cw.load(folder)
        answers = [
            model.recommend([first], 7),
            model.similar(first, 7),
            model.recommend([first], 7, exact=True),
        ]
        answers.append(model.recommend([first], 300))
    except CowalkError as error:
        told = str(error)
    else:
        told = ""
        for answer in answers:
            assert set(answer.ids) <= set(model.vocab.ids.tolist())
            assert all(isinstance(hit.name, str) for hit in answer)
    assert len(told.splitlines()) <= 1


def arrays_of(version: Path) -> list[tuple[str, str]]:
    """Every array of a version: file and name."""
    files = sorted(path.name for path in version.glob("*.safetensors"))
    return [(file, name) for file in files for name in sorted(map_tensors(version / file))]


def changed(version: Path, file: str, name: str, how: str) -> dict[str, AnyArray]:
    """The arrays of a file, one of them changed; {} where that changes nothing."""
    arrays = {key: np.array(value) for key, value in map_tensors(version / file).items()}
    if arrays[name].ndim == 0 or not arrays[name].size:
        return {}
    arrays[name] = np.ascontiguousarray(CHANGES[how](arrays[name]))
    return arrays


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_another_shape_or_kind_are_refused(
    models: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """Every array in two ways, which go round; of the later kinds of index only what is their own."""
    version, ways = models[kind], sorted(CHANGES)
    first = str(cw.load(version).vocab.ids[0])
    for at, (file, name) in enumerate(arrays_of(version)):
        if kind != KINDS[0] and not file.startswith("index_"):
            continue
        for how in (ways[at % len(ways)], ways[(at + 3) % len(ways)]):
            arrays = changed(version, file, name, how)
            if arrays:
                asked(rewritten(version, tmp_path / "m", file, arrays), first)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True, phases=[Phase.generate],
)  # fmt: skip
@given(data=st.data())
def test_arrays_that_changed_places_or_are_missing_are_refused(
    models: dict[str, Path], tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    version = models[kind]
    names: dict[str, list[str]] = {}
    for file, name in arrays_of(version):
        names.setdefault(file, []).append(name)
    file = data.draw(st.sampled_from(sorted(names)))
    arrays = {key: np.array(value) for key, value in map_tensors(version / file).items()}
    one, two = (data.draw(st.sampled_from(names[file])) for _ in range(2))
    if one == two:
        del arrays[one]
    else:
        arrays[one], arrays[two] = arrays[two], arrays[one]
    if arrays:
        asked(rewritten(version, tmp_path / "m", file, arrays), str(cw.load(version).vocab.ids[0]))
