"""What a method under judgement is: it is fitted on the training part, then answers the questions it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, NoReturn, Protocol, runtime_checkable

import numpy as np

from cowalk.errors import UsageError
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.queries import ColdCandidates, NextItemQueries
from cowalk.seeds import generator
from cowalk.tables import Field, Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets

Question = Literal["next-item", "cold", "cold-candidates", "link"]
Choice = Mapping[str, Any]
"""One setting of every knob of a question; {} where there is none."""
Space = Mapping[str, tuple[Any, ...]]
"""The values that may be tried for each knob, its default first."""
Progress = Callable[[str], None]


class Method(Protocol):
    """A way to learn from a training part; `answers` are the questions its fits answer at best."""

    @property
    def name(self) -> str: ...

    @property
    def answers(self) -> frozenset[Question]: ...

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """What was learned, equal for equal (train, seed)."""
        ...


@runtime_checkable
class Reuses(Protocol):
    """A method that can take over what another one learned."""

    def again(self, fitted: Fitted) -> Fitted | None:
        """What another method learned from the same part and seed, if this one would learn the very same."""
        ...


class Fitted:
    """A fitted method; it answers the questions of its method by the choice of settings it is given."""

    link_kinds: tuple[str, ...] = ("score",)

    def space(self, question: Question) -> Space:
        """The settings that may be chosen on the validation part."""
        return {}

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        """The k best items for each history (rows of the training vocabulary, oldest first)."""
        self._cannot("recommend")

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        """float32[n, V]: how well each warm item fits each of n cold items, by their attributes alone."""
        self._cannot("score cold items")

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        """The k best of warm rows 0..V-1 and cold rows V..V+n-1 for each history."""
        self._cannot("recommend cold items")

    def recommend_at(
        self, items: Ids, offsets: Offsets, times: Offsets | None, k: int, exclude_seen: bool, choice: Choice
    ) -> Hits:
        """As `recommend`; times: int64[*] of the histories' events, for methods that look at their age."""
        return self.recommend(items, offsets, k, exclude_seen, choice)

    def recommend_for(self, asked: NextItemQueries, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        """As `recommend_at`, of queries that may tell who asks."""
        return self.recommend_at(asked.items, asked.offsets, asked.times, k, exclude_seen, choice)

    def cold_candidates_at(self, asked: ColdCandidates, k: int, choice: Choice) -> Hits:
        """As `cold_candidates`, of queries that may have times."""
        return self.cold_candidates(asked.items, asked.offsets, asked.fields, asked.n_cold, k, choice)

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        """float64[P]: how likely each (source, target) is an edge; kind is one of `link_kinds`."""
        self._cannot("score links")

    def _cannot(self, what: str) -> NoReturn:
        raise UsageError(f"{type(self).__name__} does not {what}")


@dataclass(frozen=True)
class Chosen:
    """The settings found on validation, the validation figure, and how many settings were tried."""

    choice: dict[str, Any]
    score: float
    trials: int


def choose(
    fitted: Fitted, question: Question, measure: Callable[[Choice], float], *, trials: int = 30, seed: int = 0
) -> Chosen:
    """The best of `trials` settings by `measure`: higher is better, ties to the earlier.

    From the defaults one knob after the other, the space's first one first and then in a random order, is
    moved to the next value on either side, and on in that direction for as long as it does not get worse;
    where no such move helps, two knobs are drawn anew. The same search for every method. Fewer are tried only
    where the space holds fewer.
    """
    space = fitted.space(question)
    search = _Search(space, measure, trials)
    rng = generator(seed, f"evaluate/choose/{question}")
    if space:
        search.along(0, 1)
    while search.left > 0:
        before = search.left
        for knob in rng.permutation(len(space)):
            search.along(int(knob), 1 if rng.random() < 0.5 else -1)
        if search.left == before:
            search.jump(rng)
    return Chosen(search.named(search.best), search.tried[search.best], len(search.tried))


LEVEL = 2
"""Steps in a row that change nothing and are walked over."""


class _Search:
    """What was tried so far; a setting is a place on each knob's line, where numbers stand in their order."""

    def __init__(self, space: Space, measure: Callable[[Choice], float], trials: int) -> None:
        self._lines = {name: _in_order(values) for name, values in space.items()}
        self._measure = measure
        self.tried: dict[tuple[int, ...], float] = {}
        self._most = min(trials, prod(len(line) for line in self._lines.values()))
        self.best = tuple(self._lines[name].index(values[0]) for name, values in space.items())
        self._value(self.best)

    @property
    def left(self) -> int:
        """How many settings may still be tried."""
        return self._most - len(self.tried)

    def named(self, places: tuple[int, ...]) -> dict[str, Any]:
        """The setting by the names of its knobs."""
        return {name: line[at] for (name, line), at in zip(self._lines.items(), places, strict=True)}

    def along(self, knob: int, direction: int) -> None:
        """Move one knob of the best setting this way while it gets better; else the other way."""
        if not self._walk(knob, direction):
            self._walk(knob, -direction)

    def jump(self, rng: np.random.Generator) -> None:
        """Try a setting that was not tried yet: the best one with two knobs drawn anew, at times all."""
        sizes = [len(line) for line in self._lines.values()]
        while True:
            moved = rng.permutation(len(sizes))[: 2 if rng.random() < 0.8 else len(sizes)]
            drawn = tuple(int(rng.integers(n)) if i in moved else self.best[i] for i, n in enumerate(sizes))
            if drawn not in self.tried:
                self.best = drawn if self._value(drawn) > self._value(self.best) else self.best
                return

    def _walk(self, knob: int, direction: int) -> bool:
        """Whether at least one step was an improvement; LEVEL steps that change nothing are walked over."""
        line = list(self._lines.values())[knob]
        moved, level, at = False, 0, self.best[knob] + direction
        while self.left > 0 and 0 <= at < len(line) and level <= LEVEL:
            places = tuple(at if i == knob else place for i, place in enumerate(self.best))
            gain = self._value(places) - self._value(self.best)
            if gain > 0:
                self.best, moved, level = places, True, 0
            elif gain == 0:
                level += 1
            else:
                break
            at += direction
        return moved

    def _value(self, places: tuple[int, ...]) -> float:
        if places not in self.tried:
            self.tried[places] = self._measure(self.named(places))
        return self.tried[places]


def _in_order(values: tuple[Any, ...]) -> list[Any]:
    """Numbers rising, anything else as it stands."""
    return sorted(values) if all(isinstance(value, int | float) for value in values) else list(values)


def default_choice(space: Space) -> dict[str, Any]:
    """The first value of every knob."""
    return {name: values[0] for name, values in space.items()}
