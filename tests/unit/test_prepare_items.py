"""The items table: kinds guessed and given, side information fitted on a vocabulary, new items, bad input."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import DataError, UsageError
from cowalk.prepare import (
    SideSettings,
    catalogue_of,
    encode_items,
    encode_side_info,
    read_items,
    settings_like,
)
from cowalk.tables import Catalogue, RawField, Vocab

N = 40
ITEMS = pd.DataFrame(
    {
        "item_id": [f"i{k}" for k in range(N)],
        "category": [f"c {k % 3}" if k % 7 else None for k in range(N)],
        "price": [k / 4 if k % 5 else np.nan for k in range(N)],
        "tags": [["b", "a", " a "][: k % 4] for k in range(N)],
        "title": [f"title {k}" for k in range(N)],
        "stock": range(N),
        "rooms": [k % 3 for k in range(N)],
        "since": pd.date_range("2011-01-01", periods=N),
        "new": [k % 2 == 0 for k in range(N)],
    }
)
KINDS = {
    "category": "categorical",
    "price": "numeric",
    "tags": "multi",
    "stock": "numeric",
    "rooms": "categorical",
    "since": "numeric",
    "new": "categorical",
}


def values_of(field):
    """The values of a raw field by item: a list of labels, or a number."""
    if field.numbers is not None:
        return field.numbers.tolist()
    rows = zip(field.offsets[:-1], field.offsets[1:], strict=True)
    return [[str(field.labels[code]) for code in field.codes[a:b]] for a, b in rows]


def sources(tmp_path):
    ITEMS.to_parquet(tmp_path / "items.parquet")
    ITEMS.to_json(tmp_path / "items.jsonl", orient="records", lines=True, date_format="iso")
    joined = ITEMS.assign(tags=["|".join(tags) for tags in ITEMS.tags])
    joined.to_csv(tmp_path / "items.csv", index=False)
    yield ITEMS, {}
    yield pl.from_pandas(ITEMS), {}
    yield tmp_path / "items.parquet", {}
    yield tmp_path / "items.jsonl", {}
    yield tmp_path / "items.csv", {"separators": {"tags": "|"}}


def test_every_source_gives_the_same_catalogue(tmp_path):
    for source, options in sources(tmp_path):
        catalogue = read_items(source, SideSettings(**options))
        assert {field.name: field.kind for field in catalogue.fields} == KINDS
        assert catalogue.ids.ids.tolist() == ITEMS.item_id.tolist()
        assert len(catalogue.notes) == 1
        assert "'title' was left out" in catalogue.notes[0]
        raw = {field.name: values_of(field) for field in catalogue.fields}
        assert raw["category"] == [[f"c {k % 3}"] if k % 7 else [] for k in range(N)]
        assert raw["price"] == pytest.approx([k / 4 if k % 5 else np.nan for k in range(N)], nan_ok=True)
        assert [set(row) for row in raw["tags"]] == [set(["b", "a"][: k % 4]) for k in range(N)]
        assert raw["since"] == [14975.0 + k for k in range(N)]
        assert [row[0] for row in raw["new"]] == ["false" if k % 2 else "true" for k in range(N)]
        assert raw["rooms"] == [[str(k % 3)] for k in range(N)]


def test_an_index_that_pandas_wrote_is_no_field(tmp_path):
    odd = ITEMS.drop(index=[3, 5, 6])
    odd.to_parquet(tmp_path / "odd.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "odd.parquet").names
    for source in (tmp_path / "odd.parquet", pa.Table.from_pandas(odd), odd):
        found = read_items(source)
        assert [field.name for field in found.fields] == list(KINDS)
        assert found.ids.ids.tolist() == odd.item_id.tolist()


def test_kinds_can_be_set_and_fields_left_out():
    wish = {
        "title": "categorical",
        "price": "skip",
        "rooms": "numeric",
        "stock": "categorical",
        "category": "multi",
    }
    catalogue = read_items(ITEMS, SideSettings(fields=wish))
    kinds = {field.name: field.kind for field in catalogue.fields}
    assert [kinds[name] for name in ("title", "rooms", "stock", "category")] == [
        "categorical",
        "numeric",
        "categorical",
        "multi",
    ]
    assert "price" not in kinds


def test_a_field_without_values_is_left_out_with_a_note():
    catalogue = read_items(pd.DataFrame({"item_id": [1, 2], "x": [None, None], "y": ["a", None]}))
    assert [field.name for field in catalogue.fields] == ["y"]
    assert catalogue.notes == ("field 'x' was left out: it holds no value",)


def test_whole_numbers_with_holes_keep_their_labels_and_rows_without_id_go():
    table = pd.DataFrame({"item_id": [3, None, 1], "size": [5.0, 6, np.nan]})
    catalogue = read_items(table, SideSettings(fields={"size": "categorical"}))
    assert catalogue.ids.ids.tolist() == [3, 1]
    assert values_of(catalogue.fields[0]) == [["5"], []]
    assert catalogue.notes == ("1 rows without an item id were left out",)


@pytest.mark.parametrize(
    ("table", "options", "error", "says"),
    [
        ({"item_id": ["a", "b", "a"]}, {}, DataError, "item id 'a' stands 2 times"),
        ({"id": ["a"]}, {}, DataError, "no column 'item_id'; the columns are id"),
        ({"item_id": [None, ""]}, {}, DataError, "holds no item id"),
        (
            {"item_id": ["a"], "x": [1]},
            {"fields": {"y": "skip"}},
            UsageError,
            "no field 'y'; the fields are x",
        ),
        ({"item_id": ["a"], "x": ["p"]}, {"fields": {"x": "numeric"}}, DataError, "'p' is not a number"),
        ({"item_id": ["a"], "x": [{"k": 1}]}, {}, DataError, "field 'x'.*STRUCT"),
        ({"item_id": ["a"], "x": [["p"]]}, {"fields": {"x": "categorical"}}, UsageError, "can be multi"),
    ],
)
def test_bad_items_tables_get_one_clear_line(table, options, error, says):
    with pytest.raises(error, match=says) as caught:
        read_items(pd.DataFrame(table), SideSettings(**options))
    assert "\n" not in str(caught.value)


def labels_of(field, row):
    return [str(field.labels[code]) for code in field.codes[field.offsets[row] : field.offsets[row + 1]]]


def test_codes_are_fitted_on_the_items_of_the_vocabulary_alone():
    catalogue = read_items(ITEMS)
    vocab = Vocab.of(["i2", "i5", "nobody", "i1", "i8"])
    side = encode_side_info(catalogue, vocab)
    assert side.fingerprint == vocab.fingerprint
    assert side["category"].labels.tolist() == [
        "c 2",
        "c 1",
    ]  # i2, i5, i8 carry "c 2"; "c 0" is carried by none
    assert [labels_of(side["category"], row) for row in range(5)] == [["c 2"], ["c 2"], [], ["c 1"], ["c 2"]]
    assert side["stock"].labels.tolist() == ["1-2", "2-5", "5-8", "8-8"]
    assert side["stock"].edges.tolist() == [2, 5, 8]
    rare = encode_side_info(catalogue, vocab, SideSettings(min_value_count=2))
    assert rare["category"].labels.tolist() == ["c 2"]
    with pytest.raises(DataError, match=r"none of the 1 items .* 'zzz' against 'i0', 'i1', 'i2'"):
        encode_side_info(catalogue, Vocab.of(["zzz"]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=60), st.integers(2, 12))
def test_buckets_hold_items_and_their_edges_rise(values, buckets):
    ids = Vocab.of(list(range(len(values))))
    catalogue = Catalogue(ids, (RawField("x", "numeric", numbers=np.array(values)),))
    field = encode_side_info(catalogue, ids, SideSettings(buckets=buckets))["x"]
    assert np.diff(field.offsets).tolist() == [int(v == v) for v in values]
    known = np.array([v for v in values if v == v])
    assert field.size <= buckets
    assert np.array_equal(np.unique(field.codes), np.arange(field.size))  # no bucket is empty
    assert len(set(field.labels.tolist())) == field.size
    for value, code in zip(known, field.codes, strict=True):
        low = field.edges[code - 1] if code else -np.inf
        high = field.edges[code] if code < len(field.edges) else np.inf
        assert low <= value < high
    again, unknown = encode_items(encode_side_info(catalogue, ids, SideSettings(buckets=buckets)), catalogue)
    assert unknown == {}
    assert np.array_equal(again[0].codes, field.codes)


def test_new_items_get_fitted_codes_and_unknown_values_are_told():
    catalogue = read_items(ITEMS)
    side = encode_side_info(catalogue, catalogue.ids)
    new = [
        {"category": "c 1", "price": "2.95", "tags": ["a", "q"], "rooms": 2.0, "new": True},
        {"category": "zzz", "tags": "b", "since": "2011-01-03", "price": None},
    ]
    fields, unknown = encode_items(side, catalogue_of(new, side))
    found = {field.name: [labels_of(field, row) for row in range(2)] for field in fields}
    assert [field.name for field in fields] == side.names
    assert unknown == {"category": ["zzz"], "tags": ["q"]}
    assert found["category"] == [["c 1"], []]
    assert found["tags"] == [["a"], ["b"]]
    assert found["rooms"] == [["2"], []]
    assert found["new"] == [["true"], []]
    assert found["stock"] == [[], []]
    price, since = side["price"], side["since"]
    assert fields[1].codes.tolist() == [np.searchsorted(price.edges, 2.95, side="right")]
    assert found["since"][1] == [since.labels[np.searchsorted(since.edges, 14977, side="right")]]


def test_a_small_table_of_new_items_reads_under_the_fitted_kinds():
    catalogue = read_items(ITEMS)
    side = encode_side_info(catalogue, catalogue.ids)
    some = ITEMS.iloc[[5, 9]]
    for like in (
        settings_like(side),
        SideSettings(fields={"title": "skip"}),
    ):  # guessed, stock looks categorical
        fields, unknown = encode_items(side, read_items(some, like))
        assert unknown == {}
        for field in fields:
            whole = side[field.name]
            assert [labels_of(field, row) for row in range(2)] == [labels_of(whole, 5), labels_of(whole, 9)]


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"colour": "red"}, "no field 'colour'; the fields are category, price"),
        ({"price": "cheap"}, "'price' is numeric, got 'cheap'"),
        ({"price": [1, 2]}, "'price' is numeric and takes one value"),
    ],
)
def test_bad_attributes_get_one_clear_line(attributes, says):
    catalogue = read_items(ITEMS)
    with pytest.raises(UsageError, match=says):
        catalogue_of(attributes, encode_side_info(catalogue, catalogue.ids))
