"""Pictures as SVG text: arrays in, one drawing out that reads on light and dark pages."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from cowalk.errors import DataError, MissingExtraError
from cowalk.evaluate.bootstrap import Estimate
from cowalk.types import AnyArray

# Okabe and Ito 2008, told apart by colour-blind eyes; the yellow is left out, it is lost on white paper.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1")
GREY = "#8A8F98"
_INK = "#010203"  # replaced by currentColor: the page says whether ink is dark or light
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "cowalk",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlepad": 14,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), _INK),
}  # fmt: skip


def available() -> bool:
    """Whether pictures can be drawn: matplotlib is installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _drawing(width: float, height: float, title: str, out: list[str]) -> Iterator[Any]:
    """Axes in the house style; the finished SVG is appended to `out`."""
    if not available():
        raise MissingExtraError("pictures need matplotlib: pip install 'cowalk[map]'")
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # the browser has fonts for signs that matplotlib's own lacks; it only measures with them
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        matplotlib.rcParams["svg.hashsalt"] = title  # ids differ between the pictures of one page
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_title(title, wrap=True)
        yield axes
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    out.append(svg[svg.index("<svg") :].replace(_INK, "currentColor"))


def quality(estimates: Mapping[str, Estimate], title: str, metric: str) -> str:
    """A dot with its 95 % bounds per method, best on top, figures beside; the leader is coloured."""
    known = {name: e for name, e in estimates.items() if np.isfinite(e.mean)}
    if not known:
        raise DataError(f"picture of {metric}: no method has this figure")
    out: list[str] = []
    with _drawing(7.4, 1.3 + 0.34 * len(known), title, out) as axes:
        places = np.arange(len(known))[::-1]
        reach = max(e.high for e in known.values())
        for place, e in zip(places, known.values(), strict=True):
            colour = PALETTE[0] if place == len(known) - 1 else GREY
            axes.plot([e.low, e.high], [place, place], color=colour, linewidth=3, alpha=0.45,
                      solid_capstyle="round")  # fmt: skip
            axes.plot(e.mean, place, "o", color=colour, markersize=7)
            axes.annotate(f"{e.mean:.3f}", (max(e.high, e.mean), place), (7, 0), textcoords="offset points",
                          va="center", fontsize=9)  # fmt: skip
        axes.set_yticks(places, list(known))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(-0.7, len(known) - 0.3)
        low = min(e.low for e in known.values())
        axes.set_xlim(min(low, 0) if low < 0.5 * reach else low - 0.15 * (reach - low), None)
        axes.margins(x=0.12)
        axes.xaxis.grid(True, color=GREY, alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"{metric}, mean with 95 % bounds", fontsize=9)
    return out[0]


