"""Slow twins of kernels/flatten.py: lists of kept positions."""

import numpy as np

from reference.rng import Draws


def flatten_walks(nodes, first_row, keep, seed, out):
    length = nodes.shape[1]
    rows = [
        (
            first_row + r,
            [(v, (first_row + r) * length + c) for c, v in enumerate(row[: np.sum(row >= 0)].tolist())],
        )
        for r, row in enumerate(nodes)
    ]
    return _flatten(rows, keep, seed, out)


def flatten_sessions(items, offsets, order, keep, seed, out):
    rows = [(s, [(int(items[c]), c) for c in range(offsets[s], offsets[s + 1])]) for s in order.tolist()]
    return _flatten(rows, keep, seed, out)


def _flatten(rows, keep, seed, out):
    n = 0
    for row, positions in rows:
        draws = Draws(seed, row)
        kept = [(v, number) for v, number in positions if len(keep) == 0 or draws.unit() < keep[v]]
        for i, (v, number) in enumerate(kept):
            out.tokens[n + i], out.numbers[n + i] = v, number
            out.begins[n + i], out.ends[n + i] = n, n + len(kept)
        n += len(kept)
    return n
