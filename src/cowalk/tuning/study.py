"""Study: the trials of one search, kept in a file after each; Optuna draws what is tried next."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cowalk.errors import DataError, MissingExtraError, UsageError
from cowalk.seeds import stream
from cowalk.tuning.space import Range, Space

NAME = "cowalk"
BLIND = 10  # trials drawn blindly before Optuna's model of the good and the bad ones draws
KEY, SPENT, WHY, CHOICE = "made for", "seconds", "ended because", "scorer"
COSTLY = "costs too much"  # such a draw is no trial


@dataclass(frozen=True)
class Tried:
    """One trial: what it changed, the figure it reached (NaN where it was ended early, `why` says for what),
    the scorer settings chosen in it, and its seconds.
    """

    number: int
    changes: dict[str, Any]
    score: float
    choice: dict[str, Any]
    seconds: float
    why: str = ""

    @property
    def done(self) -> bool:
        """Whether it was carried through."""
        return not self.why


class Asked:
    """A trial under way; the first is the recipe itself."""

    def __init__(self, study: Study, trial: Any, changes: dict[str, Any], first: bool) -> None:
        self._study, self._trial, self.changes, self.first = study, trial, changes, first

    def hopeless(self, step: int, best: float) -> bool:
        """Whether half of the finished trials had a better figure than this at the same step."""
        self._trial.report(best, step)
        return bool(self._trial.should_prune())

    def done(self, score: float, choice: Mapping[str, Any], seconds: float) -> None:
        """Keep what it reached."""
        told = {CHOICE: dict(choice), SPENT: round(seconds, 2)}
        self._study.tell(self._trial, score, "COMPLETE", told)

    def ended(self, why: str, seconds: float) -> None:
        """Keep that it was ended early."""
        self._study.tell(self._trial, None, "PRUNED", {WHY: why, SPENT: round(seconds, 2)})

    def dropped(self) -> None:
        """Forget it: it will be drawn again."""
        self._study.tell(self._trial, None, "FAIL", {})


class Study:
    """The search over one space, in a file (a journal of JSON lines) or in memory.

    own: the recipe's values, which are tried first. key: what the study is made for, by name; UsageError
    where the file holds a study made for something else, DataError where it holds none. The n-th draw
    depends on the seed and on the trials before it alone, so a study that was interrupted goes on as if it
    had not been.
    """

    def __init__(
        self, path: Path | None, space: Space, own: Mapping[str, Any], key: Mapping[str, str], seed: int
    ) -> None:
        self.optuna = load_optuna()
        self.path, self.space, self.own, self.seed = path, space, own, seed
        self._distributions = {name: self._distribution(knob) for name, knob in space.items()}
        self.resumed = path is not None and path.exists()
        self._study = self._opened()
        self._check(dict(key))
        for trial in self._study.get_trials(deepcopy=False):  # of a run that was killed
            if trial.state.name == "RUNNING":
                self._study.tell(trial.number, state=self.optuna.trial.TrialState.FAIL)

    def _opened(self) -> Any:
        storages, storage = self.optuna.storages, None
        try:
            if self.path is not None:
                storage = storages.JournalStorage(storages.journal.JournalFileBackend(str(self.path)))
            how = {"storage": storage, "pruner": self.optuna.pruners.MedianPruner(n_startup_trials=BLIND)}
            if storage is not None and NAME in self.optuna.get_all_study_names(storage):
                return self.optuna.load_study(study_name=NAME, **how)
            return self.optuna.create_study(study_name=NAME, direction="maximize", **how)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
            raise DataError(f"{self.path}: not a study that can be read; remove it to begin anew") from None

    def _check(self, key: dict[str, str]) -> None:
        known = self._study.user_attrs.get(KEY)
        if known is None and not self._study.get_trials(deepcopy=False):
            self._study.set_user_attr(KEY, key)
            return
        known = known or {}
        other = [name for name in key if known.get(name) != key[name]]
        if other:
            raise UsageError(
                f"{self.path}: a study is already there, made for another {' and '.join(other)}; "
                "give another --out, or remove that file to begin anew"
            )

    def _distribution(self, knob: Any) -> Any:
        made = self.optuna.distributions
        if not isinstance(knob, Range):
            return made.CategoricalDistribution([json.dumps(value) for value in knob.values])
        if knob.whole:
            return made.IntDistribution(int(knob.low), int(knob.high), log=knob.log)
        return made.FloatDistribution(knob.low, knob.high, log=knob.log)

    def tried(self) -> list[Tried]:
        """All trials that were run, in their order, numbered from 0: the recipe's own settings."""
        run = [trial for trial in self._told() if trial.user_attrs.get(WHY) != COSTLY]
        return [self._tried(number, trial) for number, trial in enumerate(run)]

    def _told(self) -> list[Any]:
        return [t for t in self._study.get_trials(deepcopy=False) if t.state.name in ("COMPLETE", "PRUNED")]

    def _tried(self, number: int, trial: Any) -> Tried:
        told = trial.user_attrs
        score = trial.value if trial.state.name == "COMPLETE" else math.nan
        return Tried(
            number, self._changes(trial.params), score, told.get(CHOICE, {}), told[SPENT], told.get(WHY, "")
        )

    def _changes(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _short(params[name], self.own[name])
            if isinstance(knob, Range)
            else json.loads(params[name])
            for name, knob in self.space.items()
        }

    def ask(self) -> Asked:
        """What is tried next: first the recipe's own values, then what the sampler draws."""
        told = self._told()
        waiting = [t for t in self._study.get_trials(deepcopy=False) if t.state.name == "WAITING"]
        if not told and not waiting:
            own = self.own.items()
            first = {n: v if isinstance(self.space[n], Range) else json.dumps(v) for n, v in own}
            self._study.enqueue_trial(first)
        self._study.sampler = self.optuna.samplers.TPESampler(
            n_startup_trials=BLIND, multivariate=True, constant_liar=False,
            seed=stream(self.seed, f"tune/trial {len(told)}") % 2**32,
        )  # fmt: skip
        trial = self._study.ask(self._distributions)
        return Asked(self, trial, self._changes(trial.params), not told)

    def tell(self, trial: Any, score: float | None, state: str, told: Mapping[str, Any]) -> None:
        """Keep how a trial ended; DataError where another run has taken the study over."""
        try:
            for name, value in told.items():
                trial.set_user_attr(name, value)
            self._study.tell(trial, score, state=self.optuna.trial.TrialState[state])
        except self.optuna.exceptions.UpdateFinishedTrialError:
            raise DataError(f"{self.path}: another run works on this study; let one of them end") from None

    def kept(self, name: str) -> Any:
        """What was kept under this name; None where nothing was."""
        return self._study.user_attrs.get(name)

    def keep(self, name: str, value: Any) -> None:
        """Keep something that JSON can hold."""
        self._study.set_user_attr(name, value)

    def importance(self) -> dict[str, float]:
        """Share of each setting in how good a trial is (PED-ANOVA), largest first; {} if untold."""
        scores = {trial.value for trial in self._study.get_trials(deepcopy=False) if trial.value is not None}
        if len(scores) < 2 or not self.space:
            return {}
        try:
            found = self.optuna.importance.get_param_importances(self._study)
        except (ValueError, RuntimeError):
            return {}
        return {name: float(share) for name, share in found.items()}


def _short(value: Any, own: Any) -> Any:
    """A drawn number in four digits, so that recipes read well; the recipe's own as it is."""
    if math.isclose(value, own, rel_tol=1e-9):
        return own
    return value if isinstance(value, int) else float(f"{value:.4g}")


def load_optuna() -> Any:
    """The library, quiet; MissingExtraError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("tuning needs Optuna: pip install 'cowalk[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
