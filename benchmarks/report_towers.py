"""The section on networks for recall: two-tower and YouTubeDNN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table, within

NAMES = tuple(f"towers-{dataset}" for dataset in ("online-retail", "beauty"))
WORDS = """\
By the product's own harness (as below): every method chooses how it scores on validation. Without a mark a
recipe is as `recommend` serves it; `:vectors` are its vectors alone, without the co-occurrence channel;
`:scores` are they without a term of popularity either, as the papers serve them: nothing is chosen. `plain`
is in-batch softmax without the correction by logQ, `streaming` with the estimate of Yi et al. in place of
exact counts. `without fields` learns from ids alone; its cold items come through a ridge map on its
vectors."""
CLAIMS = (
    (
        "next-item",
        "recall@20: two-tower:scores - two-tower plain:scores",
        "logQ above plain in-batch softmax",
    ),
    ("cold", "recall@20: two-tower - two-tower without fields", "fields above none, cold items"),
)


def towers(*results: Result) -> tuple[str, Bars]:
    """A table a data set and protocol, paired differences below; bars: logQ, fields."""
    parts, bars = [WORDS], []
    for figures, settings in ((result["figures"], result["settings"]) for result in results):
        name = figures["dataset"]
        parts.append(f"{name}, seeds {', '.join(map(str, settings['seeds']))}.")
        for protocol in ("next-item", "cold"):
            if protocol in figures:
                parts += shown(protocol, figures[protocol])
        for protocol, pair, words in CLAIMS:
            gap = figures.get(protocol, {}).get("differences", {}).get(pair)
            if gap is not None:
                told = f"{pair.partition(':')[0]} {within(gap, '+')}"
                bars.append((f"{name}: two-tower, {words}", told, "bounds above 0", gap["low"] > 0))
    return "\n\n".join(parts), bars


def shown(protocol: str, figures: Mapping[str, Any]) -> list[str]:
    """The methods' figures, and paired differences with bounds."""
    metrics = next(iter(figures["methods"].values()))["metrics"]
    methods = [
        (name, *(within(m) for m in one["metrics"].values()),
         f"{sum(one['fit_seconds']) / len(one['fit_seconds']):.0f}")
        for name, one in figures["methods"].items()
    ]  # fmt: skip
    gaps = [(pair, within(gap, "+")) for pair, gap in figures["differences"].items()]
    return [
        table((protocol, *metrics, "seconds a fit"), methods),
        table(("paired difference", "95 %"), gaps),
    ]
