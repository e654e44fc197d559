"""Training and test rows of a table of clicks: by user, by row, by time; columns fitted on training alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks, read_clicks_split
from cowalk.tables.clicks import ClickTable

N = 200
BY_USER = ClickSettings(group_column="user", min_count=1, numbers="standardise")


def frame(seed: int = 0) -> pd.DataFrame:
    """Rows of 20 users; every user has a site of its own, and prices that rise from row to row."""
    rng = np.random.default_rng(seed)
    users = rng.integers(20, size=N)
    return pd.DataFrame({
        "user": [f"u{u}" for u in users], "site": [f"s{u}" for u in users],
        "slot": rng.integers(3, size=N), "price": np.arange(N) + 0.5,
        "when": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.permutation(N) // 4, unit="h"),
        "label": rng.integers(2, size=N),
    })  # fmt: skip


def known(table: ClickTable) -> set[str]:
    """The values of the column `site` that have codes."""
    column = next(c for c in table.columns if c.name == "site")
    assert column.labels is not None
    return set(column.labels.tolist())


@pytest.mark.parametrize("seed", [0, 1])
def test_by_user_no_user_stands_on_both_sides(seed: int) -> None:
    rows = frame()
    train, test = read_clicks_split(rows, BY_USER.model_copy(update={"without": ("when",)}), 0.25, seed=seed)
    assert train.groups is not None
    assert test.groups is not None
    ours, theirs = set(train.groups.tolist()), set(test.groups.tolist())
    assert len(theirs) == 5
    assert not ours & theirs
    assert len(train) + len(test) == N
    names = sorted(set(rows["user"]))  # a group is the place of its text
    assert known(train) == {f"s{names[g][1:]}" for g in ours}
    assert (test.codes[:, 0] == 0).all()  # sites of test users alone are unknown


def test_nothing_of_the_test_rows_is_fitted() -> None:
    """Whatever stands in the test rows, the columns are those of the training rows by themselves."""
    rows = frame()
    settings = ClickSettings(group_column="user", min_count=2, without=("when",), numbers="quantile")
    train, test = read_clicks_split(rows, settings, 0.3, seed=3)
    held = rows.index.difference(_rows_of(train, rows))
    assert len(held) == len(test)
    other = rows.copy()
    other.loc[held, "site"], other.loc[held, "price"], other.loc[held, "slot"] = "odd", 1e6 + 0.25, 77
    again, changed = read_clicks_split(other, settings, 0.3, seed=3)
    alone = read_clicks(rows.drop(index=held), settings)
    for table in (again, alone):
        assert [c.to_dict() for c in table.columns] == [c.to_dict() for c in train.columns]
        np.testing.assert_array_equal(table.codes, train.codes)
        np.testing.assert_array_equal(table.labels, train.labels)
    assert (changed.codes[:, :2] == 0).all()


def _rows_of(train: ClickTable, rows: pd.DataFrame) -> np.ndarray:
    """Places of the training rows, told by their users."""
    assert train.groups is not None
    names = np.array(sorted(set(rows["user"])))
    return np.flatnonzero(np.isin(rows["user"].to_numpy(), names[np.unique(train.groups)]))


def test_by_row_and_by_time() -> None:
    rows = frame()
    plain = ClickSettings(without=("user", "when"), min_count=1, numbers="standardise")
    train, test = read_clicks_split(rows, plain, 0.1, seed=1)
    assert (len(train), len(test)) == (180, 20)
    again, _ = read_clicks_split(rows, plain, 0.1, seed=1)
    np.testing.assert_array_equal(again.codes, train.codes)
    train, test = read_clicks_split(rows, plain, 0.1, by="time")  # as they stand in the file
    whole = np.arange(N) + 0.5
    np.testing.assert_allclose(train.numbers[:, 0], (whole[:180] - 90) / whole[:180].std(), rtol=1e-5)
    np.testing.assert_allclose(test.numbers[:, 0], (whole[180:] - 90) / whole[:180].std(), rtol=1e-5)
    timed = ClickSettings(group_column="user", time_column="when", min_count=1, numbers="standardise")
    train, test = read_clicks_split(rows, timed, 0.1, by="time")
    assert [c.name for c in train.columns] == ["site", "slot", "price"]  # neither user nor time
    late = (rows["when"] >= rows["when"].sort_values().iloc[180]).to_numpy()
    assert int(late.sum()) == len(test) == 20  # five hours of four rows each
    np.testing.assert_array_equal(test.labels, rows["label"][late])


@given(hours=st.lists(st.integers(0, 5), min_size=8, max_size=40), share=st.floats(0.05, 0.9))
def test_equal_times_are_never_parted(hours: list[int], share: float) -> None:
    from cowalk.prepare.click_splits import _latest

    times = np.array(hours, dtype=np.int64)
    late = _latest(times, share)
    assert late.sum() >= round(share * len(times))
    if late.any():
        moment = times[late].min()
        assert not late[times < moment].any()
        assert late[times >= moment].all()
        assert (times > moment).sum() < round(share * len(times))  # no more than ties need


def test_bad_splits_are_told(tmp_path: Path) -> None:
    rows = frame()
    with pytest.raises(UsageError, match=r"between 0 and 1, got 1\.5"):
        read_clicks_split(rows, BY_USER, 1.5)
    with pytest.raises(UsageError, match="by is 'group'; it must be user, row or time"):
        read_clicks_split(rows, BY_USER, by="group")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"needs the column of the user: group_column \(--group\)"):
        read_clicks_split(rows, ClickSettings(), by="user")
    with pytest.raises(DataError, match="cannot split 20 users at 1%: one side would be empty"):
        read_clicks_split(rows, BY_USER, 0.01)
    with pytest.raises(DataError, match="no column 'time'; the columns are user, site"):
        read_clicks_split(rows, ClickSettings(time_column="time"), by="time")
    gaps = tmp_path / "gaps.csv"
    gaps.write_text("a,when,label\nx,2024-01-01,0\ny,,1\nx,2024-01-03,1\n")
    with pytest.raises(DataError, match=r"column 'when': no time \(.*gaps.csv, row 2\)"):
        read_clicks_split(gaps, ClickSettings(time_column="when", min_count=1), 0.5, by="time")
    same = rows.assign(when=rows["when"].iloc[0])
    with pytest.raises(DataError, match="cannot split 200 rows at 20%"):
        read_clicks_split(same, ClickSettings(time_column="when"), by="time")
    flat = rows.assign(slot=np.where(np.arange(N) < 160, 1, 2))
    with pytest.raises(DataError, match="'slot' tells nothing: it holds the same value in all training rows"):
        read_clicks_split(flat, ClickSettings(without=("user", "when")), by="time")
    text = tmp_path / "text.csv"
    text.write_text("a,p,label\nx,1.5,0\ny,2.5,1\nx,3.5,1\ny,many,0\n")
    with pytest.raises(DataError, match=r"column 'p': 'many' \(.*row 4\) is not a number"):
        read_clicks_split(text, ClickSettings(min_count=1), 0.25, by="time")
