"""Draws docs/pictures/shop.png, a simulated shop as EGES sees it: python docs/make_pictures.py."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import cowalk as cw
from cowalk.evaluate.plots import GREY, PALETTE

OUT = Path(__file__).parent / "pictures" / "shop.png"
PLANTED = {"category": 0.6, "brand": 0.3, "style": 0.1, "material": 0.0}
PERPLEXITY = 30.0


def main() -> None:
    """Fit on the simulated shop and draw."""
    with tempfile.TemporaryDirectory() as folder:
        shop = cw.datasets.simulate(items=1500, events=150_000, out=folder, seed=7)
        model = cw.fit(shop.events, items=shop.items, seed=7, trials=0)
    matplotlib.rcParams.update({"font.size": 10, "axes.titlesize": 12, "axes.titlelocation": "left"})
    figure = Figure(figsize=(10.5, 4.6), dpi=150, layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
    _map(left, model)
    _weights(right, model)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, metadata={"Software": None})
    print(OUT)


def _map(axes: Any, model: cw.Model) -> None:
    """Items in the plane, the most frequent categories in colour."""
    assert model.side_info is not None
    field = model.side_info["category"]
    vectors = np.asarray(model.learned.vectors, dtype=np.float64)
    places = tsne(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    shown = np.argsort(-np.bincount(field.codes, minlength=field.size), kind="stable")[: len(PALETTE)]
    rest = ~np.isin(field.codes, shown)
    axes.scatter(*places[rest].T, s=7, color=GREY, alpha=0.35, linewidths=0, label="others")
    for colour, code in zip(PALETTE, shown, strict=True):
        mine = field.codes == code
        axes.scatter(*places[mine].T, s=14, color=colour, linewidths=0, label=str(field.labels[code]))
    axes.set_title("Item vectors in the plane (t-SNE)")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8, markerscale=1.6)


def _weights(axes: Any, model: cw.Model) -> None:
    """Planted shares beside the mean length that each field adds to the item vectors, as shares."""
    added = {name: model.inspect()["weights"][name]["mean length"] for name in PLANTED}
    total = sum(added.values())
    at = np.arange(len(PLANTED))[::-1]
    for turn, (label, row, colour) in enumerate((
        ("planted: share of steps it leads", list(PLANTED.values()), GREY),
        ("learned: share of the length it adds", [added[name] / total for name in PLANTED], PALETTE[0]),
    )):  # fmt: skip
        place = at + 0.19 - 0.38 * turn
        axes.barh(place, row, height=0.34, color=colour, label=label)
        for x, y in zip(row, place, strict=True):
            axes.annotate(f"{x:.2f}", (x, y), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(at, list(PLANTED))
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.set_xlim(0, 0.75)
    axes.set_title("What leads shoppers")
    axes.legend(loc="center right", bbox_to_anchor=(1.02, 0.2), frameon=False, fontsize=9)


def tsne(rows: Any, steps: int = 500) -> Any:
    """float64[N, 2] of rows [N, d]: exact t-SNE from a PCA start (van der Maaten & Hinton 2008)."""
    squares = _squares(rows)
    close = np.stack([_affinities(row, at) for at, row in enumerate(squares)])
    close = (close + close.T) / (2 * len(rows))
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    places = centred @ axes
    places *= 1e-4 / places.std()
    speed = np.zeros_like(places)
    for step in range(steps):
        kernel = 1 / (1 + _squares(places))
        np.fill_diagonal(kernel, 0)
        pull = (close * (12 if step < 120 else 1) - kernel / kernel.sum()) * kernel
        slope = 4 * (pull.sum(axis=1)[:, None] * places - pull @ places)
        speed = (0.5 if step < 120 else 0.8) * speed - len(rows) / 12 * slope
        places = places + speed
    return places


def _squares(rows: Any) -> Any:
    """Squared distances of all pairs."""
    lengths = (rows**2).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths - 2 * rows @ rows.T, 0)


def _affinities(squares: Any, at: int) -> Any:
    """Gaussian shares of one row's neighbours, as wide as PERPLEXITY asks."""
    low, high, beta = 0.0, np.inf, 1.0
    others = np.delete(squares, at)
    others = others - others.min()
    for _ in range(60):
        shares = np.exp(-beta * others)
        shares /= shares.sum()
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum()
        if entropy > np.log(PERPLEXITY):
            low, beta = beta, beta * 2 if high == np.inf else (beta + high) / 2
        else:
            high, beta = beta, (low + beta) / 2
    return np.insert(shares, at, 0.0)


if __name__ == "__main__":
    main()
