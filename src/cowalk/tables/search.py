"""Exact search, block by block: every key is scored, the k best are kept."""

from __future__ import annotations

import numpy as np

from cowalk.errors import UsageError
from cowalk.kernels import topk as kernels
from cowalk.tables.hits import Hits
from cowalk.types import Floats, Ids, Offsets

ROOM = 1 << 26  # scores held at once: 256 MB


def best_keys(
    queries: Floats,
    keys: Floats,
    k: int,
    *,
    bias: Floats | None = None,
    scale: Floats | None = None,
    exclude: tuple[Ids, Offsets] | None = None,
    room: int = ROOM,
) -> Hits:
    """The k keys with the largest (queries @ keys.T) * scale + bias, best first, ties by lower id.

    queries: float32[Q, d]; keys: float32[V, d]; scale, bias: float32[V]; exclude: (ids, offsets[Q+1]), what
    each query may not find. Fewer than k found: -1. Scores are held for a block of queries at a time.
    """
    if k < 1:
        raise UsageError(f"k must be at least 1, not {k}")
    items = len(keys)
    width = min(k, items)
    ids = np.full((len(queries), k), -1, dtype=np.int32)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    step = max(1, room // max(items, 1))
    for start in range(0, len(queries), step):
        block = queries[start : start + step] @ keys.T
        if scale is not None:
            block *= scale
        if bias is not None:
            block += bias
        if exclude is not None:
            banned, offsets = exclude
            low, high = offsets[start], offsets[min(start + step, len(queries))]
            rows = np.repeat(np.arange(len(block)), np.diff(offsets[start : start + len(block) + 1]))
            block[rows, banned[low:high]] = -np.inf
        found_ids = np.empty((len(block), width), dtype=np.int32)
        found = np.empty((len(block), width), dtype=np.float32)
        kernels.top_k_rows(block, found_ids, found)
        ids[start : start + step, :width] = found_ids
        scores[start : start + step, :width] = found
    return Hits(ids, scores)
