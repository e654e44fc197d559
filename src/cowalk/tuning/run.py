"""tune: a recipe, its data and a purpose to a recipe with better settings, on a validation part alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import Field

from cowalk import __version__
from cowalk.errors import DivergedError, UsageError
from cowalk.prepared import Prepared, read_inputs
from cowalk.setting_names import did_you_mean
from cowalk.settings import Recipe, load_recipe
from cowalk.tuning.default_space import default_space
from cowalk.tuning.final import Final, finalists, last_round
from cowalk.tuning.purposes import PURPOSES, Purpose, Split, Task, task_of
from cowalk.tuning.space import Knob, checked, knobs_of, own_value, parse_knobs, plain, read_knobs
from cowalk.tuning.study import COSTLY, Asked, Study, Tried, load_optuna
from cowalk.tuning.tuned import Tuned
from cowalk.tuning.work import work
from cowalk.types import Settings

MOST_COSTLY = 500  # draws in a row that cost too much before the search gives up


class TuneSettings(Settings):
    """How settings are searched."""

    trials: int = Field(50, ge=1, description="Settings tried, the recipe's own among them.")
    timeout: float | None = Field(
        None, gt=0, description="Minutes after which no new trial starts; none = as many as it takes."
    )
    finalists: int = Field(3, ge=1, description="Best trials that are tried again on other seeds.")
    seeds: int = Field(3, ge=1, description="Number of those seeds.")
    most_work: float = Field(
        2.0, ge=1, description="Trials whose learning costs more than this times the recipe's are left out."
    )
    split: Split = Field(
        "auto",
        description="Next item: the last tenth by time or each owner's last event; auto = as fit chooses.",
    )


Progress = Callable[[str, float | None], None]


def tune(
    events: Any = None,
    *,
    items: Any = None,
    edges: Any = None,
    recipe: str | Path | Recipe | Mapping[str, Any] = "eges",
    purpose: str = "next-item",
    space: str | Path | Mapping[str, Any] | Sequence[str] | None = None,
    out: str | Path | None = None,
    settings: TuneSettings | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Tuned:
    """The recipe with the settings that serve the purpose best, or as it was where no gain is beyond noise.

    purpose: "next-item", "cold" or "link". space: what is tuned, as a TOML file, a table of
    {"walks.p": "0.25..4", "learn.window": [3, 5, 10]} or texts like "walks.p=0.25..4"; without it what bears
    on the purpose. out: the recipe (TOML) to write; the study stands beside it as NAME.study and goes on when
    called again. `options` are names of TuneSettings, or changes of the recipe by `stage__name`.
    """
    load_optuna()
    known = {name: options.pop(name) for name in list(options) if name in TuneSettings.model_fields}
    settings = _settings(settings, known)
    chosen = load_recipe(recipe, {name.replace("__", "."): value for name, value in options.items()})
    target = None if out is None else _target(Path(out))
    knobs = space_of(space, chosen, purpose)
    tell = progress or (lambda words, share: None)
    prepared = read_inputs(events, items, edges, chosen, lambda words: tell(words, None))
    return search(prepared, purpose_of(purpose), knobs, settings, target, tell)


def search(
    prepared: Prepared,
    purpose: Purpose,
    space: Mapping[str, Knob],
    settings: TuneSettings,
    out: Path | None = None,
    tell: Progress = lambda words, share: None,
) -> Tuned:
    """As `tune`, of inputs that are read: the recipe is theirs."""
    return _Search(prepared, purpose, dict(space), settings, out, tell).run()


def space_of(space: Any, recipe: Recipe, purpose: str) -> dict[str, Knob]:
    """The space as given, or that of the purpose, with the recipe's own values; UsageError if it is off."""
    return checked(_knobs(space, recipe, purpose_of(purpose)), recipe)


def purpose_of(name: str) -> Purpose:
    """The purpose of this name; UsageError where there is none."""
    for purpose in PURPOSES:
        if purpose == name:
            return purpose
    raise UsageError(f"no purpose {name!r}{did_you_mean(name, PURPOSES)}; there are {', '.join(PURPOSES)}")


def _settings(settings: TuneSettings | None, changes: Mapping[str, Any]) -> TuneSettings:
    tree = (settings or TuneSettings()).model_dump() | dict(changes)
    try:
        return TuneSettings.model_validate(tree)
    except ValueError as caught:
        first = caught.errors()[0]  # type: ignore[attr-defined]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"tune: {name} = {first['input']!r}: {first['msg'].lower()}") from None


def _knobs(space: Any, recipe: Recipe, purpose: str) -> Mapping[str, Knob]:
    if space is None:
        return default_space(recipe, purpose)
    if isinstance(space, str | Path):
        return read_knobs(space, recipe.engine)
    if isinstance(space, Mapping):
        return knobs_of(space, recipe.engine)
    return parse_knobs(space, recipe.engine)


