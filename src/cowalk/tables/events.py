"""Events: what happened, cleaned and sorted. The form in which a log enters the house."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cowalk.errors import DataError
from cowalk.tables.catalogue import RawField
from cowalk.tables.side_info import SideInfo
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class Events:
    """Events sorted by (owner, time, sequence); the owner is the user, or the session if the user is unknown.

    users: int32[N], -1 = unknown (only where `sessions` is given); items: int32[N] rows of `item_vocab`;
    times: int64[N] microseconds UTC (all 0 where the log has no times: `has_times`); weights: float32[N];
    sessions: int32[N] codes of a given session column, or None; user_info: what is known of the users, by
    row of `user_vocab`; columns: further columns of the log, as read. Ties keep the order of the file.
    """

    users: Ids
    items: Ids
    times: Offsets
    weights: Floats
    item_vocab: Vocab
    user_vocab: Vocab
    sessions: Ids | None = None
    has_times: bool = True
    user_info: SideInfo | None = None
    columns: tuple[RawField, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.items)
        for name in ("users", "times", "weights", "sessions"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise DataError(f"events: {n} items but {len(column)} {name}")
        for field in self.columns:
            if len(field) != n:
                raise DataError(f"events: {n} items but {len(field)} rows of column {field.name!r}")
        if n and (self.items.min() < 0 or self.items.max() >= len(self.item_vocab)):
            raise DataError("events: an item code lies outside the vocabulary")
        if n and (self.users.min() < -1 or self.users.max() >= len(self.user_vocab)):
            raise DataError("events: a user code lies outside the vocabulary")
        if self.user_info is not None and any(len(f) != len(self.user_vocab) for f in self.user_info.fields):
            raise DataError("events: the users' attributes do not belong to the users of these events")
        if self.sessions is None and n and self.users.min() < 0:
            raise DataError("events: a user is unknown and there is no session column to hold the event")
        inside = np.ones(max(n - 1, 0), dtype=bool)
        inside[self.owner_offsets[1:-1] - 1] = False
        if np.any((self.times[1:] < self.times[:-1]) & inside):  # not np.diff: it would copy the times
            raise DataError("events: times fall within one user or session; sort by (user, time, sequence)")

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def owner_offsets(self) -> Offsets:
        """int64[U+1]: where each owner's run of events starts."""
        n = len(self.items)
        if n == 0:
            return np.zeros(1, dtype=np.int64)
        change = self.users[1:] != self.users[:-1]
        if self.sessions is not None:
            unknown = self.users[1:] < 0
            change |= unknown & (self.sessions[1:] != self.sessions[:-1])
        return np.concatenate([[0], np.flatnonzero(change) + 1, [n]]).astype(np.int64)

    def select(self, keep: AnyArray) -> Events:
        """The events where `keep` (bool[N]) is true, in the same order, under the same vocabularies."""
        return replace(
            self,
            users=self.users[keep],
            items=self.items[keep],
            times=self.times[keep],
            weights=self.weights[keep],
            sessions=None if self.sessions is None else self.sessions[keep],
            columns=tuple(field.take(np.flatnonzero(keep)) for field in self.columns),
        )
