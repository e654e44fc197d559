"""Slow twins of kernels/pairs.py, in plain Python, by the same names and signatures."""

from collections import defaultdict
from itertools import pairwise

import numpy as np


def mark_gaps(times, gap, starts):
    for i in range(1, len(times)):
        if int(times[i]) - int(times[i - 1]) > gap:
            starts[i] = True


def mark_windows(times, window, starts):
    for i in range(1, len(times)):
        if int(times[i]) // window != int(times[i - 1]) // window:
            starts[i] = True


def transitions(items, offsets, self_loops, symmetric):
    """(source, target, place of the later event) of each transition in order; no kernel, a help for twins."""
    for first, last in pairwise(offsets):
        for i in range(first, last - 1):
            if items[i] != items[i + 1] or self_loops:
                yield items[i], items[i + 1], i + 1
                if symmetric:
                    yield items[i + 1], items[i], i + 1


def count_transitions(items, offsets, self_loops, symmetric, counts):
    for source, _, _ in transitions(items, offsets, self_loops, symmetric):
        counts[source] += 1


def scatter_transitions(items, event_weights, offsets, self_loops, symmetric, at, targets, weights):
    for source, target, event in transitions(items, offsets, self_loops, symmetric):
        targets[at[source]] = target
        if len(event_weights):
            weights[at[source]] = event_weights[event]
        at[source] += 1


def scatter_edges(src, dst, edge_weights, at, targets, weights):
    for u, v, w in zip(src, dst, edge_weights, strict=True):
        targets[at[u]], weights[at[u]] = v, w
        at[u] += 1


def _merge(offsets, targets, weights, lengths, given):
    for u in range(len(offsets) - 1):
        first, last = offsets[u], offsets[u + 1]
        sums = defaultdict(float)
        for target, weight in zip(targets[first:last].tolist(), given[first:last].tolist(), strict=True):
            sums[target] += weight
        lengths[u] = len(sums)
        for k, target in enumerate(sorted(sums)):
            targets[first + k], weights[first + k] = target, sums[target]


def merge_counts(offsets, targets, weights, lengths):
    _merge(offsets, targets, weights, lengths, np.ones(len(targets)))


def merge_sums(offsets, targets, weights, lengths):
    _merge(offsets, targets, weights, lengths, weights.astype(np.float64))


def close_rows(offsets, lengths, targets, weights, closed):
    places = [range(offsets[u], offsets[u] + lengths[u]) for u in range(len(lengths))]
    kept = [i for row in places for i in row]
    targets[: len(kept)], weights[: len(kept)] = targets[kept], weights[kept]
    closed[:] = [0, *np.cumsum([len(row) for row in places])]


def weak_components(offsets, targets):
    n = len(offsets) - 1
    near = defaultdict(set)
    for u in range(n):
        for v in targets[offsets[u] : offsets[u + 1]].tolist():
            near[u].add(v)
            near[v].add(u)
    label = np.full(n, -1, dtype=np.int32)
    for root in range(n):
        stack = [root] if label[root] < 0 else []
        while stack:
            u = stack.pop()
            if label[u] < 0:
                label[u] = root
                stack.extend(near[u])
    return label


def count_reciprocal(offsets, targets):
    edges = {(u, int(v)) for u in range(len(offsets) - 1) for v in targets[offsets[u] : offsets[u + 1]]}
    return sum((v, u) in edges for u, v in edges if u != v)
