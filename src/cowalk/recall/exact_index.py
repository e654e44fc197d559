"""ExactIndex: every row is looked at. The yardstick of the other kinds, and the right one for small shops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.recall.base import RowIndex
from cowalk.recall.index import Abilities, IndexMetric
from cowalk.recall.rows import Rows, with_rows
from cowalk.recall.scan import MARGIN, scan, squares_of
from cowalk.tables import Hits
from cowalk.types import AnyArray, Floats, Ids

Storage = Literal["float32", "float16"]
HALF_MARGIN = 64
"""With float16, k + k / 4 + 64 rows are scored again: about 1 in 2^11 of a product is rounding."""


class ExactIndex(RowIndex):
    """Finds the true neighbours by blocked products on all cores.

    storage: float16 looks through the rows at half the bytes and scores the best again in float32, so that
    scores are exact; a neighbour is lost only where more than the margin lie within the rounding of it.
    """

    kind: ClassVar[str] = "exact"
    abilities: ClassVar[Abilities] = Abilities(exact=True, removes=True, filters=True)

    def __init__(self, rows: Rows, metric: IndexMetric, storage: Storage = "float32") -> None:
        super().__init__(rows, metric)
        if storage not in ("float32", "float16"):
            raise UsageError(f"storage is {storage!r}; it must be float32 or float16")
        self.storage: Storage = storage
        self._table: AnyArray | None = None if storage == "float32" else _half(rows.array)
        self._squares: Floats | None = squares_of(rows.array) if metric == "l2" else None

    @classmethod
    def build(cls, vectors: AnyArray, metric: str = "cosine", *, storage: Storage = "float32") -> ExactIndex:
        """An index over float32[N, d]; row i is vector i."""
        return cls(*cls._checked(vectors, metric), storage)

    def _found(self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, workers: int) -> Hits:
        return self._scan(queries, k, mask)

    def _scan(self, queries: Floats, k: int, mask: NDArray[np.bool_] | None) -> Hits:
        margin = MARGIN if self._table is None else HALF_MARGIN + k // 4
        return scan(
            queries, self.vectors, k, l2=self._l2, mask=mask, margin=margin,
            table=None if self._table is None else self._table[: self.size],
            squares=None if self._squares is None else self._squares[: self.size],
        )  # fmt: skip

    def _new(self, vectors: AnyArray) -> Floats:
        table = super()._new(vectors)
        if self._table is not None:
            _half(table)  # so that what does not fit is told before it is taken in
        return table

    def _added(self, rows: Ids) -> None:
        new = self.vectors[rows]
        if self._table is not None:
            self._table = with_rows(self._table, rows, _half(new))
        if self._squares is not None:
            self._squares = with_rows(self._squares, rows, squares_of(new))

    def _removed(self, rows: Ids) -> None:
        """They are barred by the mask."""

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """See Index.stored; the float16 table is made again when opened."""
        told, arrays = super().stored()
        return {**told, "storage": self.storage}, arrays

    @classmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """See RowIndex.opened."""
        return cls(*cls._opened(told, arrays), told["storage"])


def _half(rows: Floats) -> AnyArray:
    """float16 of the rows; UsageError where a number is too large for it."""
    if len(rows) and np.abs(rows).max() > np.finfo(np.float16).max:
        raise UsageError("storage float16 holds numbers up to 65504, and these are larger; use float32")
    return rows.astype(np.float16)
