"""Recommender: histories in, ranked items out; what evaluation, command line and service share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.kernels import blend as kernels
from cowalk.kernels import histories
from cowalk.kernels.flags import threads
from cowalk.recall import CooccurrenceLists, Index, top_k
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Hits
from cowalk.tables.hits import check_k
from cowalk.types import AnyArray, Floats, Ids, Offsets
from cowalk.users import (
    COSINE_SCALE,
    Interests,
    event_factors,
    event_weights,
    history_vectors,
    interests_of,
    normalize,
    rarity,
    share_places,
)
from cowalk.users.tower import UserTower

STEP = 4096  # queries scored at once


class Wish(NamedTuple):
    """What is asked of a block of histories, beside the histories."""

    k: int
    exclude: bool
    exact: bool
    allowed: NDArray[np.bool_] | None
    interests: int
    workers: int | None


class Scratch:
    """Arrays of V items that the blend works in, kept from call to call: they are all 0 between calls."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._free: dict[int, list[tuple[AnyArray, AnyArray, AnyArray]]] = {}

    @contextmanager
    def lent(self, workers: int) -> Iterator[tuple[AnyArray, AnyArray, AnyArray]]:
        """sums float32, taken bool and touched int32, [workers, V] each; safe in several threads."""
        free, shape = self._free.setdefault(workers, []), (workers, self._items)
        try:
            arrays = free.pop()
        except IndexError:
            arrays = (np.zeros(shape, np.float32), np.zeros(shape, np.bool_), np.empty(shape, np.int32))
        yield arrays
        free.append(arrays)  # not after an error, which may have left them half used


