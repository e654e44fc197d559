"""Slow twin of kernels/topk.py: a full sort."""

import numpy as np


def best(scores, k):
    """[(id, score)] of the k best of a dict, ties by lower id, -inf and NaN left out; no kernel."""
    found = [(i, s) for i, s in scores.items() if s > -np.inf]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]


def put(ids, scores, row, found):
    """Write [(id, score)] into row `row`, -1 and -inf after them; no kernel."""
    ids[row], scores[row] = -1, -np.inf
    for j, (item, score) in enumerate(found):
        ids[row, j], scores[row, j] = item, score


def top_k_rows(table, ids, scores):
    for q in range(len(table)):
        put(ids, scores, q, best(dict(enumerate(table[q].tolist())), ids.shape[1]))
