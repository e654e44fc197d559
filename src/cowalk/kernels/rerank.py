"""Candidates scored exactly: the k best of each query's own list of rows."""

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray


@inline_kernel
def product(queries, q, rows, v):
    """Inner product of query q and row v."""
    total = np.float32(0)
    for i in range(rows.shape[1]):
        total += queries[q, i] * rows[v, i]
    return total


@inline_kernel
def square(queries, q, rows, v):
    """Squared L2 distance of query q and row v."""
    total = np.float32(0)
    for i in range(rows.shape[1]):
        difference = queries[q, i] - rows[v, i]
        total += difference * difference
    return total


@parallel_kernel
def rerank(
    queries: AnyArray, rows: AnyArray, candidates: AnyArray, l2: bool, ids: AnyArray, scores: AnyArray
) -> None:
    """Fill ids int32[Q, k] and scores float32[Q, k] with the best of candidates int32[Q, C], -1 = none.

    queries float32[Q, d], rows float32[V, d]; a score is the inner product, or with `l2` the distance,
    negated. A row may stand once among a query's candidates. The same two vectors always get the same score.
    """
    k = ids.shape[1]
    none = len(rows)
    for q in prange(len(queries)):
        clear(ids, scores, q, k, none)
        for j in range(candidates.shape[1]):
            v = candidates[q, j]
            if v < 0:
                continue
            score = -np.sqrt(square(queries, q, rows, v)) if l2 else product(queries, q, rows, v)
            if score >= scores[q, 0] and score > -np.inf:
                offer(ids, scores, q, k, v, score)
        close(ids, scores, q, k, none)
