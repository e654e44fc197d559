"""Dense fields from the items table to the answer: fit, save, inspect, export, new items; content graphs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.errors import DataError, UsageError
from cowalk.export import export

N, GROUPS = 24, 3
RNG = np.random.default_rng(0)
ITEMS = [f"i{n}" for n in range(N)]
CENTRES = RNG.normal(size=(GROUPS, 4))


def text_of(group: int) -> np.ndarray:
    return CENTRES[group] + RNG.normal(size=4) * 0.05


def items() -> pd.DataFrame:
    """Items of three groups, which the text vector tells and the brand does not; two are not in the log."""
    rows = [(item, f"b{n % 4}", text_of(n % GROUPS)) for n, item in enumerate(ITEMS)]
    rows[5] = (ITEMS[5], "b1", None)
    rows += [("new1", "b0", text_of(1)), ("new2", "b3", None)]
    return pd.DataFrame(rows, columns=["item_id", "brand", "text"])


def events() -> pd.DataFrame:
    """Sessions within a group."""
    rows = []
    for session in range(240):
        group = session % GROUPS
        for step, n in enumerate(RNG.integers(0, N // GROUPS, size=5)):
            rows.append((f"u{session}", ITEMS[group + GROUPS * n], 1_600_000_000 + session * 10_000 + step))
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> cw.Model:
    return cw.fit(
        events(), items=items(), recipe="eges", vector_size=8, seed=1, trials=0,
        out=tmp_path_factory.mktemp("dense") / "model", cold_learn={}, learn__epochs=3, walks__num_walks=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(model: cw.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("saved") / "model").parents[1]


def test_saved_and_loaded_alike(model: cw.Model, folder: Path) -> None:
    again = cw.load(folder, verify=True)
    assert model.side_info is not None
    assert again.side_info is not None
    np.testing.assert_array_equal(again.side_info["text"].vectors, model.side_info["text"].vectors)
    assert again.cold_info is not None
    assert again.cold_info["text"].known.tolist() == [True, False]
    for one in (model, again):
        assert one.fields["text"].array.shape == (4, 8)
        told = one.inspect()
        assert told["fields"]["text"] == {"kind": "dense", "values": 4, "known": pytest.approx(23 / 24)}
        assert told["weights"]["text"]["mean length"] > 0
    new = {"brand": "b0", "text": CENTRES[1]}
    np.testing.assert_array_equal(again.embed(new), model.embed(new))


def test_a_new_item_stands_near_the_group_that_its_vector_tells(model: cw.Model) -> None:
    for method in ("mean", "ridge"):
        vector = model.embed({"text": CENTRES[1]}, method)
        cosines = model.vectors.array @ vector / np.linalg.norm(model.vectors.array, axis=1)
        group = np.array([int(str(name)[1:]) % GROUPS for name in model.vocab.ids.tolist()])
        assert cosines[group == 1].mean() > cosines[group != 1].mean()
    answer = model.similar({"brand": "b0", "text": CENTRES[2]}, k=5)
    assert sum(int(str(item)[1:]) % GROUPS == 2 for item in answer.ids) >= 4
    assert len(model.similar("new1", k=3, on_unknown="cold").ids) == 3


def test_the_answer_for_a_new_item_tells_what_was_added_up(model: cw.Model) -> None:
    changes = [{"score": "HZ", "popularity": 0.5, "cooccurrence": 0.0}, {"score": "HH", "cooccurrence": 0.5}]
    scorers = [replace(model.cold, settings=model.recipe.cold.model_copy(update=one)) for one in changes]
    assert scorers[0].label == "vector from the attributes . context rows + popularity"
    near = "8 x cosine of the vector from the attributes"
    assert scorers[1].label.startswith(near)
    assert scorers[1].label.endswith(" + companions of similar items")
    recipe = model.recipe.changed({"cold.score": "HH"})
    assert replace(model, recipe=recipe).similar({"brand": "b0"}, k=1).score.startswith(near)


def test_the_mean_is_the_vector_times_the_map(model: cw.Model) -> None:
    x = np.array([0.5, -1.0, 0.25, 2.0], dtype=np.float32)
    np.testing.assert_allclose(model.embed({"text": x}, "mean"), x @ model.fields["text"].array, atol=1e-5)


def test_tables_of_new_items_on_the_command_line(model: cw.Model, folder: Path, tmp_path: Path) -> None:
    new = pl.DataFrame({"item_id": ["x", "y"], "brand": ["b0", "b1"], "text": [CENTRES[0].tolist(), None]})
    new.write_parquet(tmp_path / "new.parquet")
    assert (
        run(
            [
                "embed",
                str(folder),
                "--items",
                str(tmp_path / "new.parquet"),
                "--out",
                str(tmp_path / "v.parquet"),
            ]
        )
        == 0
    )
    found = pl.read_parquet(tmp_path / "v.parquet")
    wanted = [model.embed({"brand": "b0", "text": CENTRES[0]}), model.embed({"brand": "b1"})]
    np.testing.assert_allclose(np.stack(found["vector"].to_list()), wanted, atol=1e-5)


def test_a_vector_may_be_written_as_a_list(
    model: cw.Model, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["embed", str(folder), "--side", "text=[0.5, 1, 0, 2]"]) == 0
    np.testing.assert_allclose(
        json.loads(capsys.readouterr().out), model.embed({"text": [0.5, 1, 0, 2]}), atol=1e-5
    )
    assert run(["embed", str(folder), "--side", "text=[0.5, 1]"]) == 2
    assert "takes a list of 4 numbers, got 2" in capsys.readouterr().err


def test_the_map_is_exported_as_the_rows_of_the_field(model: cw.Model, tmp_path: Path) -> None:
    export(model, "parquet", "fields", tmp_path / "fields.parquet")
    rows = pl.read_parquet(tmp_path / "fields.parquet").filter(pl.col("field") == "text")
    assert rows["id"].to_list() == ["text=0", "text=1", "text=2", "text=3"]
    np.testing.assert_allclose(np.stack(rows["vector"].to_list()), model.fields["text"].array)


def test_graphs_of_attributes_give_vectors_even_to_items_without_events() -> None:
    tags = [
        ["red", "wool"],
        ["red", "silk"],
        ["blue", "tin"],
        ["blue", "zinc"],
        ["wool", "silk"],
        ["lone"],
        [],
    ]
    table = pd.DataFrame({"item_id": list("abcdefg"), "tags": tags})
    catalogue = cw.read_items(table)
    found = cw.content_vectors(catalogue, "tags", vector_size=8, seed=3)
    assert list(found) == list("abcde")  # f and g share nothing
    rows = found.array / np.linalg.norm(found.array, axis=1, keepdims=True)
    likeness = rows @ rows.T
    assert min(likeness[0, 1], likeness[0, 4], likeness[2, 3]) > max(likeness[0, 2], likeness[4, 3])
    again = cw.content_vectors(catalogue, ("tags",), vector_size=8, seed=3)
    np.testing.assert_array_equal(found.array, again.array)
    joined = cw.with_vectors(catalogue, "tags graph", found)
    assert joined.fields[1].kind == "dense"


def test_attributes_without_a_graph_are_refused() -> None:
    table = pd.DataFrame({"item_id": ["a", "b"], "tag": ["x", "y"], "text": [[0.5, 1.0], [1.5, 2.0]]})
    catalogue = cw.read_items(table)
    with pytest.raises(DataError, match="no two items share a value of tag"):
        cw.content_vectors(catalogue, "tag")
    with pytest.raises(UsageError, match="no field 'color'; the fields are tag, text"):
        cw.content_vectors(catalogue, "color")
    with pytest.raises(UsageError, match="field 'text' is dense already"):
        cw.content_vectors(catalogue, "text")
