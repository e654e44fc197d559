"""The section on updates: ten daily updates beside ten full retrainings and no update at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table

NAMES = ("updates",)
HEAD = ("", "Recall@20 of the next day", "new items", "CPU s a day", "s a day")
LEAST, COST, COSINE = -0.02, 0.1, 0.95


def updates(result: Result) -> tuple[str, Bars]:
    """Ways to keep a model up to date, and the bars of each mode."""
    s, figures = result["settings"], result["figures"]
    new = figures["new items"]
    rows = [
        (
            name,
            f"{figures['recall@20'][name]:.4f}",
            _figure(new["recall@20"], name),
            _figure(figures["costs"].get(name, {}), "cpu seconds", 2),
            _figure(figures["costs"].get(name, {}), "seconds", 2),
        )
        for name in ("none", *figures["modes"], "full")
    ]
    words = (
        f"Online Retail, {s['days']} days with events up to the day before the last, seeds "
        f"{', '.join(map(str, s['seeds']))}: `cowalk update` by the day's events alone, a fit of everything "
        f"so far (`full`), and the model as it was (`none`), asked for {figures['queries']:,} next items of "
        "the days after. All three use the scorer that the first fit chose. New items are asked for apart: "
        f"{new['items']} that came within three days, {new['queries']} questions in all days after. Seconds "
        f"are of reading, learning, judging and saving on {s['workers']} thread, of a retraining without "
        f"choosing ({figures['full retrainings timed']} timed); the CPU seconds count."
    )
    notes, bars = [], []
    for mode, found in figures["modes"].items():
        notes.append(
            f"- `{mode}`: least mean cosine of old items in one update "
            f"{found['least cosine of an update']:.4f}; above a full retraining by "
            f"{_bounds(found['above full'])}."
        )
        bars += _bars(mode, found)
    return "\n\n".join([words, table(HEAD, rows), "\n".join(notes)]), bars


def _bars(mode: str, found: Mapping[str, Any]) -> Bars:
    """What was asked of one mode."""
    relative, cost, cosine = found["relative to full"], found["cost of full"], found["cosine after all"]
    above = found["above none"]
    name = f"updates, {mode}:"
    bars = [
        (f"{name} next item, to a full retraining", f"{relative:+.1%}", f"not below {LEAST:.0%}",
         relative >= LEAST),
        (f"{name} next item, above no update", _bounds(above), "above 0", above["low"] > 0),
        (f"{name} cost of a full retraining", "-" if cost is None else f"{cost:.3f}", f"at most {COST}",
         cost is not None and cost <= COST),
    ]  # fmt: skip
    if mode == "anchored":
        asked = f"above {COSINE}"
        bars.append((f"{name} cosine of old items after all", f"{cosine:.4f}", asked, cosine > COSINE))
    return bars


def _bounds(found: Mapping[str, float]) -> str:
    return f"{found['mean']:+.4f} ({found['low']:+.4f}, {found['high']:+.4f})"


def _figure(figures: Mapping[str, float], name: str, digits: int = 4) -> str:
    return f"{figures[name]:.{digits}f}" if name in figures else "-"
