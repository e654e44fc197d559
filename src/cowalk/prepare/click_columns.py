"""The columns of a table of clicks: which are features, what is fitted of them, and their values by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.prepare.click_forms import CRITEO_NUMBERS
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.columns import is_float, number_column
from cowalk.prepare.database import Database
from cowalk.prepare.sources import Loaded
from cowalk.setting_names import did_you_mean
from cowalk.tables.clicks import ClickColumn
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray

Numbers = NDArray[np.float64]


def fit_columns(
    db: Database, loaded: Loaded, settings: ClickSettings, label: str, train: AnyArray | None = None
) -> tuple[ClickColumn, ...]:
    """The feature columns as fitted on the rows where `train` (bool[N]) is true, on all where it is None.

    DataError where a column is the same in all of them (see `settings.constant`), or where none is left.
    """
    part = loaded if train is None else _part(db, loaded, train)
    columns: list[ClickColumn] = []
    for name, numeric in _features(db, part, settings, label).items():
        if numeric:
            numbers = _numbers(db, loaded, name)  # of all rows: what is no number is told by its place
            column = _fit_number(numbers if train is None else numbers[train], name, settings)
        else:
            column = _fit_category(db, part, name, settings)
        if column is not None:
            columns.append(column)
        elif settings.constant == "error":
            where = "everywhere" if train is None else "in all training rows"
            raise DataError(
                f"{label}: column {name!r} tells nothing: it holds the same value {where} (or values rarer "
                f"than min_count {settings.min_count}); leave it out by --without {name}, or all such by "
                "--constant drop"
            )
    if not columns:
        raise DataError(f"{label}: there is no column to learn from")
    return tuple(columns)


def _part(db: Database, loaded: Loaded, train: AnyArray) -> Loaded:
    """The rows where `train` is true; they have no rowid."""
    db.connection.register("training", {"place": np.flatnonzero(train)})
    rows = f"SELECT r.* FROM {loaded.table} AS r JOIN training ON r.rowid = training.place"
    return replace(loaded, table=f"({rows})")


def text_of(loaded: Loaded, name: str) -> str:
    """SQL of a category: its text, empty where missing; a whole number has one text in any number type."""
    inside = loaded.columns[name]
    if is_float(loaded.types[name]):  # pandas makes whole numbers with gaps floats
        x = f"CAST({inside} AS DOUBLE)"
        whole = f"CASE WHEN {x} = floor({x}) AND abs({x}) < 9e15 THEN CAST(CAST({x} AS BIGINT) AS VARCHAR)"
        return f"coalesce({whole} WHEN isnan({x}) THEN '' ELSE CAST({inside} AS VARCHAR) END, '')"
    return f"coalesce(CAST({inside} AS VARCHAR), '')"


def _features(db: Database, loaded: Loaded, settings: ClickSettings, label: str) -> dict[str, bool]:
    """By name of each feature, whether it is a number."""
    apart = {settings.label_column, settings.group_column, settings.time_column, *settings.without}
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
    text = text_of(loaded, name)
    query = f"SELECT {text} AS v, count(*) AS n FROM {loaded.table} GROUP BY v ORDER BY n DESC, v"
    found = db.connection.execute(query).fetchnumpy()
    frequent = found["n"] >= settings.min_count
    if len(frequent) < 2 or not frequent.any():
        return None
    labels: AnyArray = np.array(found["v"][frequent].tolist(), dtype=STRING)
    return ClickColumn(name, "categorical", labels=labels)


def column_values(db: Database, loaded: Loaded, column: ClickColumn) -> AnyArray:
    """Codes int32[N] or numbers float32[N] of one column."""
    if column.labels is None:
        return column.coded(_numbers(db, loaded, column.name))
    texts = np.array(column.labels.tolist(), dtype=object)
    given = {"v": texts, "code": np.arange(1, len(texts) + 1, dtype=np.int32)}
    db.connection.register("known", given)
    query = (
        f"SELECT coalesce(code, 0) AS code FROM {loaded.table} LEFT JOIN known "
        f"ON {text_of(loaded, column.name)} = known.v ORDER BY {loaded.table}.rowid"
    )
    codes = np.asarray(db.connection.execute(query).fetchnumpy()["code"], dtype=np.int32)
    db.connection.unregister("known")
    return codes
