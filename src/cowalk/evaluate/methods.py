"""What a method under judgement is: it is fitted on the training part, then answers the questions it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, Protocol

from cowalk.errors import UsageError
from cowalk.evaluate.data import TrainData
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
    """A way to learn from a training part."""

    name: str

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """What was learned, equal for equal (train, seed)."""
        ...


class Fitted:
    """A fitted method; it answers the questions in `answers`, by the choice of settings it is given.

    Fits may also carry `weights` (mean learned weight by field name) and `losses` for the report.
    """

    answers: frozenset[Question] = frozenset()
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
    """The best of `trials` settings by `measure` (higher is better, ties to the earlier): the default, then
    draws.

    Fewer are tried only where the space holds fewer.
    """
    settings = draws(fitted.space(question), trials, seed)
    scores = [measure(choice) for choice in settings]
    best = max(range(len(settings)), key=lambda i: (scores[i], -i))
    return Chosen(settings[best], scores[best], len(settings))


def draws(space: Space, trials: int, seed: int) -> list[dict[str, Any]]:
    """At most `trials` different settings: the defaults first, then seeded uniform draws from the space."""
    size = 1
    for values in space.values():
        size *= len(values)
    rng = generator(seed, "evaluate/choose")
    found = {tuple(0 for _ in space): None}
    while len(found) < min(trials, size):
        found.setdefault(tuple(int(rng.integers(len(values))) for values in space.values()))
    return [{name: space[name][at] for name, at in zip(space, places, strict=True)} for places in found]
