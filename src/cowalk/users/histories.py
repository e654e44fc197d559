"""One vector per history from its latest items: weights by step, by age and by how rare the item is."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cowalk.kernels import histories as kernels
from cowalk.layers import normalize as normalize
from cowalk.types import AnyArray, Floats, Ids, Offsets

COSINE_SCALE = np.float32(8.0)
"""What a cosine is multiplied with beside a popularity term, so that both kinds of score have one range."""
DAY = 86_400_000_000  # microseconds

ItemWeights = Literal["equal", "idf", "sif"]


def history_vectors(
    vectors: Floats, items: Ids, offsets: Offsets, last: int, decay: float, factors: Floats | None = None
) -> Floats:
    """float32[Q, d]: the mean row of each history's latest `last` items, each step back weighing `decay`.

    vectors: float32[V, d]; items: int32[*], oldest first; offsets: int64[Q+1]; factors: float32[*], what each
    event's weight is multiplied with (`event_factors`). An empty history gives zeros.
    """
    out = np.empty((len(offsets) - 1, vectors.shape[1]), dtype=np.float32)
    every = np.zeros(0, dtype=np.float32) if factors is None else factors
    kernels.mean_rows(vectors, items, offsets, last, decay, every, out)
    return out


def event_weights(offsets: Offsets, last: int, decay: float, factors: Floats | None = None) -> Floats:
    """float32[*]: what each event weighs in `history_vectors`; 0 for those before the latest `last`."""
    lengths = np.diff(offsets)
    back = np.repeat(offsets[1:], lengths) - 1 - np.arange(offsets[-1])
    weights = np.where(back < last, np.float64(decay) ** np.minimum(back, last), 0.0).astype(np.float32)
    return weights if factors is None else weights * factors


def event_factors(
    items: Ids, offsets: Offsets, times: Offsets | None, half_life: float, rare: Floats | None
) -> Floats | None:
    """float32[*]: 2^(-age / half_life) * rare[item], or None where neither is asked for.

    times: int64[*] microseconds; the age is counted in days from the newest event of the same history, which
    changes no mean: an age from now on would multiply all weights of a history alike. half_life 0 = off;
    rare: float32[V] (`rarity`).
    """
    if half_life == 0 and rare is None:
        return None
    factors = np.ones(len(items), dtype=np.float32)
    if half_life > 0 and times is not None:
        lengths = np.diff(offsets)
        newest = np.repeat(times[offsets[1:][lengths > 0] - 1], lengths[lengths > 0])
        factors = np.exp2(-((newest - times) / DAY) / half_life).astype(np.float32)
    return factors if rare is None else factors * rare[items]


def rarity(counts: AnyArray, kind: ItemWeights, sif: float) -> Floats | None:
    """float32[V]: what an item weighs by how rare it is; None for equal weights.

    idf: log(1 + N / count) of N events in all; sif: a / (a + count / N), smooth inverse frequency (Arora et
    al. 2017), with a = `sif`. A count of 0 counts as 1.
    """
    if kind == "equal":
        return None
    share = np.maximum(counts, 1) / max(float(np.sum(counts)), 1.0)
    weights = np.log1p(1 / share) if kind == "idf" else sif / (sif + share)
    return np.asarray(weights, dtype=np.float32)
