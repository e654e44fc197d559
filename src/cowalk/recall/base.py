"""RowIndex: what all kinds of index share: rows, who of them answers, exact scores, the last resort."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import ModelError, UsageError
from cowalk.kernels.flags import threads
from cowalk.recall.index import Abilities, IndexMetric
from cowalk.recall.rows import Rows, check_metric, checked, mask_of
from cowalk.recall.scan import MARGIN, few_enough, reranked, scan
from cowalk.tables import Hits
from cowalk.tables.hits import check_k
from cowalk.types import AnyArray, Floats, Ids


class RowIndex(ABC):
    """An Index over its own rows. A kind names the candidates; this scores them exactly and keeps the best.

    Where few rows may answer, where k is large, and for queries whose candidates are too few, all rows that
    may answer are looked at instead, so that no answer is shorter than it has to be.
    """

    kind: ClassVar[str]
    abilities: ClassVar[Abilities]

    def __init__(self, rows: Rows, metric: IndexMetric) -> None:
        self.metric: IndexMetric = metric
        self._rows = rows

    @classmethod
    def _checked(cls, vectors: AnyArray, metric: str) -> tuple[Rows, IndexMetric]:
        """The rows to build from; UsageError where there are none or they are no finite table."""
        known = check_metric(metric)
        table = checked(vectors, None, known)
        if not table.size:
            raise UsageError(f"an index needs at least one vector, not a table {list(table.shape)}")
        return Rows(table), known

    def __len__(self) -> int:
        return self._rows.count

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows, {self.dimension} dimensions, {self.metric})"

    @property
    def size(self) -> int:
        """How many rows were ever given."""
        return self._rows.size

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._rows.array.shape[1])

    @property
    def vectors(self) -> Floats:
        """float32[size, d]: the rows as they are compared, at length 1 for the cosine."""
        return self._rows.array

    @property
    def alive(self) -> NDArray[np.bool_]:
        """bool[size]: the rows that were not removed."""
        return self._rows.alive

    @property
    def _l2(self) -> bool:
        return self.metric == "l2"

    def search(
        self, queries: Floats, k: int, *, allowed: NDArray[np.bool_] | None = None, workers: int | None = None
    ) -> Hits:
        """See Index.search."""
        k = check_k(k)
        asked = checked(queries, self.dimension, self.metric, "queries")
        mask = mask_of(self._rows, allowed)
        with threads(workers) as count:
            return self._found(asked, k, mask, count)

    def _found(self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, workers: int) -> Hits:
        eligible = self.size if mask is None else int(np.count_nonzero(mask))
        if few_enough(eligible, self.size, k):
            return self._scan(queries, k, mask)
        hits = self._nearest(queries, k, mask, eligible / self.size, workers)
        short = np.flatnonzero(hits.ids[:, k - 1] < 0)
        if len(short):
            whole = self._scan(queries[short], k, mask)
            hits.ids[short], hits.scores[short] = whole.ids, whole.scores
        return hits

    def _nearest(
        self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Hits:
        """The k best that the kind finds of each query, -1 where there are fewer; asked as `_candidates`."""
        candidates = self._candidates(queries, k + MARGIN, mask, share, workers)
        return reranked(queries, self.vectors, candidates, k, self._l2)

    def _scan(self, queries: Floats, k: int, mask: NDArray[np.bool_] | None) -> Hits:
        return scan(queries, self.vectors, k, l2=self._l2, mask=mask)

    def _candidates(
        self, queries: Floats, width: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Ids:
        """int32[Q, *]: about `width` or more near rows of each query, -1 = none, none twice.

        Only rows of mask bool[size] (None = all), which is that share of the rows. Unless a kind knows better
        there are none, and all rows that may answer are looked at.
        """
        return np.zeros((len(queries), 0), dtype=np.int32)

    def _new(self, vectors: AnyArray) -> Floats:
        """Vectors that come in, checked before anything changes."""
        return checked(vectors, self.dimension, self.metric)

    def add(self, vectors: Floats) -> Ids:
        """Take float32[N, d] in; gives their rows."""
        rows = self._rows.append(self._new(vectors))
        self._added(rows)
        return rows

    def remove(self, rows: Ids) -> None:
        """These rows never answer again."""
        gone = self._rows.known(rows)
        self._removed(gone)
        self._rows.kill(gone)

    def replace(self, rows: Ids, vectors: Floats) -> None:
        """These rows answer by new vectors float32[N, d]."""
        changed = self._rows.known(rows)
        table = self._new(vectors)
        if len(table) != len(changed):
            raise UsageError(f"{len(changed)} rows but {len(table)} vectors; give one vector a row")
        self._removed(changed)
        self._rows.replace(changed, table)
        self._added(changed)

    @abstractmethod
    def _added(self, rows: Ids) -> None:
        """Rows that are new, or have new numbers, are to be found from now on."""

    @abstractmethod
    def _removed(self, rows: Ids) -> None:
        """Rows are not to be found any more; their numbers are still there."""

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """What to save: plain values, and arrays."""
        told = {"kind": self.kind, "metric": self.metric, "size": self.size, "dimension": self.dimension}
        return told, {"rows": self.vectors, "alive": self.alive}

    @classmethod
    @abstractmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """The index of what `stored` gave; ModelError where it does not fit together."""

    @staticmethod
    def _opened(told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> tuple[Rows, IndexMetric]:
        """The rows of a stored index, their shapes checked."""
        shape = (told["size"], told["dimension"])
        wanted = {"rows": (shape, np.float32), "alive": (shape[:1], np.bool_)}
        for name, (size, kind) in wanted.items():
            if arrays[name].shape != size or arrays[name].dtype != kind:
                raise ModelError(f"index: {name} is {arrays[name].shape}, wanted {size}; build it again")
        return Rows(arrays["rows"], arrays["alive"]), check_metric(told["metric"])
