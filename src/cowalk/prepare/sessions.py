"""Events -> Sessions: cut at pauses, at fixed windows, by a given column, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.kernels.pairs import mark_gaps, mark_windows
from cowalk.prepare.report import Drop, DropReport
from cowalk.prepare.settings import CleanSettings, SessionSettings
from cowalk.tables.catalogue import take_ragged
from cowalk.tables.events import Events
from cowalk.tables.sessions import Sessions
from cowalk.types import AnyArray, Ids, Offsets

MINUTE = 60_000_000  # microseconds


def sessionize(
    events: Events, settings: SessionSettings | None = None, clean: CleanSettings | None = None
) -> tuple[Sessions, DropReport]:
    """The events cut into sessions, in the order of owner and time, and what the length rules dropped.

    A session never holds two owners (users; or given sessions where the user is unknown). Where nothing is
    dropped or moved the sessions share their items and weights with the events: no copy. UsageError where the
    log lacks what the cut needs; DataError where no session is left.
    """
    settings, clean = settings or SessionSettings(), clean or CleanSettings()
    by = _how(events, settings)
    if by == "column":
        order, offsets = _by_column(events)
    else:
        order, offsets = None, _by_time(events, settings, by)
    sessions, report = _without_odd_lengths(events, order, offsets, clean, by)
    if settings.bought_weight is not None:
        sessions = replace(sessions, bought=last_bought(sessions, settings.bought_weight))
    return sessions, report


def last_bought(sessions: Sessions, weight: float) -> Ids:
    """int32[S], the item of each session's last event that weighs at least `weight`; -1 where none does.

    DataError where no event of the log does, for then nothing could ever be told.
    """
    places = np.flatnonzero(sessions.weights >= np.float32(weight))
    if not len(places):
        raise DataError(
            f"sessions.bought_weight = {weight:g}, but no event weighs so much: is the event that buys in "
            "read.event_weights?"
        )
    out = np.full(len(sessions), -1, dtype=np.int32)
    which = np.searchsorted(sessions.offsets, places, side="right") - 1
    out[which] = sessions.items[places]  # of several the last one stays
    return out


def _how(events: Events, settings: SessionSettings) -> str:
    """The cut that `auto` stands for; UsageError where the log lacks what it needs."""
    if settings.by == "auto":
        return "column" if events.sessions is not None else "gap" if events.has_times else "history"
    if settings.by == "column" and events.sessions is None:
        raise UsageError("sessions by column need a session_column; name it when the log is read")
    if settings.by in ("gap", "window") and not events.has_times:
        raise UsageError(f"sessions by {settings.by} need times, and this log has none; use by=history")
    return settings.by


def _by_time(events: Events, settings: SessionSettings, by: str) -> Offsets:
    """Session starts where the owner changes and, by gap or window, where time says so."""
    if by == "history":
        return events.owner_offsets
    starts = np.zeros(len(events), dtype=bool)
    starts[events.owner_offsets[:-1]] = True
    if by == "gap":
        mark_gaps(events.times, round(settings.gap_minutes * MINUTE), starts)
    else:
        mark_windows(events.times, round(settings.window_minutes * MINUTE), starts)
    return _close(np.flatnonzero(starts), len(events))


def _close(starts: AnyArray, n: int) -> Offsets:
    return np.append(starts, n).astype(np.int64, copy=False)


def _by_column(events: Events) -> tuple[AnyArray | None, Offsets]:
    """The order that brings each (owner, session) together, by first appearance, and the starts; None = as it
    is."""
    assert events.sessions is not None
    starts = np.zeros(len(events), dtype=bool)
    starts[events.owner_offsets[:-1]] = True
    starts[1:] |= events.sessions[1:] != events.sessions[:-1]
    runs = np.flatnonzero(starts)
    offsets = _close(runs, len(events))
    owners = np.cumsum(np.isin(runs, events.owner_offsets[:-1], assume_unique=True), dtype=np.int64)
    keys = (owners << 32) | events.sessions[runs]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) == len(runs):
        return None, offsets
    # Sessions of one owner interleave: runs of one key move to the place of its first run, in their order.
    appeared = first[which]
    moved = np.argsort(appeared, kind="stable")
    run_offsets, order = take_ragged(offsets, np.arange(len(events)), moved)
    opens = np.append(True, appeared[moved][1:] != appeared[moved][:-1])
    return order, _close(run_offsets[:-1][opens], len(events))


def _without_odd_lengths(
    events: Events, order: AnyArray | None, offsets: Offsets, clean: CleanSettings, by: str
) -> tuple[Sessions, DropReport]:
    """The sessions whose length is within the bounds."""
    kept, drops = _within_bounds(offsets, clean)
    if kept is not None:
        lengths = np.diff(offsets)
        inside = np.repeat(kept, lengths)
        order = np.flatnonzero(inside) if order is None else order[inside]
        offsets = np.append(0, np.cumsum(lengths[kept])).astype(np.int64)
    facts = (("sessions", len(offsets) - 1), ("cut by", by))
    report = DropReport(len(events), int(offsets[-1]), drops, facts)
    report.check_not_empty("the log cut into sessions")
    heads = offsets[:-1] if order is None else order[offsets[:-1]]
    return (
        Sessions(
            items=events.items if order is None else events.items[order],
            offsets=offsets,
            users=events.users[heads],
            starts=events.times[heads],
            weights=events.weights if order is None else events.weights[order],
            times=_times(events, order),
        ),
        report,
    )


def _times(events: Events, order: AnyArray | None) -> Offsets | None:
    """The time of every event, None where the log has none."""
    if not events.has_times:
        return None
    return events.times if order is None else events.times[order]


def _within_bounds(offsets: Offsets, clean: CleanSettings) -> tuple[AnyArray | None, tuple[Drop, ...]]:
    """bool[S], None where every session stays, and what each rule drops."""
    if clean.min_session <= 1 and clean.max_session is None:
        return None, ()
    lengths = np.diff(offsets)
    kept = np.ones(len(lengths), dtype=bool)
    drops = []
    if clean.min_session > 1:
        short = lengths < clean.min_session
        drops.append(_drop(f"sessions with fewer than {clean.min_session:,} events", short, lengths))
        kept &= ~short
    if clean.max_session is not None:
        long = lengths > clean.max_session
        drops.append(_drop(f"sessions with more than {clean.max_session:,} events", long, lengths))
        kept &= ~long
    return (None if kept.all() else kept), tuple(drops)


def _drop(rule: str, odd: AnyArray, lengths: AnyArray) -> Drop:
    return Drop(rule, int(lengths[odd].sum()), f"{int(odd.sum()):,} sessions")
