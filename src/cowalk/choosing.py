"""Choosing how histories and cold items are scored, on a validation part inside the training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.data import TrainData, train_data
from cowalk.evaluate.methods import Choice, choose
from cowalk.evaluate.protocols.cold import candidates_recall, cold_candidates, cold_queries, cold_recall
from cowalk.evaluate.protocols.next_item import next_item_queries, next_item_recall
from cowalk.evaluate.vectors import COLD, COLD_KNOBS, COLD_LIFT, FittedVectors, VectorMethod
from cowalk.prepare import hide_items, leave_last, sessionize, split_by_time
from cowalk.prepared import Prepared
from cowalk.recommend_settings import RecommendSettings
from cowalk.seeds import generator
from cowalk.settings import Recipe
from cowalk.tables import Events
from cowalk.types import AnyArray, Ids

MOST_QUERIES = 5000  # more queries cost time and move no choice
HIDDEN = 0.05  # share of items hidden to choose how cold ones are scored


def validation_part(events: Events) -> AnyArray:
    """bool[N]: the last tenth by time, or each owner's last event where the log has no times."""
    if events.has_times:
        split = split_by_time(events, (0.9, 0.1, 0.0))
        return split.validation | split.test
    split = leave_last(events)
    return split.test


class Inside:
    """The training data, split once more: what is learned from, and what the choice is made on."""

    def __init__(self, prepared: Prepared, hide: bool) -> None:
        assert prepared.events is not None
        self.prepared, self.events = prepared, prepared.events
        self.seed = prepared.recipe.seed
        self.validation = validation_part(self.events)
        self.hidden = self._hidden() if hide else np.zeros(0, dtype=np.int32)
        keep = ~self.validation & ~np.isin(self.events.items, self.hidden)
        if not keep.any():
            raise DataError("choosing: nothing is left to learn from; use more data or --set trials=0")
        self.train: TrainData = train_data(self.events.select(keep), prepared.catalogue, prepared.settings())

    def _hidden(self) -> Ids:
        """Items that are cold in this part; none without attributes or in a small log."""
        counts = np.bincount(self.events.items, minlength=len(self.events.item_vocab))
        if self.prepared.catalogue is None or (counts >= 5).sum() < 100:
            return np.zeros(0, dtype=np.int32)
        return hide_items(self.events, HIDDEN, 5, self.seed)


def method_of(recipe: Recipe) -> VectorMethod:
    """The recipe as a method under judgement."""
    return VectorMethod(
        recipe.name, recipe.learn, recipe.walks, recipe.cold, recipe.learn_for_cold, recipe.recommend,
        recipe.cooccurrence, engine=recipe.engine, hema=recipe.hema, mf=recipe.mf, tower=recipe.tower,
        youtube=recipe.youtube, train=recipe.train,
    )  # fmt: skip


def choose_settings(inside: Inside, fitted: FittedVectors) -> dict[str, Any]:
    """`changes` of the recipe by `stage.name`, and `figures`: what they reached on the validation part."""
    trials, seed = inside.prepared.recipe.trials, inside.seed
    queries, told = next_item_queries(
        inside.events, inside.validation, inside.train.vocab, seed=seed, name="choosing"
    )
    queries = queries.part(few(len(queries), seed))
    best = choose(
        fitted, "next-item", lambda c: next_item_recall(fitted, queries, c), trials=trials, seed=seed
    )
    reached = {"recall@20": best.score, "trials": best.trials, "queries": len(queries), **told}
    out = {"changes": chosen_changes("next-item", best.choice), "figures": {"next item": reached}}
    if len(inside.hidden):
        _choose_cold(inside, fitted.settled(best.choice), best.choice, out)
    return out


def few(n: int, seed: int) -> AnyArray:
    """At most MOST_QUERIES of n rows, drawn once."""
    if n <= MOST_QUERIES:
        return np.arange(n)
    return np.sort(generator(seed, "choosing").permutation(n)[:MOST_QUERIES])


def _choose_cold(inside: Inside, fitted: FittedVectors, warm: Choice, out: dict[str, Any]) -> None:
    """How cold items are scored as queries, and how far they are lifted as candidates."""
    recipe, seed = inside.prepared.recipe, inside.seed
    catalogue = inside.prepared.catalogue
    assert catalogue is not None
    sessions, _ = sessionize(inside.events, recipe.sessions, recipe.clean)
    asked = cold_queries(
        sessions, inside.events.item_vocab, inside.hidden, inside.train, catalogue, seed=seed
    )
    best = choose(fitted, "cold", lambda c: cold_recall(fitted, asked, c), trials=recipe.trials, seed=seed)
    out["changes"] |= chosen_changes("cold", best.choice)
    out["figures"]["cold items"] = {"recall@20": best.score, "trials": best.trials, "queries": len(asked)}
    offered = cold_candidates(inside.events, inside.hidden, asked, inside.train.vocab, seed=seed)
    if not len(offered):
        return
    offered = offered.part(few(len(offered), seed))
    map_knobs = {COLD + name: best.choice[name] for name in COLD_KNOBS}
    scores = {
        lift: candidates_recall(fitted, offered, {**warm, **map_knobs, COLD + "lift": lift})
        for lift in COLD_LIFT
    }
    lift = max(scores, key=lambda c: (scores[c], -c))
    out["changes"]["cold.lift"] = lift
    out["figures"]["cold candidates"] = {
        "recall@20": scores[lift],
        "trials": len(scores),
        "queries": len(offered),
    }


def chosen_changes(task: str, choice: Mapping[str, Any]) -> dict[str, Any]:
    """What was chosen for a task, as changes of the recipe by `stage.name`."""
    if task == "cold":
        return {f"cold.{name}": value for name, value in choice.items()}
    if task == "cold-candidates":
        return {"cold.lift": choice[COLD + "lift"]}
    if task != "next-item":
        return {}
    known = RecommendSettings.model_fields
    return {f"{'recommend' if name in known else 'cooccurrence'}.{name}": choice[name] for name in choice}
