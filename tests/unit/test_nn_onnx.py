"""The user tower in ONNX gives what numpy gives, which is what torch gives (test_nn_towers)."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cowalk as cw
from cowalk.errors import MissingExtraError, ModelError, UsageError
from cowalk.export import export
from cowalk.layers import Layer
from cowalk.nn.onnx import OnnxTower, export_tower
from cowalk.users.tower import NumpyTower

RNG = np.random.default_rng(0)


def rows(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


TOWERS = {
    "two-tower": NumpyTower(
        rows(20, 6), rows(4), rows(6), rows(0, 6), (Layer(rows(6, 6), rows(6), False),), True, 10.0
    ),
    "youtube": NumpyTower(
        rows(20, 6), np.zeros(5, np.float32), np.zeros(6, np.float32), rows(8, 6),
        (Layer(rows(6, 9), rows(9), True), Layer(rows(9, 4), rows(4), True)), False, 1.0, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOWERS)
def test_onnxruntime_equals_numpy(name: str, tmp_path: Path) -> None:
    tower = TOWERS[name]
    found = OnnxTower.open(export_tower(tower, tmp_path / "user.onnx"))
    lengths = RNG.integers(0, 9, 50)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = RNG.integers(0, 20, offsets[-1]).astype(np.int32)
    users = RNG.integers(-1, 7, 50).astype(np.int32)
    assert (lengths == 0).any()
    for who in (users, None):
        wanted = tower.vectors(items, offsets, who)
        assert np.abs(found.vectors(items, offsets, who) - wanted).max() < 1e-5 * max(np.abs(wanted).max(), 1)


def test_bad_calls_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"ending \.onnx"):
        export_tower(TOWERS["youtube"], tmp_path / "user.txt")
    (tmp_path / "no.onnx").write_bytes(b"no")
    with pytest.raises(ModelError, match="no user tower in ONNX"):
        OnnxTower.open(tmp_path / "no.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"cowalk\[onnx\]"):
        export_tower(TOWERS["youtube"], tmp_path / "user.onnx")


def test_export_writes_the_tower_of_a_model(shop_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this model has none"):
        export(cw.load(shop_model), "onnx", "items", tmp_path / "user.onnx")
    model = cw.load(shop_model)
    extra = {**model.learned.extra, **TOWERS["two-tower"].arrays()}
    told = export(
        replace(model, learned=replace(model.learned, extra=extra)), "onnx", "items", tmp_path / "user.onnx"
    )
    assert told[0].startswith("input history int64[Q, 4] ")
    assert OnnxTower.open(tmp_path / "user.onnx").last == 4
