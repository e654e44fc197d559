"""The simulated shop on disk: two Parquet files that appear together or not at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
from rich.progress import Progress

from cowalk.datasets.planted import Planted
from cowalk.datasets.tables import connect, literal
from cowalk.errors import DataError, disk_full
from cowalk.types import AnyArray

MEMORY = "1GB"


def write_shop(
    out: Path,
    planted: Planted,
    fields: Sequence[str],
    blocks: Iterator[dict[str, AnyArray]],
    events: int,
    rng: np.random.Generator,
    *,
    missing: float,
    price: bool,
    string_ids: bool,
    progress: bool,
) -> None:
    """Write items.parquet and events.parquet into `out`; DataError where that fails, with nothing left."""
    with _scratch(out) as folder, connect() as con:
        con.execute("SET threads = 1")  # so that row groups, and with them the bytes, fit every machine
        con.execute(f"SET memory_limit = '{MEMORY}'")
        con.execute(f"SET temp_directory = {literal(folder / 'spill')}")
        query = _catalogue(con, planted, fields, rng, missing, price, string_ids)
        _copy(con, query, folder / "items.parquet")
        con.unregister("catalogue")
        _write_events(con, blocks, events, folder, string_ids, progress)


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """A folder inside `out` whose Parquet files move up when all went well."""
    fresh = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".simulate-", dir=out))
    except OSError as error:
        raise DataError(f"cannot write to {out}: {error.strerror}; name another folder") from error
    done = False
    try:
        yield folder
        for path in sorted(folder.glob("*.parquet")):
            path.replace(out / path.name)
        done = True
    except (duckdb.Error, OSError, MemoryError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        first = "no space left on the disk" if disk_full(error) else first
        raise DataError(f"cannot write to {out}: {first}; nothing was left there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if fresh and not done:
            shutil.rmtree(out, ignore_errors=True)


def _item_id(column: str, string_ids: bool) -> str:
    """SQL for the outside id of an item number: 1, 2, ..., or item-0000001, ..."""
    return f"format('item-{{:07d}}', {column} + 1)" if string_ids else f"{column}::BIGINT + 1"


def _catalogue(
    con: duckdb.DuckDBPyConnection,
    planted: Planted,
    fields: Sequence[str],
    rng: np.random.Generator,
    missing: float,
    price: bool,
    string_ids: bool,
) -> str:
    """Register the table `catalogue`; the query that gives items.parquet."""
    n, width = planted.values.shape[1], len(str(planted.size))
    columns: dict[str, AnyArray] = {"item": np.arange(n, dtype=np.int32)}
    selected = [f"{_item_id('item', string_ids)} AS item_id"]
    for f, name in enumerate(fields):
        columns[f"f{f}"] = np.where(rng.random(n) < missing, -1, planted.values[f])
        text, quoted = name.replace("'", "''"), name.replace('"', '""')
        shown = f"'{text}-' || lpad((f{f} + 1)::VARCHAR, {width}, '0')"
        selected.append(f'CASE WHEN f{f} >= 0 THEN {shown} END AS "{quoted}"')
    if price:
        columns["amount"] = np.asarray(np.exp(rng.normal(2.0, 1.0, n)).round(2))
        columns["shown"] = np.asarray(rng.random(n) >= missing)
        selected.append("CASE WHEN shown THEN amount END AS price")
    con.register("catalogue", columns)
    return f"SELECT {', '.join(selected)} FROM catalogue"


def _write_events(
    con: duckdb.DuckDBPyConnection,
    blocks: Iterator[dict[str, AnyArray]],
    events: int,
    folder: Path,
    string_ids: bool,
    progress: bool,
) -> None:
    """One Parquet file per block, then all of them in one."""
    parts = folder / "parts"
    parts.mkdir()
    item_id = _item_id("items", string_ids)
    query = (
        f"SELECT users + 1 AS user_id, {item_id} AS item_id, make_timestamp(times) AS timestamp FROM block"
    )
    with Progress(disable=not (progress and sys.stderr.isatty()), transient=True) as bar:
        task = bar.add_task("events", total=events)
        for i, block in enumerate(blocks):
            con.register("block", block)
            _copy(con, query, parts / f"{i:06d}.parquet")
            con.unregister("block")
            bar.update(task, advance=len(block["users"]))
    _copy(con, f"SELECT * FROM read_parquet({literal(parts / '*.parquet')})", folder / "events.parquet")


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    con.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
