"""The online store: histories of users, in memory, in SQLite or in Redis."""

from cowalk.errors import StoreAwayError
from cowalk.online.histories import Event, Histories, History
from cowalk.online.memory_histories import MemoryHistories
from cowalk.online.named import open_histories
from cowalk.online.redis_histories import RedisHistories
from cowalk.online.sqlite_histories import SQLiteHistories

__all__ = [
    "Event",
    "Histories",
    "History",
    "MemoryHistories",
    "RedisHistories",
    "SQLiteHistories",
    "StoreAwayError",
    "open_histories",
]
