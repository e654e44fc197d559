"""Exact search, block by block: every key is scored, the k best are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cowalk.kernels import topk as kernels
from cowalk.tables.hits import Hits, check_k
from cowalk.types import Floats, Ids, Offsets

ROOM = 1 << 26  # scores held at once: 256 MB
FEW = 16  # up to a sixteenth of the keys allowed, these are taken out and scored alone


def best_keys(
    queries: Floats,
    keys: Floats,
    k: int,
    *,
    bias: Floats | None = None,
    scale: Floats | None = None,
    exclude: tuple[Ids, Offsets] | None = None,
    allowed: NDArray[np.bool_] | None = None,
    room: int = ROOM,
) -> Hits:
    """The k keys with the largest (queries @ keys.T) * scale + bias, best first, ties by lower id.

    queries: float32[Q, d]; keys: float32[V, d]; scale, bias: float32[V]; exclude: (ids, offsets[Q+1]), what
    each query may not find; allowed: bool[V], what all of them may. Fewer than k found: -1. Scores are held
    for a block of queries at a time.
    """
    check_k(k)
    if allowed is not None:
        rows = np.flatnonzero(allowed).astype(np.int32)
        if len(rows) <= len(keys) // FEW:
            return _among(rows, queries, keys, k, bias, scale, exclude, room)
        closed = np.where(allowed, np.float32(0), np.float32(-np.inf))
        bias = closed if bias is None else bias + closed
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


def _among(
    rows: Ids, queries: Floats, keys: Floats, k: int, bias: Floats | None, scale: Floats | None,
    exclude: tuple[Ids, Offsets] | None, room: int,
) -> Hits:  # fmt: skip
    """`best_keys` of the keys of these rows, which rise."""
    if exclude is not None:
        banned, offsets = exclude
        at = np.searchsorted(rows, banned)
        inside = np.append(rows, -1)[at] == banned
        ends = np.concatenate([[0], np.cumsum(inside)])[offsets].astype(np.int64)
        exclude = (at[inside].astype(np.int32), ends)
    found = best_keys(
        queries, keys[rows], k,
        bias=None if bias is None else bias[rows],
        scale=None if scale is None else scale[rows],
        exclude=exclude, room=room,
    )  # fmt: skip
    return Hits(np.where(found.ids >= 0, np.append(rows, -1)[found.ids], -1).astype(np.int32), found.scores)
