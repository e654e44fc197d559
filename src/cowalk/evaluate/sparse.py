"""A small sparse matrix for the baselines: compressed rows, and products into dense blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.evaluate.metrics import Values
from cowalk.evaluate.ragged import run_of, slices
from cowalk.kernels.topk import top_k_rows
from cowalk.tables import Field, Hits, SideInfo
from cowalk.types import AnyArray, Floats, Ids, Offsets

_TERMS = 4_000_000  # products held at a time: about 130 MB


@dataclass(frozen=True)
class Sparse:
    """R x C: row r holds `values` at `columns`[offsets[r]:offsets[r+1]]."""

    offsets: Offsets
    columns: Ids
    values: Values
    n_columns: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, rows: AnyArray, columns: AnyArray, values: AnyArray, shape: tuple[int, int]) -> Sparse:
        """The matrix of these entries; entries at the same place are summed."""
        code, where = np.unique(rows.astype(np.int64) * shape[1] + columns, return_inverse=True)
        summed = np.bincount(where, values, minlength=len(code)).astype(np.float64)
        offsets = np.searchsorted(code, np.arange(shape[0] + 1) * shape[1]).astype(np.int64)
        return cls(offsets, (code % max(shape[1], 1)).astype(np.int32), summed, shape[1])

    def rows(self) -> Offsets:
        """int64: the row of each entry."""
        return run_of(self.offsets)

    def transposed(self) -> Sparse:
        """C x R."""
        return Sparse.of(self.columns, self.rows(), self.values, (self.n_columns, len(self)))

    def times(self, other: Sparse) -> Floats:
        """float32[R, other.n_columns]: the dense product; give few rows at a time."""
        out = np.empty((len(self), other.n_columns), dtype=np.float32)
        work = np.concatenate([[0], np.cumsum(np.diff(other.offsets)[self.columns])])[self.offsets]
        start = 0
        while start < len(self):  # rows whose terms fit together
            stop = max(start + 1, int(np.searchsorted(work, work[start] + _TERMS, side="right")) - 1)
            out[start:stop] = self._times(other, start, stop)
            start = stop
        return out

    def _times(self, other: Sparse, start: int, stop: int) -> Values:
        mine = slice(self.offsets[start], self.offsets[stop])
        columns = self.columns[mine]
        offsets, at = slices(other.offsets[columns], other.offsets[columns + 1])
        lengths = np.diff(offsets)
        row = run_of(self.offsets[start : stop + 1] - self.offsets[start])
        code = np.repeat(row * other.n_columns, lengths) + other.columns[at]
        terms = np.repeat(self.values[mine], lengths) * other.values[at]
        size = (stop - start) * other.n_columns
        flat = np.bincount(code, terms, size).astype(np.float64)
        return flat.reshape(stop - start, other.n_columns)

    def dot(self, dense: AnyArray) -> AnyArray:
        """float64[R, d]: the product with a dense float[C, d]."""
        out = np.zeros((len(self), dense.shape[1]))
        filled = np.flatnonzero(np.diff(self.offsets) > 0)
        if len(filled):
            terms = dense[self.columns] * self.values[:, None]
            out[filled] = np.add.reduceat(terms, self.offsets[:-1][filled], axis=0)
        return out

    def filled(self) -> Floats:
        """float32[R, C]: the matrix with its zeros."""
        out = np.zeros((len(self), self.n_columns), dtype=np.float32)
        out[self.rows(), self.columns] = self.values
        return out

    def take(self, rows: AnyArray) -> Sparse:
        """These rows in this order."""
        offsets, at = slices(self.offsets[rows], self.offsets[rows + 1])
        return Sparse(offsets, self.columns[at], self.values[at], self.n_columns)


def incidence(fields: tuple[Field, ...], n: int, weights: AnyArray | None = None) -> Sparse:
    """n x K: 1 (or the weight of the value) where an item carries a value; K = values of all fields."""
    rows, columns, start = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], 0
    for field in fields:
        rows.append(run_of(field.offsets))
        columns.append(field.codes.astype(np.int64) + start)
        start += field.size
    row, column = np.concatenate(rows), np.concatenate(columns)
    return Sparse.of(row, column, np.ones(len(row)) if weights is None else weights[column], (n, start))


def idf(side_info: SideInfo, n: int) -> Values:
    """float64[K]: log(1 + n / carriers) of each value, by the training items."""
    carriers = np.concatenate([
        np.zeros(0, dtype=np.int64), *(np.bincount(f.codes, minlength=f.size) for f in side_info.fields)
    ])  # fmt: skip
    out: Values = np.log1p(n / np.maximum(carriers, 1))
    return out


def top_rows(scores: Floats, k: int) -> Hits:
    """The k best columns of each row, ties by lower column; -inf means no candidate."""
    shape = (len(scores), min(k, scores.shape[1]))
    ids, found = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.float32)
    top_k_rows(np.ascontiguousarray(scores, dtype=np.float32), ids, found)
    return Hits(ids, found)


def stack(parts: list[Hits]) -> Hits:
    """The answers of several blocks of queries one after another."""
    return Hits(np.concatenate([p.ids for p in parts]), np.concatenate([p.scores for p in parts]))
