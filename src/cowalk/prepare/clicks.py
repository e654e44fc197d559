"""Files -> ClickTable: labels checked, values counted and coded in DuckDB, the codes kept for later rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_forms import CRITEO_NUMBERS, load_clicks
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.columns import is_float, number_column
from cowalk.prepare.database import Database, database
from cowalk.prepare.sources import Loaded, label_of
from cowalk.setting_names import did_you_mean
from cowalk.tables.clicks import ClickColumn, ClickTable
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray, Floats, Ids

LABELS = "'0', '1', '0.0', '1.0', 'true', 'false'"
Numbers = NDArray[np.float64]


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
    is missing.
    """
    settings = settings or ClickSettings()
    label = label_of(source)
    with database(label, memory_limit, workers) as db:
        loaded = load_clicks(db, source, settings)
        if db.count(loaded.table) == 0:
            raise DataError(f"{label} is empty: it has no rows")
        labels = _labels(db, loaded, settings, label, optional=columns is not None)
        groups = _groups(db, loaded, settings, label)
        if columns is None:
            return _fitted(db, loaded, settings, label, labels, groups)
        missing = [column.name for column in columns if column.name not in loaded.columns]
        if missing:
            has = ", ".join(loaded.columns)
            raise DataError(
                f"{label}: no column {missing[0]!r}, which the model knows; the columns are {has}"
            )
        made = [_values(db, loaded, column) for column in columns]
        return _table(columns, made, labels, groups)


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
        raise DataError(f"{label}: no column {name!r}; the columns are {', '.join(loaded.columns)}")
    text = _text(loaded, name)
    query = f"SELECT dense_rank() OVER (ORDER BY {text}) - 1 AS g FROM {loaded.table} ORDER BY rowid"
    return np.asarray(db.connection.execute(query).fetchnumpy()["g"], dtype=np.int32)


def _text(loaded: Loaded, name: str) -> str:
    """SQL of a category: its text, empty where missing; a whole number has one text in any number type."""
    inside = loaded.columns[name]
    if is_float(loaded.types[name]):  # pandas makes whole numbers with gaps floats
        x = f"CAST({inside} AS DOUBLE)"
        whole = f"CASE WHEN {x} = floor({x}) AND abs({x}) < 9e15 THEN CAST(CAST({x} AS BIGINT) AS VARCHAR)"
        return f"coalesce({whole} WHEN isnan({x}) THEN '' ELSE CAST({inside} AS VARCHAR) END, '')"
    return f"coalesce(CAST({inside} AS VARCHAR), '')"


def _fitted(
    db: Database, loaded: Loaded, settings: ClickSettings, label: str, labels: Floats | None,
    groups: Ids | None,
) -> ClickTable:  # fmt: skip
    """The table, its columns fitted on it."""
    columns: list[ClickColumn] = []
    made: list[AnyArray] = []
    for name, numeric in _features(db, loaded, settings, label).items():
        column = (
            _fit_number(_numbers(db, loaded, name), name, settings)
            if numeric
            else _fit_category(db, loaded, name, settings)
        )
        if column is None:
            if settings.constant == "error":
                raise DataError(
                    f"{label}: column {name!r} tells nothing: it holds the same value everywhere (or values "
                    f"rarer than min_count {settings.min_count}); leave it out by --without {name}"
                )
            continue
        columns.append(column)
        made.append(_values(db, loaded, column))
    if not columns:
        raise DataError(f"{label}: there is no column to learn from")
    return _table(columns, made, labels, groups)


def _features(db: Database, loaded: Loaded, settings: ClickSettings, label: str) -> dict[str, bool]:
    """By name of each feature, whether it is a number."""
    apart = {settings.label_column, settings.group_column, *settings.without}
    names = [name for name in loaded.columns if name not in apart]
    for asked in (*settings.categorical, *settings.numeric, *settings.without):
        if asked not in loaded.columns:
            raise UsageError(f"{label}: no column {asked!r}{did_you_mean(asked, loaded.columns)}")
    both = set(settings.categorical) & set(settings.numeric)
    if both:
        raise UsageError(f"column {sorted(both)[0]!r} cannot be both categorical and numeric")
    if settings.form == "criteo" and not settings.numeric:
        return {name: name in CRITEO_NUMBERS and name not in settings.categorical for name in names}
    return {
        name: name in settings.numeric
        or (name not in settings.categorical and _has_fractions(db, loaded, name))
        for name in names
    }


