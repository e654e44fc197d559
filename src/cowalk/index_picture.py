"""The picture of `cowalk bench-index`: recall against queries a second, a line for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cowalk.errors import MissingExtraError, UsageError
from cowalk.recall.curves import Line
from cowalk.tables.vector_files import whole

COLOURS = ("#4e79a7", "#a0cbe8", "#e15759", "#f28e2b", "#59a14f", "#b07aa1")


def check(out: Path) -> None:
    """Refuse what `draw` could not write, before anything is measured for it."""
    if out.suffix not in (".png", ".svg"):
        raise UsageError(f"--out {out}: give a name that ends in .png or .svg")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}; make it first")
    if find_spec("matplotlib") is None:
        raise MissingExtraError("pictures need matplotlib: pip install 'cowalk[map]'")


def draw(lines: Sequence[Line], title: str, out: Path) -> None:
    """Write the picture, PNG or SVG by its ending; it appears whole or not at all."""
    check(out)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    kinds = list(dict.fromkeys(line.kind for line in lines))
    for axes, (what, name) in zip(
        figure.subplots(1, 2, sharey=True),
        (("single", "one query at a time"), ("batch", "all queries at once")),
        strict=True,
    ):
        for kind, colour in zip(kinds, COLOURS * len(kinds), strict=False):
            mine = [line for line in lines if line.kind == kind]
            axes.plot(
                [line.recall for line in mine], [getattr(line, what) for line in mine],
                "o-", color=colour, label=kind, markersize=4,
            )  # fmt: skip
        axes.set(title=f"{name}, one thread", xlabel="recall of the exact answer", yscale="log")
        axes.grid(visible=True, which="both", alpha=0.25)
    figure.axes[0].set_ylabel("queries a second")
    figure.axes[0].legend(loc="lower left")
    with whole(out) as draft:
        figure.savefig(draft, format=out.suffix[1:], dpi=150)
