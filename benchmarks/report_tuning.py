"""The section on tuning: the default recipe and what a search made of it, on the test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table

NAMES = tuple(
    f"tuning-{dataset}-{purpose}"
    for dataset in ("online-retail", "beauty", "movielens-100k")
    for purpose in ("next-item", "cold")
)
TRIALS = 50  # that the bar asks for
HEAD = ("tuned for", "default", "tuned", "difference", "95 %", "validation", "seconds a fit")


def tuning(*results: Result) -> tuple[str, Bars]:
    """Both recipes on the test, what was changed, and the bars by data set."""
    rows, notes = [], []
    for figures, settings in ((result["figures"], result["settings"]) for result in results):
        seconds, name = figures["fit seconds"], f"{figures['dataset']}, {figures['purpose']}"
        rows.append((
            name, f"{figures['default']:.4f}", f"{figures['tuned']:.4f}", f"{figures['difference']:+.4f}",
            f"({figures['low']:+.4f}, {figures['high']:+.4f})",
            f"{figures['validation default']:.4f} to {figures['validation best']:.4f}",
            f"{seconds['eges']:.0f} to {seconds['eges-tuned']:.0f}",
        ))  # fmt: skip
        changed = ", ".join(f"`{key}` {_short(value)}" for key, value in figures["changes"].items())
        notes.append(
            f"- **{name}**: {figures['trials']} trials, {figures['ended early']} ended early, "
            f"test seeds {', '.join(map(str, settings['seeds']))}; {figures['verdict']}. "
            f"{'Changed: ' + changed if changed else 'Nothing is changed'}."
        )
    most = ", ".join(sorted({f"{result['settings']['tune']['most_work']:g}" for result in results}))
    words = (
        "`cowalk tune eges` on a log without its test part (for cold items: without the items hidden for "
        "the test); then both recipes through the harness, with as many tries of the scorer on validation. "
        f"No trial may cost more than {most} times the default's learning. Validation is the figure of the "
        "default and of the best trial in the search. Differences are paired over all test questions of all "
        "seeds of learning. Where no gain holds on other seeds the tuner keeps the recipe, and both figures "
        "are the same."
    )
    return "\n\n".join([words, table(HEAD, rows), "\n".join(notes)]), _bars(results)


def _bars(results: tuple[Result, ...]) -> Bars:
    """By data set: above on one purpose at least, below by more than the bounds on none."""
    by_data: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        by_data.setdefault(result["figures"]["dataset"], []).append(result["figures"])
    bars = []
    for dataset, figures in by_data.items():
        told = "; ".join(
            f"{f['purpose']} {f['difference']:+.4f} ({f['low']:+.4f}, {f['high']:+.4f}), {f['trials']} trials"
            for f in figures
        )
        above = any(f["difference"] > 0 and f["trials"] >= TRIALS for f in figures)
        met = above and all(f["high"] >= 0 for f in figures)
        asked = f"above the default on one by {TRIALS} trials, below it by more than the bound on none"
        bars.append((f"tuning, {dataset}", told, asked, met))
    return bars


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
