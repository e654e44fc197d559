"""An items table -> Catalogue: the id column; every other column a field of a guessed or given kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.columns import INTEGERS, WIDE, id_column, is_float, is_whole_text
from cowalk.prepare.database import Database, database, literal
from cowalk.prepare.dense import looks_dense, read_dense, text_looks_dense, with_vectors
from cowalk.prepare.settings import SideSettings
from cowalk.prepare.sources import Loaded, label_of, load, naming
from cowalk.tables.catalogue import Catalogue, Kind, RawField
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray

NAMES = ("name", "title", "product_name", "description")
# More distinct whole numbers than this are a quantity; text all distinct on more rows than this is a title.
MANY = 32
DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Column:
    """A column as text (the value of a categorical field), as a number, as a list; and the kind it looks
    like."""

    name: str
    guess: Kind
    text: str
    number: str | None = None
    values: str | None = None
    is_text: bool = False


def read_items(
    source: Any,
    settings: SideSettings | None = None,
    *,
    item_column: str = "item_id",
    memory_limit: str | int = "4GB",
) -> Catalogue:
    """The items of a table in its order with their raw attributes; nothing is fitted.

    Kinds are those of `settings.fields`, else guessed: lists of fractions, all of one length, are dense;
    other lists and fields with a separator are multi; numbers with a fraction, dates (as days since 1970) and
    whole numbers of more than 32 distinct values are numeric; all else is categorical. Text with a different
    value on every row (a title) is left out, which a note says. Rows without an id are left out too. Values
    stay as written; the empty text, NaN and infinity are missing. `settings.vectors` adds dense fields by id.
    What items are called is `settings.name_column`, no field unless it is given a kind, or else the first of
    name, title, product_name and description that is there.
    DataError where an id stands twice; UsageError where settings name a field that is not there.
    """
    settings = settings or SideSettings()
    label = label_of(source)
    with database(label, memory_limit) as db:
        loaded = load(db, source, None)
        if item_column not in loaded.columns:
            has = ", ".join(loaded.columns)
            raise DataError(f"{label}: no column {item_column!r}; the columns are {has}{naming(item_column)}")
        known = [column for column in loaded.columns if column != item_column]
        called = settings.name_column
        for asked in (*settings.fields, *settings.separators, *([called] if called else [])):
            if asked not in known:
                raise UsageError(f"{label}: no field {asked!r}; the fields are {', '.join(known) or 'none'}")
        ids, notes = _read_ids(db, loaded, item_column, label)
        fields, names = [], _names(db, loaded, called or _called(loaded))
        for column in known:
            if column == called and column not in settings.fields:
                continue
            field = _read_field(db, loaded, column, settings, ids, notes)
            fields += [] if field is None else [field]
    out = Catalogue(ids, tuple(fields), tuple(notes), names)
    for name, path in settings.vectors.items():
        out = with_vectors(out, name, path)
    return out


def _read_ids(db: Database, loaded: Loaded, column: str, label: str) -> tuple[Vocab, list[str]]:
    """The ids in the order of the table; `places` holds the place of each row that has an id."""
    item = id_column(db, loaded, column)
    twice = db.rows(
        f"SELECT id, n FROM (SELECT {item.sql} AS id, count(*) AS n FROM {loaded.table} GROUP BY 1) AS t "
        "WHERE id IS NOT NULL AND n > 1 ORDER BY n DESC, id LIMIT 1"
    )
    if twice:
        raise DataError(
            f"{label}: item id {twice[0][0]!r} stands {twice[0][1]} times in column {column!r}; "
            "an id needs one row"
        )
    db.connection.execute(
        f"CREATE TABLE item_ids AS SELECT {item.sql} AS id FROM {loaded.table} "
        f"WHERE {item.sql} IS NOT NULL ORDER BY rowid"
    )
    db.connection.execute(
        f"CREATE TABLE items AS SELECT *, CAST(row_number() OVER (ORDER BY rowid) - 1 AS INTEGER) AS place "
        f"FROM {loaded.table} WHERE {item.sql} IS NOT NULL ORDER BY rowid"
    )
    ids = Vocab.of(db.ids("item_ids"))
    if len(ids) == 0:
        raise DataError(f"{label}: column {column!r} holds no item id")
    lost = db.count(loaded.table) - len(ids)
    return ids, [f"{lost:,} rows without an item id were left out"] if lost else []


def _called(loaded: Loaded) -> str | None:
    """The column of text that is called as a name is."""
    return next((name for name in NAMES if loaded.types.get(name) == "VARCHAR"), None)


def _names(db: Database, loaded: Loaded, column: str | None) -> AnyArray | None:
    """object[N]: what the items are called, in one line; "" where that is not told."""
    if column is None:
        return None
    line = f"regexp_replace(CAST({loaded.columns[column]} AS VARCHAR), '\\s+', ' ', 'g')"
    text = f"coalesce(trim({line}), '')"
    return np.array([name for (name,) in db.rows(f"SELECT {text} FROM items ORDER BY place")], dtype=object)


def _read_field(
    db: Database, loaded: Loaded, name: str, settings: SideSettings, ids: Vocab, notes: list[str]
) -> RawField | None:
    """One field, or None where it is skipped; what is skipped by itself is noted."""
    wish = settings.fields.get(name)
    if wish == "skip":
        return None
    if wish in (None, "dense") and not db.number(f"SELECT count({loaded.columns[name]}) FROM items"):
        notes.append(f"field {name!r} was left out: it holds no value")
        return None
    column = look(db, loaded, name, settings.separators.get(name))
    kind, n = wish or column.guess, len(ids)
    if kind == "dense":
        return read_dense(db, name, column.values, ids)
    if kind == "numeric":
        return numeric_field(db, column, n)
    if kind == "multi":
        lists = column.values or f"list_value({column.text})"
        return coded_field(db, column.name, "multi", f"unnest({lists})", n)
    if wish is None and column.is_text:
        held, distinct = db.rows(f"SELECT count({column.text}), count(DISTINCT {column.text}) FROM items")[0]
        if held == distinct and isinstance(held, int) and held > MANY:
            notes.append(
                f"field {name!r} was left out: its {held:,} texts are all different; "
                f"to use it set its kind (fields: {name} = categorical)"
            )
            return None
    if column.values is not None:
        raise UsageError(
            f"field {name!r} holds several values an item; its kind can be multi, not categorical"
        )
    return coded_field(db, column.name, "categorical", column.text, n)


def look(db: Database, loaded: Loaded, name: str, separator: str | None) -> Column:
    """What a column holds, by its type; by its values where everything came as text."""
    inside, kind = loaded.columns[name], loaded.types[name]
    text = f"NULLIF(CAST({inside} AS VARCHAR), '')"
    if separator:
        return Column(name, "multi", text, values=f"string_split({inside}, {literal(separator)})")
    if kind.endswith("]"):
        guess: Kind = "dense" if looks_dense(db, kind, inside) else "multi"
        return Column(name, guess, text, values=f"CAST({inside} AS VARCHAR[])")
    if kind.startswith(("STRUCT", "MAP", "UNION")):
        raise DataError(f"field {name!r}: a field holds text, numbers, dates or lists, not {kind}")
    if kind in INTEGERS or kind in WIDE:
        return Column(name, _whole_guess(db, inside), text, f"CAST({inside} AS DOUBLE)")
    if is_float(kind):
        return Column(name, "numeric", _float_text(inside), f"CAST({inside} AS DOUBLE)")
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return Column(name, "numeric", text, f"epoch_us({inside}) / {DAY}.0")
    if kind == "BOOLEAN":
        return Column(name, "categorical", text)
    if loaded.untyped:
        return _look_at_text(db, loaded, name, text)
    return Column(name, "categorical", text, f"try_cast({text} AS DOUBLE)", is_text=True)


def _look_at_text(db: Database, loaded: Loaded, name: str, text: str) -> Column:
    """The kind of a column of CSV or JSON lines: all values agree on it, or it is text."""

    def all_are(condition: str) -> bool:
        held, agreed = db.rows(
            f"SELECT count({text}), count(CASE WHEN {condition} THEN 1 END) FROM {loaded.table}"
        )[0]
        return held == agreed and bool(held)

    if all_are(f"lower({text}) IN ('true', 'false')"):
        return Column(name, "categorical", f"lower({text})")
    if is_whole_text(db, loaded, text):
        return Column(name, _whole_guess(db, text), text, f"CAST({text} AS DOUBLE)")
    if all_are(f"try_cast({text} AS DOUBLE) IS NOT NULL"):
        return Column(name, "numeric", text, f"CAST({text} AS DOUBLE)")
    if all_are(f"try_cast({text} AS TIMESTAMPTZ) IS NOT NULL"):
        return Column(name, "numeric", text, f"epoch_us(try_cast({text} AS TIMESTAMPTZ)) / {DAY}.0")
    if all_are(f"CASE WHEN json_valid({text}) THEN json_type({text}) = 'ARRAY' ELSE FALSE END"):
        values = f"from_json({text}, '[\"VARCHAR\"]')"
        return Column(name, "dense" if text_looks_dense(db, values, text) else "multi", text, values=values)
    return Column(name, "categorical", text, f"try_cast({text} AS DOUBLE)", is_text=True)


def _whole_guess(db: Database, value: str) -> Kind:
    return "numeric" if db.number(f"SELECT count(DISTINCT {value}) FROM items") > MANY else "categorical"


def _float_text(inside: str) -> str:
    """5.0 reads as "5", as it would where the column has no holes."""
    value = f"CAST({inside} AS DOUBLE)"
    short = f"CAST(CAST({value} AS BIGINT) AS VARCHAR)"
    whole = f"CASE WHEN {value} = floor({value}) AND abs({value}) < 1e15 THEN {short}"
    return f"CASE WHEN isfinite({value}) THEN {whole} ELSE CAST({value} AS VARCHAR) END END"


def numeric_field(db: Database, column: Column, n: int) -> RawField:
    """float64[n], NaN where missing."""
    if column.number is None:
        raise UsageError(f"field {column.name!r} cannot be numeric: it holds no numbers")
    where = f"{column.text} IS NOT NULL AND {column.number} IS NULL"
    odd = db.rows(f"SELECT {column.text} FROM items WHERE {where} LIMIT 1")
    if odd:
        raise DataError(f"field {column.name!r} cannot be numeric: {odd[0][0]!r} is not a number")
    number = f"CASE WHEN isfinite({column.number}) THEN {column.number} ELSE CAST('nan' AS DOUBLE) END"
    db.connection.execute(
        f"CREATE OR REPLACE TABLE numbers AS SELECT {number} AS number FROM items ORDER BY place"
    )
    numbers = np.empty(n, dtype=np.float64)
    db.arrays("numbers", {"number": numbers})
    return RawField(column.name, "numeric", numbers=numbers)


def coded_field(db: Database, name: str, kind: Kind, value: str, n: int) -> RawField:
    """Labels by rising text; an item's codes rise."""
    trimmed = "NULLIF(trim(value), '')" if kind == "multi" else "value"
    db.connection.execute(
        "CREATE OR REPLACE TABLE held AS "
        f"SELECT place, {trimmed} AS value FROM (SELECT place, {value} AS value FROM items) AS flat"
    )
    db.connection.execute("DROP TABLE IF EXISTS value_ids; DROP TABLE IF EXISTS coded_values")
    db.run("codes", target="value_ids", column="value", source="held", condition="1 = 1")
    db.run("values", source="held")
    total = db.count("coded_values")
    places, codes = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    db.arrays("coded_values", {"place": places, "code": codes})
    offsets = np.append(0, np.cumsum(np.bincount(places, minlength=n))).astype(np.int64)
    return RawField(name, kind, db.ids("value_ids"), offsets, codes)
