"""The section on Hema: cold items beside other methods, and whether every row moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table

NAMES = tuple(f"hema-{dataset}" for dataset in ("online-retail", "beauty"))
WORDS = """\
Cold items as queries, by the product's own harness (as below). `hema` is the recipe as it comes, with what
fit chooses (a ridge map on Hema's rows among it, and the co-occurrence lists of similar items);
`hema:transfer` is the paper's rule alone: the direction Σ w_k M_k e_k by cosine, and a weight of popularity.
`ges`, `eges-paper` and `eges` are those recipes as they come."""


def hema(*results: Result) -> tuple[str, Bars]:
    """One table a data set; bars: above attribute overlap, all rows moved and finite."""
    parts, bars = [WORDS], []
    for figures, settings in ((result["figures"], result["settings"]) for result in results):
        name = figures["dataset"]
        parts.append(f"{name}, seeds {', '.join(map(str, settings['seeds']))}.\n\n{_figures(figures)}")
        parts.append(_moved(figures["moved"]))
        bars += [
            (f"{name}, cold: {b['first']} above {b['second']}",
             f"{b['metric']} {b['difference']:+.4f} ({b['low']:+.4f}, {b['high']:+.4f})", b["claim"],
             b["met"])
            for b in figures["bars"]
        ]  # fmt: skip
        still = sum(row["rows"] - row["moved"] for row in figures["moved"])
        finite = all(row["finite"] for row in figures["moved"])
        bars.append((
            f"{name}: Hema's rows all move and stay finite",
            f"{still} rows stand still, {'all' if finite else 'not all'} finite", "none, all",
            not still and finite,
        ))  # fmt: skip
    return "\n\n".join(parts), bars


def _figures(figures: Mapping[str, Any]) -> str:
    methods = figures["tasks"]["cold"]["methods"]
    metrics = next(iter(methods.values()))["metrics"]
    rows = [
        (name, *(f"{m['mean']:.4f} ({m['low']:.4f}, {m['high']:.4f})" for m in one["metrics"].values()),
         f"{sum(one['fit_seconds']) / len(one['fit_seconds']):.0f}")
        for name, one in methods.items()
    ]  # fmt: skip
    return table(("cold", *metrics, "seconds a fit"), rows)


def _moved(rows: list[Mapping[str, Any]]) -> str:
    told = [(row["table"], f"{row['rows']:,}", f"{row['moved']:,}", f"{row['least']:.3f}") for row in rows]
    return table(("Hema's rows", "rows", "moved", "least share of its length that a row moved"), told)
