"""Questions that people ask of vectors by id: who is most like whom; arithmetic. Names are gensim's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from cowalk.errors import UsageError
from cowalk.tables.hits import Hits
from cowalk.tables.search import best_keys
from cowalk.tables.vocab import Id, Vocab
from cowalk.types import AnyArray, Floats, Offsets

Key = Id | AnyArray | Sequence[float]
"""What stands for a vector: an id, or the numbers themselves."""
Weighted = Key | tuple[Key, float]
"""A key, or a key with its weight."""
Asked = Weighted | Sequence[Weighted] | None
"""One key, several, or none."""
LEAST = np.float32(1e-12)  # a zero vector is like nothing: its cosines are 0


class Keyed:
    """Likeness by cosine over `array` float32[V, d], whose row i belongs to `vocab.ids[i]`.

    Where gensim's KeyedVectors has a method of the same name, the answer is the same. `k` and gensim's `topn`
    are one thing.
    """

    vocab: Vocab
    array: Floats

    @property
    def index_to_key(self) -> list[Id]:
        """The ids in row order."""
        ids: list[Id] = self.vocab.ids.tolist()
        return ids

    @cached_property
    def key_to_index(self) -> dict[Id, int]:
        """Row by id."""
        return {key: row for row, key in enumerate(self.index_to_key)}

    @cached_property
    def _scale(self) -> Floats:
        """float32[V]: 1 / length."""
        lengths = np.sqrt(np.einsum("ij,ij->i", self.array, self.array))
        scale: Floats = (1 / np.maximum(lengths, LEAST)).astype(np.float32)
        return scale

    def get_vector(self, key: Key, norm: bool = False) -> Floats:
        """float32[d] of an id (numbers are taken as they are), at length 1 with `norm`."""
        if isinstance(key, str | int) or (np.isscalar(key) and np.issubdtype(type(key), np.integer)):
            vector = np.asarray(self.array[self.vocab.row(key)])  # type: ignore[arg-type]
        else:
            vector = np.asarray(key, dtype=np.float32)
            if vector.shape != self.array.shape[1:] or not np.isfinite(vector).all():
                raise UsageError(f"a vector here has {self.array.shape[1]} finite numbers: not {_told(key)}")
        return unit(vector) if norm else vector

    def get_mean_vector(
        self,
        keys: Sequence[Key],
        weights: Sequence[float] | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
    ) -> Floats:
        """float32[d]: sum of weight * vector over the keys, by the sum of |weight|.

        Each vector is taken at length 1 with `pre_normalize`, the mean brought to it with `post_normalize`.
        """
        if not len(keys):
            raise UsageError("the mean of no vectors is not defined; give at least one id or vector")
        shares = np.ones(len(keys)) if weights is None else np.asarray(weights, dtype=np.float64)
        if len(shares) != len(keys):
            raise UsageError(f"{len(keys)} keys but {len(shares)} weights; give one weight a key")
        total = shares @ np.stack([self.get_vector(key, pre_normalize) for key in keys]).astype(np.float64)
        mean = (total / max(np.abs(shares).sum(), 1e-300)).astype(np.float32)
        return unit(mean) if post_normalize else mean

    def similarity(self, a: Key, b: Key) -> float:
        """Cosine of two ids or vectors."""
        return float(self.get_vector(a, True) @ self.get_vector(b, True))

    def distance(self, a: Key, b: Key) -> float:
        """1 - cosine."""
        return 1 - self.similarity(a, b)

    def n_similarity(self, some: Sequence[Key], others: Sequence[Key]) -> float:
        """Cosine of the plain means of two groups."""
        one, two = (self.get_mean_vector(group, pre_normalize=False) for group in (some, others))
        return self.similarity(one, two)

    @overload
    def most_similar(
        self, positive: Asked = None, negative: Asked = None, topn: int = 10, *, k: int | None = None
    ) -> list[tuple[Id, float]]: ...

    @overload
    def most_similar(self, positive: Asked = None, negative: Asked = None, *, topn: None) -> Floats: ...

    def most_similar(
        self, positive: Asked = None, negative: Asked = None, topn: int | None = 10, *, k: int | None = None
    ) -> list[tuple[Id, float]] | Floats:
        """(id, cosine) of the ids most like sum(positive) - sum(negative), each vector at length 1.

        Given ids do not stand in the answer; a key may be an id, a vector, or a pair of it and its
        weight (which gensim would take as it stands under `negative` too, and here counts against).
        With topn=None the cosines of all rows, float32[V], those of the given ids among them.
        Source: Mikolov et al. 2013, "Linguistic Regularities" (3CosAdd).
        """
        parts = [*_parts(positive, 1.0), *_parts(negative, -1.0)]
        if not parts:
            raise UsageError("most_similar needs at least one positive or negative id or vector")
        query = self.get_mean_vector([key for key, _ in parts], [weight for _, weight in parts])
        given = [key for key, _ in parts if isinstance(key, str | int)]
        wanted = topn if k is None else k
        if wanted is None:
            cosines: Floats = (self.array @ unit(query)) * self._scale
            return cosines
        return self._named(query, wanted, given)

    def similar_by_key(self, key: Id, topn: int = 10, *, k: int | None = None) -> list[tuple[Id, float]]:
        """(id, cosine) of the ids most like one id, itself left out."""
        return self.most_similar([key], None, topn, k=k)

    def similar_by_vector(
        self, vector: AnyArray | Sequence[float], topn: int = 10, *, k: int | None = None
    ) -> list[tuple[Id, float]]:
        """(id, cosine) of the ids most like a vector."""
        return self._named(self.get_vector(vector), topn if k is None else k, [])

    def nearest(self, queries: Sequence[Id] | AnyArray, k: int = 10) -> Hits:
        """Rows and cosines of the k most like each of many ids (itself left out) or of many vectors [Q, d].

        Exact: every row is scored, a block of queries at a time.
        """
        table = np.asarray(queries) if not isinstance(queries, list | tuple) else None
        if table is not None and table.ndim == 2:
            if table.shape[1] != self.array.shape[1] or not np.isfinite(table).all():
                raise UsageError(f"queries must be finite [Q, {self.array.shape[1]}], not {table.shape}")
            rows = table.astype(np.float32)
            exclude = None
        else:
            at = np.array([self.vocab.row(key) for key in list(queries)], dtype=np.int32)
            rows, exclude = np.asarray(self.array[at]), (at, np.arange(len(at) + 1, dtype=np.int64))
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        return best_keys(rows / np.maximum(lengths, LEAST), self.array, k, scale=self._scale, exclude=exclude)

    def _named(self, query: Floats, k: int, without: Sequence[Id]) -> list[tuple[Id, float]]:
        rows = self.vocab.find(list(without))
        rows = np.unique(rows[rows >= 0]).astype(np.int32)
        ends: Offsets = np.array([0, len(rows)], dtype=np.int64)
        hits = best_keys(unit(query)[None], self.array, k, scale=self._scale, exclude=(rows, ends))
        found = hits.ids[0] >= 0
        names = self.vocab.names(hits.ids[0][found])
        return list(zip(names, hits.scores[0][found].tolist(), strict=True))


def unit(vector: Floats) -> Floats:
    """The vector at length 1; a zero vector stays zero."""
    length = np.sqrt(np.float32(vector @ vector))
    return np.asarray(vector / np.maximum(length, LEAST), dtype=np.float32)


def _parts(keys: Asked, sign: float) -> list[tuple[Key, float]]:
    """Each key with its signed weight; one id, vector or pair counts as a list of one."""
    if keys is None:
        return []
    one = isinstance(keys, str | int | np.integer) or (isinstance(keys, np.ndarray) and keys.ndim == 1)
    listed: Any = [keys] if one or _pair(keys) else keys
    return [(key[0], sign * float(key[1])) if _pair(key) else (key, sign) for key in listed]


def _pair(key: Any) -> bool:
    """Whether this is a pair of a key and its weight, and not a vector of two numbers."""
    return (
        isinstance(key, tuple)
        and len(key) == 2
        and isinstance(key[0], str | int | np.integer | np.ndarray)
        and isinstance(key[1], int | float | np.integer | np.floating)
    )


def _told(key: object) -> str:
    shape = getattr(key, "shape", None)
    return f"an array of shape {shape}" if shape is not None else repr(key)[:60]
