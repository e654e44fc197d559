"""Who stands near whom: counts together within a window of a session, kept as each item's best neighbours."""

import math

import numpy as np

from cowalk.kernels.flags import kernel, parallel_kernel, prange
from cowalk.kernels.rows import collect
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray


@kernel
def places_by_item(items: AnyArray, starts: AnyArray, places: AnyArray) -> None:
    """Fill places int64[N] with the positions of every item, item after item (starts int64[V+1])."""
    filled = starts.copy()
    for at in range(len(items)):
        places[filled[items[at]]] = at
        filled[items[at]] += 1


@parallel_kernel
def neighbor_lists(
    items: AnyArray, begins: AnyArray, ends: AnyArray, starts: AnyArray, places: AnyArray,
    window: int, before: float, damping: float, workers: int,
    ids: AnyArray, scores: AnyArray, together: AnyArray,
) -> None:  # fmt: skip
    """Fill ids int32[V, n], scores float32[V, n] and together float32[V, n] with each item's best neighbours.

    together = how often the neighbour stood within `window` after the item, plus `before` times how often
    before; score = together / (count_i * count_j) ** damping. An item is no neighbour of itself.
    """
    n_items, width = ids.shape
    for w in prange(workers):
        sums = np.zeros(n_items, np.float32)
        touched = np.empty(n_items, np.int32)
        for v in range(w, n_items, workers):
            n = 0
            for p in range(starts[v], starts[v + 1]):
                at = places[p]
                for j in range(max(begins[at], at - window), min(ends[at], at + window + 1)):
                    u = items[j]
                    amount = np.float32(1.0) if j > at else np.float32(before)
                    if u != v and amount > 0:
                        n = collect(u, amount, sums, touched, n)
            clear(ids, scores, v, width, n_items)
            own = starts[v + 1] - starts[v]
            for t in range(n):
                u = touched[t]
                damp = math.pow(float(own) * float(starts[u + 1] - starts[u]), damping)
                offer(ids, scores, v, width, u, np.float32(sums[u] / damp))
            close(ids, scores, v, width, n_items)
            for j in range(width):
                together[v, j] = sums[ids[v, j]] if ids[v, j] >= 0 else np.float32(0.0)
            for t in range(n):
                sums[touched[t]] = np.float32(0.0)


@parallel_kernel
def inherit_lists(
    like_ids: AnyArray, like_weights: AnyArray,
    list_offsets: AnyArray, list_ids: AnyArray, list_scores: AnyArray,
    n_items: int, workers: int, ids: AnyArray, scores: AnyArray,
) -> None:  # fmt: skip
    """Fill ids and scores [N, n] with the best of sum_j like_weights[c, j] * list of like_ids[c, j].

    -1 among like_ids means none.
    """
    width = ids.shape[1]
    for w in prange(workers):
        sums = np.zeros(n_items, np.float32)
        touched = np.empty(n_items, np.int32)
        for c in range(w, len(ids), workers):
            n = 0
            for j in range(like_ids.shape[1]):
                v = like_ids[c, j]
                if v < 0 or like_weights[c, j] <= 0:
                    continue
                for e in range(list_offsets[v], list_offsets[v + 1]):
                    u = list_ids[e]
                    amount = np.float32(like_weights[c, j] * list_scores[e])
                    if amount > 0:
                        n = collect(u, amount, sums, touched, n)
            clear(ids, scores, c, width, n_items)
            for t in range(n):
                offer(ids, scores, c, width, touched[t], sums[touched[t]])
                sums[touched[t]] = np.float32(0.0)
            close(ids, scores, c, width, n_items)


@parallel_kernel
def merge_lists(
    old_offsets: AnyArray, old_ids: AnyArray, old_together: AnyArray, keep: float,
    new_offsets: AnyArray, new_ids: AnyArray, new_together: AnyArray,
    damps: AnyArray, workers: int, ids: AnyArray, scores: AnyArray, together: AnyArray,
) -> None:  # fmt: skip
    """Fill ids, scores and together [V, n] with the best of keep * old + new; old lists may be fewer than V.

    together = the sum, score = together / (damp_i * damp_j); damps: float64[V], count ** damping.
    """
    n_items, width = ids.shape
    for w in prange(workers):
        sums = np.zeros(n_items, np.float32)
        touched = np.empty(n_items, np.int32)
        for v in range(w, n_items, workers):
            n = 0
            if v < len(old_offsets) - 1:
                for e in range(old_offsets[v], old_offsets[v + 1]):
                    u = old_ids[e]
                    amount = np.float32(keep * old_together[e])
                    if amount > 0:
                        n = collect(u, amount, sums, touched, n)
            for e in range(new_offsets[v], new_offsets[v + 1]):
                u = new_ids[e]
                if new_together[e] > 0:
                    n = collect(u, new_together[e], sums, touched, n)
            clear(ids, scores, v, width, n_items)
            for t in range(n):
                u = touched[t]
                offer(ids, scores, v, width, u, np.float32(sums[u] / (damps[v] * damps[u])))
            close(ids, scores, v, width, n_items)
            for j in range(width):
                together[v, j] = sums[ids[v, j]] if ids[v, j] >= 0 else np.float32(0.0)
            for t in range(n):
                sums[touched[t]] = np.float32(0.0)
