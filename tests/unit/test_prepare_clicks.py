"""Tables of clicks: forms, kinds of columns, codes, unknown and missing values, bad tables."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_columns import log_edges
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks
from cowalk.tables.clicks import ClickColumn, ClickTable

ROWS = """user,site,slot,price,label
u1,news,1,0.5,1
u1,news,2,1.0,0
u2,games,1,,0
u2,news,1,3.0,0
u3,,2,100.0,1
u3,rare,2,0.5,0
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    out = tmp_path / "clicks.csv"
    out.write_text(ROWS)
    return out


def test_values_become_codes_most_frequent_first(path: Path) -> None:
    table = read_clicks(path, ClickSettings(group_column="user", min_count=1))
    assert [(c.name, c.kind) for c in table.columns] == [
        ("site", "categorical"), ("slot", "categorical"), ("price", "buckets"),
    ]  # fmt: skip
    site, slot, price = table.columns
    assert site.labels.tolist() == ["news", "", "games", "rare"]  # by count, then by text
    np.testing.assert_array_equal(table.codes[:, 0], [1, 1, 3, 1, 2, 4])
    assert slot.labels.tolist() == ["1", "2"]
    np.testing.assert_array_equal(table.codes[:, 1], [1, 2, 1, 1, 2, 2])
    assert price.edges[0] == 1.0
    assert table.codes[2, 2] == 0  # missing
    assert table.codes[:, 2].tolist() == [1, 2, 0, 5, table.codes[4, 2], 1]  # edges 1, 1.41, 2, 2.83 <= 3
    np.testing.assert_array_equal(table.labels, [1, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(table.groups, [0, 0, 1, 1, 2, 2])
    assert table.sizes == [5, 3, len(price.edges) + 2]


def test_rare_and_unseen_values_share_a_row_of_their_own(path: Path, tmp_path: Path) -> None:
    table = read_clicks(path, ClickSettings(min_count=2, without=("user",)))
    assert table.columns[0].labels.tolist() == ["news"]
    np.testing.assert_array_equal(table.codes[:, 0], [1, 1, 0, 1, 0, 0])
    later = tmp_path / "later.csv"
    later.write_text("price,slot,site\n7.5,9,news\n,1,sport\n")  # no label, other order, values not seen
    found = read_clicks(later, None, table.columns)
    assert found.labels is None
    np.testing.assert_array_equal(found.codes[:, :2], [[1, 0], [0, 1]])
    assert found.codes[1, 2] == 0


def test_numbers(path: Path) -> None:
    plain = read_clicks(path, ClickSettings(numbers="standardise", without=("user",)))
    known = np.array([0.5, 1, 3, 100, 0.5])
    expected = (known - known.mean()) / known.std()
    np.testing.assert_allclose(plain.numbers[[0, 1, 3, 4, 5], 0], expected, rtol=1e-5)
    assert plain.numbers[2, 0] == 0
    parts = read_clicks(path, ClickSettings(numbers="quantile", buckets=2, without=("user",)))
    np.testing.assert_array_equal(parts.columns[-1].edges, [1.0])
    as_number = read_clicks(path, ClickSettings(numeric=("slot",), without=("user", "site")))
    assert as_number.columns[0].kind == "buckets"
    as_text = read_clicks(path, ClickSettings(categorical=("price",), without=("user", "site"), min_count=1))
    assert as_text.columns[1].labels.tolist() == ["0.5", "", "1.0", "100.0", "3.0"]


def test_log_edges_are_half_powers_of_two() -> None:
    np.testing.assert_allclose(log_edges(0, 4), [1, 2**0.5, 2, 2**1.5, 4])
    np.testing.assert_allclose(log_edges(-1.2, 0.5), [-1, 0])
    np.testing.assert_allclose(log_edges(0.1, 0.3), [0.2])


def test_tables_in_memory_read_the_same(path: Path) -> None:
    settings = ClickSettings(group_column="user", min_count=1)
    wanted = read_clicks(path, settings)
    frame = pd.read_csv(path)
    for source in (frame, pl.from_pandas(frame)):
        found = read_clicks(source, settings)
        np.testing.assert_array_equal(found.codes, wanted.codes)
        np.testing.assert_array_equal(found.groups, wanted.groups)


def test_whole_numbers_with_gaps_are_the_same_categories() -> None:
    """pandas makes floats of whole numbers where some are missing."""
    whole = pd.DataFrame({"slot": [3, 3, 1, 1, 2], "label": [0, 1, 0, 1, 1]})
    table = read_clicks(whole, ClickSettings(min_count=1))
    assert table.columns[0].labels.tolist() == ["1", "3", "2"]
    gaps = pd.DataFrame({"slot": [3.0, np.nan, 2.0, 1.5], "label": [0, 1, 0, 1]})
    assert read_clicks(gaps, None, table.columns).codes[:, 0].tolist() == [2, 0, 3, 0]
    again = read_clicks(gaps.iloc[:3], ClickSettings(min_count=1))
    assert again.columns[0].labels.tolist() == ["", "2", "3"]
    assert read_clicks(gaps, ClickSettings(min_count=1)).columns[0].kind == "buckets"


def test_criteo_form(tmp_path: Path) -> None:
    path = tmp_path / "train.txt.gz"
    rows = []
    for i in range(9):
        numbers = [str(i * k) if i else "" for k in range(1, 14)]
        rows.append("\t".join([str(i % 2), *numbers, *(f"{i % 3}{chr(97 + c)}" for c in range(26))]))
    with gzip.open(path, "wt") as file:
        file.write("\n".join(rows) + "\n")
    table = read_clicks(path, ClickSettings(form="criteo"))
    assert [c.kind for c in table.columns] == ["buckets"] * 13 + ["categorical"] * 26
    assert table.codes[0, 0] == 0
    assert table.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]


def test_ipinyou_form(tmp_path: Path) -> None:
    path = tmp_path / "train.fm.txt"
    path.write_text("0 1:1 6:1 31:1\n1 2:1 6:1 31:1\n0 1:1 7:1 31:1\n0 2:1 7:1 31:1\n")
    settings = ClickSettings(form="ipinyou", constant="drop")
    table = read_clicks(path, settings)
    assert [c.name for c in table.columns] == ["f1", "f2"]
    np.testing.assert_array_equal(table.codes, [[1, 1], [2, 1], [1, 2], [2, 2]])
    path.write_text("0 1:1 6:1\n1 2:1 6:0.5\n")
    with pytest.raises(DataError, match=r"row 2: not of the form 'label index:1 index:1"):
        read_clicks(path, settings)
    path.write_text("0 1:1 6:1\n1 2:1\n")
    with pytest.raises(DataError, match="row 2"):
        read_clicks(path, settings)


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("a,label\nx,0\ny,2\n", {}, r"the label '2' \(.*clicks.csv, row 2\) is not 0 or 1"),
        ("a,label\nx,0\ny,\n", {}, r"the label null \(.*row 2\) is not 0 or 1"),
        ("a,click\nx,0\n", {}, "no column 'label'; the columns are a, click; name the label's by --label"),
        ("a,b,label\nx,1,0\nx,2,1\n", {"min_count": 1}, "column 'a' tells nothing: .*--without a"),
        ("a,label\nx,0\ny,1\n", {"min_count": 5}, "rarer than min_count 5"),
        ("a,p,label\nx,1.5,0\ny,1.5,1\n", {"min_count": 1}, "column 'p' tells nothing"),
        ("1,x,x\n0,y,y\n", {}, "'x' stands twice; rename one, or give the file a first line of column names"),
        ("label\n0\n1\n", {}, "no column to learn from"),
        ("a,label\n", {}, "it has no rows"),
        ("a,label\nx,0\ny,1\n", {"numeric": ("a",)}, "column 'a': 'x' .* is not a number"),
        ("a,label\nx,0\ny,1\n", {"group_column": "user"}, "no column 'user'"),
    ],
)
def test_bad_tables_are_told(tmp_path: Path, text: str, settings: dict[str, object], words: str) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_clicks(path, ClickSettings(**settings))


