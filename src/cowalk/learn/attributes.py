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
from cowalk.types import Floats, Ids, Offsets

Dense = NDArray[np.float64]
TOLERANCE = 1e-5
MOST_STEPS = 300
DIRECT = 3000  # columns: 72 MB, and a second's work
ASKED = 256  # rows asked for at a time


@dataclass(frozen=True)
class AttributeRows:
    """N x (C + k): row r holds `values` at columns[offsets[r]:offsets[r+1]], and after the C sparse columns
    the k dense ones, float32[N, k].

    A sparse column is a value of a field; these have length 1 together. k is 0 without dense fields.
    """

    offsets: Offsets
    columns: Ids
    values: Dense
    n_columns: int
    dense: Floats | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def width(self) -> int:
        """All columns, C + k."""
        return self.n_columns + (0 if self.dense is None else self.dense.shape[1])

    @cached_property
    def by_column(self) -> tuple[Offsets, Ids, Dense]:
        """The sparse entries column by column: (offsets, rows, values)."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))
        ends = np.cumsum(np.bincount(self.columns, minlength=self.n_columns))
        return np.concatenate([[0], ends]).astype(np.int64), rows[order], self.values[order]

    def dot(self, table: Dense) -> Dense:
        """float64[N, d]: the product with float64[C + k, d]."""
        out = np.empty((len(self), table.shape[1]))
        kernels.times_dense(self.offsets, self.columns, self.values, table[: self.n_columns], out)
        if self.dense is not None:
            out += self.dense @ table[self.n_columns :]
        return out

    def transposed_dot(self, wanted: Dense, trust: Dense) -> Dense:
        """float64[C + k, d]: rows' diag(trust) wanted."""
        out = np.empty((self.n_columns, wanted.shape[1]))
        kernels.transposed_times_dense(self.offsets, self.columns, self.values, trust, wanted, out)
        if self.dense is None:
            return out
        return np.concatenate([out, self.dense.T @ (trust[:, None] * wanted)])

    def gram(self, trust: Dense) -> Dense:
        """float64[C + k, C + k]: rows' diag(trust) rows."""
        sparse = np.empty((self.n_columns, self.n_columns))
        parts = (self.offsets, self.columns, self.values, trust)
        kernels.gram_times_dense(*parts, np.eye(self.n_columns), sparse)
        if self.dense is None:
            return sparse
        dense = self.dense.astype(np.float64)
        mixed = self.transposed_dot(dense, trust)  # [C + k, k]
        return np.block([[sparse, mixed[: self.n_columns]], [mixed.T]])

    def gram_dot(self, trust: Dense, table: Dense, out: Dense) -> None:
        """Fill out float64[C + k, d] = rows' diag(trust) rows table."""
        if self.dense is None:
            kernels.gram_times_dense(self.offsets, self.columns, self.values, trust, table, out)
        else:
            out[...] = self.transposed_dot(self.dot(table), trust)

    def ridge(self, wanted: Dense, trust: Dense, penalty: float) -> Dense:
        """float64[C + k, d]: the B that minimises sum_r trust_r |row_r B - wanted_r|^2 + penalty |B|^2.

        Solved directly for up to DIRECT columns; else by conjugate gradients on the normal equations
        (Hestenes & Stiefel 1952), to a relative residual of 1e-5.
        """
        residual = self.transposed_dot(wanted, trust)
        if self.width <= DIRECT:
            gram = self.gram(trust)
            gram[np.diag_indices_from(gram)] += penalty
            solved: Dense = np.linalg.solve(gram, residual).astype(np.float64)
            return solved
        return self._conjugate(residual, trust, penalty)

    def ridge_at(self, asked: AttributeRows, wanted: Dense, trust: Dense, penalty: float) -> Dense:
        """float64[N, d]: the rows asked for times `ridge(...)`, solved for these N alone; quick for a few."""
        n = len(asked)
        turned = self._conjugate(asked.transposed_dot(np.eye(n), np.ones(n)), trust, penalty)
        found: Dense = (trust[:, None] * self.dot(turned)).T @ wanted
        return found

    def _conjugate(self, residual: Dense, trust: Dense, penalty: float) -> Dense:
        """float64[C + k, d]: (rows' diag(trust) rows + penalty I)^-1 residual, by conjugate gradients."""
        B, pushed = np.zeros_like(residual), np.empty_like(residual)
        direction = residual.copy()
        size = np.einsum("ij,ij->j", residual, residual)
        enough = size * TOLERANCE**2
        for _ in range(MOST_STEPS):
            if np.all(size <= enough):
                break
            self.gram_dot(trust, direction, pushed)
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
        """The k rows of this table that share most with each asked for: cosine of idf-weighted values; with
        dense fields the mean of that and of the cosine of the dense columns.
        """
        if self.dense is not None:
            return self._nearest_dense(asked, k)
        ids = np.empty((len(asked), min(k, len(self))), dtype=np.int32)
        scores = np.empty(ids.shape, dtype=np.float32)
        with threads(workers) as count:
            kernels.nearest_rows(
                asked.offsets, asked.columns, asked.values, *self.by_column, len(self), count, ids, scores
            )
        return Hits(ids, scores)

    def _nearest_dense(self, asked: AttributeRows, k: int) -> Hits:
        """The same from all scores, ASKED rows at a time; likeness of 0 or below is none."""
        assert self.dense is not None
        assert asked.dense is not None
        k = min(k, len(self))
        ids = np.full((len(asked), k), -1, dtype=np.int32)
        scores = np.full((len(asked), k), -np.inf, dtype=np.float32)
        mine, theirs = _unit(self.dense), _unit(asked.dense)
        share = 1.0 if self.n_columns == 0 else 0.5
        for start in range(0, len(asked), ASKED):
            found = share * (mine @ theirs[start : start + ASKED].T).T
            if self.n_columns:
                found += share * self._shared(asked, start, len(found))
            order = np.argsort(-found, axis=1, kind="stable")[:, :k]
            best = np.take_along_axis(found, order, axis=1)
            ids[start : start + ASKED] = np.where(best > 0, order, -1)
            scores[start : start + ASKED] = np.where(best > 0, best, -np.inf)
        return Hits(ids, scores)

    def _shared(self, asked: AttributeRows, start: int, n: int) -> Dense:
        """float64[n, N]: products of the sparse columns with rows start .. start + n - 1 of `asked`."""
        offsets = asked.offsets[start : start + n + 1]
        table = np.zeros((self.n_columns, n))
        place = np.repeat(np.arange(n), np.diff(offsets))
        table[asked.columns[offsets[0] : offsets[-1]], place] = asked.values[offsets[0] : offsets[-1]]
        out = np.empty((len(self), n))
        kernels.times_dense(self.offsets, self.columns, self.values, table, out)
        return out.T


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)


