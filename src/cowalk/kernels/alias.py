"""Alias tables (Walker 1977, Vose 1991): a draw from a row's weights in constant time."""

import numpy as np

from cowalk.kernels.flags import inline_with_arrays, kernel, parallel_kernel, prange
from cowalk.types import AnyArray

FULL = 4294967295.0  # 2**32 - 1: thresholds are stored as 32-bit integers


@inline_with_arrays
def fill_row(weights, slots, threshold, alias):
    """Fill threshold and alias (local slots) of one row.

    A slot is kept when 32 random bits <= its threshold.
    """
    n = len(weights)
    total = 0.0
    for i in range(n):
        total += weights[i]
    scaled = np.empty(n, np.float64)
    small = 0  # slots[:small] are under-full, slots[large:] over-full
    large = n
    for i in range(n):
        scaled[i] = weights[i] * n / total
        if scaled[i] < 1.0:
            slots[small] = i
            small += 1
        else:
            large -= 1
            slots[large] = i
    while small > 0 and large < n:
        small -= 1
        under = slots[small]
        over = slots[large]
        threshold[under] = np.uint32(max(scaled[under], 0.0) * FULL)
        alias[under] = over
        scaled[over] -= 1.0 - scaled[under]
        if scaled[over] < 1.0:
            slots[small] = over
            small += 1
            large += 1
    for i in range(small):
        threshold[slots[i]] = np.uint32(FULL)
        alias[slots[i]] = slots[i]
    for i in range(large, n):
        threshold[slots[i]] = np.uint32(FULL)
        alias[slots[i]] = slots[i]


@kernel
def alias_table(weights: AnyArray, threshold: AnyArray, alias: AnyArray) -> None:
    """Fill the alias table of one distribution: threshold uint32[n], alias int32[n]."""
    slots = np.empty(len(weights), np.int64)
    fill_row(weights, slots, threshold, alias)


@parallel_kernel
def edge_records(offsets: AnyArray, targets: AnyArray, weights: AnyArray, records: AnyArray) -> None:
    """Fill records uint32[E, 3] = (threshold, target, alias target) of every row of a graph.

    The three lie together so that a step touches one place in memory.
    """
    for v in prange(len(offsets) - 1):
        start = offsets[v]
        n = offsets[v + 1] - start
        if n == 0:
            continue
        slots = np.empty(n, np.int64)
        threshold = np.empty(n, np.uint32)
        alias = np.empty(n, np.int64)
        fill_row(weights[start : start + n], slots, threshold, alias)
        for i in range(n):
            records[start + i, 0] = threshold[i]
            records[start + i, 1] = targets[start + i]
            records[start + i, 2] = targets[start + alias[i]]


@parallel_kernel
def edge_shares(offsets: AnyArray, weights: AnyArray, shares: AnyArray) -> None:
    """Fill shares float32[E]: each edge's part of its row's total weight."""
    for v in prange(len(offsets) - 1):
        total = 0.0
        for e in range(offsets[v], offsets[v + 1]):
            total += weights[e]
        for e in range(offsets[v], offsets[v + 1]):
            shares[e] = weights[e] / total
