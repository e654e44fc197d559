"""HNSWIndex: a graph of near rows, walked from far to near (faiss); never on raw inner products."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.recall.base import RowIndex
from cowalk.recall.faiss_bridge import faiss, packed, selector, unpacked
from cowalk.recall.index import Abilities, IndexMetric
from cowalk.recall.lifted import lifted, lifted_queries, longest_of
from cowalk.recall.places import Places
from cowalk.recall.rows import Rows
from cowalk.types import AnyArray, Floats, Ids


class HNSWIndex(RowIndex):
    """Walks a small-world graph and keeps the `effort` nearest on the way (faiss IndexHNSWFlat).

    On raw inner products such a graph loses 16 to 27 % of the neighbours, for a row is not its own nearest
    there; so ip is lifted to length 1 (see `lifted`), which finds more unless a few rows are much longer
    than the others. Removed and replaced rows stay as tombstones, and past a share of them the graph is built
    anew, as it is where a row longer than all before comes into a lifted one. m: links of a row; reach:
    effort while building.
    """

    kind: ClassVar[str] = "hnsw"
    abilities: ClassVar[Abilities] = Abilities(exact=False, removes=False, filters=True)

    def __init__(
        self, rows: Rows, metric: IndexMetric, index: Any, places: Places, *, effort: int, m: int, reach: int,
        most: float,
    ) -> None:  # fmt: skip
        super().__init__(rows, metric)
        self._index, self._places, self.effort, self.m, self.reach = index, places, effort, m, reach
        self._most = most

    @classmethod
    def build(
        cls, vectors: AnyArray, metric: str = "cosine", *, m: int = 16, reach: int = 100, effort: int = 100,
        seed: int = 0, workers: int | None = None,
    ) -> HNSWIndex:  # fmt: skip
        """An index over float32[N, d]; row i is vector i. With several workers no two graphs are the same.

        seed is not used: the levels of faiss's rows are the same every time.
        """
        if m < 2 or reach < 1 or effort < 1:
            raise UsageError("hnsw: m must be at least 2, reach and effort at least 1")
        rows, known = cls._checked(vectors, metric)
        nowhere = Places(np.zeros(0, np.int32), 0)
        out = cls(rows, known, None, nowhere, effort=effort, m=m, reach=reach, most=0.0)
        out._fit(workers)
        return out

    @property
    def most_effort(self) -> int:
        """The effort at which every row is looked at."""
        return len(self._places.of)

    def _fit(self, workers: int | None = None) -> None:
        """A new graph of all living rows."""
        library, rows = faiss(), np.flatnonzero(self.alive).astype(np.int32)
        self._most = longest_of(self.vectors[rows]) if self.metric == "ip" else 0.0
        kind = library.METRIC_L2 if self._l2 else library.METRIC_INNER_PRODUCT
        self._index = library.IndexHNSWFlat(self.dimension + (self.metric == "ip"), self.m, kind)
        self._index.hnsw.efConstruction = self.reach
        self._places = Places(np.zeros(0, np.int32), self.size)
        library.omp_set_num_threads(workers or library.omp_get_max_threads())
        self._put(rows)

    def _put(self, rows: Ids) -> None:
        table = self.vectors if len(rows) == self.size else self.vectors[rows]
        self._index.add(lifted(table, self._most) if self.metric == "ip" else table)
        self._places.add(rows)

    def _candidates(
        self, queries: Floats, width: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Ids:
        library, at = faiss(), self._places
        standing = None if mask is None and at.dead == 0 else at.of >= 0
        if standing is not None and mask is not None:
            standing &= mask[at.of]
        chosen, bits = selector(standing)
        reach = min(len(at.of), ceil(max(self.effort, width) / (share * self.size / len(at.of))))
        asked = library.SearchParametersHNSW(efSearch=reach, sel=chosen)
        library.omp_set_num_threads(workers)
        table = lifted_queries(queries) if self.metric == "ip" else queries
        _, found = self._index.search(table, width, params=asked)
        del bits
        return at.rows(found)

    def _added(self, rows: Ids) -> None:
        if self.metric == "ip" and longest_of(self.vectors[rows]) > self._most:
            self._fit()
        else:
            self._put(rows)
        if self._places.crowded:
            self._fit()

    def _removed(self, rows: Ids) -> None:
        self._places.drop(rows)

    def remove(self, rows: Ids) -> None:
        """See Index.remove; where the tombstones are too many, the graph is built anew."""
        super().remove(rows)
        if self._places.crowded:
            self._fit()

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """See Index.stored."""
        told, arrays = super().stored()
        own = {"effort": self.effort, "m": self.m, "reach": self.reach, "most": self._most}
        checks, bytes_ = packed(self._index)
        return {**told, **own, **checks}, {**arrays, **bytes_, "places": self._places.of}

    @classmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """See RowIndex.opened."""
        rows, metric = cls._opened(told, arrays)
        of = arrays["places"]
        index = unpacked(told, arrays, len(of), rows.array.shape[1] + (metric == "ip"))
        places = Places(of, rows.size)
        own = {name: told[name] for name in ("effort", "m", "reach", "most")}
        return cls(rows, metric, index, places, **own)
