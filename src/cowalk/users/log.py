"""What each user did, as the scorer asks with it: histories by user, from events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.tables import Events, Vocab
from cowalk.types import Ids, Offsets


@dataclass(frozen=True)
class UserHistories:
    """Known items by user, oldest first: user u of `users` has items[offsets[u]:offsets[u+1]].

    items: int32 rows of the model's vocabulary; times: int64 microseconds, None where the log has none.
    """

    users: Vocab
    items: Ids
    offsets: Offsets
    times: Offsets | None

    @classmethod
    def of(cls, events: Events, vocab: Vocab) -> UserHistories:
        """All users of the events, those without an item of `vocab` too, with an empty history.

        A user's counts are the events that `vocab` knows.
        """
        if len(events) and events.users.min() < 0:
            raise UsageError("user vectors need a user for every event; name their column (user_column)")
        rows = vocab.find(events.item_vocab.ids)[events.items]
        order = np.argsort(events.users, kind="stable")
        order = order[rows[order] >= 0]
        counts = np.bincount(events.users[order], minlength=len(events.user_vocab))
        users = Vocab(events.user_vocab.ids, counts)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        times = events.times[order] if events.has_times else None
        return cls(users, rows[order], offsets, times)

    @property
    def unknown(self) -> int:
        """Users none of whose items is known."""
        return int((np.diff(self.offsets) == 0).sum())

    def told(self) -> list[str]:
        """One line on users without a known item."""
        n = self.unknown
        if not n:
            return []
        return [
            f"{n:,} of {len(self.users):,} users have no item that the model knows: their vector is that of "
            "an empty history (zero, unless a user tower is asked)"
        ]
