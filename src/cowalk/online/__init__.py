"""The online store: histories of users, and published models and vectors for replicas."""

from cowalk.errors import StoreAwayError
from cowalk.online.fetch import current_version, fetch_model
from cowalk.online.histories import Event, Histories, History
from cowalk.online.memory_histories import MemoryHistories
from cowalk.online.named import open_histories
from cowalk.online.publishing import Published, publish
from cowalk.online.redis_histories import RedisHistories
from cowalk.online.redis_link import is_redis
from cowalk.online.redis_vectors import OnlineVectors, Read
from cowalk.online.sqlite_histories import SQLiteHistories

__all__ = [
    "Event",
    "Histories",
    "History",
    "MemoryHistories",
    "OnlineVectors",
    "Published",
    "Read",
    "RedisHistories",
    "SQLiteHistories",
    "StoreAwayError",
    "current_version",
    "fetch_model",
    "is_redis",
    "open_histories",
    "publish",
]
