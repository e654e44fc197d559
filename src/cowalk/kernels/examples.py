"""Histories of examples: the events before a place of one shared stream, padded on the left."""

import numpy as np

from cowalk.kernels.flags import kernel
from cowalk.types import AnyArray


@kernel
def gather_histories(
    items: AnyArray, starts: AnyArray, stops: AnyArray, out: AnyArray, lengths: AnyArray
) -> None:
    """Fill out int32[B, last] with the latest items of items[starts[b]:stops[b]], the newest in the last
    column, -1 before the oldest; lengths int32[B]: how many there are.
    """
    last = out.shape[1]
    for b in range(len(out)):
        n = min(last, stops[b] - starts[b])
        lengths[b] = np.int32(n)
        first = last - n
        for j in range(first):
            out[b, j] = np.int32(-1)
        for j in range(n):
            out[b, first + j] = items[stops[b] - n + j]
