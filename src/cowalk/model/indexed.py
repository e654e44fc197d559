"""IndexedModel: the part of a model that scores histories, and the indexes that it carries for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, Self, get_args

from cowalk.errors import UsageError
from cowalk.learn import Learned
from cowalk.learn.sets import rows_for
from cowalk.model.data import ModelData
from cowalk.model.indexes import NEIGHBORS, PURPOSES, CarriedIndex, Purpose, build_for, check_age
from cowalk.recall import Index
from cowalk.recall.building import Built
from cowalk.recommend import Recommender
from cowalk.tables import Id
from cowalk.types import AnyArray, Ids
from cowalk.users.tower import Runtime, UserTower, tower_of


class IndexedModel(ModelData):
    """The rows that histories are asked with, their scorer, and indexes for `recommend` and `similar`."""

    @cached_property
    def _asked(self) -> Learned:
        """The rows that histories are asked with."""
        return rows_for(self.learned, self.cold_learned, self.recipe.recommend.rows)

    @cached_property
    def recommender(self) -> Recommender:
        """The scorer of histories, with the settings that fit chose and, where there is one, the index."""
        return replace(self._plain, index=self.index("recommend"))

    @cached_property
    def _plain(self) -> Recommender:
        """The scorer without an index."""
        rows = self._asked
        return Recommender(
            rows.vectors, rows.contexts, self.vocab.counts, self.lists, self.recipe.recommend,
            tower=self._tower,
        )  # fmt: skip

    @cached_property
    def _tower(self) -> UserTower | None:
        tower = tower_of(self.learned.extra)
        if tower is None or self.runtime == "numpy":
            return tower
        from cowalk.nn.onnx import RunTower

        return RunTower.of(tower)

    def with_tower(self, runtime: Runtime) -> Self:
        """The same model, whose histories are asked through its user tower as numpy runs it, or onnxruntime:
        equal within 1e-5.

        UsageError where onnxruntime is to run a tower and the model has none; MissingExtraError without it.
        """
        if runtime not in get_args(Runtime):
            raise UsageError(f"tower={runtime}: it must be {' or '.join(get_args(Runtime))}")
        made = replace(self, runtime=runtime)
        if runtime == "onnx" and made._tower is None:
            raise UsageError(
                "tower=onnx runs the user tower of two-tower and youtube-dnn, "
                "and this model has none: leave it out"
            )
        return made

    def user_rows(self, users: Sequence[Id] | AnyArray) -> Ids | None:
        """int32[n]: the users' rows in the user tower, -1 = unknown; None where it looks at none."""
        tower = self._plain.tower
        if tower is None or self.user_vocab is None:
            return None
        return self.user_vocab.find(users)

    def index(self, purpose: Purpose) -> Index | None:
        """The index for `recommend` or `similar`, opened; None where there is none.

        ModelError where it was built from other vectors than the model has.
        """
        carried = self._carried.get(purpose)
        return None if carried is None else carried.index

    @cached_property
    def _carried(self) -> Mapping[str, CarriedIndex]:
        """The indexes; ModelError where one was built from other vectors than the model has."""
        for purpose, carried in self.indexes.items():
            check_age(carried, self._plain, self.learned.vectors, purpose)
        return self.indexes

    def with_index(
        self,
        kind: str = "auto",
        recall: float = 0.95,
        purpose: Purpose | Literal["both"] = "both",
        *,
        k: int = NEIGHBORS,
        workers: int | None = None,
        progress: Callable[[str], None] | None = None,
        watch: Callable[[Purpose, Built], None] | None = None,
        **settings: Any,
    ) -> Self:
        """The same model, whose answers come through an index that finds `recall` of the k true candidates.

        kind: auto (by size and metric), exact, lsh, ivf, hnsw or kdtree; purpose: recommend, similar or both.
        settings: the kind's own (nlist, m, ...) instead of those that the recall asks for. watch is shown how
        each came about.
        """
        found = dict(self.indexes)
        for one in PURPOSES if purpose == "both" else (purpose,):
            if one == "recommend" and purpose == "both" and not self._plain.has_keys:
                continue  # hierarchical softmax learns no row per item to score with
            found[one], built = build_for(
                self._plain, self.learned.vectors, self.probe, one, kind, recall, k=k,
                seed=self.recipe.seed, workers=workers, progress=progress, settings=settings,
            )  # fmt: skip
            if watch is not None:
                watch(one, built)
        return replace(self, indexes=found)

    def with_same_index(self, purpose: str, like: CarriedIndex, workers: int | None = None) -> Self:
        """The same model with an index asked for as another one was: kind, recall and settings."""
        wanted = like.told["wanted"]
        asked: Any = purpose  # a name that is none is told
        return self.with_index(
            wanted["kind"], wanted["recall"], asked, k=wanted["k"], workers=workers, **wanted["settings"]
        )

    def check_indexes(self) -> None:
        """ModelError where an index was built from other vectors than the model has; says how to mend it."""
        _ = self._carried
