"""Diversity: the answer chosen one by one from a larger pool, each unlike those before it.

Source: Carbonell and Goldstein 1998, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
Producing Summaries".
"""

from __future__ import annotations

import numpy as np

from cowalk.errors import UsageError
from cowalk.kernels import mmr as kernels
from cowalk.tables import Hits
from cowalk.types import Floats

LEAST_POOL, TIMES = 100, 3


def pool_size(k: int, diversity: float) -> int:
    """How many of the best a diverse answer of k is chosen from: 3 k, at least 100; k without diversity."""
    if not 0 <= diversity <= 1:
        raise UsageError(f"diversity is {diversity}; it must be from 0 (off) to 1")
    return max(LEAST_POOL, TIMES * k) if diversity > 0 else k


def diverse(pool: Hits, vectors: Floats, k: int, diversity: float) -> Hits:
    """k of each query's pool by maximal marginal relevance; the pool's best item stays the first.

    An item's value is (1 - diversity) * score - diversity * (largest cosine to those before it, at least 0);
    scores are scaled to 0..1 from the pool's worst to its best. The values are the scores of the answer.
    vectors: float32[V, d] of all items.
    """
    ids = np.full((len(pool), k), -1, dtype=np.int32)
    values = np.full((len(pool), k), -np.inf, dtype=np.float32)
    for q in range(len(pool)):
        rows = pool.ids[q][pool.ids[q] >= 0]
        if not len(rows):
            continue
        scores = pool.scores[q][: len(rows)]
        spread = np.float32(max(float(scores[0] - scores[-1]), 1e-30))
        units = vectors[rows]
        units = units / np.maximum(np.linalg.norm(units, axis=1, keepdims=True), np.float32(1e-12))
        places = min(k, len(rows))
        chosen = np.empty(places, dtype=np.int64)
        kernels.marginal(
            units.astype(np.float32),
            (scores - scores[-1]) / spread,
            1 - diversity,
            chosen,
            values[q, :places],
        )
        ids[q, :places] = rows[chosen]
    return Hits(ids, values)
