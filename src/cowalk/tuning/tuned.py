"""Tuned: what a search found, as a recipe with comments, and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cowalk.choosing import chosen_changes
from cowalk.settings import Recipe, toml_value
from cowalk.tuning.final import Final
from cowalk.tuning.purposes import PURPOSES, Purpose
from cowalk.tuning.space import Space
from cowalk.tuning.study import Tried


@dataclass(frozen=True)
class Tuned:
    """trials: in their order, the first is the recipe as it was; finals: the last round, best first;
    importance: share of each setting in how good a trial is; late: whether the time was up before the trials.
    """

    before: Recipe
    purpose: Purpose
    space: Space
    trials: list[Tried]
    finals: list[Final]
    importance: dict[str, float]
    seeds: int
    data: dict[str, Any]
    late: bool = False

    @property
    def winner(self) -> Final | None:
        """The best of the last round; None where no gain was beyond the noise, and the recipe stands."""
        best = self.finals[0] if self.finals else None
        return best if best is not None and best.beyond_noise else None

    @property
    def changes(self) -> dict[str, Any]:
        """What the search changed, by `stage.name`: settings of learning, and the scorer chosen with them."""
        if self.winner is None:
            return {}
        trial = self.winner.trial
        return trial.changes | chosen_changes(self.purpose, trial.choice)

    @property
    def recipe(self) -> Recipe:
        """The recipe with them."""
        return self.before.changed(self.changes)

    @property
    def verdict(self) -> str:
        """What came of it, in a sentence."""
        best = self.finals[0] if self.finals else None
        if best is None:
            return "no trial was better than the recipe; it stands as it was"
        g = best.gain
        words = (
            f"trial {best.trial.number} gains {g.mean:+.4f} ({g.low:+.4f}, {g.high:+.4f}) over the recipe "
            f"on {self.seeds} other seeds, standard error {best.error:.4f}"
        )
        return words if self.winner is not None else f"{words}: within the noise; the recipe stands as it was"

    def best(self, n: int = 10) -> list[Tried]:
        """The n best trials."""
        done = [trial for trial in self.trials if trial.done]
        return sorted(done, key=lambda trial: (-trial.score, trial.number))[:n]

    def to_toml(self) -> str:
        """The recipe as TOML with what was tuned in comments; it reads back to `recipe`."""
        recipe = self.recipe
        tree = recipe.model_dump(mode="json", exclude_unset=True)
        tree.pop("workers", None)
        named = {"name": f"{self.before.name}-tuned", "description": self._description()}
        top = {key: value for key, value in tree.items() if not isinstance(value, dict)} | named
        lines = [*self._head(), *(f"{key} = {toml_value(value)}" for key, value in top.items())]
        for stage, table in tree.items():
            if isinstance(table, dict) and table:
                lines += ["", f"[{stage}]", *(self._line(stage, name, table[name]) for name in table)]
        return "\n".join(lines) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the TOML file, whole or not at all."""
        target = Path(path)
        draft = target.with_name(f"{target.name}.new")
        draft.write_text(self.to_toml(), encoding="utf-8")
        draft.replace(target)

    def _description(self) -> str:
        return f"{self.before.name} tuned for {PURPOSES[self.purpose]}."

    def _head(self) -> list[str]:
        done = [trial for trial in self.trials if trial.done]
        told = [
            f"{self.before.name}, tuned by cowalk for {self.purpose}: {PURPOSES[self.purpose]}.",
            f"{len(self.trials)} trials on a validation part, {len(self.trials) - len(done)} ended early; "
            f"the recipe itself reached {self.trials[0].score:.4f}.",
            f"Last round: {self.verdict}.",
        ]
        for kind in ("events", "items", "edges"):
            source = self.data.get(f"{kind} source")
            if source is not None:
                told.append(f"{kind}: {Path(source).name if isinstance(source, str) else source}")
        tuned = ", ".join(f"{name} {knob}" for name, knob in self.space.items())
        return [f"# {line}" for line in [*told, f"Searched: {tuned}"]]

    def _line(self, stage: str, name: str, value: Any) -> str:
        line = f"{name} = {toml_value(value)}"
        full = f"{stage}.{name}"
        if full not in self.changes:
            return line
        kind = "tuned" if full in self.space else "chosen with it"
        return f"{line}  # {kind}"


def trial_rows(trials: Sequence[Tried], names: Sequence[str]) -> list[list[str]]:
    """A row of text for each trial: number, figure, seconds, and the settings of these names."""
    return [
        [str(t.number), f"{t.score:.4f}", f"{t.seconds:.0f}", *(shown(t.changes[name]) for name in names)]
        for t in trials
    ]


def shown(value: Any) -> str:
    """A setting in few digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
