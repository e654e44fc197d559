"""Slow twins of kernels/alias.py: the pairing of Vose 1991 with Python lists as stacks."""

import numpy as np

FULL = 2**32 - 1


def slots_of(weights):
    """(threshold, alias) of one distribution; no kernel, a help for twins."""
    n = len(weights)
    scaled = [float(w) * n / sum(float(w) for w in weights) for w in weights]
    threshold, alias = [FULL] * n, list(range(n))
    small = [i for i in range(n) if scaled[i] < 1]
    large = [i for i in range(n) if scaled[i] >= 1]
    while small and large:
        under, over = small.pop(), large.pop()
        threshold[under], alias[under] = int(max(scaled[under], 0.0) * FULL), over
        scaled[over] -= 1 - scaled[under]
        (small if scaled[over] < 1 else large).append(over)
    return threshold, alias


def alias_table(weights, threshold, alias):
    threshold[:], alias[:] = slots_of(weights)


def edge_records(offsets, targets, weights, records):
    for v in range(len(offsets) - 1):
        row = slice(offsets[v], offsets[v + 1])
        if len(targets[row]):
            threshold, alias = slots_of(weights[row])
            records[row, 0], records[row, 1], records[row, 2] = threshold, targets[row], targets[row][alias]


def edge_shares(offsets, weights, shares):
    for v in range(len(offsets) - 1):
        row = weights[offsets[v] : offsets[v + 1]].astype(np.float64)
        shares[offsets[v] : offsets[v + 1]] = row / row.sum() if len(row) else row


def masses(threshold, alias):
    """The chance of each outcome of an alias table, in float64; no kernel."""
    kept = (np.asarray(threshold, dtype=np.float64) + 1) / 2**32
    return (kept + np.bincount(alias, 1 - kept, minlength=len(kept))) / len(kept)
