"""OnlineVectors: vectors of a published model out of Redis, one trip a request, never two versions mixed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cowalk.errors import StoreAwayError, UsageError
from cowalk.online.histories import History, user_of
from cowalk.online.redis_histories import history_of
from cowalk.online.redis_layout import PUT_USERS, READ
from cowalk.online.redis_link import TIMEOUT, Link
from cowalk.tables import Id, Vectors
from cowalk.types import Floats

ROWS = 1_000
"""Rows that are written in one trip."""


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
    """The vectors that `publish` put at redis://host:port/db?name=shop.

    A read is one Lua script: it looks up the current version and takes the values in one step of the server,
    so that it has all of one version, also while another is published.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._link = Link(url, timeout=timeout)

    def read(self, items: Sequence[Id] = (), users: Sequence[Id] = (), histories: Sequence[Id] = ()) -> Read:
        """Vectors of items and users, and the histories of users with their items' vectors, in one trip."""
        place = self._link.place
        lists = [place.key("history", user_of(user)) for user in histories]
        arguments = [len(items), len(users), len(lists), *map(str, items), *map(str, users), *lists]
        answer = self._link.ask(partial(READ, keys=[place.key()], arguments=arguments))
        if len(answer) < 2:
            raise StoreAwayError(self._nothing(answer))
        version, dimension, item_rows, user_rows, entries, history_rows = answer
        matrix = partial(_matrix, dimension=int(dimension), shown=self._link.shown)
        return Read(
            version.decode(), matrix(item_rows), matrix(user_rows),
            [history_of(one) for one in entries], [matrix(rows) for rows in history_rows],
        )  # fmt: skip

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
        which is given back; UsageError where it is gone meanwhile or has another dimension.
        """
        names = [str(name) for name in vectors.vocab.ids.tolist()]
        wanted = version or ""
        for start in range(0, max(1, len(names)), ROWS):
            pairs: list[Any] = []
            for name, row in zip(
                names[start : start + ROWS], as_bytes(vectors.array[start : start + ROWS]), strict=True
            ):
                pairs += [name, row]
            if not pairs:
                continue
            arguments = [wanted, vectors.vector_size, *pairs]
            found, dimension = self._link.ask(
                partial(PUT_USERS, keys=[self._link.place.key()], arguments=arguments)
            )
            if dimension is None:
                raise UsageError(
                    f"version {wanted or 'current'} is not published at {self._link.shown}; "
                    "`cowalk publish` first, and make the users' vectors of that version"
                )
            if int(dimension) != vectors.vector_size:
                raise UsageError(
                    f"the users' vectors have {vectors.vector_size} dimensions, "
                    f"version {found.decode()} has {int(dimension)}"
                )
            wanted = found.decode()
        return wanted

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def _nothing(self, answer: list[bytes]) -> str:
        place, shown = self._link.place, self._link.shown
        if not answer:
            return f"Redis at {shown} holds no model under the name {place.name!r}; `cowalk publish` puts one"
        return (
            f"Redis at {shown}: version {answer[0].decode(errors='replace')} of {place.name!r} is not whole; "
            "set maxmemory-policy noeviction and publish again"
        )


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
