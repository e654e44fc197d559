"""Attributes as sparse rows of length 1, and the linear algebra of cold items on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cowalk.kernels import attributes as kernels
from cowalk.kernels.flags import threads
from cowalk.learn.parts import field_idf
from cowalk.tables import Field, Hits, SideInfo
from cowalk.types import AnyArray, Ids, Offsets

Dense = NDArray[np.float64]
TOLERANCE = 1e-5
MOST_STEPS = 300
DIRECT = 3000  # columns: 72 MB, and a second's work


@dataclass(frozen=True)
class AttributeRows:
    """N x C: row r holds `values` (length 1) at columns[offsets[r]:offsets[r+1]].

    A column is a value of a field.
    """

    offsets: Offsets
    columns: Ids
    values: Dense
    n_columns: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def by_column(self) -> tuple[Offsets, Ids, Dense]:
        """The same entries column by column: (offsets, rows, values)."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))
        ends = np.cumsum(np.bincount(self.columns, minlength=self.n_columns))
        return np.concatenate([[0], ends]).astype(np.int64), rows[order], self.values[order]

    def dot(self, dense: Dense) -> Dense:
        """float64[N, d]: the product with float64[C, d]."""
        out = np.empty((len(self), dense.shape[1]))
        kernels.times_dense(self.offsets, self.columns, self.values, dense, out)
        return out

    def ridge(self, wanted: Dense, trust: Dense, penalty: float) -> Dense:
        """float64[C, d]: the B that minimises sum_r trust_r |row_r B - wanted_r|^2 + penalty |B|^2.

        Solved directly for up to DIRECT columns; else by conjugate gradients on the normal equations
        (Hestenes & Stiefel 1952), to a relative residual of 1e-5.
        """
        parts = (self.offsets, self.columns, self.values, trust)
        B = np.zeros((self.n_columns, wanted.shape[1]))
        residual, pushed = np.empty_like(B), np.empty_like(B)
        kernels.transposed_times_dense(*parts, wanted, residual)
        if self.n_columns <= DIRECT:
            gram = np.empty((self.n_columns, self.n_columns))
            kernels.gram_times_dense(*parts, np.eye(self.n_columns), gram)
            gram[np.diag_indices_from(gram)] += penalty
            solved: Dense = np.linalg.solve(gram, residual).astype(np.float64)
            return solved
        direction = residual.copy()
        size = np.einsum("ij,ij->j", residual, residual)
        enough = size * TOLERANCE**2
        for _ in range(MOST_STEPS):
            if np.all(size <= enough):
                break
            kernels.gram_times_dense(*parts, direction, pushed)
            pushed += penalty * direction
            curve = np.einsum("ij,ij->j", direction, pushed)
            step = np.where(size > enough, size / np.maximum(curve, 1e-300), 0.0)
            B += step * direction
            residual -= step * pushed
            was, size = size, np.einsum("ij,ij->j", residual, residual)
            direction *= np.where(was > 0, size / np.maximum(was, 1e-300), 0.0)
            direction += residual
        return B

    def nearest(self, asked: AttributeRows, k: int, workers: int | None = None) -> Hits:
        """The k rows of this table that share most with each asked for (cosine of idf-weighted values)."""
        ids = np.empty((len(asked), min(k, len(self))), dtype=np.int32)
        scores = np.empty(ids.shape, dtype=np.float32)
        with threads(workers) as count:
            kernels.nearest_rows(
                asked.offsets, asked.columns, asked.values, *self.by_column, len(self), count, ids, scores
            )
        return Hits(ids, scores)


def attribute_rows(fields: tuple[Field, ...], fitted: SideInfo) -> AttributeRows:
    """The attributes of N items, idf-weighted by the items of `fitted` and scaled to length 1."""
    n = len(fields[0]) if fields else 0
    idf: list[AnyArray] = [field_idf(field) for field in fitted.fields]
    rows = [np.repeat(np.arange(n), np.diff(field.offsets)) for field in fields]
    starts = np.concatenate([[0], np.cumsum([field.size for field in fitted.fields])])
    row = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
    column = np.concatenate([f.codes + s for f, s in zip(fields, starts[:-1], strict=True)] or [row])
    value = np.concatenate([w[f.codes] for f, w in zip(fields, idf, strict=True)] or [row]).astype(np.float64)
    order = np.argsort(row, kind="stable")
    length = np.sqrt(np.bincount(row, value**2, minlength=n))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    scaled = value / np.maximum(length[row], 1e-12)
    return AttributeRows(offsets, column[order].astype(np.int32), scaled[order], int(starts[-1]))