@dataclass(frozen=True)
class Recommender:
    """Scores a history against the catalogue through two channels.

    Vector channel: history vector . key + popularity * log(1 + count), where keys are the context rows (score
    HZ) or the item vectors at length 1 (HH; the cosine counts 8-fold). Co-occurrence channel: the lists of
    the latest items, summed with decay. Each channel brings its candidates; every candidate gets one score,
    cooccurrence * log(cf / max cf + floor) + vector * (vector channel's score) + lift; the lift of an item
    has no part in it where vector = 0.
    vectors, contexts: float32[V, d]; counts: [V], the count in the log that was learned from; lift:
    float32[V], none = 0. index: over rows [key | bias] by inner product, which brings the vector channel's
    candidates where not all items are to be scored. tower: a learned network that gives the history vector of
    score HZ, instead of the mean by `history`, `decay`, `half_life` and `item_weights`.
    """

    vectors: Floats
    contexts: Floats
    counts: Offsets | Floats
    lists: CooccurrenceLists | None = None
    settings: RecommendSettings = field(default_factory=RecommendSettings)
    lift: Floats | None = None
    index: Index | None = None
    tower: UserTower | None = None

    def __post_init__(self) -> None:
        if self.index is None:
            return
        found = (self.index.size, self.index.dimension, self.index.metric)
        if found != (len(self.vectors), self.vectors.shape[1] + 1, "ip"):
            raise UsageError(f"the index is over {found}, not over the rows [key | bias] of this recommender")

    def with_settings(self, settings: RecommendSettings) -> Recommender:
        """The same vectors and lists, scored by other settings.

        An index over other keys or another bias than these settings ask for is left behind.
        """
        old = self.settings
        same = (old.score, old.popularity) == (settings.score, settings.popularity) and self.lift is None
        return replace(self, settings=settings, index=self.index if same else None)

    @cached_property
    def _normal(self) -> Floats:
        return normalize(self.vectors)

    def _asking(self) -> tuple[Floats, np.float32]:
        """The rows that histories are means of, and what a mean is multiplied with."""
        return (self.vectors, np.float32(1)) if self.settings.score == "HZ" else (self._normal, COSINE_SCALE)

    @property
    def _asks_tower(self) -> bool:
        return self.tower is not None and self.settings.score == "HZ"

    @property
    def looks_at(self) -> int:
        """How many of a history's latest events are looked at."""
        s = self.settings
        own = self.tower.last if self._asks_tower and self.tower is not None else s.history
        return max(own, s.cooccurrence_history)

    @property
    def has_keys(self) -> bool:
        """Whether there are rows to score with; hierarchical softmax learns no context row per item."""
        return self.settings.score == "HH" or self.contexts.shape[1] > 0

    @property
    def keys(self) -> Floats:
        """float32[V, d]: what a history vector is multiplied with; what an index has to hold."""
        if not self.has_keys:
            raise UsageError(
                "these rows were learned by hierarchical softmax, without a context row per item to score "
                "with; set recommend.score=HH"
            )
        return self.contexts if self.settings.score == "HZ" else self._normal

    @cached_property
    def bias(self) -> Floats:
        """float32[V]: popularity * log(1 + count), and what the lift is in the vector channel's score."""
        s = self.settings
        bias: AnyArray = s.popularity * np.log1p(self.counts)
        if self.lift is not None and (s.vector > 0 or not self._blends):
            bias = bias + self.lift / (s.vector if self._blends else 1.0)
        return np.asarray(bias, dtype=np.float32)

    @cached_property
    def _scratch(self) -> Scratch:
        return Scratch(len(self.counts))

    @property
    def _blends(self) -> bool:
        return self.lists is not None and self.settings.cooccurrence > 0

    @cached_property
    def _rare(self) -> Floats | None:
        return rarity(self.counts, self.settings.item_weights, self.settings.sif)

    def _factors(self, items: Ids, offsets: Offsets, times: Offsets | None) -> Floats | None:
        if self.settings.half_life > 0 and times is None:
            raise UsageError(
                "recommend.half_life counts by age, but these histories have no times; "
                "give times, or set recommend.half_life=0"
            )
        return event_factors(items, offsets, times, self.settings.half_life, self._rare)

    def queries(
        self, items: Ids, offsets: Offsets, times: Offsets | None = None, users: Ids | None = None
    ) -> Floats:
        """float32[Q, d]: the history vectors. times: int64[*] microseconds of the events, for half_life;
        users: int32[Q] rows of known users, -1 = unknown, for a tower that looks at them.
        """
        s = self.settings
        if self._asks_tower and self.tower is not None:
            return self.tower.vectors(items, offsets, users)
        factors = self._factors(items, offsets, times)
        rows, scale = self._asking()
        return scale * history_vectors(rows, items, offsets, s.history, s.decay, factors)

    def interests(
        self, items: Ids, offsets: Offsets, times: Offsets | None = None, *, most: int | None = None,
        workers: int | None = None,
    ) -> Interests:  # fmt: skip
        """Each history's latest `history` items in clusters, the weightiest first; `most` of them, by the
        settings unless given.
        """
        s = self.settings
        weights = event_weights(offsets, s.history, s.decay, self._factors(items, offsets, times))
        return interests_of(
            self._normal,
            items,
            offsets,
            weights,
            s.history,
            most or s.interests,
            s.interest_distance,
            workers,
        )

    def interest_vectors(self, found: Interests) -> Floats:
        """float32[M, d]: what each interest asks with, the vector of its medoid."""
        if self._asks_tower and self.tower is not None:
            return self.tower.vectors(found.medoids, np.arange(len(found) + 1, dtype=np.int64))
        rows, scale = self._asking()
        return scale * rows[found.medoids]

    def recommend(
        self, items: Ids, offsets: Offsets, k: int, *, times: Offsets | None = None,
        exclude_seen: bool | None = None, exact: bool = False, allowed: NDArray[np.bool_] | None = None,
        interests: int | None = None, workers: int | None = None, users: Ids | None = None,
    ) -> Hits:  # fmt: skip
        """The k best items for each history items[offsets[q]:offsets[q+1]] (oldest first).

        `times` are the events' (microseconds), needed where half_life is set. `exclude_seen` (the settings'
        choice unless given) leaves the history's own items out; `exact` scores the whole catalogue instead of
        two candidate lists; `allowed` bool[V] are the items that may answer: with `exact` their scores and
        order are those among all. With more than one of `interests` (the settings' unless given) each asks
        for itself, and they share the places. users: see `queries`.
        """
        check_k(k)
        exclude = self.settings.exclude_seen if exclude_seen is None else exclude_seen
        wish = Wish(k, exclude, exact, allowed, interests or self.settings.interests, workers)
        answer = self._block if wish.interests == 1 else self._shared
        parts = []
        for start in range(0, max(len(offsets) - 1, 1), STEP):
            part = offsets[start : start + STEP + 1]
            low, high = int(part[0]), int(part[-1])
            when = None if times is None else times[low:high]
            who = None if users is None else users[start : start + len(part) - 1]
            parts.append(answer(items[low:high], part - low, when, who, wish))
        if len(parts) == 1:
            return parts[0]
        return Hits(np.concatenate([p.ids for p in parts]), np.concatenate([p.scores for p in parts]))

    def _block(
        self, items: Ids, offsets: Offsets, times: Offsets | None, users: Ids | None, wish: Wish
    ) -> Hits:
        return self._ranked(self.queries(items, offsets, times, users), items, offsets, wish)

    def _shared(
        self, items: Ids, offsets: Offsets, times: Offsets | None, users: Ids | None, wish: Wish
    ) -> Hits:
        """Every interest asks with its medoid and its own items; an empty history as one with none."""
        found = self.interests(items, offsets, times, most=wish.interests, workers=wish.workers)
        most = wish.k + (int(np.diff(offsets).max(initial=0)) if wish.exclude else 0)  # others may take first
        hits = self._ranked(
            self.interest_vectors(found), items[found.events], found.event_offsets,
            wish._replace(k=min(most, len(self.counts)), exclude=False),
        )  # fmt: skip
        without = (items, offsets) if wish.exclude else None
        shared = share_places(hits, found.offsets, found.shares, wish.k, without)
        empty = np.flatnonzero(np.diff(offsets) == 0)
        if len(empty):
            none, ends = items[:0], np.zeros(len(empty) + 1, dtype=np.int64)
            who = None if users is None else users[empty]
            plain = self._block(none, ends, ends[:0], who, wish._replace(exclude=False))
            shared.ids[empty], shared.scores[empty] = plain.ids, plain.scores
        return shared

    def _near(self, queries: Floats, k: int, seen: tuple[Ids, Offsets] | None, wish: Wish) -> Hits:
        """The vector channel: the k best items for each query vector, without those seen."""
        if self.index is not None and not wish.exact:
            more = 0 if seen is None else int(np.diff(seen[1]).max(initial=0))
            most = min(k + more, max(k, len(self.counts)))
            hits = self.index.search(with_one(queries), most, allowed=wish.allowed, workers=wish.workers)
            return hits if seen is None else without_seen(hits, seen, k)
        with threads(wish.workers):
            return top_k(queries, self.keys, k, bias=self.bias, exclude=seen, allowed=wish.allowed)

    def _ranked(self, queries: Floats, items: Ids, offsets: Offsets, wish: Wish) -> Hits:
        """The k best for each query vector beside the co-occurrence lists of its history."""
        s, k = self.settings, wish.k
        seen = (items, offsets) if wish.exclude else None
        lists = self.lists if self._blends else None
        if lists is None:
            return self._near(queries, k, seen, wish)
        width = len(self.counts) if wish.exact else min(max(s.candidates, k), len(self.counts))
        if s.vector == 0 and not wish.exact:
            near = np.empty((len(queries), 0), dtype=np.int32)
        else:
            near = self._near(queries, width, seen, wish).ids
        allowed = np.zeros(0, dtype=np.bool_) if wish.allowed is None else wish.allowed
        ids = np.empty((len(queries), k), dtype=np.int32)
        scores = np.empty((len(queries), k), dtype=np.float32)
        with threads(wish.workers) as count, self._scratch.lent(count) as (sums, taken, touched):
            kernels.blend(
                items, offsets, s.cooccurrence_history, s.cooccurrence_decay,
                lists.offsets, lists.ids, lists.scores,
                queries, self.keys, self.bias, near, allowed,
                width, s.cooccurrence, s.floor, s.vector, wish.exclude, count,
                sums, taken, touched, ids, scores,
            )  # fmt: skip
        return Hits(ids, scores)


def with_one(queries: Floats) -> Floats:
    """float32[Q, d + 1]: [q | 1], whose product with [key | bias] is q . key + bias."""
    return np.concatenate([queries, np.ones((len(queries), 1), dtype=np.float32)], axis=1)


def without_seen(hits: Hits, seen: tuple[Ids, Offsets], k: int) -> Hits:
    """The first k hits of each query that are not among its items seen[0][seen[1][q]:seen[1][q + 1]]."""
    items, offsets = seen
    ids = np.empty((len(hits), k), dtype=np.int32)
    scores = np.empty((len(hits), k), dtype=np.float32)
    histories.leave_out(hits.ids, hits.scores, items, offsets, ids, scores)
    return Hits(ids, scores)