def _has_fractions(db: Database, loaded: Loaded, name: str) -> bool:
    """Whether the column holds numbers, some with a fraction."""
    if is_float(loaded.types[name]):
        x = f"CAST({loaded.columns[name]} AS DOUBLE)"
        return bool(
            db.number(f"SELECT count(*) FROM {loaded.table} WHERE isfinite({x}) AND {x} <> floor({x})")
        )
    if not loaded.untyped:
        return False
    text = f"NULLIF(CAST({loaded.columns[name]} AS VARCHAR), '')"
    told = db.rows(
        f"SELECT count({text}), count(try_cast({text} AS DOUBLE)), count(CASE WHEN contains({text}, '.') "
        f"THEN 1 END) FROM {loaded.table}"
    )[0]
    return told[0] == told[1] and bool(told[2])


def _numbers(db: Database, loaded: Loaded, name: str) -> Numbers:
    """float64[N], NaN where missing or not finite."""
    typed = number_column(db, loaded, name)
    query = f"SELECT coalesce({typed.sql}, 'nan'::DOUBLE) AS x FROM {loaded.table} ORDER BY rowid"
    found = np.asarray(db.connection.execute(query).fetchnumpy()["x"], dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _fit_number(numbers: Numbers, name: str, settings: ClickSettings) -> ClickColumn | None:
    """The column of these numbers; None where they are all the same."""
    known = numbers[~np.isnan(numbers)]
    if len(known) == 0 or (known.min() == known.max() and len(known) == len(numbers)):
        return None
    if settings.numbers == "standardise":
        spread = float(known.std()) or 1.0
        return ClickColumn(name, "number", mean=float(known.mean()), spread=spread)
    if settings.numbers == "quantile":
        shares = np.linspace(0, 1, settings.buckets + 1)[1:-1]
        edges = np.unique(np.quantile(known, shares))
    else:
        edges = log_edges(float(known.min()), float(known.max()))
    return ClickColumn(name, "buckets", edges=edges)


def log_edges(low: float, high: float) -> Numbers:
    """Rising edges 0 and +-2^(k/2), k = 0, 1, ..., as far as numbers from `low` to `high` reach."""
    most = max(abs(low), abs(high), 1.0)
    powers = 2.0 ** (np.arange(0, int(2 * np.log2(most)) + 2) / 2)
    every = np.concatenate([-powers[::-1], [0.0], powers])
    inside: Numbers = every[(every > low) & (every <= high)]
    return inside if len(inside) else np.array([(low + high) / 2])


def _fit_category(db: Database, loaded: Loaded, name: str, settings: ClickSettings) -> ClickColumn | None:
    """The column of these texts; None where there is one value only, or all are rare."""
    text = _text(loaded, name)
    query = f"SELECT {text} AS v, count(*) AS n FROM {loaded.table} GROUP BY v ORDER BY n DESC, v"
    found = db.connection.execute(query).fetchnumpy()
    frequent = found["n"] >= settings.min_count
    if len(frequent) < 2 or not frequent.any():
        return None
    labels: AnyArray = np.array(found["v"][frequent].tolist(), dtype=STRING)
    return ClickColumn(name, "categorical", labels=labels)


def _values(db: Database, loaded: Loaded, column: ClickColumn) -> AnyArray:
    """Codes int32[N] or numbers float32[N] of one column."""
    if column.labels is None:
        return column.coded(_numbers(db, loaded, column.name))
    texts = np.array(column.labels.tolist(), dtype=object)
    given = {"v": texts, "code": np.arange(1, len(texts) + 1, dtype=np.int32)}
    db.connection.register("known", given)
    query = (
        f"SELECT coalesce(code, 0) AS code FROM {loaded.table} LEFT JOIN known "
        f"ON {_text(loaded, column.name)} = known.v ORDER BY {loaded.table}.rowid"
    )
    codes = np.asarray(db.connection.execute(query).fetchnumpy()["code"], dtype=np.int32)
    db.connection.unregister("known")
    return codes


def _table(
    columns: Sequence[ClickColumn], made: Sequence[AnyArray], labels: Floats | None, groups: Ids | None
) -> ClickTable:
    """The columns side by side, coded ones first."""
    n = len(made[0])
    coded = [values for values, column in zip(made, columns, strict=True) if column.kind != "number"]
    plain = [values for values, column in zip(made, columns, strict=True) if column.kind == "number"]
    codes = np.stack(coded, axis=1) if coded else np.zeros((n, 0), dtype=np.int32)
    numbers = np.stack(plain, axis=1) if plain else np.zeros((n, 0), dtype=np.float32)
    return ClickTable(tuple(columns), codes, numbers, labels, groups)
