"""Dense fields: read from lists of every source and by id, fitted, encoded; wrong ones told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cowalk.errors import DataError, UsageError
from cowalk.prepare import (
    SideSettings,
    catalogue_of,
    encode_items,
    encode_side_info,
    read_items,
    settings_like,
    with_vectors,
)
from cowalk.tables import Catalogue, Field, RawField, SideInfo, Vectors, Vocab

IDS = ["a", "b", "c", "d"]
ROWS = [[0.5, -1.0, 2.0], None, [1.5, 0.25, 0.0], [0.0, 0.0, 1.0]]
WANTED = np.array([row or [np.nan] * 3 for row in ROWS], dtype=np.float32)


def catalogue(rows: list[object] = ROWS, **settings: object) -> Catalogue:
    return read_items(pd.DataFrame({"item_id": IDS, "text": rows}), SideSettings(**settings))  # type: ignore[arg-type]


def table(kind: pa.DataType) -> pa.Table:
    return pa.table({"item_id": IDS, "text": pa.array(ROWS, kind)})


@pytest.mark.parametrize(
    "kind", ["list", "large", "fixed", "double", "polars", "pandas", "parquet", "jsonl", "csv"]
)
def test_lists_of_fractions_are_vectors_from_every_source(kind: str, tmp_path: Path) -> None:
    sources = {
        "list": table(pa.list_(pa.float32())),
        "large": table(pa.large_list(pa.float32())),
        "fixed": table(pa.list_(pa.float32(), 3)),
        "double": table(pa.list_(pa.float64())),
        "polars": pl.DataFrame({"item_id": IDS, "text": ROWS}),
        "pandas": pd.DataFrame({"item_id": IDS, "text": [None if r is None else np.array(r) for r in ROWS]}),
    }
    path = tmp_path / f"items.{kind}"
    if kind == "parquet":
        pq.write_table(table(pa.list_(pa.float32())), path)
    if kind == "jsonl":
        lines = [{"item_id": i, "text": r} for i, r in zip(IDS, ROWS, strict=True)]
        path.write_text("\n".join(map(json.dumps, lines)))
    if kind == "csv":
        lines = [f'{i},"{json.dumps(r) if r else ""}"' for i, r in zip(IDS, ROWS, strict=True)]
        path.write_text("\n".join(["item_id,text", *lines]))
    field = read_items(sources.get(kind, path)).fields[0]
    assert field.kind == "dense"
    assert field.vectors is not None
    assert field.vectors.dtype == np.float32
    np.testing.assert_array_equal(field.vectors, WANTED)


def test_lists_that_are_no_vectors_stay_values_unless_asked_for() -> None:
    whole = [[1, 0], [0, 1], [1, 1], [2, 0]]
    assert catalogue(whole).fields[0].kind == "multi"
    assert catalogue([["x"], ["y", "z"], ["x"], []]).fields[0].kind == "multi"
    assert catalogue([[0.5], [0.5, 1.5], [2.5], [1.0]]).fields[0].kind == "multi"
    asked = catalogue(whole, fields={"text": "dense"}).fields[0]
    np.testing.assert_array_equal(asked.vectors, np.array(whole, dtype=np.float32))
    assert catalogue(fields={"text": "multi"}).fields[0].kind == "multi"


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([[0.5, 1.0], [1.0], [0.5, 2.0], None], DataError, "item 'b' has 1 numbers, others have 2"),
        ([[0.5, 1.0], [1.0, np.inf], [0.5, 2.0], None], DataError, "item 'b' holds what is no finite number"),
        ([[0.5, 1.0], [1.0, None], [0.5, 2.0], None], DataError, "item 'b' holds what is no finite number"),
        (["x", "y", "x", "y"], UsageError, "'text' cannot be dense: it holds no lists of numbers"),
        ([["x"], ["y"], ["x"], ["y"]], DataError, "item 'a' holds what is no finite number"),
    ],
)
def test_wrong_vectors_are_told_by_the_item(rows: list[object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        catalogue(rows, fields={"text": "dense"})


def test_a_dense_field_without_any_vector_is_refused_where_it_is_fitted() -> None:
    settings = SideSettings(fields={"text": "dense"})
    empty = catalogue([None] * 4, fields={"text": "dense"})
    assert empty.notes == ("field 'text' was left out: it holds no value",)
    with pytest.raises(DataError, match="field 'text' is to be dense, but holds no vector"):
        encode_side_info(empty, empty.ids, settings)


def test_vectors_by_id_from_memory_and_from_a_file(tmp_path: Path) -> None:
    held = Vectors(Vocab.of(["c", "x", "a"]), np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32))
    held.save(tmp_path / "text.npz")
    plain = read_items(pd.DataFrame({"item_id": IDS, "color": ["r", "g", "r", "g"]}))
    wanted = np.array([[5, 6], [np.nan] * 2, [1, 2], [np.nan] * 2], dtype=np.float32)
    settings = SideSettings(vectors={"text": str(tmp_path / "text.npz")})
    for made in (
        with_vectors(plain, "text", held),
        with_vectors(with_vectors(plain, "text", held), "text", tmp_path / "text.npz"),
        read_items(pd.DataFrame({"item_id": IDS, "color": ["r", "g", "r", "g"]}), settings),
    ):
        assert [field.name for field in made.fields] == ["color", "text"]
        np.testing.assert_array_equal(made.fields[1].vectors, wanted)
    with pytest.raises(DataError, match=r"none of the 4 items has a vector: .*'a'.*'z'"):
        with_vectors(plain, "text", Vectors(Vocab.of(["z"]), np.ones((1, 2), dtype=np.float32)))


@pytest.fixture
def fitted() -> SideInfo:
    return encode_side_info(catalogue(), Vocab.of(["d", "a", "b"]))


def test_fitting_aligns_and_keeps_the_vectors(fitted: SideInfo) -> None:
    field = fitted["text"]
    assert (field.kind, field.size, len(field), len(field.codes)) == ("dense", 3, 3, 0)
    np.testing.assert_array_equal(field.vectors, WANTED[[3, 0, 1]])
    assert field.known.tolist() == [True, True, False]
    taken = field.take(np.array([2, -1, 0]))
    np.testing.assert_array_equal(taken.vectors, WANTED[[1, 1, 3]])
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_allclose(field.product(rows)[:2], WANTED[[3, 0]] @ rows)
    assert field.product(rows)[2].tolist() == [0, 0]


def test_new_items_are_encoded_by_hand_and_from_tables(fitted: SideInfo) -> None:
    given = [{"text": [1.0, 2.0, 3.0]}, {"text": "[0.5, 0, 1]"}, {"text": None}, {}]
    wanted = np.array([[1, 2, 3], [0.5, 0, 1], [np.nan] * 3, [np.nan] * 3], dtype=np.float32)
    (field,), unknown = encode_items(fitted, catalogue_of(given, fitted))  # type: ignore[arg-type]
    np.testing.assert_array_equal(field.vectors, wanted)
    assert unknown == {}
    assert encode_items(fitted, catalogue_of({"text": np.ones(3)}, fitted))[0][0].known.tolist() == [True]  # type: ignore[dict-item]
    new = pd.DataFrame({"item_id": ["n"], "text": [[1, 2, 3]]})  # whole numbers are taken too
    (field,), _ = encode_items(fitted, read_items(new, settings_like(fitted)))
    assert field.vectors.tolist() == [[1, 2, 3]]
    empty = pd.DataFrame({"item_id": ["n"], "text": [None]})
    assert not encode_items(fitted, read_items(empty, settings_like(fitted)))[0][0].known.any()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1.0, 2.0], "takes a list of 3 numbers, got 2"),
        ("red", "takes a list of numbers, got 'red'"),
        ([1.0, float("nan"), 0.0], "must be finite"),
        (7.0, "takes a list of 3 numbers, got 1"),
    ],
)
def test_wrong_vectors_by_hand_are_told(fitted: SideInfo, value: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        catalogue_of({"text": value}, fitted)  # type: ignore[dict-item]


def test_kinds_that_do_not_fit_are_told(fitted: SideInfo) -> None:
    def one(field: RawField) -> Catalogue:
        return Catalogue(Vocab.of(["n"]), (field,))

    with pytest.raises(UsageError, match="the vectors have 2 numbers, the model was fitted with 3"):
        encode_items(fitted, one(RawField("text", "dense", vectors=np.ones((1, 2), dtype=np.float32))))
    with pytest.raises(UsageError, match="takes vectors of 3 numbers, not numeric values"):
        encode_items(fitted, one(RawField("text", "numeric", numbers=np.ones(1))))
    coded = encode_side_info(
        read_items(pd.DataFrame({"item_id": ["a", "b"], "text": ["x", "y"]})), Vocab.of(["a"])
    )
    with pytest.raises(UsageError, match="'text' takes values, not vectors"):
        encode_items(coded, one(RawField("text", "dense", vectors=np.ones((1, 2), dtype=np.float32))))


def test_a_field_of_half_a_vector_is_no_field() -> None:
    half = np.array([[1.0, np.nan]], dtype=np.float32)
    with pytest.raises(DataError, match="row 1 is not finite"):
        Field.dense("text", half)
    with pytest.raises(DataError, match="needs vectors"):
        RawField("text", "dense")
