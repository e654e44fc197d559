"""IVFIndex: lists of rows around k-means centers (faiss); for raw inner product and many rows."""

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
from cowalk.recall.rows import Rows
from cowalk.tables import Hits
from cowalk.types import AnyArray, Floats, Ids

GROWTH = 2  # rows times as many as the centers were fitted on: they are fitted anew
ROOMY = 2  # lists of usual length hold so many times the rows that are asked for, whatever the effort
LISTS = 2  # times sqrt(N); with 4 a query of 200k rows reads as many centers more as rows less
WIDER = 4  # times as many lists for a query that found too few
ROWS_PER_LIST = 39  # below, faiss warns that k-means has too few points


class IVFIndex(RowIndex):
    """Looks into the `effort` lists whose centers are nearest to the query (faiss IndexIVFFlat).

    It takes the inner product as it is: no lift, and few neighbours lost (0.98 found at 16 of 1024 lists,
    where HNSW on the same raw rows loses a fifth). nlist: number of lists, 2 sqrt(N) unless given.
    """

    kind: ClassVar[str] = "ivf"
    abilities: ClassVar[Abilities] = Abilities(exact=False, removes=True, filters=True)

    def __init__(
        self, rows: Rows, metric: IndexMetric, index: Any, *, effort: int, seed: int, fitted: int
    ) -> None:
        super().__init__(rows, metric)
        self._index, self.effort, self.seed, self._fitted = index, effort, seed, fitted

    @classmethod
    def build(
        cls, vectors: AnyArray, metric: str = "cosine", *, nlist: int | None = None, effort: int = 16,
        seed: int = 0, workers: int | None = None,
    ) -> IVFIndex:  # fmt: skip
        """An index over float32[N, d]; row i is vector i. effort: lists that a query looks into."""
        if effort < 1 or (nlist is not None and nlist < 1):
            raise UsageError("ivf: nlist and effort must be at least 1")
        rows, known = cls._checked(vectors, metric)
        out = cls(rows, known, None, effort=effort, seed=seed, fitted=0)
        out._fit(nlist, workers)
        return out

    @property
    def nlist(self) -> int:
        """Number of lists: what `effort` goes up to."""
        return int(self._index.nlist)

    @property
    def most_effort(self) -> int:
        """The effort at which every row is looked at."""
        return self.nlist

    def _fit(self, nlist: int | None, workers: int | None = None) -> None:
        """Centers by k-means, and every living row in the list of its nearest one."""
        library, rows = faiss(), np.flatnonzero(self.alive)
        most = max(1, len(rows) // ROWS_PER_LIST)
        wanted = min(nlist or round(LISTS * max(len(rows), 1) ** 0.5), most)
        kind = library.METRIC_L2 if self._l2 else library.METRIC_INNER_PRODUCT
        center = library.IndexFlatL2 if self._l2 else library.IndexFlatIP
        self._index = library.IndexIVFFlat(center(self.dimension), self.dimension, wanted, kind)
        self._index.cp.seed = 1 + self.seed % (2**31 - 1)
        self._index.cp.min_points_per_centroid = 1
        library.omp_set_num_threads(workers or library.omp_get_max_threads())
        table = self.vectors if len(rows) == self.size else self.vectors[rows]
        self._index.train(table)
        self._index.add_with_ids(table, rows.astype(np.int64))
        self._fitted = len(rows)

    def _nearest(
        self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Hits:
        """What faiss finds: it scores whole rows, so that they need not be read again."""
        library = faiss()
        chosen, bits = selector(mask if share < len(self) / self.size else None)
        room = ROOMY * k * self.nlist / max(len(self), 1)  # else many queries find less than they ask for
        lists = min(self.nlist, ceil(max(self.effort, room) * len(self) / (share * self.size)))
        library.omp_set_num_threads(workers)
        scores, ids = self._looked(queries, k, lists, chosen)
        while len(short := np.flatnonzero(ids[:, k - 1] < 0)) and lists < self.nlist:
            lists = min(self.nlist, WIDER * lists)  # lists differ in length; all rows would cost far more
            scores[short], ids[short] = self._looked(queries[short], k, lists, chosen)
        del bits
        return _hits(ids.astype(np.int32), -np.sqrt(np.maximum(scores, 0)) if self._l2 else scores)

    def _looked(self, queries: Floats, k: int, lists: int, chosen: Any) -> tuple[Floats, AnyArray]:
        """faiss's scores and rows, of so many lists."""
        asked = faiss().SearchParametersIVF(nprobe=lists, sel=chosen)
        scores, ids = self._index.search(queries, k, params=asked)
        return scores, ids

    def _added(self, rows: Ids) -> None:
        if len(self) > GROWTH * max(self._fitted, ROWS_PER_LIST):
            self._fit(None)
        else:
            self._index.add_with_ids(self.vectors[rows], rows.astype(np.int64))

    def _removed(self, rows: Ids) -> None:
        library = faiss()
        ids = rows.astype(np.int64)
        self._index.remove_ids(library.IDSelectorBatch(len(ids), library.swig_ptr(ids)))

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """See Index.stored."""
        told, arrays = super().stored()
        own = {"effort": self.effort, "seed": self.seed, "fitted": self._fitted}
        checks, bytes_ = packed(self._index)
        return {**told, **own, **checks}, {**arrays, **bytes_}

    @classmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """See RowIndex.opened."""
        rows, metric = cls._opened(told, arrays)
        index = unpacked(told, arrays, rows.count, rows.array.shape[1])
        return cls(rows, metric, index, effort=told["effort"], seed=told["seed"], fitted=told["fitted"])


def _hits(ids: Ids, scores: Floats) -> Hits:
    """faiss's answer by our rules: none is -1 with a score of -inf, ties stand by lower row."""
    scores[ids < 0] = -np.inf
    if (scores[:, 1:] == scores[:, :-1]).any():
        order = np.lexsort((np.where(ids < 0, np.iinfo(np.int32).max, ids), -scores), axis=1)
        ids, scores = np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)
    return Hits(ids, scores)