def weights(by_method: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Bars of the mean learned weight by field, own row first, methods side by side."""
    names = list(dict.fromkeys(name for row in by_method.values() for name in row))
    out: list[str] = []
    number = max(len(by_method), 1)
    with _drawing(7.4, 1.5 + 0.26 * len(names) * max(number, 1.3), title, out) as axes:
        places = np.arange(len(names))[::-1].astype(float)
        for turn, (method, row) in enumerate(by_method.items()):
            values = np.array([row.get(name, 0.0) for name in names])
            at = places + (number - 1) * 0.4 / number - turn * 0.8 / number
            axes.barh(at, values, height=0.7 / number, color=PALETTE[turn % len(PALETTE)], label=method)
            for place, value in zip(at, values, strict=True):
                axes.annotate(f"{value:.2f}", (value, place), (4, 0), textcoords="offset points", va="center",
                              fontsize=8)  # fmt: skip
        axes.set_yticks(places, ["own row" if name == "own" else name for name in names])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.axvline(1 / max(len(names), 1), color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate("equal weights", (1 / max(len(names), 1), 1), (3, 2), fontsize=8, color=GREY,
                      xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
        axes.margins(x=0.1)
        axes.set_xlim(0, None)
        axes.set_xlabel("mean weight over items", fontsize=9)
        if number > 1:
            axes.legend(loc="lower right", fontsize=9)
    return out[0]


def plane(vectors: AnyArray) -> tuple[AnyArray, AnyArray]:
    """(float64[N, 2], share of variance of each axis) by PCA; the largest entry of an axis is positive."""
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    main = axes[:, ::-1][:, :2]
    main = main * np.sign(main[np.abs(main).argmax(axis=0), np.arange(main.shape[1])])
    return centred @ main, values[::-1][:2] / max(values.sum(), 1e-300)


def item_map(vectors: AnyArray, labels: Sequence[str], attribute: str, title: str, most: int = 20_000) -> str:
    """Items on the two main axes of their unit vectors, coloured by the frequent values of an attribute."""
    if len(vectors) != len(labels) or len(vectors) < 2:
        raise DataError(f"map: {len(vectors)} vectors for {len(labels)} labels; at least 2 are needed")
    rows = np.linspace(0, len(vectors) - 1, min(most, len(vectors))).astype(np.int64)
    table = np.asarray(vectors, dtype=np.float64)[rows]
    table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    places, share = plane(table)
    named = np.array([str(labels[row]) for row in rows], dtype=object)
    values, counts = np.unique(named[named != ""].astype(str), return_counts=True)
    shown = values[np.lexsort((values, -counts))][: len(PALETTE)]
    out: list[str] = []
    with _drawing(7.4, 5.6, title, out) as axes:
        size = float(np.clip(40_000 / len(rows), 4, 30))
        rest = ~np.isin(named.astype(str), shown)
        axes.scatter(
            *places[rest].T, s=size * 0.7, color=GREY, alpha=0.3, linewidths=0, rasterized=len(rows) > 3000
        )
        for colour, value in zip(PALETTE, shown, strict=False):
            mine = named == value
            axes.scatter(*places[mine].T, s=size, color=colour, alpha=0.75, linewidths=0, label=_short(value),
                         rasterized=len(rows) > 3000)  # fmt: skip
        axes.set_xlabel(f"first axis, {share[0]:.0%} of the variance", fontsize=9)
        axes.set_ylabel(f"second axis, {share[1]:.0%}", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.legend(title=attribute, loc="center left", bbox_to_anchor=(1.0, 0.5),
                    fontsize=9, title_fontsize=9, markerscale=float(np.sqrt(40 / size)))  # fmt: skip
    return out[0]


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def losses(by_method: Mapping[str, Sequence[float]], title: str) -> str:
    """Mean loss per pair by epoch, one line a method, named at its end."""
    out: list[str] = []
    with _drawing(7.4, 3.4, title, out) as axes:
        ends = sorted((row[-1], name) for name, row in by_method.items() if len(row))
        low = min((min(row) for row in by_method.values() if len(row)), default=0.0)
        high = max((max(row) for row in by_method.values() if len(row)), default=1.0)
        gap = 0.07 * max(high - low, 1e-9)
        written = -np.inf
        for turn, (value, name) in enumerate(ends):
            row = by_method[name]
            colour = PALETTE[turn % len(PALETTE)]
            axes.plot(np.arange(1, len(row) + 1), row, color=colour, linewidth=2, marker="o", markersize=4)
            written = max(value, written + gap)  # names keep their distance
            axes.annotate(f"{name}  {value:.3f}", (len(row), written), (8, 0), textcoords="offset points",
                          va="center", color=colour, fontsize=9, annotation_clip=False)  # fmt: skip
        most = max((len(row) for row in by_method.values()), default=1)
        axes.set_xlim(0.8, most + 0.2 + 0.3 * max(most - 1, 1))
        axes.set_xticks(np.unique(np.linspace(1, most, min(most, 10)).astype(int)))
        axes.set_xlabel("epoch", fontsize=9)
        axes.set_ylabel("mean loss per pair", fontsize=9)
        axes.yaxis.grid(True, color=GREY, alpha=0.25, linewidth=0.6)
    return out[0]


def degree_distribution(by_kind: Mapping[str, AnyArray], title: str) -> str:
    """Share of nodes with at least this degree, log axes; a straight line is a power law."""
    out: list[str] = []
    with _drawing(7.4, 4.0, title, out) as axes:
        for turn, (name, degrees) in enumerate(by_kind.items()):
            ordered = np.sort(np.asarray(degrees)[np.asarray(degrees) > 0])
            if not len(ordered):
                continue
            values, first = np.unique(ordered, return_index=True)
            share = (len(ordered) - first) / len(degrees)
            colour = PALETTE[turn % len(PALETTE)]
            axes.plot(values, share, color=colour, linewidth=2, marker="o", markersize=2.5, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axes.set_xlabel("number of neighbours", fontsize=9)
        axes.set_ylabel("share of items with at least as many", fontsize=9)
        axes.grid(True, color=GREY, alpha=0.2, linewidth=0.6)
        axes.legend(loc="lower left", fontsize=9)
    return out[0]
