"""Which rows of a table of clicks are held out for a test: by user, by row, or the latest ones."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.columns import time_column
from cowalk.prepare.database import Database
from cowalk.prepare.sources import Loaded
from cowalk.seeds import generator
from cowalk.types import AnyArray, Ids

By = Literal["user", "row", "time"]


def held_out_rows(
    db: Database, loaded: Loaded, settings: ClickSettings, label: str, share: float, by: By | None,
    groups: Ids | None, seed: int,
) -> AnyArray:  # fmt: skip
    """bool[N]: the rows of the test part; see `read_clicks_split`."""
    by = by or ("row" if groups is None else "user")
    if by not in get_args(By):
        raise UsageError(f"by is {by!r}; it must be user, row or time")
    n = db.count(loaded.table)
    if by == "time":
        test = _latest(_times(db, loaded, settings, label), share) if settings.time_column else None
        test = np.arange(n) >= n - round(share * n) if test is None else test
    elif by == "row":
        test = np.isin(np.arange(n), _drawn(n, share, seed))
    elif groups is None:
        raise UsageError("a split by user needs the column of the user: group_column (--group)")
    else:
        test = np.isin(groups, _drawn(int(groups.max()) + 1, share, seed))
    if test.all() or not test.any():
        what = f"{int(groups.max()) + 1:,} users" if by == "user" and groups is not None else f"{n:,} rows"
        raise DataError(f"{label}: cannot split {what} at {share:.0%}: one side would be empty")
    return test


def _drawn(n: int, share: float, seed: int) -> AnyArray:
    """A seeded share of 0..n-1."""
    return generator(seed, "prepare/click split").permutation(n)[: round(share * n)]


def _latest(times: AnyArray, share: float) -> AnyArray:
    """bool[N]: those from the moment on at which the latest share begins."""
    at = len(times) - round(share * len(times))
    if at == len(times):
        return np.zeros(len(times), dtype=bool)
    late: AnyArray = times >= np.partition(times, at)[at]
    return late


def _times(db: Database, loaded: Loaded, settings: ClickSettings, label: str) -> AnyArray:
    """int64[N] microseconds; DataError where a row has none."""
    name = settings.time_column
    assert name is not None
    if name not in loaded.columns:
        has = ", ".join(loaded.columns)
        raise DataError(
            f"{label}: no column {name!r}; the columns are {has}; name the time's by --time-column"
        )
    typed = time_column(db, loaded, name, "auto")
    missing = db.rows(f"SELECT rowid FROM {loaded.table} WHERE {typed.sql} IS NULL ORDER BY rowid LIMIT 1")
    if missing:
        place = loaded.place(int(str(missing[0][0])))
        raise DataError(f"column {name!r}: no time ({place}); a split by time needs one in every row")
    query = f"SELECT {typed.sql} AS t FROM {loaded.table} ORDER BY rowid"
    return np.asarray(db.connection.execute(query).fetchnumpy()["t"], dtype=np.int64)
