"""Recommender: histories in, ranked items out; what evaluation, command line and service share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cowalk.errors import UsageError
from cowalk.kernels import blend as kernels
from cowalk.kernels.flags import threads
from cowalk.recall import CooccurrenceLists, top_k
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Hits
from cowalk.types import Floats, Ids, Offsets
from cowalk.users import COSINE_SCALE, history_vectors, normalize

STEP = 4096  # queries scored at once


@dataclass(frozen=True)
class Recommender:
    """Scores a history against the catalogue through two channels.

    Vector channel: history vector . key + popularity * log(1 + count) + lift, where keys are the context
    rows (score HZ) or the item vectors at length 1 (HH; the cosine counts 8-fold). Co-occurrence channel:
    the lists of the latest items, summed with decay. Each channel brings its candidates; every candidate
    gets one score, cooccurrence * log(cf / max cf + floor) + vector * (vector channel's score).
    vectors, contexts: float32[V, d]; counts: [V], the count in the log that was learned from; lift:
    float32[V], none = 0.
    """

    vectors: Floats
    contexts: Floats
    counts: Offsets | Floats
    lists: CooccurrenceLists | None = None
    settings: RecommendSettings = field(default_factory=RecommendSettings)
    lift: Floats | None = None

    def with_settings(self, settings: RecommendSettings) -> Recommender:
        """The same vectors and lists, scored by other settings."""
        return replace(self, settings=settings)

    @cached_property
    def _normal(self) -> Floats:
        return normalize(self.vectors)

    @property
    def _asking(self) -> Floats:
        return self.vectors if self.settings.score == "HZ" else COSINE_SCALE * self._normal

    @property
    def keys(self) -> Floats:
        """float32[V, d]: what a history vector is multiplied with; what an index has to hold."""
        return self.contexts if self.settings.score == "HZ" else self._normal

    @cached_property
    def bias(self) -> Floats:
        """float32[V]: popularity * log(1 + count) + lift."""
        lift = np.float32(0.0) if self.lift is None else self.lift
        return (self.settings.popularity * np.log1p(self.counts) + lift).astype(np.float32)

    def queries(self, items: Ids, offsets: Offsets) -> Floats:
        """float32[Q, d]: the history vectors."""
        return history_vectors(self._asking, items, offsets, self.settings.history, self.settings.decay)

    def recommend(
        self, items: Ids, offsets: Offsets, k: int, *, exclude_seen: bool | None = None, exact: bool = False,
        workers: int | None = None,
    ) -> Hits:  # fmt: skip
        """The k best items for each history items[offsets[q]:offsets[q+1]] (oldest first).

        `exclude_seen` (the settings' choice unless given) leaves the history's own items out; `exact` scores
        the whole catalogue instead of two candidate lists.
        """
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}")
        exclude = self.settings.exclude_seen if exclude_seen is None else exclude_seen
        parts = [
            self._block(items, offsets[start : start + STEP + 1], k, exclude, exact, workers)
            for start in range(0, max(len(offsets) - 1, 1), STEP)
        ]
        return Hits(np.concatenate([p.ids for p in parts]), np.concatenate([p.scores for p in parts]))

    def _block(
        self, items: Ids, offsets: Offsets, k: int, exclude: bool, exact: bool, workers: int | None
    ) -> Hits:
        s = self.settings
        low, high = int(offsets[0]), int(offsets[-1])
        items, offsets = items[low:high], offsets - low
        queries = self.queries(items, offsets)
        seen = (items, offsets) if exclude else None
        if self.lists is None or s.cooccurrence == 0:
            return top_k(queries, self.keys, k, bias=self.bias, exclude=seen)
        width = len(self.counts) if exact else min(max(s.candidates, k), len(self.counts))
        if s.vector == 0 and not exact:
            near = np.empty((len(queries), 0), dtype=np.int32)
        else:
            near = top_k(queries, self.keys, width, bias=self.bias, exclude=seen).ids
        ids = np.empty((len(queries), k), dtype=np.int32)
        scores = np.empty((len(queries), k), dtype=np.float32)
        with threads(workers) as count:
            kernels.blend(
                items, offsets, s.cooccurrence_history, s.cooccurrence_decay,
                self.lists.offsets, self.lists.ids, self.lists.scores,
                queries, self.keys, self.bias, near,
                width, s.cooccurrence, s.floor, s.vector, exclude, count, ids, scores,
            )  # fmt: skip
        return Hits(ids, scores)
