"""Several interests per user: clusters of the history's items, each with a medoid and its importance.

Source: Pal et al. 2020, "PinnerSage: Multi-Modal User Embedding Framework for Recommendations at Pinterest".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.kernels import ward as kernels
from cowalk.kernels.flags import threads
from cowalk.tables import Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class Interests:
    """The interests of Q histories, most important first; history q has those of offsets[q]:offsets[q+1].

    medoids: int32[M] item rows; shares: float32[M], importance in parts of the history's whole; events:
    int64[*], places in the histories' items, oldest first; event_offsets: int64[M+1], which interest has
    which of them.
    """

    offsets: Offsets
    medoids: Ids
    shares: Floats
    events: Offsets
    event_offsets: Offsets

    def __len__(self) -> int:
        return len(self.medoids)


def interests_of(
    units: Floats, items: Ids, offsets: Offsets, weights: Floats, last: int, most: int, distance: float,
    workers: int | None = None,
) -> Interests:  # fmt: skip
    """At most `most` interests per history: Ward clusters of its latest `last` items, cut at `distance`.

    units: float32[V, d], item vectors at length 1; weights: float32[*] of the events, whose sum in a cluster
    is its importance (a sum of exp(-lambda age), where weights fall with age); `distance` is Ward's height
    between unit vectors: 1.41 merges two items at right angles. The medoid is the item nearest to the
    cluster's mean. Ties go to the later. An empty history has none.
    """
    labels = np.empty(len(items), dtype=np.int32)
    with threads(workers):
        kernels.ward_labels(units, items, offsets, last, distance, labels)
    query = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    events = np.flatnonzero(labels >= 0)
    pairs = query[events] * (labels.max(initial=0) + 1) + labels[events]
    _, cluster = np.unique(pairs, return_inverse=True)
    number = int(cluster.max(initial=-1)) + 1
    home = np.zeros(number, dtype=np.int64)
    home[cluster] = query[events]
    importance = np.bincount(cluster, weights[events], number)
    newest = np.zeros(number, dtype=np.int64)
    np.maximum.at(newest, cluster, events)
    ranked = np.lexsort((-newest, -importance, home))
    first = np.searchsorted(home[ranked], np.arange(len(offsets)))
    ranked = ranked[np.arange(number) - first[home[ranked]] < most]
    order = np.lexsort((events, cluster))
    starts = np.searchsorted(cluster[order], np.arange(number + 1))
    medoids = np.empty(number, dtype=np.int64)
    with threads(workers):
        kernels.medoids(units, items, events[order], starts, medoids)
    return _kept(ranked, home, items[medoids], importance, events, cluster, len(offsets) - 1)


def _kept(
    ranked: AnyArray, home: AnyArray, medoids: Ids, importance: AnyArray, events: Offsets, cluster: AnyArray,
    queries: int,
) -> Interests:  # fmt: skip
    """The clusters `ranked`, with their events in the order of the history."""
    place = np.full(len(home), -1, dtype=np.int64)
    place[ranked] = np.arange(len(ranked))
    mine = place[cluster]
    order = np.lexsort((events, mine))
    order = order[mine[order] >= 0]
    sums = np.bincount(home[ranked], importance[ranked], queries)
    shares = importance[ranked] / np.maximum(sums[home[ranked]], 1e-30)
    return Interests(
        np.searchsorted(home[ranked], np.arange(queries + 1)).astype(np.int64),
        medoids[ranked],
        shares.astype(np.float32),
        events[order].astype(np.int64),
        np.searchsorted(mine[order], np.arange(len(ranked) + 1)).astype(np.int64),
    )


def share_places(
    hits: Hits, offsets: Offsets, shares: Floats, k: int, without: tuple[Ids, Offsets] | None
) -> Hits:
    """k places a history, given to its interests one by one by share / (places given + 1), as D'Hondt does.

    hits: the answers of each interest, history q's are offsets[q]:offsets[q+1]; an interest fills its place
    with the best of its items that is not yet there; without: (items, offsets) that each history may not
    find. Every first n places are shared as fairly as all. Scores are the quotients that won the places.
    """
    ids = np.full((len(offsets) - 1, k), -1, dtype=np.int32)
    scores = np.full(ids.shape, -np.inf, dtype=np.float32)
    for q in range(len(ids)):
        rows = slice(int(offsets[q]), int(offsets[q + 1]))
        taken = set() if without is None else set(without[0][without[1][q] : without[1][q + 1]].tolist())
        found = _filled(hits.ids[rows].tolist(), shares[rows].tolist(), k, taken)
        for place, (item, score) in enumerate(found):
            ids[q, place], scores[q, place] = item, score
    return Hits(ids, scores)


def _filled(lists: list[list[int]], shares: list[float], k: int, taken: set[int]) -> list[tuple[int, float]]:
    """The places of one history: (item, quotient)."""
    waiting = [iter(one) for one in lists]
    given = [0] * len(lists)
    live = list(range(len(lists)))
    out: list[tuple[int, float]] = []
    while live and len(out) < k:
        best = live[0]
        for other in live[1:]:
            if shares[other] / (given[other] + 1) > shares[best] / (given[best] + 1):
                best = other
        item = next((item for item in waiting[best] if item >= 0 and item not in taken), None)
        if item is None:
            live.remove(best)
            continue
        out.append((item, shares[best] / (given[best] + 1)))
        taken.add(item)
        given[best] += 1
    return out
