"""Inner product as an angle: rows divided by the longest and lifted by one number to length 1."""

from __future__ import annotations

import numpy as np

from cowalk.types import Floats


def longest_of(rows: Floats) -> float:
    """The largest length of a row."""
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64).max(initial=0.0)))


def lifts_of(rows: Floats, most: float) -> Floats:
    """float32[N]: sqrt(1 - |x / M|^2), the coordinate that gives x / M length 1; M = most."""
    rest = 1.0 - (np.linalg.norm(rows, axis=1).astype(np.float64) / max(most, 1e-30)) ** 2
    return np.asarray(np.sqrt(np.maximum(rest, 0.0)), dtype=np.float32)


def lifted(rows: Floats, most: float) -> Floats:
    """float32[N, d + 1]: [x / M, sqrt(1 - |x / M|^2)], all of length 1, where M = most is the longest row.

    With [q, 0] the inner product is q.x / M: the order of q.x is that of the angle, and of the L2 distance.
    """
    out = np.empty((len(rows), rows.shape[1] + 1), dtype=np.float32)
    np.divide(rows, np.float32(max(most, 1e-30)), out=out[:, :-1])
    out[:, -1] = lifts_of(rows, most)
    return out


def lifted_queries(queries: Floats) -> Floats:
    """float32[Q, d + 1]: [q / |q|, 0]."""
    lengths = np.sqrt(np.einsum("ij,ij->i", queries, queries))[:, None]
    out = np.zeros((len(queries), queries.shape[1] + 1), dtype=np.float32)
    np.divide(queries, np.maximum(lengths, np.float32(1e-12)), out=out[:, :-1])
    return out
