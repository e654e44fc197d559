"""Slow twins of kernels/negative_lists.py: dense matrices and full sorts."""

import numpy as np

BROAD = 2048


def best(scores, allowed, ids, out):
    """Fill one row with the best allowed items, ties by lower id; no kernel."""
    order = sorted(np.flatnonzero(allowed), key=lambda u: (-scores[u], u))[: len(ids)]
    ids[:], out[:] = -1, -np.inf
    ids[: len(order)], out[: len(order)] = order, scores[order]


def row_of(offsets, values, v):
    """One row of a ragged table; no kernel."""
    return values[offsets[v] : offsets[v + 1]]


def nearest_rows(rows, candidates, known_offsets, known, ids, scores):
    for v in range(len(rows)):
        allowed = np.zeros(len(rows), dtype=bool)
        allowed[candidates] = True
        allowed[[v, *row_of(known_offsets, known, v)]] = False
        best(rows @ rows[v], allowed, ids[v], scores[v])


def second_neighbors(offsets, targets, shares, workers, ids, scores):
    items = len(ids)
    one = np.zeros((items, items))
    for v in range(items):
        one[v, row_of(offsets, targets, v)] = row_of(offsets, shares, v)
    narrow = np.diff(offsets) <= BROAD
    two = one @ (one * narrow[:, None])
    for v in range(items):
        allowed = (two[v] > 0) & (one[v] == 0)
        allowed[v] = False
        best(two[v], allowed, ids[v], scores[v])


def usable_lists(key_offsets, keys, offsets, members, known_offsets, known, alone, usable):
    for v in range(len(key_offsets) - 1):
        barred = set(row_of(known_offsets, known, v).tolist()) | ({v} if alone else set())
        for e in range(key_offsets[v], key_offsets[v + 1]):
            usable[e] = bool(set(row_of(offsets, members, keys[e]).tolist()) - barred)
