"""DuckDB connections that print nothing: in a notebook or a REPL it would draw bars of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

Setting = str | bool | int | float | list[str]


def connect(
    path: str | Path = ":memory:", settings: Mapping[str, Setting] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection with these settings, its progress bar off."""
    connection = duckdb.connect(str(path), config=dict(settings or {}))
    connection.execute("SET enable_progress_bar = false")
    return connection
