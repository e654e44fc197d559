"""Histories in the memory of one process: the quickest, gone when it ends."""

from __future__ import annotations

import time as clock
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

from cowalk.model.user_store import Time
from cowalk.online.histories import KEEP, Event, History, check_bounds, checked, place, user_of
from cowalk.tables import Id


class MemoryHistories:
    """Histories (see there) of at most `most` users; the one who was longest not asked for goes first.

    expiry: seconds after the latest event that came in, after which a user is forgotten; None = never.
    """

    def __init__(
        self,
        *,
        keep: int = KEEP,
        repeats: bool = False,
        expiry: float | None = None,
        most: int = 1_000_000,
    ) -> None:
        check_bounds(keep, expiry, most)
        self.keep, self.repeats, self.expiry, self.most = keep, repeats, expiry, most
        self._users: OrderedDict[str, tuple[History, float]] = OrderedDict()  # with when the last event came
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._users)

    def add(self, user: Id, item: Id, time: Time | None = None) -> bool:
        """Take one event in; gives whether it counts."""
        return self.extend([(user, item, time)]) == 1

    def extend(self, events: Iterable[Event]) -> int:
        """Take events in, in this order; gives how many count."""
        wanted = [checked(event) for event in events]
        now, counted = clock.monotonic(), 0
        with self._lock:
            for event in wanted:
                history = self._fresh(event.user, now) or History([], [])
                counted += place(history, event, self.keep, self.repeats)
                self._users[event.user] = (history, now)
                self._users.move_to_end(event.user)
            while len(self._users) > self.most:
                self._users.popitem(last=False)
        return counted

    def get(self, user: Id) -> History:
        """The events of one user; of one who was never seen an empty history."""
        return self.get_many([user])[0]

    def get_many(self, users: Sequence[Id]) -> list[History]:
        """The events of several users."""
        names, now = [user_of(user) for user in users], clock.monotonic()
        with self._lock:
            return [self._copy(name, now) for name in names]

    def forget(self, user: Id) -> bool:
        """Drop all that is kept of a user; gives whether there was anything."""
        with self._lock:
            return self._users.pop(user_of(user), None) is not None

    def close(self) -> None:
        """Nothing is held open."""

    def _copy(self, user: str, now: float) -> History:
        history = self._fresh(user, now)
        if history is None:
            return History([], [])
        self._users.move_to_end(user)
        return History(list(history.items), list(history.times))

    def _fresh(self, user: str, now: float) -> History | None:
        """The user's history, dropped where its time is over."""
        kept = self._users.get(user)
        if kept is None or self.expiry is None or now - kept[1] < self.expiry:
            return None if kept is None else kept[0]
        del self._users[user]
        return None
