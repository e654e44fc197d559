"""gensim's skip-gram: sequences go out in a file, are trained in the peers' environment, rows come back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common import peer, scratch
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.vectors import VECTOR_KNOBS
from cowalk.learn import WalkSettings
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Hits, Sessions
from cowalk.types import Floats, Ids, Offsets
from tasks import corpus, walked

SETTINGS = {"vector_size": 128, "window": 5, "negative": 5, "epochs": 5}
EPOCHS = (5, 20, 50)  # what may be chosen for sessions, whose tokens are few
WALK_EPOCHS = (5, 2, 10)


@dataclass(frozen=True)
class Trained:
    """Input and context rows float32[V, d], the seconds of train() and what the peer told."""

    vectors: Floats
    contexts: Floats
    seconds: float
    told: dict[str, Any]


def train(sessions: Sessions, n_items: int, *, seed: int, workers: int, **settings: Any) -> Trained:
    """gensim's rows for these sequences."""
    with scratch() as folder:
        corpus(sessions, folder / "corpus.txt")
        request = {
            "corpus": str(folder / "corpus.txt"),
            "out": str(folder / "rows.npz"),
            "items": n_items,
            "settings": {**SETTINGS, "seed": seed, "workers": workers, **settings},
        }
        (folder / "request.json").write_text(json.dumps(request))
        told = peer("gensim_fit.py", folder / "request.json", workers=workers)
        with np.load(folder / "rows.npz") as rows:
            return Trained(rows["vectors"], rows["contexts"], told["seconds"], told)


@dataclass(frozen=True)
class Gensim:
    """gensim as a method under judgement: item2vec (sessions), or DeepWalk (walks over the item graph).

    Epochs are one more knob chosen on validation beside the scorer's, in the same number of trials.
    """

    name: str
    on_walks: bool
    walks: WalkSettings = field(default_factory=WalkSettings)
    answers: frozenset[Question] = frozenset({"next-item"})

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Trained when first asked with a number of epochs."""
        return _FittedGensim(self, train, seed, workers or 2)


class _FittedGensim(Fitted):
    def __init__(self, method: Gensim, data: TrainData, seed: int, workers: int) -> None:
        assert data.sessions is not None
        self._counts, self._seed, self._workers = data.vocab.counts, seed, workers
        self._epochs = WALK_EPOCHS if method.on_walks else EPOCHS
        self._sequences = walked(data.graph, method.walks, seed) if method.on_walks else data.sessions
        self._trained: dict[int, Trained] = {}

    def space(self, question: Question) -> Space:
        return {**VECTOR_KNOBS, "epochs": self._epochs}

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        epochs = choice["epochs"]
        if epochs not in self._trained:
            self._trained[epochs] = train(
                self._sequences, len(self._counts), seed=self._seed, workers=self._workers, epochs=epochs
            )
        rows = self._trained[epochs]
        asked = {name: value for name, value in choice.items() if name != "epochs"}
        settings = RecommendSettings(**asked)
        return Recommender(rows.vectors, rows.contexts, self._counts, None, settings).recommend(
            items, offsets, k, exclude_seen=exclude_seen
        )
