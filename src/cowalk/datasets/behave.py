"""What the users of the simulated shop do: budgets of events, sessions, times, and one item after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cowalk.datasets.planted import Planted
from cowalk.seeds import generator
from cowalk.types import AnyArray, Ids

CHUNK = 1_000_000  # events made at a time
SESSION_EVENTS = 5  # mean length of a session
INTERESTS = 3  # items around which a user's sessions start
SECOND = 1_000_000
START = 1_704_067_200 * SECOND  # 2024-01-01 UTC, in microseconds
SPREAD_DAYS = 90  # users come during these days
PAUSE_DAYS = 2  # mean pause between a user's sessions, on top of an hour


def chunks(planted: Planted, users: int, events: int, seed: int) -> Iterator[dict[str, AnyArray]]:
    """Blocks of about CHUNK events, whole users: users int64, items int32, times int64 microseconds."""
    ends = np.cumsum(_budgets(users, events, generator(seed, "simulate users")))
    start = 0
    while start < users:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
        budgets = np.diff(ends[start:stop], prepend=done)
        yield _block(planted, budgets, start, generator(seed, f"simulate events {start}"))
        start = stop


def _budgets(users: int, events: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Events per user, at least 1, summing to `events`; log-normal: some users do much more than others."""
    shares = np.cumsum(rng.lognormal(0.0, 0.7, users))
    ends = np.floor(shares / shares[-1] * (events - users)).astype(np.int64)
    ends[-1] = events - users
    budgets: NDArray[np.int64] = np.diff(ends, prepend=0) + 1
    return budgets


def _block(
    planted: Planted, budgets: NDArray[np.int64], first_user: int, rng: np.random.Generator
) -> dict[str, AnyArray]:
    n = int(budgets.sum())
    user_starts = np.cumsum(budgets) - budgets
    opens = rng.random(n) < 1 / SESSION_EVENTS
    opens[user_starts] = True
    starts = np.flatnonzero(opens)
    owner = np.repeat(np.arange(len(budgets)), budgets)
    return {
        "users": owner + first_user,
        "items": _items(planted, starts, np.diff(starts, append=n), owner[starts], len(budgets), rng),
        "times": _times(opens, user_starts, owner, rng),
    }


def _items(
    planted: Planted,
    starts: AnyArray,
    lengths: AnyArray,
    owner: AnyArray,
    users: int,
    rng: np.random.Generator,
) -> Ids:
    """Step by step over all sessions at once; a session starts one step from one of its user's interests."""
    interests = planted.first(users * INTERESTS, rng).reshape(users, INTERESTS)
    current = planted.step(interests[owner, rng.integers(0, INTERESTS, len(owner))], rng)
    items = np.empty(int(lengths.sum()), dtype=np.int32)
    at = starts
    items[at] = current
    left = lengths - 1
    while len(at):
        going = left > 0
        at, left, current = at[going] + 1, left[going] - 1, current[going]
        if len(at):
            current = planted.step(current, rng)
            items[at] = current
    return items


def _times(
    opens: AnyArray, user_starts: AnyArray, owner: AnyArray, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Microseconds, rising within a user: 5 to 300 s within a session, an hour and more between sessions."""
    n = len(opens)
    steps = rng.integers(5, 301, n)
    pauses = 3600 + rng.exponential(PAUSE_DAYS * 86_400, n).astype(np.int64)
    steps = np.where(opens, pauses, steps)
    steps[user_starts] = 0
    total = np.cumsum(steps)
    arrival = rng.integers(0, SPREAD_DAYS * 86_400, len(user_starts))
    seconds = total - total[user_starts][owner] + arrival[owner]
    return START + seconds * SECOND
