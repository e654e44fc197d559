"""Sparse attribute rows: products with dense blocks, and the nearest rows by shared values."""

import numpy as np

from cowalk.kernels.flags import parallel_kernel, prange
from cowalk.kernels.rows import collect
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray


@parallel_kernel
def times_dense(
    offsets: AnyArray, columns: AnyArray, values: AnyArray, dense: AnyArray, out: AnyArray
) -> None:
    """Fill out [R, d] = rows @ dense [C, d]."""
    size = dense.shape[1]
    for r in prange(len(out)):
        for c in range(size):
            out[r, c] = 0.0
        for e in range(offsets[r], offsets[r + 1]):
            for c in range(size):
                out[r, c] += values[e] * dense[columns[e], c]


@parallel_kernel
def gram_times_dense(
    offsets: AnyArray, columns: AnyArray, values: AnyArray, trust: AnyArray, dense: AnyArray, out: AnyArray
) -> None:
    """Fill out [C, d] = rows' diag(trust) rows @ dense, each slice of d columns in the order of the rows."""
    width = dense.shape[1]
    parts = min(width, 8)
    for part in prange(parts):
        low, high = width * part // parts, width * (part + 1) // parts
        push = np.empty(high - low, np.float64)
        out[:, low:high] = 0.0
        for r in range(len(offsets) - 1):
            push[:] = 0.0
            for e in range(offsets[r], offsets[r + 1]):
                for c in range(low, high):
                    push[c - low] += values[e] * dense[columns[e], c]
            for e in range(offsets[r], offsets[r + 1]):
                scale = trust[r] * values[e]
                for c in range(low, high):
                    out[columns[e], c] += scale * push[c - low]


@parallel_kernel
def transposed_times_dense(
    offsets: AnyArray, columns: AnyArray, values: AnyArray, trust: AnyArray, dense: AnyArray, out: AnyArray
) -> None:
    """Fill out [C, d] = rows' diag(trust) dense [R, d]."""
    width = dense.shape[1]
    parts = min(width, 8)
    for part in prange(parts):
        low, high = width * part // parts, width * (part + 1) // parts
        out[:, low:high] = 0.0
        for r in range(len(offsets) - 1):
            for e in range(offsets[r], offsets[r + 1]):
                scale = trust[r] * values[e]
                for c in range(low, high):
                    out[columns[e], c] += scale * dense[r, c]


@parallel_kernel
def nearest_rows(
    offsets: AnyArray, columns: AnyArray, values: AnyArray,
    list_offsets: AnyArray, list_rows: AnyArray, list_values: AnyArray,
    rows: int, workers: int, ids: AnyArray, scores: AnyArray,
) -> None:  # fmt: skip
    """Fill ids and scores [Q, k] with the rows that share most: the sum of products over shared columns.

    The lists hold, column by column, the rows that carry it and their values.
    """
    k = ids.shape[1]
    for w in prange(workers):
        sums = np.zeros(rows, np.float32)
        touched = np.empty(rows, np.int32)
        for q in range(w, len(ids), workers):
            n = 0
            for e in range(offsets[q], offsets[q + 1]):
                for f in range(list_offsets[columns[e]], list_offsets[columns[e] + 1]):
                    r = list_rows[f]
                    n = collect(r, np.float32(values[e] * list_values[f]), sums, touched, n)
            clear(ids, scores, q, k, rows)
            for t in range(n):
                offer(ids, scores, q, k, touched[t], sums[touched[t]])
                sums[touched[t]] = np.float32(0.0)
            close(ids, scores, q, k, rows)
