"""Space: which settings are tuned and between what; written as text, read from options and TOML, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cowalk.errors import UsageError
from cowalk.learn.engines import HOMES, NETWORKS, Engine
from cowalk.settings import STAGES, Recipe, parse_value, resolve

WIDE = 8.0  # a range of positive numbers whose ends are further apart than this is searched by ratio


@dataclass(frozen=True)
class Values:
    """One of these values."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join("none" if value is None else str(value).lower() for value in self.values)

    def with_own(self, own: Any) -> Values:
        """The recipe's own value in front."""
        return Values((own, *(value for value in self.values if value != own)))


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, whole or not; log: small and large ones by ratio, not by distance."""

    low: float
    high: float
    whole: bool
    log: bool

    def __str__(self) -> str:
        kind = "whole numbers, " if self.whole else ""
        return f"{self.low:g}..{self.high:g} ({kind}{'by ratio' if self.log else 'evenly'})"

    def with_own(self, own: Any) -> Range:
        """Stretched to hold the recipe's own value."""
        log = self.log and own > 0
        return Range(min(self.low, own), max(self.high, own), self.whole, log)


Knob = Values | Range
Space = Mapping[str, Knob]
"""By `stage.name`, in the order in which they are asked for."""


def range_of(low: float, high: float, *, whole: bool = False, log: bool | None = None) -> Range:
    """A range; by ratio where both ends are positive and far apart, unless said otherwise."""
    if whole:
        low, high = round(low), round(high)
    return Range(low, high, whole, (low > 0 and high / low >= WIDE) if log is None else log)


def parse_knobs(texts: Iterable[str], engine: Engine = "skip-gram") -> dict[str, Knob]:
    """Knobs of `stage.name=values` texts: `learn.window=3,5,10` or `walks.p=0.25..4`."""
    out: dict[str, Knob] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.strip() or not values.strip():
            raise UsageError(
                f"--tune {text!r}: write it as NAME=VALUE,VALUE or NAME=LOW..HIGH, as in walks.p=0.25..4"
            )
        made = knobs_of({name.strip(): values.strip()}, engine)
        if not out.keys().isdisjoint(made):
            raise UsageError(f"--tune names {next(iter(made))} twice; give all its values at once")
        out |= made
    return out


def knobs_of(given: Mapping[str, Any], engine: Engine = "skip-gram") -> dict[str, Knob]:
    """Knobs by name: ready ones, lists of values, or texts as above."""
    full = {".".join(resolve(name, engine)): value for name, value in given.items()}
    return {name: _knob(name, value) for name, value in full.items()}


def read_knobs(path: str | Path, engine: Engine = "skip-gram") -> dict[str, Knob]:
    """Knobs of a TOML file: a table for each stage, `window = [3, 5, 10]` or `p = "0.25..4"`."""
    try:
        tree = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"space {path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"space {path}: not valid TOML ({error})") from None
    given: dict[str, Any] = {}
    for stage, table in tree.items():
        if not isinstance(table, dict):
            raise UsageError(f"space {path}: write a table for each stage, as [learn] with window = [3, 5]")
        given |= {f"{stage}.{name}": value for name, value in table.items()}
    if not given:
        raise UsageError(f"space {path}: it names no setting")
    return knobs_of(given, engine)


def _knob(name: str, given: Any) -> Knob:
    """A list of values, or the two ends of a range."""
    if isinstance(given, Values | Range):
        return given
    if isinstance(given, list | tuple):
        return _values(name, given)
    if not isinstance(given, str) or ".." not in given:
        parts = given.split(",") if isinstance(given, str) else [str(given)]
        return _values(name, [parse_value(part.strip()) for part in parts if part.strip()])
    first, _, second = given.partition("..")
    try:
        low, high = float(first), float(second)
    except ValueError:
        raise UsageError(f"space: {name} = {given!r}: the ends of a range are numbers, as 0.25..4") from None
    if not low < high:
        raise UsageError(f"space: {name} = {given!r}: a range goes from a smaller number to a larger one")
    return range_of(low, high, whole=_is_whole(name))


def _values(name: str, given: Iterable[Any]) -> Values:
    """The values, each once."""
    values: list[Any] = []
    for value in given:
        if value not in values:
            values.append(value)
    if not values:
        raise UsageError(f"space: {name} has no values")
    return Values(tuple(values))


def _is_whole(name: str) -> bool:
    stage, _, setting = name.partition(".")
    kind = STAGES.get("learn" if stage == "cold_learn" else stage)
    field = None if kind is None else kind.model_fields.get(setting)
    return field is not None and field.annotation is int


def checked(space: Mapping[str, Knob], recipe: Recipe) -> dict[str, Knob]:
    """The space with the recipe's own values in it; UsageError names what cannot be tuned, and why."""
    out = {}
    for name, knob in space.items():
        resolve(name)
        why = _why_not(name, recipe)
        if why:
            raise UsageError(f"{name} cannot be tuned: {why}")
        own = own_value(recipe, name)
        if isinstance(knob, Range) and (isinstance(own, bool) or not isinstance(own, int | float)):
            raise UsageError(f"{name} is no number; list its values, as {name}={own},...")
        ends = knob.values if isinstance(knob, Values) else (knob.low, knob.high)
        for value in ends:
            recipe.changed({name: value if isinstance(knob, Values) else _as(knob, value)})
        out[name] = knob.with_own(own)
    return out


def _why_not(name: str, recipe: Recipe) -> str:
    """Why a setting cannot be tuned with this recipe; empty where it can."""
    stage, home = name.partition(".")[0], HOMES[recipe.engine]
    if stage in ("recommend", "cold", "cooccurrence"):
        return "it is chosen anew in each trial, by as many tries as the setting trials says"
    if stage == "train" and recipe.engine in NETWORKS:
        return ""
    if stage not in ("walks", "cold_learn", *HOMES.values()):
        return f"it changes the data; what is tuned stands in walks and {home}"
    if stage == "walks" and not walks(recipe):
        return f"{recipe.name} walks nowhere"
    if stage == "cold_learn" and not recipe.cold_learn:
        return f"{recipe.name} learns one set of rows; tune {home}"
    if stage in HOMES.values() and stage != home:
        return f"engine {recipe.engine} reads [{home}]"
    return ""


def walks(recipe: Recipe) -> bool:
    """Whether the recipe's engine reads walks over the graph."""
    return getattr(getattr(recipe, HOMES[recipe.engine]), "sequences", "") == "walks"


def _as(knob: Range, value: float) -> float:
    return int(value) if knob.whole else value


def own_value(recipe: Recipe, name: str) -> Any:
    """What the recipe says itself."""
    stage, _, setting = name.partition(".")
    home = recipe.learn_for_cold if stage == "cold_learn" else getattr(recipe, stage)
    return getattr(home, setting)


def plain(space: Space) -> dict[str, str]:
    """By name as text: what is shown, and what tells two spaces apart."""
    return {name: str(knob) for name, knob in space.items()}
