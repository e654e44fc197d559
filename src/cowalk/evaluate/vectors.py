"""A recipe under judgement: learned vectors, asked through the Recommender that production serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from cowalk.cold import ColdScorer
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.queries import ColdCandidates, NextItemQueries
from cowalk.learn import ColdMap, ColdSettings, Learned, LearnSettings, WalkSettings
from cowalk.learn.engines import NETWORKS, Engine, Stages, learned_from
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.learn.sets import Rows, rows_for
from cowalk.learn.tower_settings import TowerSettings, YouTubeSettings
from cowalk.recall import CooccurrenceLists, CooccurrenceSettings, cooccurrence_lists
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Field, Hits
from cowalk.train_settings import TrainSettings
from cowalk.types import AnyArray, Floats, Ids, Offsets
from cowalk.users.tower import UserTower, tower_of

VECTOR_KNOBS: Mapping[str, tuple[Any, ...]] = {
    "score": ("HZ", "HH"),
    "history": (1, 2, 3, 4, 5, 7, 10),
    "decay": (0.3, 0.5, 0.7, 0.8, 0.9, 1.0),
    "popularity": (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8),
}
LIST_KNOBS: Mapping[str, tuple[Any, ...]] = {
    "vector": (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5),
    "floor": (0.001, 0.005, 0.02, 0.05, 0.1),
    "cooccurrence_history": (1, 2, 3, 4, 5, 7, 10),
    "cooccurrence_decay": (0.3, 0.5, 0.7, 0.8, 0.9, 1.0),
    "window": (2, 3, 4, 5, 7, 10),
    "damping": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "before": (1.0, 0.7, 0.5, 0.3, 0.0),
}
ROWS = ("first", "second", "both")
COLD_KNOBS: Mapping[str, tuple[Any, ...]] = {
    "method": ("ridge", "mean", "similar"),
    "ridge": (0.1, 0.3, 1.0, 3.0, 10.0),
    "ridge_trust": (0.0, 3.0, 10.0, 30.0),
    "neighbors": (10, 30, 100),
    "sharpness": (1.0, 2.0, 4.0, 6.0),
}
COLD_LIST_KNOBS: Mapping[str, tuple[Any, ...]] = {
    "cooccurrence": (0.0, 0.25, 0.5, 1.0, 2.0),
    "floor": (0.02, 0.05, 0.1, 0.2),
}
COLD_SCORE_KNOBS: Mapping[str, tuple[Any, ...]] = {
    "score": ("HZ", "HH"),
    "popularity": (0.0, 0.1, 0.2, 0.3, 0.5, 0.8),
}
COLD_LIFT = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
COLD = "cold_"  # before the name of a knob of cold items where knobs of recommending stand beside it
KEPT = 3  # tables of each kind that are kept for the next trial


@dataclass(frozen=True)
class VectorMethod:
    """A recipe by the settings of its stages; `cold_learn` is the second set of rows, where asked: for cold
    queries and for links, which ask items about items and not histories about what comes next.

    lists: whether recommending also uses the co-occurrence channel; without it the vectors are judged alone.
    """

    name: str
    learn: LearnSettings = field(default_factory=LearnSettings)
    walks: WalkSettings = field(default_factory=WalkSettings)
    cold: ColdSettings = field(default_factory=ColdSettings)
    cold_learn: LearnSettings | None = None
    recommend: RecommendSettings = field(default_factory=RecommendSettings)
    cooccurrence: CooccurrenceSettings = field(default_factory=CooccurrenceSettings)
    lists: bool = True
    engine: Engine = "skip-gram"
    hema: HemaSettings = field(default_factory=HemaSettings)
    mf: MatrixSettings = field(default_factory=MatrixSettings)
    tower: TowerSettings = field(default_factory=TowerSettings)
    youtube: YouTubeSettings = field(default_factory=YouTubeSettings)
    train: TrainSettings = field(default_factory=TrainSettings)

    @property
    def answers(self) -> frozenset[Question]:
        """Networks learn from histories, so a graph alone is not asked of them."""
        asked: frozenset[Question] = frozenset({"next-item", "cold", "cold-candidates", "link"})
        return asked - {"link"} if self.engine in NETWORKS else asked

    @property
    def stages(self) -> Stages:
        """What says which rows are learned; the second set of rows has `cold_learn` in place of `learn`."""
        return Stages(
            self.engine, self.learn, self.walks, self.hema, self.mf, self.tower, self.youtube, self.train
        )  # fmt: skip

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> FittedVectors:
        """Learned by the recipe on the training part."""

        def run(settings: LearnSettings) -> Learned:
            if progress is not None:
                progress(f"{self.name}: learning")
            stages = self.stages.with_learn(settings)
            return learned_from(train, stages, seed=seed, workers=workers, walk_instead=True)

        if (
            train.sessions is None and self.cold_learn is not None
        ):  # links ask items about items, nothing else
            return FittedVectors(self, train, run(self.cold_learn))
        second = None if self.cold_learn is None else run(self.cold_learn)
        return FittedVectors(self, train, run(self.learn), second)

    def again(self, fitted: Fitted) -> FittedVectors | None:
        """The rows of `fitted` asked by this method, where it would learn the very same ones."""
        if not isinstance(fitted, FittedVectors):
            return None
        other = fitted.method
        same = self.stages == other.stages and self.cold_learn == other.cold_learn
        return replace(fitted, method=self) if same else None


@dataclass
class FittedVectors(Fitted):
    """What a recipe learned from one training part."""

    method: VectorMethod
    train: TrainData
    learned: Learned
    cold_learned: Learned | None = None
    _lists: dict[CooccurrenceSettings, CooccurrenceLists] = field(default_factory=dict)
    _maps: dict[tuple[Any, ...], ColdMap] = field(default_factory=dict)
    _sets: dict[Rows, Learned] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.link_kinds = ("HH", "HZ", "symmetric") if self._has_contexts else ("HH",)

    @property
    def _has_contexts(self) -> bool:
        """Whether every set of rows has a context row per item; a Huffman tree leaves none."""
        sets = (self.learned, self.cold_learned)
        return all(one is None or one.contexts.shape[1] > 0 for one in sets)

    @property
    def weights(self) -> dict[str, float]:
        """Mean learned weight by field over the items, `own` first."""
        means = self.learned.weights.mean(axis=0, dtype=np.float64)
        return dict(zip(("own", *self.learned.field_names), means.tolist(), strict=True))

    def space(self, question: Question) -> Space:
        """The recipe's own settings first."""
        m = self.method
        if question == "link":
            return {}
        if question == "cold":
            knobs = {**COLD_KNOBS, **COLD_SCORE_KNOBS, **(COLD_LIST_KNOBS if self._blends else {})}
            return self._scorable(
                {name: _first(getattr(m.cold, name), values) for name, values in knobs.items()}
            )
        knobs = {name: _first(getattr(m.recommend, name), values) for name, values in VECTOR_KNOBS.items()}
        if self._tower is not None and m.recommend.score == "HZ":  # the tower itself weighs a history
            knobs = {"popularity": knobs["popularity"]}
        if self.cold_learned is not None:
            knobs["rows"] = _first(m.recommend.rows, ROWS)
        if self._blends:
            for name, values in LIST_KNOBS.items():
                home = m.recommend if name in RecommendSettings.model_fields else m.cooccurrence
                knobs[name] = _first(getattr(home, name), values)
        knobs = self._scorable(knobs)
        if question == "next-item":
            return knobs
        cold = {COLD + name: _first(getattr(m.cold, name), values) for name, values in COLD_KNOBS.items()}
        return {COLD + "lift": _first(m.cold.lift, COLD_LIFT), **knobs, **cold}

    def _scorable(self, knobs: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        """The knobs without the score that needs context rows where there are none."""
        return knobs if self._has_contexts else {**knobs, "score": ("HH",)}

    @property
    def _blends(self) -> bool:
        return (
            self.method.lists and self.method.recommend.cooccurrence > 0 and self.train.sessions is not None
        )

    def recommender(self, choice: Choice) -> Recommender:
        """The object that production serves, with the chosen settings."""
        settings, near = self.chosen(choice)
        lists = self._listed(near) if self._blends else None
        rows = self._rows(settings.rows)
        return Recommender(
            rows.vectors, rows.contexts, self.train.vocab.counts, lists, settings, tower=self._tower
        )  # fmt: skip

    @cached_property
    def _tower(self) -> UserTower | None:
        return tower_of(self.learned.extra)

    def _rows(self, which: Rows) -> Learned:
        if which not in self._sets:
            self._sets[which] = rows_for(self.learned, self.cold_learned, which)
        return self._sets[which]

    def chosen(self, choice: Choice) -> tuple[RecommendSettings, CooccurrenceSettings]:
        """The recipe's settings changed by a choice for next items."""
        m = self.method
        asked = {name: value for name, value in choice.items() if name in RecommendSettings.model_fields}
        near = {name: value for name, value in choice.items() if name in CooccurrenceSettings.model_fields}
        return m.recommend.model_copy(update=asked), m.cooccurrence.model_copy(update=near)

    def settled(self, choice: Choice) -> FittedVectors:
        """The same rows under the recipe with this choice for next items; cold items are asked under it."""
        recommend, near = self.chosen(choice)
        return replace(self, method=replace(self.method, recommend=recommend, cooccurrence=near))

    def _listed(self, settings: CooccurrenceSettings) -> CooccurrenceLists:
        if settings not in self._lists:
            while len(self._lists) >= KEPT:
                self._lists.pop(next(iter(self._lists)))
            assert self.train.sessions is not None
            self._lists[settings] = cooccurrence_lists(self.train.sessions, len(self.train.vocab), settings)
        return self._lists[settings]

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        return self.recommend_at(items, offsets, None, k, exclude_seen, choice)

    def recommend_at(
        self, items: Ids, offsets: Offsets, times: Offsets | None, k: int, exclude_seen: bool, choice: Choice
    ) -> Hits:
        """See Recommender.recommend."""
        asked = self.recommender(choice)
        return asked.recommend(items, offsets, k, times=times, exclude_seen=exclude_seen)

    def recommend_for(self, asked: NextItemQueries, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        """See Recommender.recommend; users are those of the training part."""
        return self.recommender(choice).recommend(
            asked.items, asked.offsets, k, times=asked.times, exclude_seen=exclude_seen, users=asked.users
        )

    def _cold(
        self, learned: Learned, changes: Mapping[str, Any], lists: CooccurrenceLists | None
    ) -> ColdScorer:
        settings = self.method.cold.model_copy(update=dict(changes))
        key = (id(learned), settings.method, settings.ridge, settings.ridge_trust)
        if key not in self._maps:
            while len(self._maps) >= KEPT:
                self._maps.pop(next(iter(self._maps)))
            assert self.train.side_info is not None
            self._maps[key] = ColdMap.fit(learned, self.train.side_info, self.train.vocab.counts, settings)
        return ColdScorer(self._maps[key], lists, settings)

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        """See ColdScorer.scores; the second set of rows where the recipe learns one."""
        lists = self._listed(self.method.cooccurrence) if self._blends else None
        return self._cold(self.cold_learned or self.learned, choice, lists).scores(fields)

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        return self._beside(items, offsets, None, fields, k, choice)

    def cold_candidates_at(self, asked: ColdCandidates, k: int, choice: Choice) -> Hits:
        return self._beside(asked.items, asked.offsets, asked.times, asked.fields, k, choice)

    def _beside(
        self, items: Ids, offsets: Offsets, times: Offsets | None, fields: tuple[Field, ...], k: int,
        choice: Choice,
    ) -> Hits:  # fmt: skip
        """See ColdScorer.beside: in the rows that the histories are asked with."""
        changes = {name.removeprefix(COLD): choice[name] for name in choice if name.startswith(COLD)}
        warm = self.recommender(choice)
        both = self._cold(self._rows(warm.settings.rows), changes, None).beside(warm, fields)
        return both.recommend(items, offsets, k, times=times, exclude_seen=False)

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        """H_u.H_v, H_u.Z_v, or H_u.Z_v + H_v.Z_u."""
        H, Z = self.learned.vectors, self.learned.contexts
        u, v = pairs[:, 0], pairs[:, 1]
        if kind == "HH":
            return _dots(H, u, H, v)
        there = _dots(H, u, Z, v)
        return there if kind == "HZ" else there + _dots(H, v, Z, u)


def _first(default: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values with the default in front."""
    return (default, *(value for value in values if value != default))


def _dots(A: Floats, u: Ids, B: Floats, v: Ids, step: int = 65536) -> AnyArray:
    """float64[P]: A[u[i]] . B[v[i]]."""
    out = np.empty(len(u))
    for start in range(0, len(u), step):
        part = slice(start, start + step)
        out[part] = np.einsum("ij,ij->i", A[u[part]], B[v[part]], dtype=np.float64)
    return out
