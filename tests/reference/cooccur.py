"""Slow twins of kernels/cooccur.py: every ordered pair of positions is looked at."""

from collections import defaultdict

import numpy as np

from reference.topk import best, put


def places_by_item(items, starts, places):
    places[:] = np.argsort(items, kind="stable")


def neighbor_lists(
    items, begins, ends, starts, places, window, before, damping, workers, ids, scores, together
):
    counts = np.bincount(items, minlength=len(ids)).astype(float)
    sums = [defaultdict(float) for _ in ids]
    for i in range(len(items)):
        for j in range(begins[i], ends[i]):
            if items[i] != items[j] and abs(i - j) <= window:
                sums[items[i]][int(items[j])] += 1.0 if j > i else before
    for v, near in enumerate(sums):
        damped = {u: np.float32(n / (counts[v] * counts[u]) ** damping) for u, n in near.items() if n > 0}
        found = best(damped, ids.shape[1])
        put(ids, scores, v, found)
        together[v] = 0.0
        together[v, : len(found)] = [near[u] for u, _ in found]


def inherit_lists(like_ids, like_weights, list_offsets, list_ids, list_scores, n_items, workers, ids, scores):
    for c in range(len(ids)):
        sums = defaultdict(float)
        for v, weight in zip(like_ids[c].tolist(), like_weights[c].tolist(), strict=True):
            if v >= 0 and weight > 0:
                for e in range(list_offsets[v], list_offsets[v + 1]):
                    sums[int(list_ids[e])] += weight * list_scores[e]
        put(ids, scores, c, best({u: np.float32(s) for u, s in sums.items() if s > 0}, ids.shape[1]))


def merge_lists(
    old_offsets, old_ids, old_together, keep, new_offsets, new_ids, new_together, damps, workers,
    ids, scores, together,
):  # fmt: skip
    for v in range(len(ids)):
        sums = defaultdict(float)
        if v < len(old_offsets) - 1:
            for e in range(old_offsets[v], old_offsets[v + 1]):
                sums[int(old_ids[e])] += np.float32(keep * old_together[e])
        for e in range(new_offsets[v], new_offsets[v + 1]):
            sums[int(new_ids[e])] += new_together[e]
        damped = {u: np.float32(n / (damps[v] * damps[u])) for u, n in sums.items() if n > 0}
        found = best(damped, ids.shape[1])
        put(ids, scores, v, found)
        together[v] = 0.0
        together[v, : len(found)] = [sums[u] for u, _ in found]
