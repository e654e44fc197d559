"""Precomputed item-CF lists: the second recall channel, and the baseline that every embedding has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.kernels import cooccur as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.settings import CooccurrenceSettings
from cowalk.tables import Sessions
from cowalk.types import Floats, Ids, Offsets


@dataclass(frozen=True)
class CooccurrenceLists:
    """Item v's best neighbours are ids[offsets[v]:offsets[v+1]], best first.

    offsets: int64[V+1]; ids: int32[*]; scores: float32[*], damped; together: float32[*], plain (weighted)
    counts.
    """

    offsets: Offsets
    ids: Ids
    scores: Floats
    together: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1


def cooccurrence_lists(
    sessions: Sessions,
    n_items: int,
    settings: CooccurrenceSettings | None = None,
    *,
    workers: int | None = None,
) -> CooccurrenceLists:
    """Each item's `neighbors` best companions within `window` positions of the same session.

    score(i, j) = together(i, j) / (count_i count_j) ** damping, counts from these sessions; ties by lower id.
    Memory: V x neighbors for the result, V per worker while counting; pairs are never stored.
    """
    settings = settings or CooccurrenceSettings()
    width = max(1, min(settings.neighbors, n_items - 1))
    counts = np.bincount(sessions.items, minlength=n_items)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    places = np.empty(len(sessions.items), dtype=np.int64)
    kernels.places_by_item(sessions.items, starts, places)
    lengths = np.diff(sessions.offsets)
    ids = np.empty((n_items, width), dtype=np.int32)
    scores = np.empty((n_items, width), dtype=np.float32)
    together = np.empty((n_items, width), dtype=np.float32)
    with threads(workers) as count:
        kernels.neighbor_lists(
            sessions.items,
            np.repeat(sessions.offsets[:-1], lengths), np.repeat(sessions.offsets[1:], lengths),
            starts, places, settings.window, settings.before, settings.damping, count, ids, scores, together,
        )  # fmt: skip
    kept = ids >= 0
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    return CooccurrenceLists(offsets, ids[kept], scores[kept], together[kept])
