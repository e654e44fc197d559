"""The section on networks over tables of clicks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table, within

NAMES = ("ctr_simulated", "ctr_real")
METRICS = {"auc": "AUC", "log-loss": "log-loss", "normalised entropy": "normalised entropy"}
CLAIMS = (
    ("fm - lr", "auc", "FM above LR", "bounds above 0"),
    ("fnn - fm", "normalised entropy", "FNN at or above FM", "not above 0"),
    ("gbdt-lr - trees", "normalised entropy", "GBDT + LR below the trees alone", "bounds below 0"),
)


def ctr(*results: Result) -> tuple[str, Bars]:
    """Every data set's figures and paired differences; the bars are those of the simulated log."""
    parts, bars = [], []
    for result in results:
        figures = result["figures"]
        if result["benchmark"] == "ctr_simulated":
            s = result["settings"]
            parts.append(
                f"Simulated logs of {s['rows']:,} rows, planted effects of columns and of pairs, the last "
                f"fifth as test; seeds {', '.join(map(str, s['seeds']))}."
            )
            parts += tables("simulated", figures)
            bars += [claim(figures["differences"], *one) for one in CLAIMS]
        else:
            parts.append("Samples of real logs: too few clicks in their tests to show an order.")
            parts += [part for name, one in figures.items() for part in tables(name, one)]
    return "\n\n".join(parts), bars


def tables(name: str, figures: Mapping[str, Any]) -> list[str]:
    """The models' figures, and paired differences with bounds."""
    models = [(model, *(within(one[m]) for m in METRICS)) for model, one in figures["models"].items()]
    gaps = [(pair, *(within(one[m], "+") for m in METRICS)) for pair, one in figures["differences"].items()]
    return [
        table((name, *METRICS.values()), models),
        table(("paired difference", *METRICS.values()), gaps),
    ]


def claim(
    gaps: Mapping[str, Any], pair: str, metric: str, words: str, bar: str
) -> tuple[str, str, str, bool]:
    """One bar: what is asked of a paired difference, and whether it is so."""
    gap = gaps[pair][metric]
    met = {
        "bounds above 0": gap["low"] > 0, "bounds below 0": gap["high"] < 0, "not above 0": gap["mean"] <= 0,
    }[bar]  # fmt: skip
    told = f"{METRICS[metric]} {within(gap, '+')}"
    return f"Clicks, simulated: {words}", told, bar, met
