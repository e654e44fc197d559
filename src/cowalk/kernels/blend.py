"""Two candidate lists, one score: co-occurrence lists and vectors, blended query by query."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.kernels.rows import collect
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray


@inline_kernel
def gather(items, begin, end, last, decay, list_offsets, list_ids, list_scores, sums, touched):
    """Add the lists of the latest `last` items of the history to sums, newest weight 1.

    Returns how many items it touched.
    """
    n = 0
    weight = np.float32(1.0)
    for at in range(end - 1, max(begin, end - last) - 1, -1):
        v = items[at]
        for e in range(list_offsets[v], list_offsets[v + 1]):
            u = list_ids[e]
            amount = weight * list_scores[e]
            if amount > 0:  # a weight that decayed to 0 would touch an item again and again
                n = collect(u, amount, sums, touched, n)
        weight *= np.float32(decay)
    return n


@parallel_kernel
def cooccurrence_scores(
    items: AnyArray, offsets: AnyArray, last: int, decay: float,
    list_offsets: AnyArray, list_ids: AnyArray, list_scores: AnyArray, table: AnyArray,
) -> None:  # fmt: skip
    """Add each query's co-occurrence scores to table float32[Q, V]."""
    for q in prange(len(table)):
        weight = np.float32(1.0)
        for at in range(offsets[q + 1] - 1, max(offsets[q], offsets[q + 1] - last) - 1, -1):
            v = items[at]
            for e in range(list_offsets[v], list_offsets[v + 1]):
                table[q, list_ids[e]] += weight * list_scores[e]
            weight *= np.float32(decay)


@parallel_kernel
def blend(
    items: AnyArray, offsets: AnyArray, last: int, decay: float,
    list_offsets: AnyArray, list_ids: AnyArray, list_scores: AnyArray,
    queries: AnyArray, keys: AnyArray, bias: AnyArray, near_ids: AnyArray, allowed: AnyArray,
    candidates: int, weight: float, floor: float, vector: float, exclude: bool, workers: int,
    all_sums: AnyArray, all_taken: AnyArray, all_touched: AnyArray, ids: AnyArray, scores: AnyArray,
) -> None:  # fmt: skip
    """Fill ids and scores [Q, k] with the best of two candidate lists.

    Candidates are near_ids int32[Q, C] (the vector channel, -1 = none) and the `candidates` best of the
    co-occurrence lists. Score = weight log(cf / max cf + floor) + vector (query . key + bias).
    With `exclude` the history's own items are left out. allowed: bool[V], the items that may answer, or
    bool[0] for all; max cf is that of all items, so that a score does not depend on who else may answer.
    all_sums float32, all_taken bool: [workers, V] zeros, and zeros again afterwards; all_touched int32.
    """
    n_items, size = keys.shape
    k = ids.shape[1]
    for w in prange(workers):
        sums, taken, touched = all_sums[w], all_taken[w], all_touched[w]
        heap_ids = np.empty((1, max(candidates, 1)), np.int32)
        heap_scores = np.empty((1, max(candidates, 1)), np.float32)
        for q in range(w, len(ids), workers):
            begin, end = offsets[q], offsets[q + 1]
            n = gather(items, begin, end, last, decay, list_offsets, list_ids, list_scores, sums, touched)
            top = np.float32(0.0)
            clear(heap_ids, heap_scores, 0, heap_ids.shape[1], n_items)
            for t in range(n):
                top = max(top, sums[touched[t]])
                if len(allowed) == 0 or allowed[touched[t]]:
                    offer(heap_ids, heap_scores, 0, heap_ids.shape[1], touched[t], sums[touched[t]])
            if exclude:
                for at in range(begin, end):
                    taken[items[at]] = True
            clear(ids, scores, q, k, n_items)
            for c in range(near_ids.shape[1] + heap_ids.shape[1]):
                u = near_ids[q, c] if c < near_ids.shape[1] else heap_ids[0, c - near_ids.shape[1]]
                if u < 0 or u >= n_items or taken[u] or (len(allowed) > 0 and not allowed[u]):
                    continue
                taken[u] = True
                near = np.float32(0.0)
                for j in range(size):
                    near += queries[q, j] * keys[u, j]
                share = sums[u] / top if top > 0 else np.float32(0.0)
                score = weight * math.log(share + floor) + vector * (near + bias[u])
                offer(ids, scores, q, k, u, np.float32(score))
            close(ids, scores, q, k, n_items)
            for t in range(n):
                sums[touched[t]] = np.float32(0.0)
            for at in range(begin, end):
                taken[items[at]] = False
            for c in range(near_ids.shape[1]):
                if near_ids[q, c] >= 0:
                    taken[near_ids[q, c]] = False
            for c in range(heap_ids.shape[1]):
                if heap_ids[0, c] < n_items:
                    taken[heap_ids[0, c]] = False
