"""Columns of a log beside who, what and when: the context of each event, as it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.database import Database
from cowalk.prepare.items import coded_field, look, numeric_field
from cowalk.prepare.sources import Loaded
from cowalk.tables.catalogue import Kind, RawField
from cowalk.types import AnyArray


def read_context(
    db: Database, loaded: Loaded, names: Sequence[str], kinds: Mapping[str, Kind]
) -> tuple[RawField, ...]:
    """The columns of these names, a value per row of the source; numeric or categorical, as `kinds` say or as
    `read_items` would guess. DataError where a column holds no value; UsageError where it holds lists.
    """
    if not names:
        return ()
    db.connection.execute(f"CREATE VIEW items AS SELECT *, rowid AS place FROM {loaded.table}")
    fields = tuple(_read(db, loaded, name, kinds.get(name)) for name in dict.fromkeys(names))
    db.connection.execute("DROP VIEW items")
    return fields


def _read(db: Database, loaded: Loaded, name: str, wish: Kind | None) -> RawField:
    n = db.count(loaded.table)
    if not db.number(f"SELECT count({loaded.columns[name]}) FROM {loaded.table}"):
        raise DataError(f"column {name!r} holds no value; leave it out of the context")
    column = look(db, loaded, name, None)
    kind = wish or column.guess
    if kind == "numeric":
        return numeric_field(db, column, n)
    if kind == "categorical" and column.values is None:
        return coded_field(db, name, "categorical", column.text, n)
    raise UsageError(f"column {name!r} holds lists; the context takes one value an event: leave it out")


def as_detail(field: RawField, places: AnyArray) -> AnyArray:
    """A number for each of these rows, equal for equal values; missing values are equal."""
    if field.numbers is not None:
        found: AnyArray = np.nan_to_num(field.numbers[places], nan=-np.inf)
        return found
    assert field.offsets is not None
    assert field.codes is not None
    out = np.full(len(field), -1, dtype=np.int32)
    out[np.diff(field.offsets) > 0] = field.codes
    return out[places]
