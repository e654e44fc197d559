"""The space that is searched where none is given: by purpose, around the recipe's own values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cowalk.learn import LearnSettings
from cowalk.learn.engines import HOMES
from cowalk.settings import Recipe
from cowalk.tuning.space import Knob, Values, range_of, walks
from cowalk.types import Settings


def default_space(recipe: Recipe, purpose: str) -> dict[str, Knob]:
    """What bears on the rows that the purpose asks: walks where there are any, then learning.

    Cold items and links ask the second set of rows where the recipe learns one; then its settings are tuned.
    """
    space = _walks(recipe) if walks(recipe) else {}
    if recipe.engine != "skip-gram":
        home = HOMES[recipe.engine]
        return space | _named(home, OTHERS[recipe.engine], getattr(recipe, home))
    second = recipe.learn_for_cold if purpose != "next-item" else None
    home, own = ("learn", recipe.learn) if second is None else ("cold_learn", second)
    return space | _named(home, _skip_gram(own, purpose), own)


OTHERS: dict[str, tuple[str, ...]] = {
    "hema": ("window", "vector_size", "field_size", "negative", "step", "epochs", "weight", "beta"),
    "als": ("vector_size", "epochs", "regularization", "confidence", "weighting"),
    "bpr": ("vector_size", "epochs", "regularization", "step", "weighting"),
    "two-tower": ("vector_size", "last", "temperature", "id_dropout"),
    "youtube-dnn": ("vector_size", "last", "negatives", "negative_power"),
}
"""What is searched of the other engines; `weight` and `confidence` are what alpha means to each."""


def _skip_gram(own: LearnSettings, purpose: str) -> list[str]:
    """Names of the skip-gram family that these settings read."""
    names = ["vector_size", "step", "epochs"]
    if own.pairs == "window":
        names += ["window", "contexts"]
    if own.objective == "negative-sampling":
        names += ["negative", "ns_exponent"]
    if own.sequences == "sessions":
        names.append("sample")
    if own.input == "weighted":
        names.append("own_prior")
    if purpose == "cold" and own.input != "own":
        names += ["own_dropout", "step_fields", "multi"]
    return names


def _named(stage: str, names: Iterable[str], own: Settings) -> dict[str, Knob]:
    """Sizes from half to twice the recipe's; steps and weights by ratio, as only their order is known."""

    def n(name: str) -> Any:
        return getattr(own, name)

    def size(name: str) -> Knob:
        return Values((max(n(name) // 2, 2), 3 * n(name) // 2))

    def ratio(name: str, most: float) -> Knob:
        return range_of(n(name) / most, n(name) * most, log=True)

    made: dict[str, Callable[[], Knob]] = {
        "vector_size": lambda: size("vector_size"),
        "field_size": lambda: size("field_size"),
        "window": lambda: range_of(max(1, n("window") // 2), 2 * n("window"), whole=True),
        "contexts": lambda: Values(("symmetric", "forward")),
        "negative": lambda: range_of(max(1, n("negative") / 2), 4 * n("negative"), whole=True, log=True),
        "ns_exponent": lambda: range_of(-0.5 if n("sequences") == "sessions" else 0, 1),
        "sample": lambda: Values((0.0, 1e-4, 1e-3, 1e-2)),
        "step": lambda: ratio("step", 5),
        "epochs": lambda: range_of(max(1, n("epochs") / 2), 2 * n("epochs"), whole=True, log=True),
        "own_prior": lambda: range_of(n("own_prior") - 2, n("own_prior") + 2),
        "own_dropout": lambda: range_of(0, 0.5),
        "step_fields": lambda: range_of(0.3, 3, log=True),
        "multi": lambda: Values(("mean", "idf")),
        "beta": lambda: ratio("beta", 10) if n("beta") else range_of(0, 0.1),
        "regularization": lambda: ratio("regularization", 10) if n("regularization") else range_of(0, 0.1),
        "weight": lambda: range_of(0, 2 * max(n("alpha"), 1)),
        "confidence": lambda: ratio("alpha", 10),
        "last": lambda: range_of(max(1, n("last") / 2), 2 * n("last"), whole=True, log=True),
        "temperature": lambda: ratio("temperature", 2),
        "id_dropout": lambda: range_of(0, 0.5),
        "negatives": lambda: range_of(n("negatives") / 4, 2 * n("negatives"), whole=True, log=True),
        "negative_power": lambda: range_of(0, 1),
        "weighting": lambda: Values(("none", "bm25")),
    }
    alpha = {"weight": "alpha", "confidence": "alpha"}
    return {f"{stage}.{alpha.get(name, name)}": made[name]() for name in names}


def _walks(recipe: Recipe) -> dict[str, Knob]:
    w = recipe.walks
    return {
        "walks.p": range_of(0.25, 4),
        "walks.q": range_of(0.25, 4),
        "walks.walk_length": range_of(max(2, w.walk_length / 2), 2 * w.walk_length, whole=True, log=True),
        "walks.num_walks": range_of(max(1, w.num_walks / 2), 2 * w.num_walks, whole=True, log=True),
    }
