"""What a stored column means: the SQL of an id, a time, a number or an order, its kind found in the data."""

from __future__ import annotations

from dataclasses import dataclass

from cowalk.errors import DataError, UsageError
from cowalk.prepare.database import Database
from cowalk.prepare.sources import Loaded

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
WIDE = {"UBIGINT", "HUGEINT", "UHUGEINT"}
# Text that is the usual writing of a whole number that fits int64: "007" and "+1" stay text.
WHOLE_TEXT = "'0|-?[1-9][0-9]{0,17}'"
MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}
# An epoch time of a year between 1973 and 5138 falls in exactly one of these bands.
BANDS = (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", float("inf")))


@dataclass(frozen=True)
class Typed:
    """The SQL of a column in a plain type (BIGINT, DOUBLE or VARCHAR) and what was found about it."""

    sql: str
    kind: str
    fact: str = ""


def is_float(kind: str) -> bool:
    """Whether a DuckDB type holds numbers with a fraction."""
    return kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL")


def _first_bad(db: Database, loaded: Loaded, column: str, condition: str) -> tuple[str, str] | None:
    """A sample value and the place of the first row where the condition holds."""
    inside = loaded.columns[column]
    where = f"FROM {loaded.table} WHERE {condition}"
    rows = db.rows(f"SELECT CAST({inside} AS VARCHAR), rowid {where} ORDER BY rowid LIMIT 1")
    return (str(rows[0][0]), loaded.place(int(str(rows[0][1])))) if rows else None


def _all(db: Database, loaded: Loaded, value: str, condition: str) -> bool:
    """Whether the condition holds wherever the value is not null, and there is one."""
    where = f"FROM {loaded.table} WHERE {value} IS NOT NULL"
    held, agreed = db.rows(f"SELECT count(*), count(CASE WHEN {condition} THEN 1 END) {where}")[0]
    return held == agreed and bool(held)


def is_whole_text(db: Database, loaded: Loaded, value: str) -> bool:
    """Whether all texts of an untyped column are whole numbers in their usual writing."""
    return _all(db, loaded, value, f"regexp_full_match({value}, {WHOLE_TEXT})")


def id_column(db: Database, loaded: Loaded, column: str) -> Typed:
    """An id: BIGINT where the column holds whole numbers, else VARCHAR as it is; the empty text is null."""
    inside, kind = loaded.columns[column], loaded.types[column]
    if kind in INTEGERS:
        return Typed(f"CAST({inside} AS BIGINT)", "BIGINT")
    if kind in WIDE and _all(db, loaded, inside, f"abs({inside}) <= 9223372036854775807"):
        return Typed(f"CAST({inside} AS BIGINT)", "BIGINT")
    if is_float(kind):
        value = (
            f"CASE WHEN isnan({inside}) THEN NULL ELSE {inside} END"
            if kind in ("FLOAT", "DOUBLE")
            else inside
        )
        odd = f"{value} IS NOT NULL AND ({value} <> floor({value}) OR abs({value}) > 9e15)"
        bad = _first_bad(db, loaded, column, odd)
        if bad:
            raise DataError(
                f"column {column!r}: {bad[0]} ({bad[1]}) is no id; "
                "ids are text or whole numbers, so store it as text"
            )
        return Typed(f"CAST({value} AS BIGINT)", "BIGINT")
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        raise DataError(f"column {column!r}: ids are text or whole numbers, this column holds {kind}")
    value = f"NULLIF(CAST({inside} AS VARCHAR), '')"
    if loaded.untyped and is_whole_text(db, loaded, value):
        return Typed(f"CAST({value} AS BIGINT)", "BIGINT")
    return Typed(value, "VARCHAR")


def number_column(db: Database, loaded: Loaded, column: str) -> Typed:
    """A number as DOUBLE; DataError with a sample where a text is none."""
    inside, kind = loaded.columns[column], loaded.types[column]
    if kind in INTEGERS or kind in WIDE or is_float(kind):
        return Typed(f"CAST({inside} AS DOUBLE)", "DOUBLE")
    value = f"NULLIF(CAST({inside} AS VARCHAR), '')"
    bad = _first_bad(db, loaded, column, f"{value} IS NOT NULL AND try_cast({value} AS DOUBLE) IS NULL")
    if bad:
        raise DataError(f"column {column!r}: {bad[0]!r} ({bad[1]}) is not a number")
    return Typed(f"CAST({value} AS DOUBLE)", "DOUBLE")


def time_column(db: Database, loaded: Loaded, column: str, unit: str) -> Typed:
    """A time as BIGINT microseconds UTC, from timestamps, dates, ISO text, or epoch numbers in `unit` or the
    unit found."""
    inside, kind = loaded.columns[column], loaded.types[column]
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        if unit != "auto":
            raise UsageError(f"time unit {unit!r} is for epoch numbers; column {column!r} holds {kind}")
        return Typed(f"epoch_us({inside})", "BIGINT", kind.lower())
    if kind in INTEGERS or kind in WIDE or is_float(kind):
        return _epoch(db, loaded, inside, inside, unit, column)
    if kind not in ("VARCHAR", "JSON", '"NULL"') and not kind.startswith("ENUM"):
        raise DataError(f"column {column!r}: a time is a timestamp, ISO text or an epoch number, not {kind}")
    text = f"NULLIF(CAST({inside} AS VARCHAR), '')"
    if _all(db, loaded, text, f"try_cast({text} AS DOUBLE) IS NOT NULL"):
        return _epoch(db, loaded, inside, f"CAST({text} AS DOUBLE)", unit, column)
    value = f"epoch_us(try_cast({text} AS TIMESTAMPTZ))"  # an offset counts; without one the time is UTC
    bad = _first_bad(db, loaded, column, f"{text} IS NOT NULL AND {value} IS NULL")
    if bad:
        raise DataError(
            f"column {column!r}: cannot read {bad[0]!r} ({bad[1]}) as a time; "
            "give timestamps, ISO text (2011-01-31 10:00:00) or epoch numbers"
        )
    return Typed(value, "BIGINT", "ISO text")


def _epoch(db: Database, loaded: Loaded, inside: str, value: str, unit: str, column: str) -> Typed:
    """Epoch numbers in microseconds; `auto` takes the unit of the band that most of the numbers fall in."""
    if "DOUBLE" in value or is_float(loaded.types[column]):
        value = f"CASE WHEN isfinite(CAST({value} AS DOUBLE)) THEN CAST({value} AS DOUBLE) END"
    found = unit
    if unit == "auto":
        counts = ", ".join(f"count(CASE WHEN abs({value}) < {limit} THEN 1 END)" for _, limit in BANDS[:-1])
        row = db.rows(f"SELECT {counts}, count({value}) FROM {loaded.table} WHERE {value} <> 0")[0]
        below = [int(str(one)) for one in row]
        within = [after - before for before, after in zip([0, *below], below, strict=False)]
        found = BANDS[within.index(max(within))][0]
    fact = f"epoch {found}" + (" (found by size)" if unit == "auto" else "")
    scaled = f"floor({value} / 1000)" if found == "ns" else f"round({value} * {MICROS[found]})"
    if "DOUBLE" not in value:
        scaled = f"{value} // 1000" if found == "ns" else f"CAST({value} AS HUGEINT) * {MICROS[found]}"
    return Typed(f"try_cast({scaled} AS BIGINT)", "BIGINT", fact)


def order_column(db: Database, loaded: Loaded, column: str) -> Typed:
    """What rows are ordered by: BIGINT, DOUBLE, or VARCHAR for text that is no number."""
    inside, kind = loaded.columns[column], loaded.types[column]
    if kind in INTEGERS:
        return Typed(f"CAST({inside} AS BIGINT)", "BIGINT")
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return Typed(f"epoch_us({inside})", "BIGINT")
    if kind in WIDE or is_float(kind):
        return Typed(f"CAST({inside} AS DOUBLE)", "DOUBLE")
    value = f"NULLIF(CAST({inside} AS VARCHAR), '')"
    if is_whole_text(db, loaded, value):
        return Typed(f"CAST({value} AS BIGINT)", "BIGINT")
    if _all(db, loaded, value, f"try_cast({value} AS DOUBLE) IS NOT NULL"):
        return Typed(f"CAST({value} AS DOUBLE)", "DOUBLE")
    return Typed(value, "VARCHAR")


def check_weights(
    db: Database, loaded: Loaded, column: str, weight: Typed, *, zero_is_bad: bool
) -> str | None:
    """The message about the first weight that is null, NaN, infinite, negative, or 0 where that is bad."""
    below = "<= 0" if zero_is_bad else "< 0"
    bad = f"{weight.sql} IS NULL OR isnan({weight.sql}) OR isinf({weight.sql}) OR {weight.sql} {below}"
    found = db.rows(f"SELECT {weight.sql}, rowid FROM {loaded.table} WHERE {bad} ORDER BY rowid LIMIT 1")
    if not found:
        return None
    value = "null" if found[0][0] is None else found[0][0]
    law = "above 0" if zero_is_bad else "not negative"
    place = loaded.place(int(str(found[0][1])))
    return f"column {column!r}: weight {value} ({place}); weights must be finite and {law}"
