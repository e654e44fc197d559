"""VectorIndex: nearest neighbours by ids of your own; it adds, forgets, filters, saves and loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, ModelError, UnknownIdError, UsageError
from cowalk.recall.building import build_index
from cowalk.recall.index import Index, IndexMetric
from cowalk.recall.index_file import read_index, write_index
from cowalk.recall.opened import opened
from cowalk.recall.rows import as_numbers
from cowalk.tables import Hits, Id, Vectors
from cowalk.tables.hits import check_k
from cowalk.tables.vocab import as_ids, as_integer
from cowalk.types import AnyArray, Ids

Found = list[tuple[Id, float]]
"""Ids and scores, best first."""
Where = NDArray[np.bool_] | Iterable[Id]
"""Who may answer: bool[N] in the order of `VectorIndex.ids`, or ids."""


class VectorIndex:
    """Any Index under ids of outside: all whole numbers, or all texts; digits find whole numbers.

    Scores are larger for nearer: the cosine, the inner product, or the L2 distance with a minus.
    """

    def __init__(self, index: Index, ids: AnyArray, recall: float) -> None:
        self.index = index
        """The index of rows 0, 1, ... in the order of adding."""
        self.recall = recall
        """Recall of the exact answer that was measured on a sample when it was built."""
        self._integer = ids.dtype.kind == "i"
        self._ids: list[Id] = ids.tolist()
        self._rows = {one: row for row, one in enumerate(self._ids)}
        if len(self._rows) != len(self._ids):
            raise DataError("index: an id stands twice; ids must be unique")

    @classmethod
    def build(
        cls,
        vectors: Vectors | AnyArray,
        ids: Iterable[Id] | AnyArray | None = None,
        kind: str = "auto",
        *,
        metric: IndexMetric = "cosine",
        recall: float = 0.95,
        k: int = 100,
        seed: int = 0,
        workers: int | None = None,
        **settings: Any,
    ) -> VectorIndex:
        """An index of vectors float32[N, d] by ids (those of `Vectors`, or 0, 1, ... unless given).

        kind: exact, lsh, ivf, hnsw, kdtree, or auto, which goes by size, metric and recall. recall: share of
        the k true neighbours that is to be found, on a sample of the vectors. settings: the kind's own.
        """
        if isinstance(vectors, Vectors):
            ids = vectors.vocab.ids if ids is None else ids
            vectors = vectors.array
        names = np.arange(len(vectors), dtype=np.int64) if ids is None else as_ids(ids)
        if len(names) != len(vectors):
            raise UsageError(f"{len(names)} ids but {len(vectors)} vectors; give one id a vector")
        if len(np.unique(names)) != len(names):
            raise UsageError("an id stands twice; ids must be unique")
        built = build_index(vectors, metric, kind, recall=recall, k=k, seed=seed, workers=workers, **settings)
        return cls(built.index, names, built.recall)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, str | int | np.integer) and self._key(item) in self._rows

    def __repr__(self) -> str:
        return f"VectorIndex({self.kind}: {len(self)} ids, {self.index.dimension} dimensions, {self.metric})"

    @property
    def kind(self) -> str:
        """exact, lsh, ivf, hnsw or kdtree."""
        return self.index.kind

    @property
    def metric(self) -> IndexMetric:
        """cosine, ip or l2."""
        return self.index.metric

    @property
    def ids(self) -> list[Id]:
        """The ids in the order of adding."""
        return sorted(self._rows, key=self._rows.__getitem__)

    @overload
    def search(
        self, queries: Sequence[float], k: int = 10, *, where: Where | None = None, workers: int | None = None
    ) -> Found: ...
    @overload
    def search(
        self, queries: AnyArray, k: int = 10, *, where: Where | None = None, workers: int | None = None
    ) -> Found | list[Found]: ...
    def search(
        self, queries: Any, k: int = 10, *, where: Where | None = None, workers: int | None = None
    ) -> Found | list[Found]:
        """The k nearest ids of a vector [d], or of each of a table of vectors [Q, d], with their scores.

        where: only these answer; unknown ids among them are a UnknownIdError. Fewer than k are given where
        there are no more.
        """
        table = as_numbers(queries, "queries")
        hits = self.index.search(
            table[None] if table.ndim == 1 else table,
            min(check_k(k), self.index.size), allowed=self._allowed(where), workers=workers,
        )  # fmt: skip
        found = self._named(hits)
        return found[0] if table.ndim == 1 else found

    def add(self, ids: Iterable[Id] | AnyArray, vectors: AnyArray) -> None:
        """Take new ids with their vectors in; an id that is there already is a UsageError."""
        names = self._keys(ids)
        known = [one for one in names if one in self._rows]
        if known or len(set(names)) != len(names):
            what = f"id {known[0]!r} is in the index" if known else "an id stands twice"
            raise UsageError(f"{what}; update(ids, vectors) gives an id another vector")
        self._check_counts(names, vectors)
        rows = self.index.add(np.asarray(vectors)).tolist()
        self._ids += names
        self._rows |= dict(zip(names, rows, strict=True))

    def update(self, ids: Iterable[Id] | AnyArray, vectors: AnyArray) -> None:
        """Give ids other vectors; an unknown id is an UnknownIdError."""
        names = self._keys(ids)
        self._check_counts(names, vectors)
        self.index.replace(self._rows_of(names), np.asarray(vectors))

    def remove(self, ids: Iterable[Id] | AnyArray) -> None:
        """Forget ids; an unknown one is an UnknownIdError. They may be added again."""
        names = self._keys(ids)
        self.index.remove(self._rows_of(names))
        for one in names:
            del self._rows[one]

    def save(self, path: str | Path) -> None:
        """Write one file that `load` reads back; it appears whole or not at all."""
        told, arrays = self.index.stored()
        own: dict[str, AnyArray] = {"ids": np.array(self._ids, dtype=np.int64)} if self._integer else {}
        if not self._integer:
            texts = [str(one).encode() for one in self._ids]
            own["ids"] = np.frombuffer(b"".join(texts), np.uint8)
            own["id_ends"] = np.cumsum([len(text) for text in texts], dtype=np.int64)
        write_index(
            Path(path),
            {"index": told, "recall": self.recall},
            {**{f"index.{name}": array for name, array in arrays.items()}, **own},
        )

    @classmethod
    def load(cls, path: str | Path) -> VectorIndex:
        """The index of a file that `save` wrote, its arrays memory-mapped; ModelError where it is damaged."""
        told, arrays = read_index(Path(path))
        own = {n.removeprefix("index."): a for n, a in arrays.items() if n.startswith("index.")}
        index = opened(told["index"], own)
        ids = np.array(arrays["ids"])
        if "id_ends" in arrays:
            raw, ends = ids.tobytes(), [0, *arrays["id_ends"].tolist()]
            ids = as_ids([raw[a:b].decode() for a, b in pairwise(ends)])
        if len(ids) != index.size:
            raise ModelError(f"{path}: {len(ids)} ids but {index.size} rows; build the index again")
        return cls._of_stored(index, ids, told["recall"])

    @classmethod
    def _of_stored(cls, index: Index, ids: AnyArray, recall: float) -> VectorIndex:
        """With only the living ids by name: one that was removed may stand twice."""
        out = cls(index, ids[:0], recall)
        out._ids = ids.tolist()
        out._rows = {out._ids[row]: row for row in np.flatnonzero(index.alive).tolist()}
        return out

    def _key(self, item: Any) -> Id:
        """The id as it is kept; "" where it cannot be one."""
        return as_integer(item) if self._integer else str(item)

    def _keys(self, ids: Iterable[Id] | AnyArray) -> list[Id]:
        listed = [ids] if isinstance(ids, str | int | np.integer) else list(ids)
        keys = [self._key(one) for one in listed]
        for one, key in zip(listed, keys, strict=True):
            if self._integer and key == "":
                raise UsageError(f"id {one!r} is no whole number, as all ids of this index are")
        return keys

    def _rows_of(self, names: list[Id]) -> Ids:
        for one in names:
            if one not in self._rows:
                raise UnknownIdError(f"id {one!r} is not in the index of {len(self)} ids")
        return np.array([self._rows[one] for one in names], dtype=np.int32)

    def _check_counts(self, names: list[Id], vectors: AnyArray) -> None:
        if np.ndim(vectors) != 2 or len(names) != len(vectors):
            raise UsageError(
                f"{len(names)} ids but vectors {list(np.shape(vectors))}; give a row for each id"
            )

    def _allowed(self, where: Where | None) -> NDArray[np.bool_] | None:
        if where is None:
            return None
        mask = np.zeros(self.index.size, dtype=bool)
        if isinstance(where, np.ndarray) and where.dtype == bool:
            if where.shape != (len(self),):
                raise UsageError(
                    f"where must be bool[{len(self)}], a flag for each of `ids`, not {list(where.shape)}"
                )
            mask[np.flatnonzero(self.index.alive)[where]] = True
        else:
            mask[self._rows_of(self._keys(where))] = True
        return mask

    def _named(self, hits: Hits) -> list[Found]:
        return [
            [(self._ids[row], score) for row, score in zip(ids, scores, strict=True) if row >= 0]
            for ids, scores in zip(hits.ids.tolist(), hits.scores.tolist(), strict=True)
        ]
