"""What sessions tell beside their items: weights of events, times, what was bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.learn.settings import LearnSettings
from cowalk.tables import ItemGraph, Sessions
from cowalk.types import Floats, Ids, Offsets

MINUTE = 60_000_000  # microseconds


@dataclass(frozen=True)
class Extras:
    """By the place in the log: event_weights float32[N], times int64[N], bought int32[N]; empty = not asked.

    time_scale: microseconds, 0 = times do not matter.
    """

    event_weights: Floats
    times: Offsets
    time_scale: float
    bought: Ids


NO_EXTRAS = Extras(
    np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64), 0.0, np.zeros(0, dtype=np.int32)
)


def extras_of(source: Sessions | ItemGraph, settings: LearnSettings) -> Extras:
    """What the settings ask of the sessions; DataError where they cannot tell it."""
    asked = settings.weigh_events or settings.time_scale > 0 or settings.bought_context
    if not asked or isinstance(source, ItemGraph):
        return NO_EXTRAS
    weights, times, bought = NO_EXTRAS.event_weights, NO_EXTRAS.times, NO_EXTRAS.bought
    if settings.weigh_events:
        weights = np.ascontiguousarray(source.weights, dtype=np.float32)
    if settings.time_scale > 0:
        if source.times is None:
            raise DataError("learn.time_scale needs the time of every event, and these sessions have none")
        times = source.times
    if settings.bought_context:
        if source.bought is None:
            raise DataError(
                "learn.bought_context needs to know what was bought: set sessions.bought_weight to the "
                "weight of the event that buys (read.event_weights)"
            )
        bought = np.repeat(source.bought, np.diff(source.offsets)).astype(np.int32)
    return Extras(weights, times, settings.time_scale * MINUTE, bought)


def as_sets(sessions: Sessions, n_items: int) -> Sessions:
    """Each session with each item once: its event that weighs most, of equal ones the first; in order."""
    session = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    keys = session * np.int64(n_items) + sessions.items
    order = np.lexsort((-sessions.weights, keys))
    first = np.append(True, keys[order][1:] != keys[order][:-1]) if len(order) else np.zeros(0, dtype=bool)
    kept = np.sort(order[first])
    lengths = np.bincount(session[kept], minlength=len(sessions))
    return Sessions(
        sessions.items[kept],
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        sessions.users,
        sessions.starts,
        sessions.weights[kept],
        None if sessions.times is None else sessions.times[kept],
        sessions.bought,
    )
