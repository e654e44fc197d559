"""Slow twin of cowalk.kernels.rerank: float64 sums and a sort."""

import numpy as np

from cowalk.types import AnyArray


def rerank(
    queries: AnyArray, rows: AnyArray, candidates: AnyArray, l2: bool, ids: AnyArray, scores: AnyArray
) -> None:
    ids[:], scores[:] = -1, -np.inf
    for q, query in enumerate(np.asarray(queries, np.float64)):
        found = {}
        for v in candidates[q].tolist():
            if v >= 0:
                row = np.asarray(rows[v], np.float64)
                found[v] = -float(np.linalg.norm(query - row)) if l2 else float(query @ row)
        best = sorted(found, key=lambda v: (-found[v], v))[: ids.shape[1]]
        ids[q, : len(best)] = best
        scores[q, : len(best)] = [found[v] for v in best]
