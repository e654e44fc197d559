"""Small helpers for building: a DuckDB connection, Parquet out, Python columns in."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb

from cowalk.tables.duck import connect as quiet

TIES = "preserve_insertion_order"  # a log's ties keep the order of the file


def connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory database that writes rows in the order they were read."""
    return quiet(settings={TIES: True})


def literal(path: Path) -> str:
    """The path as an SQL text."""
    return "'" + str(path).replace("'", "''") + "'"


def write(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    """Write the rows of `query` as Parquet; returns how many."""
    con.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
    row = con.execute(f"SELECT count(*) FROM read_parquet({literal(target)})").fetchone()
    return int(row[0]) if row else 0


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that `query` gives."""
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def load_columns(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Make the table `name` of Python lists of equal length (values may be lists themselves)."""
    spread = ", ".join(f'unnest(?) AS "{column}"' for column in columns)
    con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {spread}", [list(v) for v in columns.values()])


def open_text(path: Path) -> IO[str]:
    """The file as text, unpacked where its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
