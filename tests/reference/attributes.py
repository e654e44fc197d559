"""Slow twins of kernels/attributes.py: the sparse rows as one dense matrix."""

import numpy as np

from reference.topk import best, put


def dense_rows(offsets, columns, values, n_columns):
    """float64[R, C] of sparse rows; no kernel."""
    table = np.zeros((len(offsets) - 1, n_columns))
    for r in range(len(table)):
        for e in range(offsets[r], offsets[r + 1]):
            table[r, columns[e]] += values[e]
    return table


def times_dense(offsets, columns, values, dense, out):
    out[:] = dense_rows(offsets, columns, values, len(dense)) @ dense


def gram_times_dense(offsets, columns, values, trust, dense, out):
    rows = dense_rows(offsets, columns, values, len(dense))
    out[:] = rows.T @ np.diag(trust) @ rows @ dense


def transposed_times_dense(offsets, columns, values, trust, dense, out):
    out[:] = dense_rows(offsets, columns, values, len(out)).T @ np.diag(trust) @ dense


def nearest_rows(offsets, columns, values, list_offsets, list_rows, list_values, rows, workers, ids, scores):
    asked = dense_rows(offsets, columns, values, len(list_offsets) - 1)
    held = dense_rows(list_offsets, list_rows, list_values, rows)  # column by column: [C, R]
    for q in range(len(asked)):
        shared = {r: np.float32(s) for r, s in enumerate(asked[q] @ held) if s > 0}
        put(ids, scores, q, best(shared, ids.shape[1]))
