"""Slow twins of kernels/blend.py: dictionaries instead of candidate arrays."""

import math
from collections import defaultdict

import numpy as np

from reference.topk import best, put


def sums_of(history, last, decay, list_offsets, list_ids, list_scores):
    """{item: score} of the co-occurrence channel for one history; no kernel."""
    sums = defaultdict(float)
    for back, v in enumerate(list(history)[::-1][:last]):
        for e in range(list_offsets[v], list_offsets[v + 1]):
            sums[int(list_ids[e])] += decay**back * float(list_scores[e])
    return sums


def cooccurrence_scores(items, offsets, last, decay, list_offsets, list_ids, list_scores, table):
    for q in range(len(table)):
        history = items[offsets[q] : offsets[q + 1]]
        for u, score in sums_of(history, last, decay, list_offsets, list_ids, list_scores).items():
            table[q, u] += score


def blend(
    items, offsets, last, decay, list_offsets, list_ids, list_scores, queries, keys, bias, near_ids,
    allowed, candidates, weight, floor, vector, exclude, workers,
    all_sums, all_taken, all_touched, ids, scores,
):  # fmt: skip
    for q in range(len(ids)):
        history = items[offsets[q] : offsets[q + 1]]
        sums = sums_of(history, last, decay, list_offsets, list_ids, list_scores)
        may = {u: s for u, s in sums.items() if len(allowed) == 0 or allowed[u]}
        near = {int(u) for u in near_ids[q] if u >= 0 and (len(allowed) == 0 or allowed[u])}
        chosen = {u for u, _ in best(may, max(candidates, 1))} | near
        top = max(sums.values(), default=0.0)
        score = {}
        for u in chosen - (set(history.tolist()) if exclude else set()):
            share = sums[u] / top if top > 0 else 0.0
            near = float(queries[q].astype(np.float64) @ keys[u] + bias[u])
            score[u] = weight * math.log(share + floor) + vector * near
        put(ids, scores, q, best(score, ids.shape[1]))
