"""A new shop or domain: what newcomers are shown, through clusters of users who are in both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.kmeans import Clusters, kmeans
from cowalk.tables import Events, Hits, Vectors, Vocab
from cowalk.tables.hits import check_k
from cowalk.types import Floats
from cowalk.users import normalize

Counts = NDArray[np.float64]
CLUSTERS = 100


@dataclass(frozen=True)
class DomainBridge:
    """By cluster of source users, how often its users who are in both domains took each target item.

    counts: float64[k, V], a user counts once an item; items: the target's vocabulary; popular: float64[V],
    the same over all clusters. smoothing is added to a cluster's counts as that many users of the average
    taste, so that a cluster of few users falls back to what is taken everywhere.
    """

    clusters: Clusters
    items: Vocab
    counts: Counts
    popular: Counts
    smoothing: float

    @classmethod
    def fit(
        cls,
        users: Vectors,
        target: Events,
        *,
        clusters: int = CLUSTERS,
        smoothing: float = 5.0,
        seed: int = 0,
    ) -> DomainBridge:
        """users: vectors of source users (mean of their latest items); target: events in the new domain.

        Users are clustered by k-means on vectors at length 1. DataError where no user is in both domains.
        Source: Zhao et al. 2018 (about 1,000 clusters of Taobao users for Hema; smoothing is cowalk's).
        """
        if smoothing < 0:
            raise UsageError(f"smoothing must be at least 0, not {smoothing}")
        found = kmeans(normalize(users.array), clusters, seed=seed)
        known = users.vocab.find(target.user_vocab.ids)
        rows = np.where(target.users >= 0, known[target.users], -1)
        both = rows >= 0
        if not both.any():
            raise DataError(
                "no user of the target events has a source vector; are user ids the same in both?"
            )
        v = len(target.item_vocab)
        pairs = np.unique(rows[both].astype(np.int64) * v + target.items[both])
        counts = np.zeros((len(found), v))
        np.add.at(counts, (found.labels[pairs // v], pairs % v), 1.0)
        return cls(found, target.item_vocab, counts, counts.sum(axis=0), smoothing)

    def recommend(self, vectors: Floats, k: int = 20) -> Hits:
        """The k target items of each newcomer's cluster, by share of its users; rows of `items`.

        vectors: float32[N, d], newcomers' source vectors. A newcomer without one (all zeros) gets the items
        that are taken most everywhere, ties by row.
        """
        check_k(k)
        known = np.any(vectors != 0, axis=1)
        cluster = np.where(known, self.clusters.nearest(normalize(vectors)), len(self.clusters))
        table = np.vstack([self._scores(), self.popular / max(self.popular.sum(), 1e-12)])
        width = min(k, len(self.items))
        order = np.argsort(-table, axis=1, kind="stable")[:, :width]
        scores = np.take_along_axis(table, order, axis=1)
        return Hits(order[cluster].astype(np.int32), scores[cluster].astype(np.float32))

    def hottest(self, n: int, k: int = 20) -> Hits:
        """The baseline: for each of n newcomers the k items that most users took, whoever they are."""
        return self.recommend(np.zeros((n, self.clusters.centers.shape[1]), dtype=np.float32), k)

    def _scores(self) -> Counts:
        """float64[k, V]: (count + smoothing * average share) / (sum of counts + smoothing)."""
        share = self.popular / max(self.popular.sum(), 1e-12)
        total = self.counts.sum(axis=1, keepdims=True) + self.smoothing
        scores: Counts = (self.counts + self.smoothing * share) / np.maximum(total, 1e-12)
        return scores
