"""The space that is searched where none is given: by purpose, around the recipe's own values."""

from __future__ import annotations

from collections.abc import Callable
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
        stage = HOMES[recipe.engine]
        return space | {f"{stage}.{name}": knob for name, knob in _common(getattr(recipe, stage)).items()}
    second = recipe.learn_for_cold if purpose != "next-item" else None
    home, own = ("learn", recipe.learn) if second is None else ("cold_learn", second)
    knobs = _common(own) | _skip_gram(own) | (_fields(own) if purpose == "cold" else {})
    return space | {f"{home}.{name}": knob for name, knob in knobs.items()}


def _walks(recipe: Recipe) -> dict[str, Knob]:
    w = recipe.walks
    return {
        "walks.p": range_of(0.25, 4),
        "walks.q": range_of(0.25, 4),
        "walks.walk_length": range_of(max(2, w.walk_length / 2), 2 * w.walk_length, whole=True, log=True),
        "walks.num_walks": range_of(max(1, w.num_walks / 2), 2 * w.num_walks, whole=True, log=True),
    }


def _common(own: Settings) -> dict[str, Knob]:
    """Sizes from half to twice the recipe's, steps by ratio, of the settings that this engine has."""

    def n(name: str) -> Any:
        return getattr(own, name)

    made: dict[str, Callable[[], Knob]] = {
        "window": lambda: range_of(max(1, n("window") // 2), 2 * n("window"), whole=True),
        "vector_size": lambda: Values((max(n("vector_size") // 2, 1), 3 * n("vector_size") // 2)),
        "negative": lambda: range_of(max(1, n("negative") / 2), 4 * n("negative"), whole=True, log=True),
        "step": lambda: range_of(n("step") / 5, n("step") * 5, log=True),
        "epochs": lambda: range_of(max(1, n("epochs") / 2), 2 * n("epochs"), whole=True, log=True),
        "alpha": lambda: range_of(0, 2 * max(n("alpha"), 1)),
        "beta": lambda: range_of(n("beta") / 10, 10 * n("beta"), log=True),
        "regularization": lambda: range_of(n("regularization") / 10, 10 * n("regularization"), log=True),
    }
    return {name: make() for name, make in made.items() if getattr(own, name, 0)}


def _skip_gram(own: LearnSettings) -> dict[str, Knob]:
    """What the skip-gram family has besides."""
    out: dict[str, Knob] = {"ns_exponent": range_of(0, 1), "contexts": Values(("symmetric", "forward"))}
    if own.input == "weighted":
        out["own_prior"] = range_of(own.own_prior - 2, own.own_prior + 2)
    return out


def _fields(own: LearnSettings) -> dict[str, Knob]:
    """How much is learned by the attributes, for items that have nothing else."""
    if own.input == "own":
        return {}
    return {
        "own_dropout": range_of(0, 0.5),
        "step_fields": range_of(0.3, 3, log=True),
        "multi": Values(("mean", "idf")),
    }
