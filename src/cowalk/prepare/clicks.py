"""Files -> ClickTable: labels checked, values counted and coded in DuckDB, the codes kept for later rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from pydantic import ValidationError

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_columns import column_values, fit_columns, text_of
from cowalk.prepare.click_forms import load_clicks
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.click_splits import By, held_out_rows
from cowalk.prepare.database import Database, database
from cowalk.prepare.sources import Loaded, label_of
from cowalk.tables.clicks import ClickColumn, ClickTable
from cowalk.types import Floats, Ids

LABELS = "'0', '1', '0.0', '1.0', 'true', 'false'"


def click_settings(changes: Mapping[str, Any]) -> ClickSettings:
    """The settings with these values; UsageError in one line for the first that does not fit."""
    try:
        return ClickSettings(**changes)
    except ValidationError as caught:
        first = caught.errors()[0]
        name, told = ".".join(str(part) for part in first["loc"]), first["msg"]
        raise UsageError(f"setting {name} = {first['input']!r}: {told[0].lower()}{told[1:]}") from None


def read_clicks(
    source: Any,
    settings: ClickSettings | None = None,
    columns: Sequence[ClickColumn] | None = None,
    *,
    memory_limit: str | int = "4GB",
    workers: int | None = None,
) -> ClickTable:
    """The rows of a table of clicks in their order, every column coded.

    Without `columns` they are fitted on these rows: values of at least `min_count` rows get codes, all others
    and those never seen share code 0. With `columns` (those of a training table) rows are coded by them; the
    label may then be missing. Columns that hold numbers with fractions are numbers, all others categories,
    unless named. DataError for labels that are not 0 or 1, a constant column (see `constant`), a column that
    is missing. To hold rows out for a test, use `read_clicks_split`.
    """
    settings = settings or ClickSettings()
    label = label_of(source)
    with _loaded(source, settings, memory_limit, workers) as (db, loaded):
        labels = _labels(db, loaded, settings, label, optional=columns is not None)
        groups = _groups(db, loaded, settings, label)
        if columns is None:
            columns = fit_columns(db, loaded, settings, label)
        return _table(db, loaded, columns, labels, groups, label)


def read_clicks_split(
    source: Any,
    settings: ClickSettings | None = None,
    share: float = 0.2,
    columns: Sequence[ClickColumn] | None = None,
    *,
    by: By | None = None,
    seed: int = 0,
    memory_limit: str | int = "4GB",
    workers: int | None = None,
) -> tuple[ClickTable, ClickTable]:
    """Training and test rows of a table, both in their order; all columns are fitted on training rows alone.

    by: user = a seeded `share` of the users (`settings.group_column`) is test with all their rows; row = a
    seeded share of the rows; time = the latest share of the rows, by `settings.time_column` (equal times are
    never parted), or else as they stand in the file. Unless given: user where there is a group column, else
    row. Values that training rows do not hold are unknown in test rows. columns: those of an earlier table;
    both parts are coded by them then. Errors as of `read_clicks`; DataError where one side would be empty.
    """
    settings = settings or ClickSettings()
    label = label_of(source)
    if not 0 < share < 1:
        raise UsageError(f"the share of test rows must lie between 0 and 1, got {share}")
    with _loaded(source, settings, memory_limit, workers) as (db, loaded):
        labels = _labels(db, loaded, settings, label, optional=False)
        groups = _groups(db, loaded, settings, label)
        test = held_out_rows(db, loaded, settings, label, share, by, groups, seed)
        if columns is None:
            columns = fit_columns(db, loaded, settings, label, ~test)
        table = _table(db, loaded, columns, labels, groups, label)
    return table.select(~test), table.select(test)


@contextmanager
def _loaded(
    source: Any, settings: ClickSettings, memory_limit: str | int, workers: int | None
) -> Iterator[tuple[Database, Loaded]]:
    """The rows in a database; DataError where there are none."""
    label = label_of(source)
    with database(label, memory_limit, workers) as db:
        loaded = load_clicks(db, source, settings)
        if db.count(loaded.table) == 0:
            raise DataError(f"{label} is empty: it has no rows")
        yield db, loaded


def _labels(
    db: Database, loaded: Loaded, settings: ClickSettings, label: str, *, optional: bool
) -> Floats | None:
    """float32[N] of 0 and 1."""
    name = settings.label_column
    if name not in loaded.columns:
        if optional:
            return None
        has = ", ".join(loaded.columns)
        raise DataError(f"{label}: no column {name!r}; the columns are {has}; name the label's by --label")
    inside = loaded.columns[name]
    text = f"lower(trim(CAST({inside} AS VARCHAR)))"
    odd = db.rows(
        f"SELECT {inside}, rowid FROM {loaded.table} WHERE {text} IS NULL OR {text} NOT IN ({LABELS}) "
        "ORDER BY rowid LIMIT 1"
    )
    if odd:
        value = "null" if odd[0][0] is None else repr(odd[0][0])
        raise DataError(
            f"column {name!r}: the label {value} ({loaded.place(int(str(odd[0][1])))}) is not 0 or 1; "
            "make it so, or name another column by --label"
        )
    query = f"SELECT {text} IN ('1', '1.0', 'true') AS y FROM {loaded.table} ORDER BY rowid"
    return np.asarray(db.connection.execute(query).fetchnumpy()["y"], dtype=np.float32)


def _groups(db: Database, loaded: Loaded, settings: ClickSettings, label: str) -> Ids | None:
    """int32[N]: a number for each value of the group column; missing values make one group."""
    name = settings.group_column
    if name is None:
        return None
    if name not in loaded.columns:
        has = ", ".join(loaded.columns)
        raise DataError(f"{label}: no column {name!r}; the columns are {has}; name the user's by --group")
    text = text_of(loaded, name)
    query = f"SELECT dense_rank() OVER (ORDER BY {text}) - 1 AS g FROM {loaded.table} ORDER BY rowid"
    return np.asarray(db.connection.execute(query).fetchnumpy()["g"], dtype=np.int32)


def _table(
    db: Database, loaded: Loaded, columns: Sequence[ClickColumn], labels: Floats | None, groups: Ids | None,
    label: str,
) -> ClickTable:  # fmt: skip
    """The columns side by side, coded ones first; DataError where one is missing."""
    missing = [column.name for column in columns if column.name not in loaded.columns]
    if missing:
        has = ", ".join(loaded.columns)
        raise DataError(f"{label}: no column {missing[0]!r}, which the model knows; the columns are {has}")
    n = db.count(loaded.table)
    made = [(column.kind, column_values(db, loaded, column)) for column in columns]
    coded = [values for kind, values in made if kind != "number"]
    plain = [values for kind, values in made if kind == "number"]
    codes = np.stack(coded, axis=1) if coded else np.zeros((n, 0), dtype=np.int32)
    numbers = np.stack(plain, axis=1) if plain else np.zeros((n, 0), dtype=np.float32)
    return ClickTable(tuple(columns), codes, numbers, labels, groups)
