"""Maximal marginal relevance: good items that are not like those already chosen."""

import numpy as np

from cowalk.kernels.flags import kernel
from cowalk.types import AnyArray


@kernel
def marginal(units: AnyArray, scores: AnyArray, weight: float, chosen: AnyArray, values: AnyArray) -> None:
    """Fill chosen int64[k] and values float32[k] with the pool's items one by one, and what won each place.

    An item's value is weight * score - (1 - weight) * likeness; likeness is its largest cosine to those
    chosen before it, and at least 0. units: float32[N >= k, d] rows at length 1; scores: float32[N] from 0 to
    1. Of equal values the first wins. Values fall, for likeness only grows.
    """
    pool, size = units.shape
    likeness = np.zeros(pool, np.float32)
    left = np.ones(pool, np.bool_)
    for place in range(len(chosen)):
        best, top = -1, np.float32(-np.inf)
        for i in range(pool):
            value = np.float32(weight) * scores[i] - np.float32(1 - weight) * likeness[i]
            if left[i] and (best < 0 or value > top):
                best, top = i, value
        chosen[place] = best
        values[place] = top
        left[best] = False
        for i in range(pool):
            if left[i]:
                near = np.float32(0.0)
                for j in range(size):
                    near += units[i, j] * units[best, j]
                likeness[i] = max(likeness[i], near)