def _target(out: Path) -> Path:
    """Where the recipe is to be written; UsageError where something else stands there."""
    if out.suffix != ".toml":
        raise UsageError(f"{out}: a recipe is a TOML file; name it as in --out tuned.toml")
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.parent}")
    if out.is_dir() or (out.exists() and not study_path(out).exists()):
        raise UsageError(f"{out} is already there and no study beside it; give another --out, or remove it")
    return out


def study_path(out: Path) -> Path:
    """The file of the study beside a recipe."""
    return out.with_suffix(".study")


@dataclass
class _Search:
    """One call of tune."""

    prepared: Prepared
    purpose: Purpose
    space: dict[str, Knob]
    settings: TuneSettings
    out: Path | None
    tell: Progress

    def run(self) -> Tuned:
        """Search, then the last round; the recipe is written when all is done."""
        recipe, s = self.prepared.recipe, self.settings
        task = task_of(self.purpose, self.prepared, recipe.seed, s.split)
        path = None if self.out is None else study_path(self.out)
        own = {name: own_value(recipe, name) for name in self.space}
        study = Study(path, self.space, own, self._key(), recipe.seed)
        if study.resumed:
            self.tell(f"going on with {path}: {len(study.tried())} trials are done", None)
        late = self._trials(study, task)
        del task
        finals = self._finals(study)
        tuned = Tuned(
            recipe, self.purpose, dict(self.space), study.tried(), finals, study.importance(), s.seeds,
            dict(self.prepared.summary()), late,
        )  # fmt: skip
        if self.out is not None:
            tuned.save(self.out)
        return tuned

    def _key(self) -> dict[str, str]:
        """What the study is made for: all that a trial's figure depends on."""
        recipe = self.prepared.recipe
        left_out = {"workers", "memory_limit", "name", "description"}
        plain_recipe = recipe.model_dump_json(exclude=left_out, exclude_defaults=True)
        return {
            "version of cowalk": __version__,  # what is not said in a recipe stays as long as this does
            "recipe": blake2b(plain_recipe.encode(), digest_size=16).hexdigest(),
            "log or items": self.prepared.fingerprint,
            "purpose": self.purpose,
            "space": json.dumps(plain(self.space)),
            "split": self.settings.split,
            "bound of work": repr(self.settings.most_work),
        }

    def _trials(self, study: Study, task: Task) -> bool:
        """Trials until there are enough; True where the time was up before."""
        begun, s = monotonic(), self.settings
        costly = 0  # draws in a row
        while (n := len(done := study.tried())) < s.trials:
            if s.timeout is not None and monotonic() - begun > 60 * s.timeout and n:
                return True
            if not costly:
                self.tell(_words(done, s.trials, task.metric), n / s.trials)
            asked = study.ask()
            costly = 0 if self._tried(asked, task) else costly + 1
            if costly >= MOST_COSTLY:
                raise UsageError(
                    f"nearly all of the space costs more than {s.most_work:g} times the recipe; "
                    "raise --most-work or narrow the space"
                )
        return False

    def _tried(self, asked: Asked, task: Task) -> bool:
        """One trial, from learning to its figure; False where it would cost too much to be one."""
        recipe, begun = self.prepared.recipe.changed(asked.changes), monotonic()
        bound = self.settings.most_work * work(self.prepared.recipe, self.purpose) * (1 + 1e-9)
        if work(recipe, self.purpose) > bound:
            asked.ended(COSTLY, 0.0)
            return False
        at = max(recipe.trials // 3, 2)

        def watch(step: int, best: float) -> None:
            if step == at and asked.hopeless(step, best):
                raise _HopelessError

        try:
            fitted = task.fit(recipe)
            chosen = task.choose(fitted, watch)
        except _HopelessError:
            asked.ended("behind the median", monotonic() - begun)
        except DivergedError:
            if asked.first:  # nothing to compare with
                asked.dropped()
                raise
            asked.ended("diverged", monotonic() - begun)
        except BaseException:
            asked.dropped()
            raise
        else:
            asked.done(chosen.score, chosen.choice, monotonic() - begun)
        return True

    def _finals(self, study: Study) -> list[Final]:
        s = self.settings
        candidates = finalists(study.tried(), s.finalists)
        if not candidates:
            return []
        seeds = [self.prepared.recipe.seed + 1 + i for i in range(s.seeds)]

        def say(words: str) -> None:
            self.tell(words, None)

        return last_round(study, candidates, seeds, self.prepared, self.purpose, s.split, say)


class _HopelessError(Exception):
    """The trial lies behind the median of the others at the same step."""


def _words(done: Sequence[Tried], trials: int, metric: str) -> str:
    """How far the search is."""
    words = f"trial {len(done) + 1} of {trials}"
    reached = [trial.score for trial in done if trial.done]
    if not reached:
        return words
    return f"{words}: {metric} {reached[0]:.4f} by the recipe, {max(reached):.4f} at best"
