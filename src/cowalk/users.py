"""A user's vector from the latest items of the history: one code in evaluation and at request time."""

from __future__ import annotations

import numpy as np

from cowalk.types import Floats, Ids, Offsets

COSINE_SCALE = np.float32(8.0)
"""What a cosine is multiplied with beside a popularity term, so that both kinds of score have one range."""


def history_vectors(vectors: Floats, items: Ids, offsets: Offsets, last: int, decay: float) -> Floats:
    """float32[Q, d]: the mean row of each history's latest `last` items, each step back weighing `decay`.

    vectors: float32[V, d]; items: int32[*], oldest first; offsets: int64[Q+1]. An empty history gives zeros.
    """
    queries = len(offsets) - 1
    total = np.zeros((queries, vectors.shape[1]), dtype=np.float32)
    weights = np.zeros((queries, 1), dtype=np.float32)
    lengths = np.diff(offsets)
    for back in range(min(last, int(lengths.max(initial=0)))):
        has = lengths > back
        weight = np.float32(decay**back)
        total[has] += weight * vectors[items[offsets[1:][has] - 1 - back]]
        weights[has] += weight
    total /= np.maximum(weights, np.float32(1e-12))
    return total


def normalize(rows: Floats) -> Floats:
    """The rows at length 1; a zero row stays zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    out: Floats = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return out