def attribute_rows(fields: tuple[Field, ...], fitted: SideInfo) -> AttributeRows:
    """The attributes of N items: values idf-weighted by the items of `fitted` and scaled to length 1; vectors
    of dense fields standardised by them, column by column, and scaled to a mean squared length of 1.

    A missing value or vector is 0.
    """
    n = len(fields[0]) if fields else 0
    coded = [(one, two) for one, two in zip(fields, fitted.fields, strict=True) if two.kind != "dense"]
    dense = [
        standardised(one, two) for one, two in zip(fields, fitted.fields, strict=True) if two.kind == "dense"
    ]
    rows = [np.repeat(np.arange(n), np.diff(field.offsets)) for field, _ in coded]
    starts = np.concatenate([[0], np.cumsum([field.size for _, field in coded])]).astype(np.int64)
    row = np.concatenate([np.empty(0, dtype=np.int64), *rows])
    column = np.concatenate([
        np.empty(0, dtype=np.int64), *(one.codes + s for (one, _), s in zip(coded, starts, strict=False))
    ])  # fmt: skip
    value = np.concatenate([np.empty(0), *(field_idf(two)[one.codes] for one, two in coded)])
    order = np.argsort(row, kind="stable")
    length = np.sqrt(np.bincount(row, value**2, minlength=n))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    scaled = value / np.maximum(length[row], 1e-12)
    joined = np.concatenate(dense, axis=1) / np.float32(np.sqrt(len(dense))) if dense else None
    return AttributeRows(
        offsets, column[order].astype(np.int32), scaled[order].astype(np.float64), int(starts[-1]), joined
    )


def standardised(field: Field, fitted: Field) -> Floats:
    """float32[N, k]: (x - mean) / deviation / sqrt(k) by the items of `fitted`; 0 where missing."""
    assert field.vectors is not None
    assert fitted.vectors is not None
    known = fitted.vectors[fitted.known]
    out = np.zeros(field.vectors.shape, dtype=np.float32)
    if len(known):
        mean, deviation = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 0, 1 / np.maximum(deviation, 1e-30), 0.0) / np.sqrt(field.size)
        out[field.known] = (field.vectors[field.known] - mean) * scale
    return out
