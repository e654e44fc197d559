"""Sorted events while they are cleaned: columns shrink one by one, so that never two copies stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from cowalk.prepare.report import Drop
from cowalk.types import AnyArray, Floats, Ids, Offsets

CHUNK = 1 << 22


@dataclass
class Rows:
    """Events sorted by (owner, time, order, sequence); places: int64[N], the row of the source; `details` are
    further used columns (order, type, dwell, context)."""

    users: Ids
    items: Ids
    times: Offsets
    weights: Floats
    sessions: Ids | None = None
    places: Offsets | None = None
    details: list[AnyArray] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.items)

    def keep(self, mask: AnyArray) -> None:
        """Leave only the rows where the mask is true."""
        if mask.all():
            return
        for column in ("users", "items", "times", "weights", "sessions", "places"):
            if getattr(self, column) is not None:
                setattr(self, column, getattr(self, column)[mask])
        for i in range(len(self.details)):
            self.details[i] = self.details[i][mask]

    def owner_starts(self) -> AnyArray:
        """bool[N]: whether a row is the first of its owner."""
        starts = np.ones(len(self), dtype=bool)
        np.not_equal(self.users[1:], self.users[:-1], out=starts[1:])
        if self.sessions is not None:
            starts[1:] |= (self.users[1:] < 0) & (self.sessions[1:] != self.sessions[:-1])
        return starts


def drop_duplicates(rows: Rows) -> Drop:
    """Drop rows that equal an earlier one in every used column. Equal rows share owner and time, so a tie
    holds them."""
    starts = rows.owner_starts()
    starts[1:] |= rows.times[1:] != rows.times[:-1]
    keep = np.ones(len(rows), dtype=bool)
    for first, last in _runs_together(starts):
        tied = ~starts[first:last]
        tied[:-1] |= tied[1:]
        at = np.flatnonzero(tied) + first
        run = np.cumsum(starts[at])
        columns = [rows.items, rows.weights, *rows.details]
        columns += [] if rows.sessions is None else [rows.sessions]
        keys = [column[at] for column in columns] + [run]
        order = np.lexsort(keys)
        same = np.ones(max(len(order) - 1, 0), dtype=bool)
        for key in keys:
            ranked = key[order]
            same &= ranked[1:] == ranked[:-1]
        keep[at[order[1:][same]]] = False
    dropped = int(len(keep) - keep.sum())
    rows.keep(keep)
    return Drop("exact duplicates of an earlier row", dropped)


def _runs_together(starts: AnyArray) -> Iterator[tuple[int, int]]:
    """Ranges of about CHUNK rows that cut no run in two."""
    first, n = 0, len(starts)
    while first < n:
        last = min(first + CHUNK, n)
        while last < n:
            ahead = np.flatnonzero(starts[last : last + CHUNK])
            if len(ahead):
                last += int(ahead[0])
                break
            last = min(last + CHUNK, n)
        yield first, last
        first = last


def drop_bots(rows: Rows, most: int) -> Drop:
    """Drop owners with more than `most` events."""
    starts = np.flatnonzero(rows.owner_starts())
    lengths = np.diff(np.append(starts, len(rows)))
    bots = lengths > most
    rows.keep(np.repeat(~bots, lengths))
    note = f"{int(bots.sum()):,} of {len(lengths):,} users"
    return Drop(f"users with more than {most:,} events", int(lengths[bots].sum()), note)


def drop_repeats(rows: Rows) -> Drop:
    """Of events in a row by one owner (and in one given session) on one item keep the first, with their
    largest weight."""
    first = rows.owner_starts()
    first[1:] |= rows.items[1:] != rows.items[:-1]
    if rows.sessions is not None:
        first[1:] |= rows.sessions[1:] != rows.sessions[:-1]
    dropped = int(len(first) - first.sum())
    if dropped and rows.weights.min() != rows.weights.max():
        rows.weights[first] = np.maximum.reduceat(rows.weights, np.flatnonzero(first))
    rows.keep(first)
    return Drop("repeated events on the same item", dropped)
