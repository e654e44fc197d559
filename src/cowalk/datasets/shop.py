"""A simulated shop with planted interests, for scale and for tests whose right answer is known."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb
import numpy as np
from rich.progress import Progress

from cowalk.datasets.behave import chunks
from cowalk.datasets.planted import Planted, plant
from cowalk.datasets.tables import connect, literal
from cowalk.errors import DataError, UsageError
from cowalk.seeds import generator
from cowalk.types import AnyArray

SHARES: Mapping[str, float] = MappingProxyType({"category": 0.6, "brand": 0.3, "style": 0.1, "material": 0.0})
HIDDEN = "community"


@dataclass(frozen=True)
class SimulatedShop:
    """events.parquet (user_id, item_id, timestamp), items.parquet (item_id and the fields), and what was planted.

    shares: by field the share of the led steps that follow it; community_share: the same for a grouping of the items
    that no field tells (communities: int32[items] by item number, None where the share is 0); noise: the share of all
    steps that go by popularity alone.
    """

    events: Path
    items: Path
    shares: Mapping[str, float]
    community_share: float
    communities: AnyArray | None
    noise: float
    n_items: int
    n_events: int
    n_users: int


def simulate(
    items: int,
    events: int,
    *,
    out: Path | str,
    users: int | None = None,
    seed: int = 0,
    fields: Mapping[str, float] = SHARES,
    values: int | None = None,
    community_share: float = 0.0,
    noise: float = 0.2,
    exponent: float = 0.8,
    missing: float = 0.0,
    price: bool = False,
    string_ids: bool = False,
    progress: bool = False,
) -> SimulatedShop:
    """Write a shop of `items` items and exactly `events` events into the folder `out`; equal bytes for equal arguments.

    From one item of a session to the next, a step follows field f with chance (1 - noise) * fields[f] (times
    1 - community_share): another item with the same value of f, by popularity; with chance `noise` it is any item by
    popularity. All fields have the same number of values, equally spread, so the shares alone tell the fields apart;
    a field of share 0 says nothing. fields: name -> share, summing to 1. values: values per field (default
    sqrt(items) / 2, between 2 and 1,000). A session holds 5 events on average (geometric), less than 5 minutes
    apart, and at least an hour lies between a user's sessions. missing: share of the attribute values left out of
    items.parquet. price: adds a numeric field that means nothing. Item ids are integers, or texts with `string_ids`.
    UsageError for a size or share out of range; DataError where `out` cannot be written, with nothing left there.
    """
    users = max(1, events // 25) if users is None else users
    size = min(1000, max(2, round(items**0.5 / 2))) if values is None and items > 0 else values or 0
    _check(
        items,
        events,
        users,
        size,
        fields,
        {"noise": noise, "missing": missing, "community_share": community_share},
    )
    shares = [share * (1 - community_share) for share in fields.values()] + [community_share] * (
        community_share > 0
    )
    planted = plant(items, size, shares, noise, exponent, generator(seed, "simulate items"))
    out = Path(out)
    with _Folder(out) as scratch, connect() as con:
        con.execute(
            "SET threads = 1"
        )  # so that row groups, and with them the bytes, do not depend on the machine
        con.execute("SET memory_limit = '1GB'")
        _write_items(con, planted, list(fields), scratch, seed, missing, price, string_ids)
        _write_events(con, chunks(planted, users, events, seed), events, scratch, string_ids, progress)
    return SimulatedShop(
        out / "events.parquet",
        out / "items.parquet",
        MappingProxyType(dict(fields)),
        community_share,
        planted.values[-1] if community_share else None,
        noise,
        items,
        events,
        users,
    )


def _check(
    items: int, events: int, users: int, size: int, fields: Mapping[str, float], parts: dict[str, float]
) -> None:
    for name, number in {"items": items, "events": events, "users": users, "values": size}.items():
        if number < 1:
            raise UsageError(f"simulate: {name} must be 1 or more, got {number}")
    if items > 2**31 - 1:
        raise UsageError(f"simulate: items must be below 2^31, got {items}")
    if users > events:
        raise UsageError(f"simulate: {users} users need at least as many events, got {events}")
    for name, share in parts.items():
        if not 0 <= share <= 1:
            raise UsageError(f"simulate: {name} must lie between 0 and 1, got {share}")
    if not fields or min(fields.values()) < 0 or abs(sum(fields.values()) - 1) > 1e-6:
        raise UsageError(
            f"simulate: the shares of the fields must be 0 or more and sum to 1, got {dict(fields)}"
        )
    if taken := {"item_id", "price", HIDDEN} & set(fields):
        raise UsageError(f"simulate: a field cannot be called {taken.pop()!r}")


class _Folder:
    """A scratch folder inside `out` whose Parquet files move up when all went well; else nothing is left behind."""

    def __init__(self, out: Path) -> None:
        self.out, self.fresh = out, not out.exists()

    def __enter__(self) -> Path:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self.scratch = Path(tempfile.mkdtemp(prefix=".simulate-", dir=self.out))
        except OSError as error:
            raise DataError(
                f"cannot write to {self.out}: {error.strerror}; name another folder with --out"
            ) from error
        return self.scratch

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                for path in self.scratch.glob("*.parquet"):
                    os.replace(path, self.out / path.name)
        except OSError as problem:
            raise DataError(f"cannot write to {self.out}: {problem.strerror}") from problem
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            if error is not None and self.fresh:
                shutil.rmtree(self.out, ignore_errors=True)
        if isinstance(error, duckdb.Error | OSError) and not isinstance(error, DataError):
            first = (str(error).splitlines() or [""])[0]
            raise DataError(f"cannot write to {self.out}: {first}; nothing was left there") from error


def _item_id(column: str, string_ids: bool) -> str:
    """SQL for the outside id of an item number: 1, 2, ..., or item-000001, ..."""
    return f"'item-' || lpad(({column} + 1)::VARCHAR, 6, '0')" if string_ids else f"{column}::BIGINT + 1"


def _write_items(
    con: duckdb.DuckDBPyConnection,
    planted: Planted,
    fields: list[str],
    scratch: Path,
    seed: int,
    missing: float,
    price: bool,
    string_ids: bool,
) -> None:
    rng = generator(seed, "simulate catalogue")
    n = planted.values.shape[1]
    width = len(str(planted.size))
    columns: dict[str, AnyArray] = {"item": np.arange(n, dtype=np.int32)}
    selected = [f"{_item_id('item', string_ids)} AS item_id"]
    for f, name in enumerate(fields):
        columns[f"f{f}"] = np.where(rng.random(n) < missing, -1, planted.values[f]).astype(np.int32)
        shown = f"'{name.replace(chr(39), chr(39) * 2)}-' || lpad((f{f} + 1)::VARCHAR, {width}, '0')"
        selected.append(f'CASE WHEN f{f} >= 0 THEN {shown} END AS "{name.replace(chr(34), chr(34) * 2)}"')
    if price:
        columns["amount"] = np.round(np.exp(rng.normal(2.0, 1.0, n)), 2)
        columns["shown"] = rng.random(n) >= missing
        selected.append("CASE WHEN shown THEN amount END AS price")
    con.register("catalogue", columns)
    _copy(con, f"SELECT {', '.join(selected)} FROM catalogue", scratch / "items.parquet")
    con.unregister("catalogue")


def _write_events(
    con: duckdb.DuckDBPyConnection,
    blocks: Iterator[dict[str, AnyArray]],
    events: int,
    scratch: Path,
    string_ids: bool,
    progress: bool,
) -> None:
    parts = scratch / "parts"
    parts.mkdir()
    query = f"SELECT users + 1 AS user_id, {_item_id('items', string_ids)} AS item_id, make_timestamp(times) AS timestamp"
    with Progress(disable=not (progress and sys.stderr.isatty()), transient=True) as bar:
        task = bar.add_task("events", total=events)
        for i, block in enumerate(blocks):
            con.register("block", block)
            _copy(con, f"{query} FROM block", parts / f"{i:06d}.parquet")
            con.unregister("block")
            bar.update(task, advance=len(block["users"]))
    _copy(con, f"SELECT * FROM read_parquet({literal(parts / '*.parquet')})", scratch / "events.parquet")


def _copy(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    con.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
