"""Item-CF: who stands near whom in a session, damped by popularity, summed over the latest items."""

from __future__ import annotations

import numpy as np

from cowalk.evaluate.baselines.histories import latest, log_blend, recommend_by
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.sparse import Sparse
from cowalk.recall import CooccurrenceSettings, cooccurrence_lists
from cowalk.tables import Hits, ItemGraph
from cowalk.types import AnyArray, Floats, Ids, Offsets

WINDOWS = (5, 2, 3, 4, 6, 7, 8, 9, 10)
DAMPINGS = (0.3, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
HISTORY: Space = {
    "history": (3, 1, 2, 4, 5, 6, 7, 8, 9, 10),
    "decay": (0.7, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0),
}
TOGETHER: Space = {"window": WINDOWS, "damping": DAMPINGS}
MOST_NEIGHBORS = 1000  # longer lists than production's, so that the baseline is not held back by them
LIST_ENTRIES = 20_000_000
KEPT_TABLES = 3
POPULARITY: Space = {
    "popularity": (0.3, 0.0, 0.05, 0.1, 0.2, 0.5, 0.8),
    "floor": (0.02, 0.001, 0.005, 0.05, 0.1),
}


def edges_as_counts(graph: ItemGraph) -> Sparse:
    """V x V, symmetric: edge weights both ways, for where there is a graph and no log."""
    one, two = graph.sources(), graph.targets
    both = np.concatenate([graph.weights, graph.weights]).astype(np.float64)
    return Sparse.of(np.concatenate([one, two]), np.concatenate([two, one]), both, (len(graph), len(graph)))


class Together:
    """Co-occurrence tables of one training part by window and damping; the latest few are kept."""

    def __init__(self, train: TrainData) -> None:
        self._train = train
        self._tables: dict[tuple[int, float], Sparse] = {}

    def damped(self, window: int, damping: float) -> Sparse:
        """count_ij / (count_i * count_j) ** damping, the longest part of each item's list that fits in
        memory.
        """
        if (window, damping) not in self._tables:
            while len(self._tables) >= KEPT_TABLES:
                self._tables.pop(next(iter(self._tables)))
            self._tables[window, damping] = self._made(window, damping)
        return self._tables[window, damping]

    def _made(self, window: int, damping: float) -> Sparse:
        n = len(self._train.vocab)
        if self._train.sessions is None:
            table = edges_as_counts(self._train.graph)
            scale = np.maximum(self._train.vocab.counts, 1).astype(np.float64) ** -damping
            values = table.values * scale[table.rows()] * scale[table.columns]
            return Sparse(table.offsets, table.columns, values, n)
        most = max(200, min(MOST_NEIGHBORS, LIST_ENTRIES // max(n, 1)))
        settings = CooccurrenceSettings(window=window, damping=damping, neighbors=most)
        lists = cooccurrence_lists(self._train.sessions, n, settings)
        return Sparse(lists.offsets, lists.ids, lists.scores.astype(np.float64), n)


class ItemCF:
    """Co-occurrence within a window, damped; the score of a candidate is its sum over the latest items."""

    answers: frozenset[Question] = frozenset({"next-item", "link"})

    def __init__(self, popularity: bool = False) -> None:
        self.name = "item-cf+popularity" if popularity else "item-cf"
        self._popularity = popularity

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Counted when first asked with a window."""
        return _ItemCF(train, self._popularity)


class _ItemCF(Fitted):
    def __init__(self, train: TrainData, popularity: bool) -> None:
        self._together = Together(train)
        self._counts = train.vocab.counts
        self._popularity = popularity
        self._links = edges_as_counts(train.graph)

    def space(self, question: Question) -> Space:
        if question != "next-item":
            return {}
        return {**TOGETHER, **HISTORY, **(POPULARITY if self._popularity else {})}

    def scores(self, items: Ids, offsets: Offsets, choice: Choice) -> Floats:
        """float32[Q, V]."""
        table = self._together.damped(choice["window"], choice["damping"])
        scores = latest(items, offsets, choice["history"], choice["decay"], len(table)).times(table)
        if not self._popularity:
            return scores
        return log_blend(scores, self._counts, choice["floor"], choice["popularity"])

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        n = len(self._counts)
        return recommend_by(lambda i, o: self.scores(i, o, choice), items, offsets, k, exclude_seen, n)

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        """Common neighbours, each weighted 1 / log(1 + its degree)."""
        return adamic_adar(self._links, pairs)


def adamic_adar(table: Sparse, pairs: Ids) -> AnyArray:
    """float64[P]: sum of 1 / log(1 + degree) over the common neighbours of each pair; table is symmetric."""
    degree = np.diff(table.offsets)
    weight = 1.0 / np.log1p(np.maximum(degree, 1))
    present = np.sort(table.rows() * table.n_columns + table.columns)
    out = np.zeros(len(pairs))
    step = max(1, 20_000_000 // max(int(degree.max(initial=1)), 1))
    for start in range(0, len(pairs), step):
        block = pairs[start : start + step]
        small = np.where(degree[block[:, 0]] <= degree[block[:, 1]], block[:, 0], block[:, 1])
        large = block[:, 0] + block[:, 1] - small
        mine = table.take(small)
        row = mine.rows()
        code = large[row].astype(np.int64) * table.n_columns + mine.columns
        at = np.minimum(np.searchsorted(present, code), max(len(present) - 1, 0))
        shared = present[at] == code if len(present) else np.zeros(len(code), dtype=bool)
        out[start : start + step] = np.bincount(
            row[shared], weight[mine.columns[shared]], minlength=len(block)
        )
    return out
