"""Splits with no leak: events by time or by each owner's last, items to hide, edges to hold out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.seeds import generator
from cowalk.tables.events import Events
from cowalk.tables.graph import ItemGraph
from cowalk.types import Ids

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EventSplit:
    """Three masks bool[N] over the events; an event is in at most one."""

    train: Mask
    validation: Mask
    test: Mask


@dataclass(frozen=True)
class EdgeSplit:
    """train: the graph that is left; positives: int32[P, 2], unordered pairs u < v, gone from it in both
    directions."""

    train: ItemGraph
    positives: Ids


def split_by_time(events: Events, shares: tuple[float, float, float] = (0.8, 0.1, 0.1)) -> EventSplit:
    """Train, validation and test by the time of the event over all owners; equal times are never parted.

    Validation starts at the time of the event that has shares[0] of all events before it, test at shares[0] +
    shares[1]. UsageError without times or where the shares do not sum to 1; DataError where ties leave no
    training events.
    """
    if not events.has_times:
        raise UsageError("a split by time needs times, and this log has none; use leave_last")
    if min(shares) < 0 or shares[0] <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise UsageError(f"shares of a split must not be negative and sum to 1, got {shares}")
    n = len(events)
    # Down, so that a short log still has a test part; the nudge undoes 0.29 * 100 = 28.999...
    second, third = int(shares[0] * n + 1e-6), int((shares[0] + shares[1]) * n + 1e-6)
    ranked = np.partition(events.times, [min(second, n - 1), min(third, n - 1)])
    infinite = np.iinfo(np.int64).max
    start_validation = ranked[second] if second < n else infinite
    start_test = ranked[third] if third < n else infinite
    del ranked
    train = events.times < start_validation
    test = events.times >= start_test
    if not train.any():
        raise DataError(
            "a split by time leaves no training events: too many have the same time; use leave_last"
        )
    return EventSplit(train, ~train & ~test, test)


def leave_last(events: Events) -> EventSplit:
    """The last event of every owner with three events or more is test, the one before it validation, the rest
    train."""
    offsets = events.owner_offsets
    last = offsets[1:][np.diff(offsets) >= 3] - 1
    test = np.zeros(len(events), dtype=bool)
    validation = np.zeros(len(events), dtype=bool)
    test[last] = True
    validation[last - 1] = True
    return EventSplit(~(test | validation), validation, test)


def hide_items(events: Events, share: float = 0.1, min_count: int = 5, seed: int = 0) -> Ids:
    """int32 rows, rising, of a seeded share of the items with at least `min_count` events; at least one if
    any has.

    They are to be taken out before anything is counted or fitted. UsageError where share is not within 0..1.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share of items to hide must lie between 0 and 1, got {share}")
    counts = np.bincount(events.items, minlength=len(events.item_vocab))
    candidates = np.flatnonzero(counts >= min_count).astype(np.int32)
    k = min(max(round(share * len(candidates)), 1), len(candidates))
    return np.sort(generator(seed, "hide items").choice(candidates, size=k, replace=False))


def hold_out_edges(graph: ItemGraph, share: float = 1 / 3, seed: int = 0) -> EdgeSplit:
    """A seeded share of the unordered pairs, both directions taken out of the graph; self-loops stay in
    training.

    Source: EGES section 4.1 (a third of the edges). UsageError where share is not within 0..1; DataError
    where the graph is too small to leave edges on both sides.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share of edges to hold out must lie between 0 and 1, got {share}")
    n = len(graph)
    sources = graph.sources()
    low = np.minimum(sources, graph.targets).astype(np.int64)
    keys = low * n + np.maximum(sources, graph.targets)
    pairs = np.unique(keys[sources != graph.targets])
    k = round(share * len(pairs))
    if k == 0 or k == len(pairs):
        raise DataError(
            f"cannot hold out {share:.0%} of {len(pairs):,} pairs of items: one side would be empty"
        )
    chosen = np.zeros(len(pairs), dtype=bool)
    chosen[generator(seed, "hold out edges").choice(len(pairs), size=k, replace=False)] = True
    at = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
    keep = ~(chosen[at] & (pairs[at] == keys))
    counts = np.bincount(sources[keep], minlength=n)
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    positives = np.stack([pairs[chosen] // n, pairs[chosen] % n], axis=1).astype(np.int32)
    return EdgeSplit(ItemGraph(offsets, graph.targets[keep], graph.weights[keep]), positives)
