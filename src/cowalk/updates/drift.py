"""How far an update moved the old items, and what it did to Recall; figures for people and the manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cowalk.evaluate.metrics import recall_at, target_ranks
from cowalk.evaluate.queries import NextItemQueries
from cowalk.learn import Learned
from cowalk.recall import top_k
from cowalk.recommend import Recommender
from cowalk.seeds import generator
from cowalk.tables.catalogue import take_ragged
from cowalk.types import AnyArray, Floats
from cowalk.users import normalize

NEIGHBORS = 20
MOST_ITEMS = 500  # items whose neighbours are compared; more take long and tell the same


@dataclass(frozen=True)
class Drift:
    """Of one set of rows, over the old items: cosine of each vector with its old one (mean, the lowest
    hundredth, and of the items in the new events), and the share of an item's 20 nearest old items by cosine
    that stayed."""

    cosine: float
    lowest: float
    cosine_seen: float
    overlap: float

    @property
    def moved(self) -> float:
        """1 - mean cosine: what the bound is on."""
        return 1.0 - self.cosine

    def to_json(self) -> dict[str, float]:
        """Plain figures."""
        return asdict(self)


def drift(old: Learned, now: Learned, seen: AnyArray, seed: int = 0) -> Drift:
    """How far the rows of `now` lie from `old`, whose items are its first; seen: bool[V], over these."""
    before, after = normalize(old.vectors), normalize(now.vectors[: len(old.vectors)])
    cosines = np.einsum("ij,ij->i", before, after, dtype=np.float64)
    touched = cosines[seen] if seen.any() else cosines
    return Drift(
        float(cosines.mean()),
        float(np.quantile(cosines, 0.01)),
        float(touched.mean()),
        neighbor_overlap(before, after, seed=seed),
    )


def neighbor_overlap(before: Floats, after: Floats, k: int = NEIGHBORS, seed: int = 0) -> float:
    """Mean share of an item's k nearest rows (by dot product, itself left out) that are the same in both.

    Over all rows, or over MOST_ITEMS drawn from them. A table of one row agrees with itself.
    """
    n = len(before)
    if n < 2:
        return 1.0
    rows = np.arange(n)
    if n > MOST_ITEMS:
        rows = np.sort(generator(seed, "update/overlap").permutation(n)[:MOST_ITEMS])
    itself = (rows.astype(np.int32), np.arange(len(rows) + 1, dtype=np.int64))
    k = min(k, n - 1)
    one, two = (top_k(table[rows], table, k, exclude=itself).ids for table in (before, after))
    same = (one[:, :, None] == two[:, None, :]).any(axis=2)
    return float(same.mean())


@dataclass(frozen=True)
class Recall:
    """Recall@20 of the same queries before and after the update, and over how many."""

    before: float
    after: float
    queries: int

    def to_json(self) -> dict[str, float]:
        """Plain figures."""
        return asdict(self)


def hits(recommender: Recommender, queries: NextItemQueries, k: int = 20) -> AnyArray:
    """float64[Q], 1 where the target stands among the k best. Rows that the recommender lacks are unknown.

    A history without a known item has no answer, so it misses.
    """
    n = len(recommender.vectors)
    known = queries.items < n
    row = np.repeat(np.arange(len(queries)), np.diff(queries.offsets))[known]
    offsets = np.append(0, np.cumsum(np.bincount(row, minlength=len(queries)))).astype(np.int64)
    asked = np.flatnonzero(np.diff(offsets) > 0)
    out = np.zeros(len(queries))
    if len(asked):
        ragged, at = take_ragged(offsets, np.flatnonzero(known), asked)
        times = None if queries.times is None else queries.times[at]
        found = recommender.recommend(queries.items[at], ragged, k, times=times, exclude_seen=False)
        out[asked] = recall_at(target_ranks(found.ids, queries.targets[asked]), k)
    return out


def recalls(before: Recommender, after: Recommender, queries: NextItemQueries, known: int) -> dict[str, Any]:
    """Recall before and after, by whether the target is an old item (row below `known`) or a new one."""
    one, two = hits(before, queries), hits(after, queries)
    old = queries.targets < known
    parts = {"all": np.ones(len(queries), dtype=bool), "old items": old, "new items": ~old}
    return {
        name: Recall(float(one[part].mean()), float(two[part].mean()), int(part.sum())).to_json()
        for name, part in parts.items()
        if part.any()
    }
