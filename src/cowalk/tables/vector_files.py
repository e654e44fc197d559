"""Named rows of numbers into files and out: Parquet, word2vec, npz, the TensorFlow projector."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.tables.duck import connect
from cowalk.tables.parquet import quoted
from cowalk.tables.vocab import STRING
from cowalk.tables.word2vec import escaped, lines, write_word2vec
from cowalk.types import AnyArray, Floats

Format = Literal["parquet", "word2vec", "word2vec-bin", "npz", "projector"]
FORMATS: tuple[Format, ...] = ("parquet", "word2vec", "word2vec-bin", "npz", "projector")
ENDINGS: Mapping[str, Format] = {
    ".parquet": "parquet", ".npz": "npz", ".bin": "word2vec-bin", ".tsv": "projector",
    ".txt": "word2vec", ".vec": "word2vec", ".gz": "word2vec",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Named rows: names str or int [N]; rows float32[N, d]; extra: more columns, where a format has some.

    columns: names of the d numbers, where they are no vector (weights).
    """

    names: AnyArray
    rows: Floats
    extra: Mapping[str, AnyArray] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None


def format_of(path: Path, given: str | None) -> Format:
    """The format given, else the one that the ending of the name tells; UsageError where neither does."""
    if given is not None:
        if given not in FORMATS:
            raise UsageError(f"format is {given!r}; it must be one of {', '.join(FORMATS)}")
        return given
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path}: its ending tells no format; give one of {', '.join(FORMATS)}")
    return ENDINGS[path.suffix]


def write(table: Table, to: Format, out: Path) -> list[str]:
    """Write the file (projector: two) and give notes; a file appears whole or not at all."""
    if not out.parent.is_dir():
        raise DataError(f"{out.parent}: no such folder; make it first, or name another --out")
    if to == "parquet":
        return _parquet(table, out)
    if to == "npz":
        return _npz(table, out)
    if to == "projector":
        return _projector(table, out)
    return _word2vec(table, out, binary=to == "word2vec-bin")


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A path to write to that becomes `out` when all went well, and is gone otherwise."""
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(out)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _parquet(table: Table, out: Path) -> list[str]:
    """Columns id, vector FLOAT[d] (or one per name in `columns`) and the extra ones."""
    d, columns = table.rows.shape[1], table.columns
    given = {
        "id": table.names,
        **{f"x{i}": np.ascontiguousarray(table.rows[:, i]) for i in range(d)},
        **table.extra,
    }
    given = {name: col.astype(object) if col.dtype.kind in "TU" else col for name, col in given.items()}
    if columns is None:
        rows = f"array_value({', '.join(f'x{i}' for i in range(d))})::FLOAT[{d}] AS vector"
    else:
        rows = ", ".join(f'x{i} AS "{_column(name)}"' for i, name in enumerate(columns))
    extra = "".join(f', "{name}"' for name in table.extra)
    with whole(out) as draft, connect() as con:
        con.execute("SET threads = 1")  # one writer keeps the order of the rows
        con.register("given", given)
        con.execute(f"COPY (SELECT id, {rows}{extra} FROM given) TO {quoted(draft)} (FORMAT parquet)")
    return []


def _column(name: str) -> str:
    return name.replace('"', '""')


def _npz(table: Table, out: Path) -> list[str]:
    names = table.names if table.names.dtype.kind == "i" else np.array(table.names.tolist(), dtype=np.str_)
    arrays: dict[str, Any] = {"ids": names, "vectors": np.asarray(table.rows)}
    if table.columns is not None:
        arrays["columns"] = np.array(table.columns, dtype=np.str_)
    with whole(out) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    return []


def _projector(table: Table, out: Path) -> list[str]:
    """`out` holds the vectors, `<stem>.metadata.tsv` beside it the names, as the projector loads them.

    A cell can hold no tab and no line break, and an empty first cell is lost: what is changed is told.
    """
    beside = out.with_name(f"{out.stem}.metadata.tsv")
    names, cells = table.names.tolist(), [_cell(name) for name in table.names.tolist()]
    columns = [[_cell(one) for one in column.tolist()] for column in table.extra.values()]
    with whole(out) as vectors, whole(beside) as metadata:
        with vectors.open("w", encoding="utf-8") as file:
            for line in lines(table.rows, "\t"):
                file.write(line + "\n")
        with metadata.open("w", encoding="utf-8", newline="\n") as file:
            for row in [("id", *table.extra), *zip(cells, *columns, strict=True)]:
                file.write("\t".join(row) + "\n")
    notes = [f"names are in {beside}; load both at projector.tensorflow.org"]
    return notes + _changed("tabs or line breaks, which the projector's table cannot", names, cells)


def _cell(value: object) -> str:
    return re.sub(r"[\t\r\n]", " ", str(value)) or "-"


def _changed(what: str, names: list[Any], written: list[str]) -> list[str]:
    """A note of the names that a format cannot hold as they are, if there are any."""
    changed = [(name, word) for name, word in zip(names, written, strict=True) if str(name) != word]
    if not changed:
        return []
    ids = "1 id holds" if len(changed) == 1 else f"{len(changed):,} ids hold"
    return [f"{ids} {what}: written as {changed[0][1]!r} for {changed[0][0]!r}"]


def _word2vec(table: Table, out: Path, *, binary: bool) -> list[str]:
    """word2vec's format parts by blanks: an id that holds one is written with %20, and that is told."""
    names = table.names.tolist()
    words = [escaped(name) for name in names]
    with whole(out) as draft:
        write_word2vec(draft, words, table.rows, binary=binary)
    return _changed("blanks or %, which word2vec cannot", names, words)


