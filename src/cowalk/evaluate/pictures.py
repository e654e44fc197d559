"""Which pictures a report shows, and what it takes to draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cowalk.evaluate import plots
from cowalk.evaluate.comparison import PRIMARY, Comparison
from cowalk.evaluate.methods import Fitted, Method
from cowalk.evaluate.vectors import FittedVectors
from cowalk.evaluate.words import headline
from cowalk.tables import Field, ItemGraph
from cowalk.types import AnyArray, Floats


@dataclass(frozen=True)
class Picture:
    """One drawing: its place in the report (a task, or `model`), the SVG, and a line below it."""

    place: str
    svg: str
    note: str = ""


@dataclass
class Extras:
    """What pictures beyond the figures need; as an observer of `compare` it keeps what the recipes learned.

    map_vectors: float32[V, d] with one label an item ("" = missing) of `map_attribute`;
    degrees: int64[V] by name.
    """

    weights: dict[str, Mapping[str, float]] = field(default_factory=dict)
    losses: dict[str, Sequence[float]] = field(default_factory=dict)
    map_vectors: Floats | None = None
    map_labels: Sequence[str] = ()
    map_attribute: str = ""
    map_method: str = ""
    degrees: dict[str, AnyArray] = field(default_factory=dict)
    _weighted_map: bool = False

    def watch(self, method: Method, fitted: Fitted) -> None:
        """Keep what the first fit of each recipe learned; for `compare(..., watch=extras.watch)`."""
        if not isinstance(fitted, FittedVectors):
            return
        self.losses[method.name] = fitted.learned.losses
        if fitted.method.learn.input == "weighted" and len(fitted.weights) > 1:
            self.weights[method.name] = fitted.weights
        if not self.degrees:
            self.see_graph(fitted.train.graph)
        side = fitted.train.side_info
        if side is not None and (self.map_vectors is None or not self._weighted_map):
            telling = most_telling(side.fields)
            if telling is not None:
                self._weighted_map = fitted.method.learn.input == "weighted"
                self.see_map(method.name, fitted.learned.vectors, telling)

    def see_graph(self, graph: ItemGraph) -> None:
        """Keep the number of followers and of predecessors of each item."""
        self.degrees = {
            "items that follow": np.diff(graph.offsets),
            "items before": np.bincount(graph.targets, minlength=len(graph)),
        }

    def see_map(self, name: str, vectors: Floats, attribute: Field) -> None:
        """Keep item vectors and their value of one attribute (the first where there are several)."""
        labels = np.array([str(label) for label in attribute.labels.tolist()] + [""], dtype=object)
        first = np.full(len(attribute), len(labels) - 1)
        there = np.diff(attribute.offsets) > 0
        first[there] = attribute.codes[attribute.offsets[:-1][there]]
        self.map_vectors, self.map_labels = vectors, labels[first].tolist()
        self.map_attribute, self.map_method = attribute.name, name


def most_telling(fields: Sequence[Field]) -> Field | None:
    """The field whose colours say most on a map: by entropy and share of its most frequent values."""

    def entropy(one: Field) -> float:
        counts = np.sort(np.bincount(one.codes, minlength=max(one.size, 1)))[::-1][: len(plots.PALETTE)]
        share = counts[counts > 0] / max(len(one), 1)
        return float(-(share * np.log(share)).sum() * share.sum())

    candidates = [one for one in fields if one.kind == "categorical" and one.size > 1] or [
        one for one in fields if one.size > 1
    ]
    return max(candidates, key=entropy, default=None)


def draw(comparison: Comparison, extras: Extras | None = None) -> list[Picture]:
    """All pictures that the comparison and the extras allow; MissingExtraError without matplotlib."""
    out = [
        Picture(task, plots.quality(comparison.estimates(task, PRIMARY[task]), headline(comparison, task),
                                    PRIMARY[task]))
        for task in comparison.entries
        if any(np.isfinite(e.mean) for e in comparison.estimates(task, PRIMARY[task]).values())
    ]  # fmt: skip
    return out + ([] if extras is None else _of_model(extras))


def _of_model(extras: Extras) -> list[Picture]:
    out = []
    if extras.weights:
        out.append(
            Picture("model", plots.weights(extras.weights, weights_title(extras.weights)), WEIGHTS_NOTE)
        )
    if extras.map_vectors is not None and len(extras.map_vectors) > 2:
        title = f"Items as {extras.map_method} sees them, by {extras.map_attribute}"
        svg = plots.item_map(extras.map_vectors, extras.map_labels, extras.map_attribute, title)
        out.append(Picture("model", svg, MAP_NOTE))
    if any(len(row) > 1 for row in extras.losses.values()):
        out.append(Picture("model", plots.losses(extras.losses, _losses_title(extras.losses)), LOSS_NOTE))
    if extras.degrees:
        out.append(
            Picture("model", plots.degree_distribution(extras.degrees, _degrees_title(extras.degrees)))
        )
    return out


WEIGHTS_NOTE = (
    "Mean softmax weight of each row over all items. Where a value is missing its row has no weight; rows of "
    "different length reach differently far, so a weight alone is not an influence."
)
MAP_NOTE = "Vectors of length 1 on their first two principal axes; grey: other values, or none."
LOSS_NOTE = "Mean loss per pair, before each update. Losses of methods with other negatives do not compare."


def weights_title(weights: Mapping[str, Mapping[str, float]]) -> str:
    """The heaviest row of the first method, in words."""
    method, row = next(iter(weights.items()))
    name, value = max(row.items(), key=lambda pair: pair[1])
    return f"{method} leans most on {'the own row' if name == 'own' else name} ({value:.0%})"


def _losses_title(losses: Mapping[str, Sequence[float]]) -> str:
    falls = {
        name: (row[0] - row[-1]) / abs(row[0]) for name, row in losses.items() if len(row) > 1 and row[0]
    }
    low, high = min(falls.values()), max(falls.values())
    told = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
    return f"The loss fell by {told} over the epochs" if low > 0 else "The loss did not fall for all methods"


def _degrees_title(degrees: Mapping[str, AnyArray]) -> str:
    name, values = next(iter(degrees.items()))
    top = np.sort(values)[::-1][: max(1, len(values) // 100)]
    share = top.sum() / max(values.sum(), 1)
    return f"1 % of the items hold {share:.0%} of the links ({name})"
