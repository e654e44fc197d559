"""Co-occurrence lists of a log that grew: what stood together before, and what does now."""

from __future__ import annotations

import numpy as np

from cowalk.recall.cooccurrence import CooccurrenceLists, cooccurrence_lists
from cowalk.recall.settings import CooccurrenceSettings
from cowalk.tables import Sessions
from cowalk.tables.catalogue import take_ragged
from cowalk.types import AnyArray, Offsets

BLOCK = 20_000  # items whose lists are merged at once
WIDER = 2  # new events are counted in lists so much longer, for what is rare in them may be frequent in all


def lists_of_part(
    sessions: Sessions, n_items: int, settings: CooccurrenceSettings, workers: int | None = None
) -> CooccurrenceLists:
    """The lists of a small part of a log over all n_items; memory goes by the items in that part alone."""
    seen = np.unique(sessions.items)
    small = Sessions(
        np.searchsorted(seen, sessions.items).astype(np.int32),
        sessions.offsets, sessions.users, sessions.starts, sessions.weights,
    )  # fmt: skip
    wide = settings.model_copy(update={"neighbors": WIDER * settings.neighbors})
    found = cooccurrence_lists(small, len(seen), wide, workers=workers)
    lengths = np.zeros(n_items, dtype=np.int64)
    lengths[seen] = np.diff(found.offsets)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return CooccurrenceLists(offsets, seen[found.ids].astype(np.int32), found.scores, found.together)


def merged_lists(
    old: CooccurrenceLists,
    new: CooccurrenceLists,
    counts: Offsets,
    settings: CooccurrenceSettings,
    keep: float = 1.0,
) -> CooccurrenceLists:
    """Each item's `neighbors` best by keep * old.together + new.together, damped by the counts [V] of now.

    Items of `new` may stand behind those of `old`. What the old lists had cut off is not known, so a pair
    that stood beyond an item's `neighbors` best counts from the new events alone.
    """
    n_items = len(new)
    parts = []
    for start in range(0, n_items, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n_items))
        parts.append(_merged_block(rows, old, new, counts, settings, keep))
    lengths = np.concatenate([part[0] for part in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids, scores, together = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    return CooccurrenceLists(offsets, ids, scores, together)


def _merged_block(
    rows: AnyArray, old: CooccurrenceLists, new: CooccurrenceLists, counts: Offsets,
    settings: CooccurrenceSettings, keep: float,
) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:  # fmt: skip
    """(lengths, ids, scores, together) of the lists of these rows, which follow one another."""
    keys, amounts = [], []
    for lists, factor in ((old, keep), (new, 1.0)):
        known = np.where(rows < len(lists), rows, -1)
        offsets, at = take_ragged(lists.offsets, np.arange(len(lists.ids)), known)
        row = np.repeat(rows - rows[0], np.diff(offsets))
        keys.append(row * len(counts) + lists.ids[at])
        amounts.append(lists.together[at] * np.float32(factor))
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    together = np.bincount(place, np.concatenate(amounts), minlength=len(key))
    row, column = key // len(counts), key % len(counts)
    popular = np.maximum(counts, 1).astype(np.float64)
    scores = together / (popular[row + rows[0]] * popular[column]) ** settings.damping
    order = np.lexsort((column, -scores, row))  # best first, ties by lower id
    lengths = np.bincount(row, minlength=len(rows))
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = order[(rank < settings.neighbors) & (together[order] > 0)]
    kept = np.bincount(row[order], minlength=len(rows))
    return (
        kept,
        column[order].astype(np.int32),
        scores[order].astype(np.float32),
        together[order].astype(np.float32),
    )
