"""Co-occurrence lists of items that nobody has clicked yet, inherited from the items most like them."""

from __future__ import annotations

import numpy as np

from cowalk.kernels import cooccur as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.cooccurrence import CooccurrenceLists
from cowalk.tables import Hits
from cowalk.types import Floats, Ids


def inherited_lists(
    lists: CooccurrenceLists, near: Hits, sharpness: float, width: int, workers: int | None = None
) -> tuple[Ids, Floats]:
    """ids int32[N, width] and scores float32[N, width]: each new item's list over the V items of `lists`.

    The list is the mean of the lists of its `near` items [N, n], weighted by their likeness ** sharpness.
    """
    weights = np.where(near.ids >= 0, np.maximum(near.scores, 0), 0).astype(np.float32) ** sharpness
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    ids = np.empty((len(near), max(1, min(width, len(lists)))), dtype=np.int32)
    scores = np.empty(ids.shape, dtype=np.float32)
    with threads(workers) as count:
        kernels.inherit_lists(
            near.ids, weights.astype(np.float32), lists.offsets, lists.ids, lists.scores, len(lists), count,
            ids, scores,
        )  # fmt: skip
    return ids, scores


def reversed_lists(lists: CooccurrenceLists) -> CooccurrenceLists:
    """Whose lists an item stands on: item v's list holds the items that list v, by their rows."""
    order = np.argsort(lists.ids, kind="stable")
    rows = np.repeat(np.arange(len(lists), dtype=np.int32), np.diff(lists.offsets))
    counts = np.bincount(lists.ids, minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return CooccurrenceLists(offsets, rows[order], lists.scores[order], lists.together[order])


def with_new_items(
    lists: CooccurrenceLists, near: Hits, sharpness: float, width: int, workers: int | None = None
) -> CooccurrenceLists:
    """The lists over V + N items: new item c stands behind the V known ones as row V + c.

    It has the inherited list of its own, and stands on the lists of the items that list those it is like;
    `together` is 0 there, for nobody has seen them together. Lists are no longer sorted by score.
    """
    own_ids, own = inherited_lists(lists, near, sharpness, width, workers)
    by_ids, by = inherited_lists(reversed_lists(lists), near, sharpness, width, workers)
    known, new = len(lists), len(near)
    taken, kept = by_ids >= 0, own_ids >= 0
    newcomers = np.arange(known, known + new)
    row = np.concatenate([
        np.repeat(np.arange(known), np.diff(lists.offsets)),
        by_ids[taken].astype(np.int64),
        np.repeat(newcomers, kept.sum(axis=1)),
    ])  # fmt: skip
    column = np.concatenate([lists.ids, np.repeat(newcomers, taken.sum(axis=1)), own_ids[kept]])
    added = np.concatenate([by[taken], own[kept]])
    order = np.argsort(row, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=known + new))]).astype(np.int64)
    return CooccurrenceLists(
        offsets,
        column[order].astype(np.int32),
        np.concatenate([lists.scores, added])[order].astype(np.float32),
        np.concatenate([lists.together, np.zeros(len(added))])[order].astype(np.float32),
    )
