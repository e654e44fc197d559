"""The user tower in ONNX gives what numpy gives, which is what torch gives (test_nn_towers also asks)."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cowalk as cw
from cowalk.cli.run import run as command
from cowalk.errors import MissingExtraError, ModelError, UsageError
from cowalk.export import export
from cowalk.layers import Layer
from cowalk.nn.onnx import OnnxTower, RunTower, export_tower
from cowalk.serve import create_app
from cowalk.serve.options import ServeSettings
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


Asked = tuple[np.ndarray, np.ndarray, np.ndarray]


def asked() -> Asked:
    """Histories of 0 to 8 items, some longer than any tower looks at, and users, some of them unknown."""
    lengths = np.concatenate([[0, 8, 1], RNG.integers(0, 9, 47)])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return (
        RNG.integers(0, 20, offsets[-1]).astype(np.int32), offsets, RNG.integers(-2, 12, 50).astype(np.int32)
    )  # fmt: skip


def near(found: np.ndarray, wanted: np.ndarray) -> bool:
    return bool(np.abs(found - wanted).max() < 1e-5 * max(np.abs(wanted).max(), 1))


@pytest.mark.parametrize("name", TOWERS)
def test_onnxruntime_equals_numpy(name: str, tmp_path: Path) -> None:
    tower, (items, offsets, users) = TOWERS[name], asked()
    found = OnnxTower.open(export_tower(tower, tmp_path / "user.onnx"))
    run = RunTower.of(tower)
    for who in (users, None):
        wanted = tower.vectors(items, offsets, who)
        assert near(found.vectors(items, offsets, who), wanted)
        assert near(run.vectors(items, offsets, who), wanted)
        for q in range(3):  # one at a time, as the service asks
            own, one = items[offsets[q] : offsets[q + 1]], None if who is None else who[q : q + 1]
            assert near(run.vectors(own, np.array([0, len(own)]), one)[0], wanted[q])


def test_new_items_come_beside_those_of_the_tower() -> None:
    tower, new = TOWERS["two-tower"], rows(3, 6)
    items, offsets = np.array([22, 3, 20], dtype=np.int32), np.array([0, 1, 3])
    run = RunTower.of(tower).beside(new)
    assert np.array_equal(run.inputs[20:], new)
    assert near(run.vectors(items, offsets), tower.beside(new).vectors(items, offsets))


def test_a_model_answers_by_onnxruntime_as_by_numpy(shop_model: Path) -> None:
    model = cw.load(shop_model)
    with pytest.raises(UsageError, match="this model has none: leave it out"):
        model.with_tower("onnx")
    with pytest.raises(UsageError, match="tower=torch: it must be numpy or onnx"):
        model.with_tower("torch")  # type: ignore[arg-type]
    settings = model.recipe.recommend.model_copy(update={"score": "HZ"})
    model = replace(model, recipe=model.recipe.model_copy(update={"recommend": settings}))
    tower = replace(TOWERS["two-tower"], inputs=rows(len(model.vocab), 6))
    size = model.recommender.keys.shape[1]
    tower = replace(tower, layers=(*tower.layers, Layer(rows(6, size), rows(size), False)))
    learned = replace(model.learned, extra={**model.learned.extra, **tower.arrays()})
    plain = replace(model, learned=learned)
    by_onnx = plain.with_tower("onnx")
    assert isinstance(by_onnx.recommender.tower, RunTower)
    ids = plain.vocab.ids.tolist()
    for history in (ids[:1], ids[:9], ["not known", ids[3]]):
        one, two = (m.recommend(history, k=20, on_unknown="skip") for m in (plain, by_onnx))
        assert np.allclose(one.scores, two.scores, atol=1e-4)
        assert len(set(one.ids) & set(two.ids)) >= 19  # but for ties
    app = create_app(plain, settings=ServeSettings(tower="onnx"))
    assert isinstance(app.state.service.state.model.recommender.tower, RunTower)


def test_bad_calls_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"ending \.onnx"):
        export_tower(TOWERS["youtube"], tmp_path / "user.txt")
    (tmp_path / "no.onnx").write_bytes(b"no")
    with pytest.raises(ModelError, match="no user tower in ONNX"):
        OnnxTower.open(tmp_path / "no.onnx")
    monkeypatch.setattr("cowalk.nn.onnx.MOST", 100)
    with pytest.raises(UsageError, match="ONNX holds 2 GiB at most"):
        RunTower.of(TOWERS["youtube"])
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"cowalk\[onnx\]"):
        export_tower(TOWERS["youtube"], tmp_path / "user.onnx")


def test_serve_tells_of_a_tower_that_cannot_be(shop_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tower, words in (
        ("torch", "it must be numpy or onnx"),
        ("onnx", "this model has none: leave it out"),
    ):
        assert (
            command(["serve", str(shop_model), "--port", "0", "--histories", "memory", "--tower", tower]) == 2
        )
        assert words in capsys.readouterr().err


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
