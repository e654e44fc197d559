"""The last round: the best trials and the recipe again, on other seeds: what is noise gains nothing there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cowalk.evaluate.bootstrap import Estimate, bound, resampled_means
from cowalk.prepared import Prepared
from cowalk.settings import Recipe
from cowalk.tuning.purposes import Purpose, Split, task_of
from cowalk.tuning.study import Study, Tried
from cowalk.types import AnyArray


@dataclass(frozen=True)
class Final:
    """A finalist on the seeds of the last round: its mean figure, and what it gained over the recipe's own
    settings on the same questions, with 95 % bounds and the standard error of that gain.
    """

    trial: Tried
    score: float
    gain: Estimate
    error: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the gain is larger than its standard error."""
        return self.gain.mean > max(self.error, 0.0)


def finalists(tried: Sequence[Tried], most: int) -> list[Tried]:
    """The best trials that reached more than the first, which is the recipe itself; best first."""
    better = [trial for trial in tried[1:] if trial.done and trial.score > tried[0].score]
    return sorted(better, key=lambda trial: (-trial.score, trial.number))[:most]


def last_round(
    study: Study,
    candidates: Sequence[Tried],
    seeds: Sequence[int],
    prepared: Prepared,
    purpose: Purpose,
    split: Split,
    say: Callable[[str], None],
) -> list[Final]:
    """The candidates beside the recipe on each of the seeds, best first; the study keeps what is done."""
    first = study.tried()[0]
    reached: dict[int, list[tuple[AnyArray, AnyArray]]] = {}
    for seed in seeds:
        task: Any = None
        for trial in (first, *candidates):
            name = f"final {trial.number} {seed}"
            kept = study.kept(name)
            if kept is None:
                say(f"last round, seed {seed}: trial {trial.number}")
                task = task or task_of(purpose, prepared, seed, split)
                kept = _judged(task, prepared.recipe.changed(trial.changes))
                study.keep(name, kept)
            values = np.array([np.nan if v is None else v for v in kept["values"]], dtype=np.float64)
            reached.setdefault(trial.number, []).append((values, np.array(kept["groups"], dtype=np.int64)))
    found = [_final(trial, reached[first.number], reached[trial.number]) for trial in candidates]
    return sorted(found, key=lambda final: (-final.gain.mean, final.trial.number))


def _judged(task: Any, recipe: Recipe) -> dict[str, Any]:
    """The figure per question, as JSON holds it."""
    fitted = task.fit(recipe)
    judged = task.judged(fitted, task.choose(fitted).choice)
    values = judged.values[task.metric]
    told = [None if np.isnan(v) else round(float(v), 6) for v in values]
    return {"values": told, "groups": judged.groups.tolist()}


def _final(
    trial: Tried, own: Sequence[tuple[AnyArray, AnyArray]], its: Sequence[tuple[AnyArray, AnyArray]]
) -> Final:
    """The gain over the questions of all seeds, a group (an owner, an item) drawn whole."""
    values = np.concatenate([one for one, _ in its])
    gained = values - np.concatenate([one for one, _ in own])
    groups = np.concatenate([one for _, one in its])
    error = float(np.nanstd(resampled_means(gained[:, None], groups)))
    return Final(trial, float(np.nanmean(values)), bound(gained, groups), error)
