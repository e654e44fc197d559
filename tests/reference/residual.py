"""Res-embedding in loops and float64, by the paper's equations (Zhou et al. 2019, section 3)."""

import math

import numpy as np


def cut_graph(sequences: list[list[int]], n: int, window: int, most: int) -> np.ndarray:
    """Z float64[n, n]: counts in the window, no self-loop, the `most` largest of a row (ties: lower)."""
    z = np.zeros((n, n))
    for row in sequences:
        for c in range(len(row)):
            for w in range(max(0, c - window), min(len(row), c + window + 1)):
                if row[w] != row[c]:
                    z[row[c], row[w]] += 1
    for i in range(n):
        best = sorted(range(n), key=lambda j: (-z[i, j], j))[:most]
        for j in range(n):
            if j not in best:
                z[i, j] = 0
    return z


def central(z: np.ndarray, base: np.ndarray, mixing: str) -> np.ndarray:
    """float64[n, d]: g(Z) C_b; the mean base for a row without neighbours."""
    out = np.empty_like(base)
    degrees = [sum(row) for row in z]
    for i in range(len(z)):
        near = [j for j in range(len(z)) if z[i, j] > 0]
        if not near:
            out[i] = sum(base) / len(base)
            continue
        if mixing == "avg":
            shares = [1 / len(near)] * len(near)
        elif mixing == "gcn":
            shares = [z[i, j] / math.sqrt(degrees[i] * degrees[j]) if degrees[j] > 0 else 0.0 for j in near]
        else:
            raw = [math.exp(float(base[i] @ base[j])) for j in near]
            shares = [one / sum(raw) for one in raw]
        out[i] = sum(share * base[j] for share, j in zip(shares, near, strict=True))
    return out


def embedding(z: np.ndarray, base: np.ndarray, residual: np.ndarray, mixing: str) -> np.ndarray:
    """E = g(Z) C_b + R."""
    return central(z, base, mixing) + residual
