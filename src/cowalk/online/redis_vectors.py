"""OnlineVectors: vectors of a published model out of Redis, one trip a request, never two versions mixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cowalk.errors import StoreAwayError, UsageError
from cowalk.online.histories import History, user_of
from cowalk.online.redis_histories import history_of
from cowalk.online.redis_layout import HISTORY, PUT_USERS
from cowalk.online.redis_link import TIMEOUT, Link
from cowalk.tables import Id, Vectors
from cowalk.types import Floats

ROWS = 1_000
"""Rows that are written in one trip."""
TRIES = 20
"""Switches during one read, one after another, before it is given up."""
Wanted = tuple[list[bytes], list[bytes], list[str]]
"""Ids of items, of users, and of users whose histories are wanted."""


class Read(NamedTuple):
    """What one request read, all of it of one version.

    items: float32[n, d], users: float32[m, d]; a row of NaN where the id is not known. histories: events of
    the users asked for, and history_vectors: float32[events, d] of their items.
    """

    version: str
    items: Floats
    users: Floats
    histories: list[History]
    history_vectors: list[Floats]


class OnlineVectors:
    """The vectors that `publish` put at redis://host:port/db?name=shop; safe to call from several threads.

    A read is one transaction (MULTI): which version is current, and the values of the version that was
    current at the read before, in one step of the server. Where the two differ, it is read once more. So
    what is given back is of one version, also while another is published, and takes one trip but at a switch.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._link = Link(url, timeout=timeout)
        self._version = "none"

    def read(self, items: Sequence[Id] = (), users: Sequence[Id] = (), histories: Sequence[Id] = ()) -> Read:
        """Vectors of items and users, and the histories of users with their items' vectors, in one trip."""
        wanted = (list(map(_name, items)), list(map(_name, users)), [user_of(user) for user in histories])
        for _ in range(TRIES):
            assumed = self._version
            answer = self._link.ask(partial(self._transaction, assumed, wanted))
            current = answer[0]
            if current is None:
                raise StoreAwayError(self._nothing)
            if current == assumed.encode():
                return self._found(assumed, answer, wanted)
            self._version = current.decode(errors="replace")
        raise StoreAwayError(self._not_whole(self._version))

    def _transaction(self, version: str, wanted: Wanted, client: Any) -> list[Any]:
        """The answers of Redis: current, dimensions, whether there are items, then what is wanted."""
        from redis.exceptions import NoScriptError

        place, (items, users, histories) = self._link.place, wanted
        told, rows, of_users = (place.key(version, part) for part in ("told", "items", "users"))
        with client.pipeline(transaction=True) as pipe:
            pipe.get(place.key("current")).hmget(told, "dimension", "user_dimension").exists(rows)
            for key, names in ((rows, items), (of_users, users)):
                if names:
                    pipe.hmget(key, names)
            for user in histories:
                HISTORY.queue(pipe, [place.key("history", user), rows])
            try:
                answers: list[Any] = pipe.execute()
                return answers
            except NoScriptError:  # a server that was started again
                client.script_load(HISTORY.text)
        return self._transaction(version, wanted, client)

    def _found(self, version: str, answer: list[Any], wanted: Wanted) -> Read:
        """What the answers hold."""
        _, dimensions, there, *rest = answer
        if None in dimensions or not there:
            raise StoreAwayError(self._not_whole(version))
        items, users, _ = wanted
        matrix, of_users = (partial(_matrix, dimension=int(n), shown=self._link.shown) for n in dimensions)
        parts = iter(rest)
        return Read(
            version,
            matrix(next(parts) if items else []),
            of_users(next(parts) if users else []),
            *_histories([*parts], matrix),
        )

    def items(self, ids: Sequence[Id]) -> Floats:
        """float32[n, d]: the model's item vectors; a row of NaN where an id is not known."""
        return self.read(items=ids).items

    def users(self, ids: Sequence[Id]) -> Floats:
        """float32[n, d]: the user vectors that were published or put; a row of NaN where there is none."""
        return self.read(users=ids).users

    def version(self) -> str:
        """The version that is read now."""
        return self.read().version

    def put_users(self, vectors: Vectors, version: str | None = None) -> str:
        """Put vectors of users beside those that are there, under the version that they were made of.

        version: as `Published` and `Read` name it; the current one unless given. All go under one version,
        which is given back; UsageError where it is gone, also meanwhile, or has another dimension.
        """
        to = version or self.version()
        names = list(map(_name, vectors.vocab.ids.tolist()))
        for start in range(0, len(names), ROWS):
            rows = as_bytes(vectors.array[start : start + ROWS])
            pairs = [part for pair in zip(names[start : start + ROWS], rows, strict=True) for part in pair]
            put = partial(PUT_USERS, keys=[self._link.place.key(to)], arguments=[vectors.vector_size, *pairs])
            dimension = self._link.ask(put)
            if dimension is None:
                raise UsageError(
                    f"version {to} is not published at {self._link.shown} (any more); "
                    "make the users' vectors of the version that is"
                )
            if int(dimension) != vectors.vector_size:
                raise UsageError(
                    f"the users' vectors have {vectors.vector_size} dimensions, "
                    f"version {to} has {int(dimension)}"
                )
        return to

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    @property
    def _nothing(self) -> str:
        name = self._link.place.name
        return (
            f"Redis at {self._link.shown} holds no model under the name {name!r}; `cowalk publish` puts one"
        )

    def _not_whole(self, version: str) -> str:
        return (
            f"Redis at {self._link.shown}: version {version!r} is not whole; "
            "set maxmemory-policy noeviction and publish again"
        )


def _histories(
    answers: list[Any], matrix: Callable[[list[bytes | None]], Floats]
) -> tuple[list[History], list[Floats]]:
    return [history_of(one[0]) for one in answers], [matrix(one[1]) for one in answers]


def _name(item: Id) -> bytes:
    """The id as a field of a hash; what is no Unicode text is the name of nothing."""
    return str(item).encode(errors="surrogatepass")


def as_bytes(rows: Floats) -> list[bytes]:
    """Each row as little-endian float32."""
    table = np.ascontiguousarray(rows, dtype="<f4")
    width, data = table.shape[1] * 4, table.tobytes()
    return [data[at : at + width] for at in range(0, len(data), width)]


def _matrix(values: list[bytes | None], dimension: int, shown: str) -> Floats:
    """float32[n, d] of the values, NaN where there is none."""
    missing = b"\x00\x00\xc0\x7f" * dimension  # NaN in little-endian float32
    data = b"".join([missing if value is None else value for value in values])
    if len(data) != 4 * dimension * len(values):
        raise StoreAwayError(
            f"Redis at {shown}: a vector has another dimension than {dimension}; publish again"
        )
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(len(values), dimension)
