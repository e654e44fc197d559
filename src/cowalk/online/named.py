"""Stores by name, as the command line gives them."""

from __future__ import annotations

from cowalk.errors import UsageError
from cowalk.online.histories import KEEP, Histories
from cowalk.online.memory_histories import MemoryHistories
from cowalk.online.redis_histories import MONTH, RedisHistories
from cowalk.online.redis_link import is_redis
from cowalk.online.sqlite_histories import SQLiteHistories


def open_histories(
    name: str, *, keep: int = KEEP, repeats: bool = False, expiry: float | None = MONTH
) -> Histories:
    """The store of histories that is called `memory`, `sqlite:PATH` or redis://host:port/db?name=shop.

    A server is not asked before the first event; a file is made at once.
    """
    if name == "memory":
        return MemoryHistories(keep=keep, repeats=repeats, expiry=expiry)
    kind, colon, path = name.partition(":")
    if kind == "sqlite" and colon and path:
        return SQLiteHistories(path, keep=keep, repeats=repeats, expiry=expiry)
    if is_redis(name):
        return RedisHistories(name, keep=keep, repeats=repeats, expiry=expiry)
    raise UsageError(f"histories {name!r}: give memory, sqlite:PATH or redis://host:port/db?name=shop")
