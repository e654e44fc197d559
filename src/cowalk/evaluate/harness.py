"""Compare methods: the same splits, the same questions, the same number of trials, for several seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from cowalk.errors import UsageError
from cowalk.evaluate.comparison import Comparison
from cowalk.evaluate.data import DataSettings, TrainData, train_data
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Choice, Chosen, Fitted, Method, Progress, Question, Reuses, choose
from cowalk.evaluate.protocols import cold as cold_items
from cowalk.evaluate.protocols import link as links
from cowalk.evaluate.protocols import next_item as next_items
from cowalk.evaluate.queries import ColdCandidates, ColdQueries, NextItemQueries
from cowalk.prepare import item_graph, refit_vocab, sessionize
from cowalk.seeds import generator
from cowalk.tables import Catalogue, Events, ItemGraph, Vocab
from cowalk.types import AnyArray, Settings

Protocol = Literal["next-item", "cold", "link"]
ALL: tuple[Protocol, ...] = ("next-item", "cold", "link")
Q = TypeVar("Q", NextItemQueries, ColdQueries, ColdCandidates)


class CompareSettings(Settings):
    """How methods are compared."""

    data: DataSettings = DataSettings()
    next_item: next_items.NextItemSettings = next_items.NextItemSettings()
    cold: cold_items.ColdTaskSettings = cold_items.ColdTaskSettings()
    link: links.LinkSettings = links.LinkSettings()
    trials: int = Field(30, ge=1, description="Settings tried on validation, for each method and question.")
    choose_on: int = Field(5000, ge=1, description="Validation queries that settings are chosen on, at most.")
    one_fit: bool = Field(
        False,
        description="One fit for next item and cold items: these are hidden from the part in time as well.",
    )


def compare(
    methods: Sequence[Method],
    events: Events | None = None,
    catalogue: Catalogue | None = None,
    *,
    graph: tuple[ItemGraph, Vocab] | None = None,
    protocols: Iterable[Protocol] = ALL,
    seeds: Iterable[int] = (1,),
    settings: CompareSettings | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    watch: Callable[[Method, Fitted], None] | None = None,
) -> Comparison:
    """What each method reaches on held-out data; nothing held out has a part in anything fitted or chosen.

    events: the whole cleaned log; without it `graph` (a ready one) is judged on links alone. Cold items need
    a catalogue. `watch` is shown each fit of the first task (for pictures of weights and losses).
    """
    settings, seeds = settings or CompareSettings(), tuple(seeds)
    wanted = _checked(methods, events, catalogue, graph, tuple(protocols), seeds)
    out = Comparison(seeds)
    for seed in seeds:
        run = _Run(methods, catalogue, settings, seed, workers, progress, out, watch)
        if events is not None and ("next-item" in wanted or "cold" in wanted):
            run.log_rounds(events, wanted)
        if "link" in wanted:
            run.link_round(graph or _whole_graph(events, catalogue, settings.data))
        watch = None
    return out


def _checked(
    methods: Sequence[Method],
    events: Events | None,
    catalogue: Catalogue | None,
    graph: tuple[ItemGraph, Vocab] | None,
    protocols: tuple[Protocol, ...],
    seeds: tuple[int, ...],
) -> tuple[Protocol, ...]:
    names = [method.name for method in methods]
    if not methods or not seeds or len(set(names)) != len(names):
        raise UsageError(f"compare: needs methods with different names, and seeds; got {names} and {seeds}")
    for protocol in protocols:
        if protocol not in ALL:
            raise UsageError(f"compare: no protocol {protocol!r}; there are {', '.join(ALL)}")
    if events is None and graph is None:
        raise UsageError("compare: give events, or a graph")
    if events is None:
        return ("link",)
    return tuple(p for p in protocols if p != "cold" or catalogue is not None)


def _whole_graph(
    events: Events | None, catalogue: Catalogue | None, data: DataSettings
) -> tuple[ItemGraph, Vocab]:
    """The graph of the whole log by its transitions alone: content edges would tell of removed ones."""
    assert events is not None
    known, _ = refit_vocab(events, data.clean.min_count)
    sessions, _ = sessionize(known, data.session, data.clean)
    plain = data.graph.model_copy(update={"content_strength": 0.0})
    return item_graph(sessions, len(known.item_vocab), plain, None), known.item_vocab


class _Run:
    """All rounds of one seed."""

    def __init__(
        self,
        methods: Sequence[Method],
        catalogue: Catalogue | None,
        settings: CompareSettings,
        seed: int,
        workers: int | None,
        progress: Progress | None,
        out: Comparison,
        watch: Callable[[Method, Fitted], None] | None,
    ) -> None:
        self.methods, self.catalogue, self.settings, self.seed = methods, catalogue, settings, seed
        self.workers, self.out, self.watch = workers, out, watch
        self.tell = progress or (lambda _: None)

    def log_rounds(self, events: Events, wanted: Sequence[Protocol]) -> None:
        """Next item and cold items, on one fit each or on one for both."""
        tasks: list[_Task] = []
        everything = np.ones(len(events), dtype=bool)
        masks = next_items.next_item_masks(events, self.settings.next_item) if "next-item" in wanted else None
        hidden = cold_items.hidden_parts(events, self.settings.cold, self.seed) if "cold" in wanted else None
        warm = everything if hidden is None else ~np.isin(events.items, np.concatenate(hidden))
        together = self.settings.one_fit and masks is not None and hidden is not None
        if masks is not None:
            train = self._train(events, masks[0] & warm if together else masks[0])
            tasks.append(self._next_item(events, masks, train))
            if not together:
                self._judge(train, tasks)
                tasks = []
        if hidden is not None:
            train = train if together else self._train(events, warm)
            tasks += self._cold(events, hidden, train)
        if tasks:
            self._judge(train, tasks)

    def link_round(self, whole: tuple[ItemGraph, Vocab]) -> None:
        """Links: nothing is chosen, every way to score is told."""
        s = self.settings
        train, pairs, figures = links.link_task(*whole, self.catalogue, s.data, s.link, seed=self.seed)
        self.out.figures.setdefault(links.NAME, []).append(figures)
        for method, fitted, seconds in self._fits(train, {links.NAME}):
            for kind in fitted.link_kinds:
                name = method.name if kind == "score" else f"{method.name} {kind}"
                judged = links.judge_link(fitted, pairs, kind)
                self.out.add(links.NAME, name, judged, Chosen({}, np.nan, 0), seconds)

    def _train(self, events: Events, keep: AnyArray) -> TrainData:
        return train_data(events.select(keep), self.catalogue, self.settings.data)

    def _next_item(self, events: Events, masks: Sequence[AnyArray], train: TrainData) -> _Task:
        most = self.settings.next_item.per_owner
        made = [
            next_items.next_item_queries(events, mask, train.vocab, per_owner=most, seed=self.seed, name=name)
            for name, mask in (("validation", masks[1]), ("test", masks[2]))
        ]
        self.out.figures.setdefault(next_items.NAME, []).append(made[0][1] | made[1][1])
        (first, _), (test, _) = made
        validation = self._few(first)
        counts = train.vocab.counts
        return _Task(
            "next-item",
            lambda fitted, choice: next_items.next_item_recall(fitted, validation, choice),
            lambda fitted, choice: next_items.judge_next_item(fitted, test, counts, choice),
        )

    def _cold(self, events: Events, hidden: Sequence[AnyArray], train: TrainData) -> list[_Task]:
        assert self.catalogue is not None
        s = self.settings
        sessions, _ = sessionize(events, s.data.session, s.data.clean)
        queries, candidates = [], []
        for rows in hidden:
            asked = cold_items.cold_queries(
                sessions, events.item_vocab, rows, train, self.catalogue, seed=self.seed
            )
            queries.append(asked)
            candidates.append(
                cold_items.cold_candidates(
                    events, rows, asked, train.vocab, per_owner=s.cold.per_owner, seed=self.seed
                )
            )
        lonely = float(np.mean(np.diff(queries[1].truth_offsets) == 0))
        hidden_items = {
            "hidden for validation": float(len(hidden[0])),
            "hidden for the test": float(len(hidden[1])),
        }
        self.out.figures.setdefault("cold", []).append(hidden_items | {"without known neighbour": lonely})
        self.out.figures.setdefault("cold-candidates", []).append(
            {"validation queries": float(len(candidates[0])), "test queries": float(len(candidates[1]))}
        )
        first, offered = self._few(queries[0]), self._few(candidates[0])
        return [
            _Task(
                "cold",
                lambda fitted, choice: cold_items.cold_recall(fitted, first, choice),
                lambda fitted, choice: cold_items.judge_cold(fitted, queries[1], choice),
            ),
            _Task(
                "cold-candidates",
                lambda fitted, choice: cold_items.candidates_recall(fitted, offered, choice),
                lambda fitted, choice: cold_items.judge_candidates(fitted, candidates[1], choice),
            ),
        ]

    def _few(self, queries: Q) -> Q:
        """At most `choose_on` of the validation queries, drawn once for all methods."""
        most = self.settings.choose_on
        if len(queries) <= most:
            return queries
        drawn = generator(self.seed, "evaluate/choose-on").permutation(len(queries))[:most]
        return queries.part(np.sort(drawn))

    def _fits(self, train: TrainData, questions: set[str]) -> Iterable[tuple[Method, Fitted, float]]:
        last: Fitted | None = None
        for method in self.methods:
            if not method.answers & questions:
                continue
            self.tell(f"seed {self.seed}: fitting {method.name} for {' and '.join(sorted(questions))}")
            start = perf_counter()
            known = method.again(last) if last is not None and isinstance(method, Reuses) else None
            last = fitted = known or method.fit(train, seed=self.seed, workers=self.workers)
            seconds = perf_counter() - start
            if self.watch is not None:
                self.watch(method, fitted)
            yield method, fitted, seconds
        self.watch = None

    def _judge(self, train: TrainData, tasks: Sequence[_Task]) -> None:
        for method, fitted, seconds in self._fits(train, {task.name for task in tasks}):
            for task in tasks:
                if task.name not in method.answers:
                    continue
                self.tell(f"seed {self.seed}: judging {method.name} on {task.name}")
                chosen = task.choose(fitted, self.settings.trials, self.seed)
                self.out.add(task.name, method.name, task.judge(fitted, chosen.choice), chosen, seconds)


class _Task:
    """A question with its validation and its test part behind two functions."""

    def __init__(
        self,
        name: Question,
        measure: Callable[[Fitted, Choice], float],
        judge: Callable[[Fitted, Choice], Judged],
    ) -> None:
        self.name, self._measure, self.judge = name, measure, judge

    def choose(self, fitted: Fitted, trials: int, seed: int) -> Chosen:
        """The settings that are best on the validation part."""
        return choose(fitted, self.name, lambda c: self._measure(fitted, c), trials=trials, seed=seed)
