"""Histories: the latest events of users by outside ids, so that they outlive any model."""

from __future__ import annotations

import time as clock
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cowalk.errors import UsageError
from cowalk.model.user_store import Time, as_micros
from cowalk.tables import Id

KEEP = 100
"""Events kept of a user unless told otherwise; more than any recipe's scorer looks at."""
MOST_KEPT = 5_000
LATEST = 2**53  # the microseconds that every store counts exactly: up to the year 2255
LARGEST = 2**63
LONGEST = 1_024  # bytes of an id

Event = tuple[Id, Id, Time | None]
"""User, item and time; without a time it is the user's newest event, and the clock tells when."""


class History(NamedTuple):
    """What a user did, oldest first; events of equal time in the order in which they came.

    items: outside ids as they were given, a number as a number. times: microseconds since 1970 UTC.
    """

    items: list[Id]
    times: list[int]


class Histories(Protocol):
    """The latest `keep` events of each user, for any number of users; safe to call from several threads.

    An event that comes late is put where its time says, behind those of equal time. An event on the very item
    that is the user's newest counts only if the store was made with `repeats`. Users are texts: 5 and "5" are
    one user. Raises StoreAwayError where the store does not answer, UsageError for what is no id or no time.
    """

    def add(self, user: Id, item: Id, time: Time | None = None) -> bool:
        """Take one event in; gives whether it counts."""

    def extend(self, events: Iterable[Event]) -> int:
        """Take events in, in this order, in as few trips as can be; gives how many count."""

    def get(self, user: Id) -> History:
        """The events of one user; of one who was never seen an empty history."""

    def get_many(self, users: Sequence[Id]) -> list[History]:
        """The events of several users, in one trip to the store."""

    def forget(self, user: Id) -> bool:
        """Drop all that is kept of a user; gives whether there was anything."""

    def close(self) -> None:
        """Let go of what the store holds open; what it keeps stays."""


class Checked(NamedTuple):
    """An event as stores take it; stamped: the time is the clock's, and never before the user's newest."""

    user: str
    item: Id
    time: int
    stamped: bool


def checked(event: Event) -> Checked:
    """The event, or UsageError that says what of it is off."""
    user, item, time = event
    at = clock.time_ns() // 1000 if time is None else as_micros(time)
    if not -LATEST < at < LATEST:
        raise UsageError(f"time {time!r} is no time in microseconds since 1970; is it in nanoseconds?")
    return Checked(user_of(user), _id(item, "item"), at, time is None)


def user_of(user: Id) -> str:
    """The user's id as stores take it: a text."""
    return str(_id(user, "user"))


def _id(value: object, what: str) -> Id:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if not -LARGEST <= int(value) < LARGEST:
            raise UsageError(f"{what} {value} does not fit in 64 bits; give it as a text")
        return int(value)
    if not isinstance(value, str):
        raise UsageError(f"{what} {value!r} is no id; give a text or a whole number")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise UsageError(f"{what} {value!r} is no valid Unicode text") from None
    if size > LONGEST:
        raise UsageError(f"{what} {value[:40]!r}... has {size:,} bytes; an id has at most {LONGEST:,}")
    return str(value)


def check_bounds(keep: int, expiry: float | None, most: int | None = None) -> None:
    """Raise UsageError where a store cannot keep so many events, for so short a time, or of so few users."""
    if not 1 <= keep <= MOST_KEPT:
        raise UsageError(f"keep is {keep}; a store keeps 1 to {MOST_KEPT:,} events of a user")
    if expiry is not None and not expiry > 0:
        raise UsageError(f"expiry is {expiry}; give seconds above 0, or None to keep histories for good")
    if most is not None and most < 1:
        raise UsageError(f"most is {most}; a store holds at least one user")


def place(history: History, event: Checked, keep: int, repeats: bool) -> bool:
    """Put the event where its time says, in place, and keep the latest `keep`; gives whether it counts.

    The rule of all stores; that of `UserStore` where events come in order and every item is known to the
    model. Of late ones `UserStore` judges by the neighbours in time, and keeps for that what does not count.
    """
    items, times = history
    if items and not repeats and str(items[-1]) == str(event.item):
        return False
    at = max(event.time, times[-1]) if event.stamped and times else event.time
    where = bisect_right(times, at)
    items.insert(where, event.item)
    times.insert(where, at)
    if len(items) > keep:
        del items[: len(items) - keep], times[: len(times) - keep]
    return True