def read_npz(path: Path) -> tuple[AnyArray, Floats]:
    """Ids and float32[N, d] of the arrays `ids` and `vectors`; objects (pickles) are refused."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            names, rows = kept["ids"], kept["vectors"]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except Exception as error:  # numpy tells a broken archive in many ways
        raise DataError(f"{path}: not an npz file with arrays 'ids' and 'vectors' ({error})") from None
    if names.ndim != 1 or names.dtype.kind not in "iuUT" or rows.ndim != 2 or rows.dtype.kind not in "fiu":
        raise DataError(f"{path}: 'ids' must be [N] numbers or texts, 'vectors' [N, d] numbers")
    return names if names.dtype.kind in "iu" else names.astype(STRING), rows.astype(np.float32)


def read_parquet(path: Path) -> tuple[AnyArray, Floats, AnyArray | None]:
    """Ids, float32[N, d] and, if there, counts, of the columns id, vector (a list of numbers) and count."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    source = f"read_parquet({quoted(path)})"
    with connect() as con:
        con.execute("SET threads = 1")  # one reader keeps the order of the rows
        try:
            kinds = dict(
                con.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {source})").fetchall()
            )
            for name in ("id", "vector"):
                if name not in kinds:
                    raise DataError(f"{path}: has no column {name!r}; it has {', '.join(kinds)}")
            sizes = "min(len(v)), max(len(v)), count(*) - count(v), count(*) - count(id)"
            cast = f"SELECT id, vector::FLOAT[] AS v FROM {source}"
            least, most, no_vector, no_id = con.execute(f"SELECT {sizes} FROM ({cast})").fetchall()[0]
            if no_vector or no_id:
                raise DataError(f"{path}: {no_id} ids and {no_vector} vectors are null; leave those rows out")
            if least != most or not least:
                raise DataError(f"{path}: vectors of {least} to {most} numbers; all must be of one size")
            numbers = con.execute(f"SELECT unnest(v) AS x FROM ({cast})").fetchnumpy()["x"]
            counted = ", count::BIGINT AS count" if "count" in kinds else ""
            found = con.execute(f"SELECT id{counted} FROM {source}").fetchnumpy()
        except duckdb.Error as error:
            raise DataError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    if np.ma.getmaskarray(numbers).any():
        raise DataError(f"{path}: a vector holds nulls")
    names = np.ma.getdata(found["id"])
    ids = names if names.dtype.kind in "iu" else names.astype(object)
    counts = found.get("count")
    if counts is not None and np.ma.getmaskarray(counts).any():
        counts = None
    return ids, np.ma.getdata(numbers).astype(np.float32).reshape(-1, least), counts


def read_projector(path: Path) -> tuple[AnyArray, Floats]:
    """Names of the first column of `<stem>.metadata.tsv` and the numbers of the file itself."""
    beside = path.with_name(f"{path.stem}.metadata.tsv")
    for one in (path, beside):
        if not one.is_file():
            raise DataError(f"{one}: no such file; the projector's format is two files")
    text = beside.read_text(encoding="utf-8").removesuffix("\n")
    names = [line.split("\t")[0] for line in text.split("\n")[1:]]
    try:
        rows = np.loadtxt(path, dtype=np.float32, delimiter="\t", ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    return np.array(names, dtype=STRING), rows
