"""Stream: the events of every owner in one run each; what histories are slices of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cowalk.errors import DataError
from cowalk.tables import Events, Sessions
from cowalk.tables.sessions import check_offsets
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class Stream:
    """U owners, each with items[offsets[u]:offsets[u+1]] in (time, sequence) order, oldest first.

    items: int32[N]; offsets: int64[U+1]; users: int32[U], the user's row (-1 = unknown: an owner is then one
    session); weights: float32[N]; times: int64[N] microseconds UTC, None where the log has none. Arrays may
    be memory maps.
    """

    items: Ids
    offsets: Offsets
    users: Ids
    weights: Floats
    times: Offsets | None = None

    def __post_init__(self) -> None:
        check_offsets("stream", self.offsets, len(self.items))
        if len(self.users) != len(self):
            raise DataError(f"stream: {len(self)} owners but {len(self.users)} users")
        if len(self.weights) != len(self.items) or (
            self.times is not None and len(self.times) != len(self.items)
        ):
            raise DataError("stream: items, weights and times differ in length")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def owners(self) -> Ids:
        """int32[N]: the owner of each event."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))

    @classmethod
    def of(cls, source: Events | Sessions) -> Stream:
        """The events of a log by owner, or those of its sessions: a known user's follow one another."""
        if isinstance(source, Events):
            offsets = source.owner_offsets
            users = source.users[offsets[:-1]]
            return cls(
                source.items, offsets, users, source.weights, source.times if source.has_times else None
            )
        users = source.users
        opens = np.ones(len(source), dtype=bool)
        opens[1:] = (users[1:] != users[:-1]) | (users[1:] < 0)
        first = np.flatnonzero(opens)
        offsets = np.append(source.offsets[first], len(source.items)).astype(np.int64)
        return cls(source.items, offsets, users[first], source.weights, source.times)

    def select(self, keep: AnyArray) -> Stream:
        """The events where `keep` (bool[N]) is true; owners stay, some perhaps without an event."""
        before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        return Stream(
            self.items[keep], before[self.offsets], self.users, self.weights[keep],
            None if self.times is None else self.times[keep],
        )  # fmt: skip
