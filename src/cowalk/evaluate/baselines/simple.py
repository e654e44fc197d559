"""Baselines that look at no history: popularity, and blind chance."""

from __future__ import annotations

import numpy as np

from cowalk.evaluate.baselines.histories import recommend_by
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question
from cowalk.evaluate.protocols.link import degrees
from cowalk.evaluate.sparse import incidence
from cowalk.seeds import stream
from cowalk.tables import Field, Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets

ALL: frozenset[Question] = frozenset({"next-item", "cold", "cold-candidates", "link"})


class Popularity:
    """Items by their training count; links by the product of their nodes' degrees."""

    name = "popularity"
    answers = ALL

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Counts of the training part."""
        return _ByCount(train)


class _ByCount(Fitted):
    link_kinds = ("degree product",)

    def __init__(self, train: TrainData) -> None:
        self._scores = np.log1p(train.vocab.counts).astype(np.float32)
        self._degrees = np.log1p(degrees(train.graph))

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        def score(_: Ids, lines: Offsets) -> Floats:
            return np.broadcast_to(self._scores, (len(lines) - 1, len(self._scores)))

        return recommend_by(score, items, offsets, k, exclude_seen, len(self._scores))

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        return np.broadcast_to(self._scores, (n, len(self._scores)))

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        both = np.concatenate([self._scores, np.zeros(n, dtype=np.float32)])  # a cold item's count is 0

        def score(_: Ids, lines: Offsets) -> Floats:
            return np.broadcast_to(both, (len(lines) - 1, len(both)))

        return recommend_by(score, items, offsets, k, False, len(both))

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        out: AnyArray = self._degrees[pairs[:, 0]] + self._degrees[pairs[:, 1]]
        return out


class Random:
    """Blind chance, by a hash of the question and the candidate: the floor of every figure."""

    name = "random"
    answers = ALL

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Nothing is learned."""
        return _Hashed(len(train.vocab), stream(seed, "evaluate/random"))


class _Hashed(Fitted):
    def __init__(self, n_items: int, seed: int) -> None:
        self._n, self._seed = n_items, np.uint64(seed)

    def _score(self, query: AnyArray, n: int) -> Floats:
        """float32[Q, n] of uniform numbers in [0, 1)."""
        return _unit(_mix(query.astype(np.uint64) ^ self._seed)[:, None] + np.arange(n, dtype=np.uint64))

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        return self._drawn(items, offsets, k, exclude_seen, self._n)

    def _drawn(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, n: int) -> Hits:
        """k of n items: start + step * j modulo n, start and step hashed from the latest item; step shares no
        divisor.

        Every item is as likely as any other, and no row of n scores is needed.
        """
        query = _mix(items[offsets[1:] - 1].astype(np.uint64) ^ self._seed)
        start, step = (query % np.uint64(n)).astype(np.int64), (_mix(query) % np.uint64(n)).astype(np.int64)
        while np.any(bad := np.gcd(step, n) != 1):
            step[bad] = (step[bad] + 1) % max(n, 2)
        longest = int(np.diff(offsets).max(initial=0)) if exclude_seen else 0
        width = min(n, k + longest)
        ids = ((start[:, None] + step[:, None] * np.arange(width)) % n).astype(np.int32)
        if exclude_seen:
            rows = np.arange(len(start))
            seen = np.unique(np.repeat(rows, np.diff(offsets)) * n + items)
            again = np.isin(rows[:, None] * n + ids, seen)
            first = np.argsort(again, axis=1, kind="stable")  # what is new comes first, in its order
            ids = np.take_along_axis(np.where(again, np.int32(-1), ids), first, axis=1)
        ids = ids[:, :k]
        scores = np.where(ids < 0, -np.inf, 1.0 - np.arange(ids.shape[1]) / n).astype(np.float32)
        return Hits(ids, scores)

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        marks = incidence(fields, n)
        return self._score(marks.dot(np.arange(1.0, marks.n_columns + 1)[:, None] ** 2)[:, 0], self._n)

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        return self._drawn(items, offsets, k, False, self._n + n)

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        code = pairs[:, 0].astype(np.uint64) * np.uint64(self._n) + pairs[:, 1].astype(np.uint64)
        return _unit(code ^ self._seed).astype(np.float64)


def _mix(x: AnyArray) -> AnyArray:
    """splitmix64's finish (Steele 2014): every bit of the input reaches every bit of the output."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: AnyArray = x ^ (x >> np.uint64(31))
    return out


def _unit(x: AnyArray) -> Floats:
    """float32 in [0, 1) from the top 24 bits."""
    return ((_mix(x) >> np.uint64(40)).astype(np.float32)) / np.float32(1 << 24)
