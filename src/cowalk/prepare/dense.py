"""Dense fields: a vector an item (of a text, an image, a graph), from a column of lists or by id."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.columns import is_float
from cowalk.prepare.database import CHUNK, Database
from cowalk.tables.catalogue import Catalogue, RawField
from cowalk.tables.vectors import Vectors
from cowalk.tables.vocab import Vocab
from cowalk.types import Floats

CELLS = CHUNK << 3  # numbers that leave the database at a time


def with_vectors(catalogue: Catalogue, name: str, vectors: Vectors | str | Path) -> Catalogue:
    """The catalogue with a dense field `name`: of each item the vector under its id, missing where none is.

    vectors: `Vectors`, or a file that `Vectors.load` reads. A field of this name is replaced. DataError where
    no item of the catalogue has a vector.
    """
    held = vectors if isinstance(vectors, Vectors) else Vectors.load(vectors)
    rows = held.vocab.find(catalogue.ids.ids)
    if not (rows >= 0).any():
        one, two = (ids.ids[:1].tolist() for ids in (held.vocab, catalogue.ids))
        raise DataError(
            f"field {name!r}: none of the {len(catalogue):,} items has a vector: {two} in the items table, "
            f"{one} among the vectors; are ids the same?"
        )
    known = RawField(name, "dense", vectors=np.asarray(held.array, dtype=np.float32))
    fields = [field for field in catalogue.fields if field.name != name]
    return Catalogue(catalogue.ids, (*fields, known.take(rows)), catalogue.notes, catalogue.names)


def numbers_of(values: str) -> str:
    """The SQL of a list as numbers; null where an element is none."""
    return f"try_cast({values} AS DOUBLE[])"


def looks_dense(db: Database, kind: str, values: str) -> bool:
    """Whether a column of lists holds vectors: numbers with a fraction, two or more, as many in each row."""
    if not is_float(kind[: kind.rfind("[")]):
        return False
    return _one_length(db, values)


def text_looks_dense(db: Database, values: str, text: str) -> bool:
    """The same of JSON arrays that came as text."""
    numbers = numbers_of(values)
    odd = f"{text} IS NOT NULL AND list_count({numbers}) <> len({values})"
    fraction = f"{text} IS NOT NULL AND position('.' IN {text}) > 0"
    told = f"SELECT count(CASE WHEN {odd} THEN 1 END), count(CASE WHEN {fraction} THEN 1 END) FROM items"
    wrong, fractions = db.rows(told)[0]
    return not wrong and bool(fractions) and _one_length(db, values)


def _one_length(db: Database, values: str) -> bool:
    length = f"NULLIF(len({values}), 0)"
    low, high = db.rows(f"SELECT min({length}), max({length}) FROM items")[0]
    return isinstance(low, int) and low == high and low > 1


def read_dense(db: Database, name: str, values: str | None, ids: Vocab) -> RawField:
    """The dense field of a column of lists; null and the empty list are missing.

    UsageError where the column holds no lists; DataError names the first item whose vector is of another
    length or not finite, and a column without any vector.
    """
    if values is None:
        raise UsageError(f"field {name!r} cannot be dense: it holds no lists of numbers")
    length = _checked_length(db, name, values, ids)
    db.connection.execute(
        f"CREATE OR REPLACE TABLE dense AS SELECT {numbers_of(values)} AS numbers FROM items ORDER BY place"
    )
    out: Floats = np.full((len(ids), length), np.nan, dtype=np.float32)
    step = max(1, CELLS // length)
    for start in range(0, len(ids), step):
        where = f"rowid >= {start} AND rowid < {start + step}"
        found = db.connection.execute(f"SELECT numbers FROM dense WHERE {where}").fetchnumpy()["numbers"]
        for at, numbers in enumerate(found):
            if numbers is not np.ma.masked and numbers is not None and len(numbers):
                out[start + at] = np.ma.filled(numbers, np.nan)
    _check_finite(name, out, ids, db, values)
    return RawField(name, "dense", vectors=out)


def _checked_length(db: Database, name: str, values: str, ids: Vocab) -> int:
    """The length that most vectors have; DataError where not all have it."""
    lengths = db.rows(
        f"SELECT len({values}) AS n, count(*) AS rows, min(place) AS first FROM items "
        f"WHERE len({values}) > 0 GROUP BY 1 ORDER BY rows DESC, n"
    )
    if not lengths:
        raise DataError(f"field {name!r} holds no vector")
    (length, _, _), *others = ([int(str(cell)) for cell in row] for row in lengths)
    if others:
        n, _, first = others[0]
        raise DataError(
            f"field {name!r}: the vector of item {ids.ids[first]!r} has {n} numbers, others have {length}; "
            f"a dense field needs one length (for lists of values set fields: {name} = multi)"
        )
    return length


def _check_finite(name: str, vectors: Floats, ids: Vocab, db: Database, values: str) -> None:
    """DataError for the first item that has a vector which is not finite throughout."""
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    given = db.connection.execute(f"SELECT len({values}) > 0 AS given FROM items ORDER BY place").fetchnumpy()
    held = np.ma.filled(np.ma.asarray(given["given"]), False).astype(bool)
    bad = bad[held[bad]]
    if len(bad):
        raise DataError(
            f"field {name!r}: the vector of item {ids.ids[bad[0]]!r} holds what is no finite number; "
            "leave a missing vector empty"
        )
