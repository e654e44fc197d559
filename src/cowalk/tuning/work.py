"""How much learning a recipe asks for, so that no trial costs many times what the recipe costs."""

from __future__ import annotations

from typing import Any

from cowalk.learn import LearnSettings
from cowalk.learn.engines import HOMES
from cowalk.settings import Recipe
from cowalk.tuning.space import walks


def work(recipe: Recipe, purpose: str) -> float:
    """Numbers multiplied and added per item of the graph (per event on sessions), of the rows that the
    purpose asks; an estimate that is right as a ratio of two recipes of one engine.
    """
    if recipe.engine != "skip-gram":
        own = getattr(recipe, HOMES[recipe.engine])
        return float(_passes(recipe, own) * getattr(own, "vector_size", 1))
    second = recipe.learn_for_cold
    if second is None:
        return _of(recipe, recipe.learn)
    return _of(recipe, second) + (_of(recipe, recipe.learn) if purpose == "next-item" else 0.0)


def _passes(recipe: Recipe, own: Any) -> int:
    """Positions that are learned from, per item or per event."""
    walked = recipe.walks.num_walks * recipe.walks.walk_length if walks(recipe) else 1
    return int(getattr(own, "epochs", 1) * walked)


def _of(recipe: Recipe, s: LearnSettings) -> float:
    contexts = (s.window + 1) / 2 if s.shrink_windows else s.window
    contexts *= 2 if s.contexts == "symmetric" else 1
    rows = contexts + s.negative if s.negatives_per == "position" else contexts * (1 + s.negative)
    return float(_passes(recipe, s) * rows * s.vector_size)
