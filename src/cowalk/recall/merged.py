"""Co-occurrence lists of a log that grew: what stood together before, and what does now."""

from __future__ import annotations

import numpy as np

from cowalk.kernels import cooccur as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.cooccurrence import CooccurrenceLists, cooccurrence_lists
from cowalk.recall.settings import CooccurrenceSettings
from cowalk.tables import Sessions
from cowalk.types import Offsets

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
    workers: int | None = None,
) -> CooccurrenceLists:
    """Each item's `neighbors` best by keep * old.together + new.together, damped by the counts [V] of now.

    Items of `new` may stand behind those of `old`. What the old lists had cut off is not known, so a pair
    that stood beyond an item's `neighbors` best counts from the new events alone.
    """
    shape = (len(new), max(1, min(settings.neighbors, len(new) - 1)))
    damps = np.maximum(counts, 1.0) ** settings.damping
    ids = np.empty(shape, dtype=np.int32)
    scores, together = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    with threads(workers) as count:
        kernels.merge_lists(
            old.offsets, old.ids, old.together, keep, new.offsets, new.ids, new.together, damps,
            count, ids, scores, together,
        )  # fmt: skip
    kept = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    return CooccurrenceLists(offsets, ids[kept], scores[kept], together[kept])
