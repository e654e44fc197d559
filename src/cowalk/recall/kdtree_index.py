"""KDTreeIndex: a k-d tree (scipy); exact, and quick only in few dimensions. It stands here to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import MissingExtraError
from cowalk.recall.base import RowIndex
from cowalk.recall.index import Abilities, IndexMetric
from cowalk.recall.lifted import lifted, lifted_queries, longest_of
from cowalk.recall.places import DEAD_SHARE, Places
from cowalk.recall.rows import Rows
from cowalk.types import AnyArray, Floats, Ids


class KDTreeIndex(RowIndex):
    """Halves the space dimension by dimension (scipy cKDTree); cosine and ip are lifted to an L2 distance.

    The tree itself neither grows nor shrinks: rows that come are looked at by every query, rows that go are
    fetched and dropped, and past a share of either it is built anew. It is not saved: opening builds it.
    """

    kind: ClassVar[str] = "kdtree"
    abilities: ClassVar[Abilities] = Abilities(exact=True, removes=False, filters=False)

    def __init__(self, rows: Rows, metric: IndexMetric) -> None:
        super().__init__(rows, metric)
        self._fit()

    @classmethod
    def build(cls, vectors: AnyArray, metric: str = "cosine") -> KDTreeIndex:
        """An index over float32[N, d]; row i is vector i."""
        return cls(*cls._checked(vectors, metric))

    def _fit(self) -> None:
        try:
            from scipy.spatial import cKDTree
        except ImportError:
            raise MissingExtraError(
                "an index of kind kdtree needs scipy: pip install 'cowalk[index]'"
            ) from None
        rows = np.flatnonzero(self.alive).astype(np.int32)
        table = self.vectors[rows]
        self._tree = cKDTree(table if self._l2 else lifted(table, max(longest_of(table), 1e-30)))
        self._places = Places(rows, self.size)
        self._waiting = rows[:0]

    def _candidates(
        self, queries: Floats, width: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Ids:
        share = share * self.size / max(self._tree.n, 1)
        many = min(self._tree.n, ceil(width / share))
        _, found = self._tree.query(queries if self._l2 else lifted_queries(queries), many, workers=workers)
        found = found.reshape(len(queries), -1)
        rows = self._places.rows(np.where(found < self._tree.n, found, -1))
        more = np.broadcast_to(self._waiting, (len(queries), len(self._waiting)))
        rows = np.concatenate([rows, more], axis=1)
        if mask is not None:
            rows[(rows >= 0) & ~mask[rows]] = -1
        return np.ascontiguousarray(rows)

    def _added(self, rows: Ids) -> None:
        self._waiting = np.concatenate([self._waiting, rows])
        self._settle()

    def _removed(self, rows: Ids) -> None:
        self._places.drop(rows)
        self._waiting = self._waiting[~np.isin(self._waiting, rows)]

    def remove(self, rows: Ids) -> None:
        """See Index.remove; where the tombstones are too many, the tree is built anew."""
        super().remove(rows)
        self._settle()

    def _settle(self) -> None:
        if self._places.crowded or len(self._waiting) > DEAD_SHARE * self._tree.n:
            self._fit()

    @classmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """See RowIndex.opened."""
        return cls(*cls._opened(told, arrays))
