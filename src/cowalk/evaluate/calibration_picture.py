"""The picture of calibration: click rates against told chances, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cowalk.errors import MissingExtraError, UsageError
from cowalk.evaluate.clicks import Calibration
from cowalk.evaluate.plots import GREY, PALETTE, available
from cowalk.tables.vector_files import whole


def check(out: Path) -> None:
    """Refuse what `draw` could not write, before anything is scored for it."""
    if out.suffix not in (".png", ".svg"):
        raise UsageError(f"picture {out}: give a name that ends in .png or .svg")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"picture {out}: there is no folder {out.parent}; make it first")
    if not available():
        raise MissingExtraError("pictures need matplotlib: pip install 'cowalk[map]'")


def draw(by_model: Mapping[str, Calibration], title: str, out: Path) -> None:
    """Write the picture, PNG or SVG by its ending, whole or not at all.

    A point is a bin of equal numbers of rows; on the dashed line chances and click rates agree.
    """
    check(out)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(6.0, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    high = max(float(max(c.scores.max(), c.rates.max())) for c in by_model.values())
    low = min(float(min(c.scores.min(), c.rates[c.rates > 0].min(initial=1.0))) for c in by_model.values())
    axes.plot([low, high], [low, high], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    for turn, (name, found) in enumerate(by_model.items()):
        colour = PALETTE[turn % len(PALETTE)]
        label = f"{name}: told / seen {found.ratio:.3f}, error {found.error:.4f}"
        seen = np.where(found.rates > 0, found.rates, np.nan)  # no click has no place on a log axis
        axes.plot(found.scores, seen, "o-", color=colour, markersize=4, linewidth=1.2, label=label)
    axes.set(xscale="log", yscale="log", xlabel="mean chance told", ylabel="click rate seen")
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    axes.grid(visible=True, alpha=0.25)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    with whole(out) as draft:
        figure.savefig(
            draft, format=out.suffix[1:], dpi=120, metadata={"Date": None} if out.suffix == ".svg" else None
        )
