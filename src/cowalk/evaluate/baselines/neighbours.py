"""Attribute neighbours: a cold item takes the co-occurrence lists of the warm items most like it."""

from __future__ import annotations

import numpy as np

from cowalk.evaluate.baselines.histories import log_blend, recommend_by
from cowalk.evaluate.baselines.item_cf import HISTORY, POPULARITY, TOGETHER, Together
from cowalk.evaluate.baselines.overlap import Overlap
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.sparse import Sparse, top_rows
from cowalk.kernels.blend import cooccurrence_scores
from cowalk.tables import Field, Hits
from cowalk.types import Floats, Ids, Offsets

LIKE: Space = {
    "overlap": ("idf", "jaccard"),
    "neighbours": (10, 1, 3, 5, 20, 50, 100),
    "power": (2.0, 1.0, 4.0),
}
COLD_BLOCK = 1024  # cold items whose neighbours stand in a dense table at a time
COLD_LIFT = (1.0, 0.0, 0.25, 0.5, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


class AttributeNeighbours:
    """Attribute overlap finds the neighbours, item-CF says what stands next to them."""

    name = "attribute-neighbours"
    answers: frozenset[Question] = frozenset({"cold", "cold-candidates"})

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Counted when first asked with a window."""
        return _Neighbours(train)


class _Neighbours(Fitted):
    def __init__(self, train: TrainData) -> None:
        self._overlap = Overlap(train)
        self._together = Together(train)
        self._counts = train.vocab.counts

    def space(self, question: Question) -> Space:
        both = {**TOGETHER, **LIKE, **POPULARITY}
        return both if question == "cold" else {"cold_lift": COLD_LIFT, **both, **HISTORY}

    def _like(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Sparse:
        """n x V: the attribute neighbours of each cold item, weights overlap ** power that sum to 1."""
        nearest = top_rows(self._overlap.of(fields, n, choice["overlap"]), choice["neighbours"])
        weight = np.where(nearest.ids >= 0, nearest.scores, 0.0).astype(np.float64) ** choice["power"]
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        rows = np.repeat(np.arange(n), nearest.ids.shape[1])
        used = weight.ravel() > 0
        return Sparse.of(rows[used], nearest.ids.ravel()[used], weight.ravel()[used], (n, len(self._counts)))

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        table = self._together.damped(choice["window"], choice["damping"])
        near = self._like(fields, n, choice).times(table)
        return log_blend(near, self._counts, choice["floor"], choice["popularity"])

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        """A cold item scores the mean of its neighbours' scores; `cold_lift` stands for its popularity."""
        lists = self._together.lists(choice["window"], choice["damping"])
        like = self._like(fields, n, choice)
        counts = np.concatenate([self._counts, np.zeros(n)])

        def score(block: Ids, lines: Offsets) -> Floats:
            both = np.zeros((len(lines) - 1, len(counts)), dtype=np.float32)
            warm = both[:, : len(lists)]
            cooccurrence_scores(
                block, lines, choice["history"], choice["decay"], lists.offsets, lists.ids, lists.scores, warm
            )
            for rows in np.array_split(np.arange(n), n // COLD_BLOCK + 1):
                both[:, len(lists) + rows] = warm @ like.take(rows).filled().T
            scores = log_blend(both, counts, choice["floor"], choice["popularity"])
            scores[:, len(lists) :] += np.float32(choice["cold_lift"])
            return scores

        return recommend_by(score, items, offsets, k, False, len(counts))
