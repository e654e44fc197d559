"""Scoring histories by a dense row of scores each, block by block: the shape all baselines share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cowalk.evaluate.ragged import slices
from cowalk.evaluate.sparse import Sparse, stack, top_rows
from cowalk.tables import Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets

BLOCK_BYTES = 1 << 27  # of scores at a time


def latest(items: Ids, offsets: Offsets, number: int, decay: float, n_items: int) -> Sparse:
    """Q x V: the last `number` items of each history, weighted decay ** (steps back)."""
    starts = np.maximum(offsets[:-1], offsets[1:] - number)
    ragged, at = slices(starts, offsets[1:])
    rows = np.repeat(np.arange(len(starts)), np.diff(ragged))
    back = ragged[1:][rows] - 1 - np.arange(len(at))
    return Sparse.of(rows, items[at], decay**back, (len(starts), n_items))


def recommend_by(
    score: Callable[[Ids, Offsets], Floats], items: Ids, offsets: Offsets, k: int, exclude_seen: bool, n: int
) -> Hits:
    """The k best of n candidates; `score` gives float32[B, n] for a block of histories."""
    step = max(1, BLOCK_BYTES // (8 * max(n, 1)))
    parts = []
    for start in range(0, len(offsets) - 1, step):
        cut = offsets[start : start + step + 1]
        block, lines = items[cut[0] : cut[-1]], cut - cut[0]
        scores = score(block, lines)
        if exclude_seen:
            scores = scores.copy()
            scores[np.repeat(np.arange(len(cut) - 1), np.diff(cut)), block] = -np.inf
        parts.append(top_rows(scores, k))
    return stack(parts)


def log_blend(scores: Floats, counts: AnyArray, floor: float, popularity: float) -> Floats:
    """log(score / row maximum + floor) + popularity * log(1 + count): the popularity term of every count
    baseline.
    """
    most = np.maximum(scores.max(axis=1, keepdims=True), np.float32(1e-12))
    blended = np.log(scores / most + floor) + popularity * np.log1p(counts)
    out: Floats = blended.astype(np.float32)
    return out
