"""Vectors of histories: weighted means of rows; and answers without what was seen."""

import numpy as np

from cowalk.kernels.flags import kernel
from cowalk.types import AnyArray


@kernel
def mean_rows(
    vectors: AnyArray, items: AnyArray, offsets: AnyArray, last: int, decay: float, factors: AnyArray,
    out: AnyArray,
) -> None:  # fmt: skip
    """Fill out float32[Q, d]: the mean row of each history's latest `last` items, by weight.

    An event's weight is decay ** (steps back), times its factor; factors: float32[*], or float32[0] for all
    1. An empty history gives zeros.
    """
    size = vectors.shape[1]
    for q in range(len(out)):
        whole = np.float32(0.0)
        for j in range(size):
            out[q, j] = np.float32(0.0)
        for back in range(min(last, offsets[q + 1] - offsets[q])):
            at = offsets[q + 1] - 1 - back
            weight = np.float32(decay**back)
            if len(factors) > 0:
                weight *= factors[at]
            whole += weight
            for j in range(size):
                out[q, j] += weight * vectors[items[at], j]
        whole = max(whole, np.float32(1e-12))
        for j in range(size):
            out[q, j] /= whole


@kernel
def leave_out(
    ids: AnyArray,
    scores: AnyArray,
    items: AnyArray,
    offsets: AnyArray,
    out_ids: AnyArray,
    out_scores: AnyArray,
) -> None:
    """Fill out_ids int32[Q, k] and out_scores with the first k of ids [Q, n] that the query has not seen.

    items, offsets: what each query has seen. ids of -1 count as none; so does what is missing at the end.
    """
    for q in range(len(out_ids)):
        place = 0
        for c in range(ids.shape[1]):
            if place == out_ids.shape[1]:
                break
            seen = ids[q, c] < 0
            for at in range(offsets[q], offsets[q + 1]):
                seen |= items[at] == ids[q, c]
            if not seen:
                out_ids[q, place] = ids[q, c]
                out_scores[q, place] = scores[q, c]
                place += 1
        for rest in range(place, out_ids.shape[1]):
            out_ids[q, rest] = -1
            out_scores[q, rest] = -np.inf
