"""A task for tests of the search: the figure is written arithmetic on the settings, and costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cowalk.errors import DivergedError
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Chosen
from cowalk.settings import Recipe

QUESTIONS = 400


def truth(recipe: Recipe) -> float:
    """Best at window 8 and step 0.4; 0 is the best there is."""
    return -abs(recipe.learn.window - 8) / 10 - abs(np.log(recipe.learn.step / 0.4)) / 10


class Written:
    """Stands for a Task: `noise` per question differs by seed, and by settings too."""

    metric = "recall@20"

    def __init__(self, seed: int = 0, noise: float = 0.0, figure: Callable[[Recipe], float] = truth) -> None:
        self.seed, self.noise, self.figure = seed, noise, figure
        self.fitted: list[Recipe] = []

    def fit(self, recipe: Recipe) -> Any:
        self.fitted.append(recipe)
        if recipe.learn.window == 13:
            raise DivergedError("learning left the finite numbers")
        return recipe

    def choose(self, fitted: Any, watch: Callable[[int, float], None] | None = None) -> Chosen:
        score = float(self._values(fitted).mean())
        for step in range(1, 31):
            if watch is not None:
                watch(step, score)
        return Chosen({"decay": 0.5, "window": 7}, score, 30)

    def judged(self, fitted: Any, choice: Any) -> Judged:
        return Judged(np.arange(QUESTIONS), {self.metric: self._values(fitted)}, {})

    def _values(self, recipe: Recipe) -> Any:
        rng = np.random.default_rng([self.seed, recipe.learn.window, int(1e6 * recipe.learn.step)])
        return self.figure(recipe) + self.noise * rng.standard_normal(QUESTIONS)
