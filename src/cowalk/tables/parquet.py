"""Vocabulary and side information as Parquet files, written and read with DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from cowalk.errors import CowalkError, ModelError
from cowalk.tables.duck import cursor
from cowalk.tables.side_info import Field, SideInfo
from cowalk.tables.vocab import STRING, Vocab
from cowalk.types import AnyArray


def quoted(path: Path) -> str:
    """The path as an SQL text literal."""
    return "'" + str(path).replace("'", "''") + "'"


def write_table(
    path: Path, columns: Mapping[str, AnyArray], types: Mapping[str, str], order: str = ""
) -> None:
    """Write equally long columns as one zstd Parquet file with these SQL types."""
    plain = {n: c.astype(object) if c.dtype.kind in "TU" else np.asarray(c) for n, c in columns.items()}
    wanted = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in types.items())
    with cursor() as con:  # one thread keeps the order of the rows
        con.register("given", plain)
        con.execute(
            f"COPY (SELECT {wanted} FROM given {order}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
        )


def read_table(path: Path, columns: tuple[str, ...]) -> dict[str, AnyArray]:
    """The named columns in the order of the file; nulls and unreadable files are a ModelError."""
    names = ", ".join(f'"{name}"' for name in columns)
    try:
        with cursor() as con:
            found = con.execute(f"SELECT {names} FROM read_parquet({quoted(path)})").fetchnumpy()
    except (duckdb.Error, UnicodeDecodeError, MemoryError) as error:
        raise ModelError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    for name, column in found.items():
        if np.ma.isMaskedArray(column) and np.ma.getmaskarray(column).any():
            raise ModelError(f"{path}: column {name!r} holds nulls")
    return {name: np.asarray(np.ma.getdata(column)) for name, column in found.items()}


def write_vocab(path: Path, vocab: Vocab) -> None:
    """Columns id (BIGINT or VARCHAR) and count, in row order."""
    kind = "BIGINT" if vocab.is_integer else "VARCHAR"
    write_table(path, {"id": vocab.ids, "count": vocab.counts}, {"id": kind, "count": "BIGINT"})


def read_vocab(path: Path) -> Vocab:
    """The vocabulary that `write_vocab` wrote."""
    table = read_table(path, ("id", "count"))
    ids = table["id"]
    if ids.dtype.kind not in "iO" or table["count"].dtype.kind != "i":
        raise ModelError(f"{path}: ids are {ids.dtype}, counts are {table['count'].dtype}")
    try:
        return Vocab(ids if ids.dtype.kind == "i" else ids.astype(STRING), table["count"])
    except (CowalkError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: {error}") from None


CODES = {"field": "INTEGER", "row": "INTEGER", "code": "INTEGER"}
VALUES = {"field": "INTEGER", "code": "INTEGER", "label": "VARCHAR", "edge": "DOUBLE"}


def write_side_info(codes: Path, values: Path, side_info: SideInfo) -> list[dict[str, Any]]:
    """Two long tables, (field, row, code) and (field, code, label, edge); gives the fields for the manifest.

    `edge` is the upper bucket edge of a numeric value, 0 where there is none.
    """
    fields = side_info.fields
    rows = [np.repeat(np.arange(len(f), dtype=np.int32), np.diff(f.offsets)) for f in fields]
    lengths, sizes = [len(f.codes) for f in fields], [f.size for f in fields]
    numbers = np.arange(len(fields), dtype=np.int32)
    table = {
        "field": np.repeat(numbers, lengths),
        "row": _join(rows),
        "code": _join([f.codes for f in fields]),
    }
    write_table(codes, table, CODES)
    edges = [np.zeros(f.size) for f in fields]
    for field, column in zip(fields, edges, strict=True):
        if field.edges is not None:
            column[: len(field.edges)] = field.edges
    labels = [np.asarray(f.labels).astype(STRING).astype(object) for f in fields]
    code = _join([np.arange(size, dtype=np.int32) for size in sizes])
    table = {"field": np.repeat(numbers, sizes), "code": code}
    table |= {"label": _join(labels, object), "edge": _join(edges, np.float64)}
    write_table(values, table, VALUES)
    return [{"name": f.name, "kind": f.kind} for f in fields]


def dense_arrays(side_info: SideInfo | None) -> dict[str, AnyArray]:
    """The vectors of the dense fields by the number of the field."""
    fields = side_info.fields if side_info is not None else ()
    return {str(number): f.vectors for number, f in enumerate(fields) if f.vectors is not None}


def _join(parts: list[AnyArray], dtype: Any = np.int32) -> AnyArray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)


def read_side_info(
    codes: Path, values: Path, fields: list[dict[str, Any]], vocab: Vocab, dense: Mapping[str, AnyArray]
) -> SideInfo:
    """The side information that `write_side_info` wrote, for the items of `vocab`.

    dense: vectors float32[V, k] by the number of the field.
    """
    held, named = read_table(codes, tuple(CODES)), read_table(values, tuple(VALUES))
    built = []
    try:
        for number, field in enumerate(fields):
            if field["kind"] == "dense":
                built.append(Field.dense(field["name"], _vectors(dense[str(number)], len(vocab))))
                continue
            mine, known = held["field"] == number, named["field"] == number
            rows = held["row"][mine]
            offsets = np.searchsorted(rows, np.arange(len(vocab) + 1)).astype(np.int64)
            if len(rows) and (np.any(np.diff(rows) < 0) or rows[0] < 0 or offsets[-1] != len(rows)):
                raise ModelError("rows are out of order")
            edges = named["edge"][known][:-1].astype(np.float64) if field["kind"] == "numeric" else None
            labels = named["label"][known].astype(STRING)
            code = held["code"][mine].astype(np.int32)
            built.append(Field(field["name"], field["kind"], offsets, code, labels, edges))
        return SideInfo(vocab.fingerprint, tuple(built))
    except (CowalkError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{codes}: side information is damaged ({error})") from None


def _vectors(array: AnyArray, items: int) -> AnyArray:
    if array.dtype != np.float32 or array.ndim != 2 or len(array) != items:
        raise ModelError(f"vectors are {array.dtype} {array.shape} for {items} items")
    return array
