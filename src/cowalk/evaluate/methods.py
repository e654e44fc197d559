"""What a method under judgement is: it is fitted on the training part, then answers the questions it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, NoReturn, Protocol, runtime_checkable

import numpy as np

from cowalk.errors import UsageError
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.queries import ColdCandidates
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

    First the defaults, then a sixth of the trials drawn blindly, then changes of one or two knobs of the best
    so far: the same search for every method. Fewer are tried only where the space holds fewer.
    """
    space = fitted.space(question)
    rng = generator(seed, f"evaluate/choose/{question}")
    tried: dict[tuple[int, ...], float] = {}
    best = places = tuple(0 for _ in space)
    number = min(trials, prod(len(values) for values in space.values()))
    while True:
        tried[places] = measure(_named(space, places))
        best = places if tried[places] > tried[best] else best
        if len(tried) >= number:
            return Chosen(_named(space, best), tried[best], len(tried))
        while places in tried:
            places = _next(space, best if len(tried) > trials // 6 else None, rng)


def default_choice(space: Space) -> dict[str, Any]:
    """The first value of every knob."""
    return _named(space, tuple(0 for _ in space))


def _named(space: Space, places: tuple[int, ...]) -> dict[str, Any]:
    return {name: space[name][at] for name, at in zip(space, places, strict=True)}


def _next(space: Space, best: tuple[int, ...] | None, rng: np.random.Generator) -> tuple[int, ...]:
    """A blind draw, or `best` with one or two knobs drawn anew; at times a blind one too, so that no corner
    locks.
    """
    sizes = [len(values) for values in space.values()]
    drawn = tuple(int(rng.integers(size)) for size in sizes)
    if best is None or rng.random() < 0.1:
        return drawn
    moved = rng.permutation(len(sizes))[: 1 + int(rng.random() < 0.5)]
    return tuple(drawn[i] if i in moved else best[i] for i in range(len(sizes)))
