"""Item-CF: who stands near whom in a session, damped by popularity, summed over the latest items."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.sparse import Sparse
from cowalk.recall import CooccurrenceLists, CooccurrenceSettings, cooccurrence_lists
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Hits, ItemGraph
from cowalk.types import AnyArray, Ids, Offsets

WINDOWS = (3, 2, 4, 5, 6, 7, 8, 9, 10)
DAMPINGS = (0.5, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0)
HISTORY: Space = {
    "history": (5, 1, 2, 3, 4, 6, 7, 8, 9, 10),
    "decay": (0.8, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9, 1.0),
}
TOGETHER: Space = {"window": WINDOWS, "damping": DAMPINGS}
ORDER: Space = {"before": (0.7, 1.0, 0.5, 0.3, 0.0)}  # weight of what came before beside what came after
MOST_NEIGHBORS = 500  # longer lists than production's, so that the baseline is not held back by them
KEPT_TABLES = 3
POPULARITY: Space = {
    "popularity": (0.5, 0.0, 0.05, 0.1, 0.2, 0.3, 0.8),
    "floor": (0.05, 0.001, 0.005, 0.02, 0.1),
}


def edges_as_counts(graph: ItemGraph) -> Sparse:
    """V x V, symmetric: edge weights both ways, for where there is a graph and no log."""
    one, two = graph.sources(), graph.targets
    both = np.concatenate([graph.weights, graph.weights]).astype(np.float64)
    return Sparse.of(np.concatenate([one, two]), np.concatenate([two, one]), both, (len(graph), len(graph)))


class Together:
    """Co-occurrence lists of one training part by window and damping; the latest few are kept.

    Where there is a graph and no log, edge weights stand for counts and the window has no meaning.
    """

    def __init__(self, train: TrainData) -> None:
        self._train = train
        self._lists: dict[CooccurrenceSettings, CooccurrenceLists] = {}

    def lists(self, window: int, damping: float, before: float = 1.0) -> CooccurrenceLists:
        """Each item's companions by count_ij / (count_i * count_j) ** damping, best first."""
        settings = CooccurrenceSettings(
            window=window, damping=damping, before=before, neighbors=MOST_NEIGHBORS
        )
        if settings not in self._lists:
            while len(self._lists) >= KEPT_TABLES:
                self._lists.pop(next(iter(self._lists)))
            if self._train.sessions is None:
                raise DataError("item-CF: recommending needs a log; a graph alone answers for links only")
            n = len(self._train.vocab)
            self._lists[settings] = cooccurrence_lists(self._train.sessions, n, settings)
        return self._lists[settings]

    def damped(self, window: int, damping: float) -> Sparse:
        """The lists as a matrix V x V."""
        lists = self.lists(window, damping)
        return Sparse(lists.offsets, lists.ids, lists.scores.astype(np.float64), len(lists))


class ItemCF:
    """Co-occurrence within a window, damped; the score of a candidate is its sum over the latest items."""

    def __init__(self, popularity: bool = False) -> None:
        self.name = "item-cf+popularity" if popularity else "item-cf"
        self._popularity = popularity
        both: frozenset[Question] = frozenset({"next-item", "link"})
        self.answers = both - {"link"} if popularity else both  # links have no popularity term

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Counted when first asked with a window."""
        return _ItemCF(train, self._popularity)


class _ItemCF(Fitted):
    link_kinds = ("common neighbours",)

    def __init__(self, train: TrainData, popularity: bool) -> None:
        self._together = Together(train)
        self._counts = train.vocab.counts
        self._popularity = popularity
        self._links = edges_as_counts(train.graph)

    def space(self, question: Question) -> Space:
        if question != "next-item":
            return {}
        return {**TOGETHER, **ORDER, **HISTORY, **(POPULARITY if self._popularity else {})}

    def recommender(self, choice: Choice) -> Recommender:
        """Production's recommender with the co-occurrence channel alone: its vectors are zero.

        What is left of the vector channel is the popularity term; plain item-CF keeps a trace of it for ties.
        """
        nothing = np.zeros((len(self._counts), 1), dtype=np.float32)
        settings = RecommendSettings(
            popularity=choice.get("popularity", 1e-6),
            cooccurrence=1.0,
            cooccurrence_history=choice["history"],
            cooccurrence_decay=choice["decay"],
            floor=choice.get("floor", 1e-3),
            vector=1.0,
        )
        lists = self._together.lists(choice["window"], choice["damping"], choice["before"])
        return Recommender(nothing, nothing, self._counts, lists, settings)

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        return self.recommender(choice).recommend(items, offsets, k, exclude_seen=exclude_seen)

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
