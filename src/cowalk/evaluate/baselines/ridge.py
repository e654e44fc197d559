"""Ridge regression from attributes to BGE vectors: the plain baseline for cold items."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.baselines.histories import latest, recommend_by
from cowalk.evaluate.baselines.item_cf import HISTORY
from cowalk.evaluate.baselines.neighbours import COLD_LIFT
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.metrics import Values
from cowalk.evaluate.sparse import Sparse, idf, incidence
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.learn.attributes import AttributeRows
from cowalk.tables import Field, Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets

LAMBDAS = (1.0, 0.03, 0.1, 0.3, 3.0, 10.0, 30.0)
POPULARITY = (0.3, 0.0, 0.05, 0.1, 0.2, 0.5, 0.8)


class Ridge:
    """BGE vectors are learned, then predicted from idf-weighted attributes of length 1 and a constant."""

    name = "ridge-bge"
    answers: frozenset[Question] = frozenset({"cold", "cold-candidates"})

    def __init__(self, settings: LearnSettings | None = None, walks: WalkSettings | None = None) -> None:
        self._settings = (settings or LearnSettings()).model_copy(update={"input": "own"})
        self._walks = walks or WalkSettings()

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """BGE by the same engine, settings and seed as the recipes."""
        if train.side_info is None:
            raise DataError("ridge: the items have no attributes; give an items table")
        source = train.sessions if self._settings.sequences == "sessions" and train.sessions else train.graph
        learned = learn(source, train.vocab, self._settings, walks=self._walks, seed=seed, workers=workers)
        return _Ridge(train, learned)


class _Ridge(Fitted):
    def __init__(self, train: TrainData, learned: Learned) -> None:
        assert train.side_info is not None
        self._n = len(train.vocab)
        self._idf = idf(train.side_info, self._n)
        design = self._rows(train.side_info.fields, self._n)
        self._known = AttributeRows(design.offsets, design.columns, design.values, design.n_columns)
        self._H, self._Z = learned.vectors.astype(np.float64), learned.contexts.astype(np.float64)
        self._counts = train.vocab.counts
        self._maps: dict[float, Values] = {}

    def space(self, question: Question) -> Space:
        own: Space = {"penalty": LAMBDAS, "score": ("HZ", "HH"), "popularity": POPULARITY}
        return own if question == "cold" else {"cold_lift": COLD_LIFT, **own, **HISTORY}

    def _rows(self, fields: tuple[Field, ...], n: int) -> Sparse:
        """n x (K + 1): idf-weighted attributes scaled to length 1, and a constant 1."""
        marks = incidence(fields, n, self._idf)
        length = np.sqrt(np.bincount(marks.rows(), marks.values**2, minlength=n))
        rows = np.concatenate([marks.rows(), np.arange(n)])
        columns = np.concatenate([marks.columns, np.full(n, marks.n_columns)])
        values = np.concatenate([marks.values / np.maximum(length, 1e-12)[marks.rows()], np.ones(n)])
        return Sparse.of(rows, columns, values, (n, marks.n_columns + 1))

    def _predicted(self, fields: tuple[Field, ...], n: int, penalty: float) -> tuple[Values, Values]:
        """(vectors, contexts) float64[n, d] of cold items."""
        if penalty not in self._maps:
            self._maps[penalty] = self._known.ridge(np.hstack([self._H, self._Z]), np.ones(self._n), penalty)
        both = self._rows(fields, n).dot(self._maps[penalty])
        return both[:, : self._H.shape[1]], both[:, self._H.shape[1] :]

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        vectors, _ = self._predicted(fields, n, choice["penalty"])
        popular = choice["popularity"] * np.log1p(self._counts)
        if choice["score"] == "HH":
            scores = _unit(vectors) @ _unit(self._H).T + popular
        else:
            scores = vectors @ self._Z.T + popular
        return np.asarray(scores, dtype=np.float32)

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        vectors, contexts = self._predicted(fields, n, choice["penalty"])
        popular = choice["popularity"] * np.log1p(np.concatenate([self._counts, np.zeros(n)]))
        popular[self._n :] += choice["cold_lift"]
        cosine = choice["score"] == "HH"
        asked = _unit(self._H) if cosine else self._H
        table = np.concatenate([asked, _unit(vectors)] if cosine else [self._Z, contexts])

        def score(block: Ids, lines: Offsets) -> Floats:
            history = latest(block, lines, choice["history"], choice["decay"], self._n)
            user = history.dot(asked)
            user /= np.bincount(history.rows(), history.values, minlength=len(user))[:, None]
            return np.asarray((_unit(user) if cosine else user) @ table.T + popular, dtype=np.float32)

        return recommend_by(score, items, offsets, k, False, len(popular))


def _unit(rows: AnyArray) -> Values:
    """Rows scaled to length 1; a zero row stays zero."""
    out: Values = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return out
