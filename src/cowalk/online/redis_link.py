"""The line to a Redis server: short timeouts, it comes back by itself, every failure is a StoreAwayError."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cowalk.errors import MissingExtraError, StoreAwayError, UsageError

if TYPE_CHECKING:
    from redis import Redis

SCHEMES = ("redis", "rediss", "unix")
NAME = "model"
TIMEOUT = 0.5  # seconds for a connection and for an answer
REST = 0.5  # seconds in which a server that did not answer is not asked again
T = TypeVar("T")


class Place(NamedTuple):
    """Where something lies in Redis: the server, and the name that all its keys bear."""

    url: str
    name: str

    def key(self, *parts: str) -> str:
        """A key of ours."""
        return ":".join(("cowalk", self.name, *parts))


def is_redis(target: object) -> bool:
    """Whether this is the URL of a Redis server, and no path."""
    return isinstance(target, str) and target.partition("://")[0] in SCHEMES and "://" in target


def place_of(url: str) -> Place:
    """The parts of redis://host:port/db?name=shop; the name is "model" where none is given."""
    if not is_redis(url):
        raise UsageError(f"{_plain(url)} is no Redis URL; write it as redis://host:6379/0?name=shop")
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    name = query.pop("name", NAME)
    strange = [key for key in query if key != "db" and not key.startswith(("socket_", "ssl_"))]
    if strange:
        raise UsageError(f"{_plain(url)}: {strange[0]!r} is not known; write redis://host:6379/0?name=shop")
    if parts.scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise UsageError(f"{_plain(url)}: the database is a number, as in redis://host:6379/0?name=shop")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise UsageError(f"name {name!r}: use up to 64 letters, digits, dots, dashes and underscores")
    return Place(urlunsplit(parts._replace(query=urlencode(query))), name)


def _plain(url: object) -> str:
    """The URL without a password, for messages."""
    return re.sub(r"//[^@/]*@", "//", str(url))


class Script:
    """A Lua script, which the server runs as one step; called by its digest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode()).hexdigest()  # the name that Redis gives it

    def __call__(self, client: Any, keys: list[Any], arguments: list[Any]) -> Any:
        """What it returns; brought to a server that does not have it, as one that was started again."""
        from redis.exceptions import NoScriptError

        try:
            return client.evalsha(self.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return client.eval(self.text, len(keys), *keys, *arguments)

    def queue(self, pipe: Any, keys: list[Any]) -> None:
        """Have it run with the other commands of a pipeline; NoScriptError there where it is not known."""
        pipe.evalsha(self.digest, len(keys), *keys)


class Link:
    """Asks one Redis server; safe to call from several threads.

    A lost connection is made anew at the next call. After a call that had no answer, calls fail at once for
    `REST` seconds, so that a server that hangs costs its callers one timeout and not one each.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self.place = place_of(url)
        self.shown = _plain(self.place.url)
        self._client = _client(self.place.url, timeout)
        self._rests_until, self._why = 0.0, ""

    def ask(self, call: Callable[[Any], T]) -> T:
        """What the call gives; StoreAwayError where the server does not answer or refuses."""
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as Late

        if time.monotonic() < self._rests_until:
            raise StoreAwayError(self._why)
        try:
            return call(self._client)
        except (RedisError, OSError) as error:
            words = f"Redis at {self.shown}: {_words(error, self.place)}"
            if isinstance(error, Lost | Late | OSError):
                self._rests_until, self._why = time.monotonic() + REST, words
            raise StoreAwayError(words) from None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _client(url: str, timeout: float) -> Redis:
    """A client that has not yet connected."""
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Lost
        from redis.retry import Retry
    except ImportError:
        raise MissingExtraError("Redis needs the package redis; pip install 'cowalk[serve]'") from None
    try:
        # Once more at once: after a restart of the server every connection in the pool is dead.
        retry = Retry(NoBackoff(), 1, supported_errors=(Lost,))
        return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{_plain(url)} is no Redis URL ({error}); write it as redis://host:6379/0"
        ) from None


def _words(error: Exception, place: Place) -> str:
    """What happened and the mend, in one line."""
    from redis import exceptions as of

    text = " ".join(str(error).split())  # redis-py cuts the code word off where it has a class for it
    if isinstance(error, of.AuthenticationError | of.NoPermissionError) or "WRONGPASS" in text:
        return f"not let in ({text}); give user and password as redis://user:password@host:port/db"
    if "WRONGTYPE" in text:
        return (
            f"keys under {place.key()} hold values of another program; "
            "publish under another name, as redis://host:port/db?name=shop"
        )
    if isinstance(error, of.OutOfMemoryError) or "'maxmemory'" in text:
        return "out of memory; raise its maxmemory, or publish with a smaller --keep"
    if isinstance(error, of.ReadOnlyError):
        return "a replica that takes no writes; give the URL of its master"
    if isinstance(error, of.TimeoutError):
        return "does not answer in time"
    if isinstance(error, ConnectionRefusedError) or "refused" in text:
        return "connection refused; start it, or check host and port"
    return text
