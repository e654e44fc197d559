"""A private DuckDB under a memory limit, in a temporary folder that is gone at the end; SQL from files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from string import Template

import duckdb
import numpy as np

from cowalk.errors import DataError, UsageError, disk_full
from cowalk.tables.duck import Setting, connect
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray

CHUNK = 1 << 21  # rows that leave the database at a time
SMALLEST = 100_000_000  # bytes below which DuckDB cannot sort
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def memory_bytes(limit: str | int) -> int:
    """The bytes of a limit such as "2GB", "512MB" or 2000000000; UsageError where it cannot be read."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", str(limit))
    if not found or found[2].upper() not in UNITS:
        raise UsageError(f"memory limit {limit!r} cannot be read; write it as 2GB or 512MB")
    size = int(float(found[1]) * UNITS[found[2].upper()])
    if size < 2 * SMALLEST:
        raise UsageError(f"memory limit {limit!r} is too small; give at least 200MB")
    return size


def name(text: str) -> str:
    """The text as a quoted SQL name."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


class Database:
    """A DuckDB connection that knows the statements in prepare/sql and hands results out as numpy arrays."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder

    def run(self, statement: str, **parts: str) -> None:
        """Run sql/<statement>.sql with its placeholders filled; every part is quoted by whoever made it."""
        text = resources.files("cowalk.prepare").joinpath("sql", f"{statement}.sql").read_text("utf-8")
        self.connection.execute(Template(text).substitute(parts))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """All rows of a small result."""
        found: list[tuple[object, ...]] = self.connection.execute(sql).fetchall()
        return found

    def number(self, sql: str) -> int:
        """The one whole number that the query gives, 0 for null."""
        value = self.rows(sql)[0][0]
        assert value is None or isinstance(value, int)
        return value or 0

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        return self.number(f"SELECT count(*) FROM {table}")

    def columns(self, relation: str) -> dict[str, str]:
        """Type by column name of whatever may stand after FROM."""
        return {str(row[0]): str(row[1]) for row in self.rows(f"DESCRIBE SELECT * FROM {relation}")}

    def arrays(self, table: str, columns: dict[str, AnyArray]) -> None:
        """Fill one array per column with the rows of a stored table in their order, chunk by chunk."""
        total = self.count(table)
        chosen = ", ".join(columns)
        for start in range(0, total, CHUNK):
            where = f"rowid >= {start} AND rowid < {start + CHUNK}"
            found = self.connection.execute(f"SELECT {chosen} FROM {table} WHERE {where}").fetchnumpy()
            for column, array in columns.items():
                array[start : start + CHUNK] = found[column]

    def ids(self, table: str) -> AnyArray:
        """The column `id` of a stored table in its order: int64[n], or str[n]."""
        kind = np.dtype(np.int64) if self.columns(table)["id"] == "BIGINT" else STRING
        array: AnyArray = np.empty(self.count(table), dtype=kind)
        self.arrays(table, {"id": array})
        return array


def explain(error: Exception, what: str, limit: str | int) -> DataError:
    """The one clear line for what DuckDB or the disk said."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    first = (
        "; ".join(lines[:3]) if "CSV Error" in lines[0] else lines[0]
    )  # the line, what is in it, what is wrong
    if disk_full(error) or "max_temp_directory_size" in str(error):
        return DataError(
            f"{what}: the disk of the temporary folder {tempfile.gettempdir()} is full; set TMPDIR to another"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(f"{what}: the memory limit of {limit} does not do; raise it (--memory-limit)")
    return DataError(f"{what}: {re.sub(r'^[A-Za-z ]*Error: ', '', first)}")


@contextmanager
def database(what: str, memory_limit: str | int = "4GB", workers: int | None = None) -> Iterator[Database]:
    """A database for the length of the block; what goes wrong in it comes out as one DataError that names
    `what`.

    DuckDB gets half of the limit: the other half is for the arrays that are made of its results.
    """
    size = memory_bytes(memory_limit)
    try:
        with tempfile.TemporaryDirectory(prefix="cowalk-") as folder:
            settings: dict[str, Setting] = {
                "memory_limit": f"{size // 2 // 1000}KB",
                "threads": max(1, workers or os.cpu_count() or 1),
                "temp_directory": folder,
                "preserve_insertion_order": True,
                "autoinstall_known_extensions": False,
                "TimeZone": "UTC",
                "pandas_analyze_sample": 1 << 40,
            }
            connection = connect(Path(folder) / "work.duckdb", settings)
            try:
                yield Database(connection, Path(folder))
            finally:
                connection.close()
    except duckdb.Error as error:
        raise explain(error, what, memory_limit) from None
    except OSError as error:
        raise explain(error, what, memory_limit) from None