def test_settings_that_do_not_go_together(path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'sight'; did you mean 'site'"):
        read_clicks(path, ClickSettings(without=("sight",)))
    with pytest.raises(UsageError, match="both categorical and numeric"):
        read_clicks(path, ClickSettings(categorical=("slot",), numeric=("slot",)))
    with pytest.raises(UsageError, match="the form criteo is one of files"):
        read_clicks(pd.DataFrame({"label": [0]}), ClickSettings(form="criteo"))
    table = read_clicks(path, ClickSettings(without=("user",)))
    other = path.with_name("other.csv")
    other.write_text("site,label\nnews,1\n")
    with pytest.raises(
        DataError, match="no column 'slot', which the model knows; the columns are site, label"
    ):
        read_clicks(other, None, table.columns)


def test_columns_as_plain_values_and_back(path: Path) -> None:
    for numbers in ("log", "standardise"):
        for column in read_clicks(path, ClickSettings(numbers=numbers, without=("user",))).columns:
            again = ClickColumn.from_dict(column.to_dict(), column.labels)
            assert again.to_dict() == column.to_dict()
            if column.labels is None:
                values = np.array([0.2, np.nan, 7.0])
                np.testing.assert_array_equal(again.coded(values), column.coded(values))


def test_the_table_is_checked_at_birth() -> None:
    column = ClickColumn("a", "buckets", edges=np.array([1.0]))
    codes, none = np.array([[0], [2]], dtype=np.int32), np.zeros((2, 0), dtype=np.float32)
    table = ClickTable((column,), codes, none, np.array([0, 1], dtype=np.float32))
    assert table.select(np.array([1])).codes.tolist() == [[2]]
    with pytest.raises(DataError, match="a code lies outside"):
        ClickTable((column,), codes + 1, none)
    with pytest.raises(DataError, match="2 rows but 1 labels"):
        ClickTable((column,), codes, none, np.zeros(1, dtype=np.float32))
