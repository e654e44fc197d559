"""What is tuned for: the part that is learned from, and the figure that a recipe reaches on the rest.

The scorer is chosen in each trial by the search that `fit` uses, so a figure is what the recipe would serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

import numpy as np

from cowalk.choosing import few, method_of, validation_part
from cowalk.errors import DataError, UsageError
from cowalk.evaluate.data import TrainData, train_data
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Choice, Chosen, choose
from cowalk.evaluate.protocols.cold import cold_queries, cold_recall, judge_cold
from cowalk.evaluate.protocols.link import judge_link, link_task
from cowalk.evaluate.protocols.next_item import judge_next_item, next_item_queries, next_item_recall
from cowalk.evaluate.vectors import FittedVectors
from cowalk.prepare import hide_items, item_graph, leave_last, sessionize
from cowalk.prepared import Prepared
from cowalk.settings import Recipe
from cowalk.tables import Events, ItemGraph, Vocab
from cowalk.tuning.space import walks

Purpose = Literal["next-item", "cold", "link"]
Split = Literal["auto", "leave-last"]
Watch = Callable[[int, float], None]
"""Told after each scorer setting how many were tried and the best figure so far; may raise to end a trial."""
HIDDEN = 0.15  # share of the items hidden from the trials: what the harness hides for validation and test
MIN_COUNT = 5


class Task(Protocol):
    """One purpose on one split of the data; drawn once, so that all trials answer the same questions."""

    metric: str

    def fit(self, recipe: Recipe) -> FittedVectors:
        """Learned by the recipe from the part that is learned from, and only the rows that are asked."""
        ...

    def choose(self, fitted: FittedVectors, watch: Watch | None = None) -> Chosen:
        """The scorer settings that are best on the validation part, and what they reach."""
        ...

    def judged(self, fitted: FittedVectors, choice: Choice) -> Judged:
        """The figures per question with these scorer settings."""
        ...


class NextItem:
    """Histories and what came next, in the last tenth by time or in the last event of each owner."""

    metric = "recall@20"

    def __init__(self, prepared: Prepared, seed: int, split: Split) -> None:
        events = _events(prepared, "next item")
        held = leave_last(events).test if split == "leave-last" else validation_part(events)
        if not (~held).any():
            raise DataError("tuning: nothing is left to learn from; use more data")
        self.seed, self.recipe = seed, prepared.recipe
        self.train = train_data(events.select(~held), prepared.catalogue, prepared.settings())
        queries, _ = next_item_queries(events, held, self.train.vocab, seed=seed, name="tuning")
        self.queries = queries.part(few(len(queries), seed))

    def fit(self, recipe: Recipe) -> FittedVectors:
        """Both sets of rows, where there are two: which asks is part of the choice."""
        return _learned(method_of(recipe), self.train, self.seed, recipe)

    def choose(self, fitted: FittedVectors, watch: Watch | None = None) -> Chosen:
        """As `fit` chooses how histories are scored."""
        measure = _watched(lambda c: next_item_recall(fitted, self.queries, c), watch)
        return choose(fitted, "next-item", measure, trials=max(self.recipe.trials, 1), seed=self.seed)

    def judged(self, fitted: FittedVectors, choice: Choice) -> Judged:
        """As the harness judges."""
        return judge_next_item(fitted, self.queries, self.train.vocab.counts, choice)


class Cold:
    """Hidden items, asked for by their attributes alone: their true neighbours among the others."""

    metric = "recall@20"

    def __init__(self, prepared: Prepared, seed: int) -> None:
        events, catalogue = _events(prepared, "cold items"), prepared.catalogue
        if catalogue is None:
            raise UsageError("tuning for cold items needs an items table; give items (--items)")
        hidden = hide_items(events, HIDDEN, MIN_COUNT, seed)
        keep = ~np.isin(events.items, hidden)
        if not len(hidden) or not keep.any():
            raise DataError(f"tuning for cold items: too few items with {MIN_COUNT} events; use more data")
        self.seed, self.recipe = seed, prepared.recipe
        self.train = train_data(events.select(keep), catalogue, prepared.settings())
        sessions, _ = sessionize(events, self.recipe.sessions, self.recipe.clean)
        self.queries = cold_queries(sessions, events.item_vocab, hidden, self.train, catalogue, seed=seed)

    def fit(self, recipe: Recipe) -> FittedVectors:
        """The set of rows that cold items are placed in, alone."""
        method = method_of(recipe)
        only = replace(method, learn=method.cold_learn or method.learn, cold_learn=None)
        return _learned(only, self.train, self.seed, recipe)

    def choose(self, fitted: FittedVectors, watch: Watch | None = None) -> Chosen:
        """As `fit` chooses how cold items are scored."""
        measure = _watched(lambda c: cold_recall(fitted, self.queries, c), watch)
        return choose(fitted, "cold", measure, trials=max(self.recipe.trials, 1), seed=self.seed)

    def judged(self, fitted: FittedVectors, choice: Choice) -> Judged:
        """As the harness judges."""
        return judge_cold(fitted, self.queries, choice)


class Link:
    """Edges taken out of the graph, against pairs of like degree without an edge, scored in the best way."""

    metric = "auc matched"

    def __init__(self, prepared: Prepared, seed: int) -> None:
        if not walks(prepared.recipe):
            raise UsageError(
                f"tuning for links needs a recipe that walks the graph; {prepared.recipe.name} reads sessions"
            )
        self.seed, self.recipe = seed, prepared.recipe
        graph, vocab = _graph(prepared)
        self.train, self.pairs, _ = link_task(
            graph, vocab, prepared.catalogue, prepared.settings(), seed=seed
        )

    def fit(self, recipe: Recipe) -> FittedVectors:
        """The set of rows that items are asked about items with."""
        return _learned(method_of(recipe), self.train, self.seed, recipe)

    def choose(self, fitted: FittedVectors, watch: Watch | None = None) -> Chosen:
        """The best of the ways to score a pair."""
        best = Chosen({}, -np.inf, len(fitted.link_kinds))
        for number, kind in enumerate(fitted.link_kinds, start=1):
            score = float(np.nanmean(self.judged(fitted, {"kind": kind}).values[self.metric]))
            if score > best.score:
                best = Chosen({"kind": kind}, score, len(fitted.link_kinds))
            if watch is not None:
                watch(number, best.score)
        return best

    def judged(self, fitted: FittedVectors, choice: Choice) -> Judged:
        """As the harness judges."""
        return judge_link(fitted, self.pairs, choice["kind"])


PURPOSES: Mapping[Purpose, str] = {
    "next-item": "what comes next in a history",
    "cold": "the neighbours of an item that nobody has clicked",
    "link": "edges that the graph lost",
}


def task_of(purpose: Purpose, prepared: Prepared, seed: int, split: Split = "auto") -> Task:
    """The task of a purpose; another seed hides other items, removes other edges, draws other queries."""
    if purpose == "next-item":
        return NextItem(prepared, seed, split)
    return Cold(prepared, seed) if purpose == "cold" else Link(prepared, seed)


def _events(prepared: Prepared, what: str) -> Events:
    if prepared.events is None:
        raise UsageError(f"tuning for {what} needs a log; a ready graph is tuned for links (--for link)")
    return prepared.events


def _graph(prepared: Prepared) -> tuple[ItemGraph, Vocab]:
    """The ready graph, or that of the log by its transitions alone, as links are judged on."""
    if prepared.graph is not None and prepared.vocab is not None:
        return prepared.graph, prepared.vocab
    events, recipe = _events(prepared, "links"), prepared.recipe
    sessions, _ = sessionize(events, recipe.sessions, recipe.clean)
    settings = recipe.graph.model_copy(update={"content_strength": 0.0})
    return item_graph(sessions, len(events.item_vocab), settings, None), events.item_vocab


def _learned(method: Any, train: TrainData, seed: int, recipe: Recipe) -> FittedVectors:
    fitted: FittedVectors = method.fit(train, seed=seed, workers=recipe.workers)
    return fitted


def _watched(measure: Callable[[Choice], float], watch: Watch | None) -> Callable[[Choice], float]:
    """The measure, with `watch` told of the best so far after each call."""
    if watch is None:
        return measure
    told: list[float] = []

    def measured(choice: Choice) -> float:
        told.append(measure(choice))
        watch(len(told), max(told))
        return told[-1]

    return measured
