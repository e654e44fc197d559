"""Node classification: how well the labels of some nodes tell those of the others, by their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, MissingExtraError, UsageError
from cowalk.prepare.labels import read_labels
from cowalk.seeds import generator
from cowalk.tables import Vectors
from cowalk.types import AnyArray

Dense = NDArray[np.float64]
Marks = NDArray[np.bool_]
MOST_STEPS = 1000  # of lbfgs, which ends far earlier


@dataclass(frozen=True)
class Classification:
    """F1 of each shuffle by the share of nodes whose labels were given.

    micro, macro: share -> float64[shuffles]; nodes, labels: how many took part; without_vector: labelled
    nodes that have no vector, and were left out.
    """

    nodes: int
    labels: int
    without_vector: int
    micro: dict[float, Dense] = field(default_factory=dict)
    macro: dict[float, Dense] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, means and standard deviations beside."""
        return {
            "nodes": self.nodes,
            "labels": self.labels,
            "nodes without a vector": self.without_vector,
            "shares": [
                {
                    "share": share,
                    "micro": float(self.micro[share].mean()),
                    "macro": float(self.macro[share].mean()),
                    "micro deviation": float(self.micro[share].std()),
                    "macro deviation": float(self.macro[share].std()),
                    "micro by shuffle": self.micro[share].tolist(),
                    "macro by shuffle": self.macro[share].tolist(),
                }
                for share in self.micro
            ],
        }


def classification(
    vectors: Vectors,
    labels: Any,
    *,
    shares: Sequence[float] = (0.5,),
    shuffles: int = 10,
    seed: int = 0,
    C: float = 1.0,
    node_column: str = "node",
    label_column: str = "label",
    progress: Callable[[float], None] | None = None,
) -> Classification:
    """Micro- and Macro-F1 over a fixed set of labels, for each share of nodes given, averaged over shuffles.

    Of shuffled nodes the first share trains one logistic regression a label (L2, C, vectors as they are);
    each other node gets as many labels as it has, those of the highest probability. labels: `Labels`, a
    mapping from node to label or labels, or a table with a row per label of a node. A shuffle depends on
    (seed, its number) alone, so that two kinds of vectors are judged on equal parts.
    Source: Perozzi et al. 2014, section 5.2; Tang & Liu 2009 (the number of labels is given).
    """
    check_asked(shares, shuffles, C)
    held = read_labels(labels, node_column=node_column, label_column=label_column)
    rows = vectors.vocab.find(held.nodes.ids)
    known = np.flatnonzero(rows >= 0)
    if len(known) < 4:
        raise DataError(
            f"{len(known)} of {len(held):,} labelled nodes have a vector, which is too few to judge by: "
            f"labels name {held.nodes.ids[0]!r}, the vectors {vectors.vocab.ids[0]!r}; are ids the same?"
        )
    x, y = np.asarray(vectors.array, dtype=np.float64)[rows[known]], held.table(known)
    out = Classification(len(known), len(held.names), len(held) - len(known))
    for at, share in enumerate(shares):
        found = np.empty((shuffles, 2))
        for number in range(shuffles):
            found[number] = one_shuffle(x, y, share, seed, number, C)
            if progress:
                progress((at * shuffles + number + 1) / (shuffles * len(shares)))
        out.micro[float(share)], out.macro[float(share)] = found[:, 0], found[:, 1]
    return out


def check_asked(shares: Sequence[float], shuffles: int, C: float) -> None:
    """UsageError where a share, the number of shuffles or C is out of range."""
    for share in shares:
        if not 0 < share < 1:
            raise UsageError(f"the share of nodes whose labels are given is {share}; it lies between 0 and 1")
    if not shares or shuffles < 1:
        raise UsageError("node classification needs at least one share and one shuffle")
    if not (np.isfinite(C) and C > 0):
        raise UsageError(f"C is {C}; it must be above 0")


def one_shuffle(x: Dense, y: Marks, share: float, seed: int, number: int, C: float) -> tuple[float, float]:
    """(Micro-F1, Macro-F1) of one shuffle; x: float64[N, d], y: bool[N, L]."""
    order = generator(seed, f"evaluate/labelled/{number}").permutation(len(x))
    cut = min(max(round(share * len(x)), 1), len(x) - 1)
    train, test = order[:cut], order[cut:]
    return f1(y[test], top_labels(probabilities(x[train], y[train], x[test], C), y[test].sum(axis=1)))


def probabilities(x: Dense, y: Marks, asked: Dense, C: float) -> Dense:
    """float64[N, L]: of each label, by its own logistic regression; 0 or 1 where no or every node has it."""
    try:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError(
            "node classification needs scikit-learn: pip install 'cowalk[classify]'"
        ) from None
    out = np.empty((len(asked), y.shape[1]))
    with threadpool_limits(1):  # products this small are slower on many threads
        for label in range(y.shape[1]):
            if y[:, label].all() or not y[:, label].any():
                out[:, label] = y[0, label]
                continue
            fitted = LogisticRegression(C=C, max_iter=MOST_STEPS).fit(x, y[:, label])
            out[:, label] = fitted.predict_proba(asked)[:, 1]
    return out


def top_labels(chances: Dense, numbers: AnyArray) -> Marks:
    """bool[N, L]: for each node its `numbers` most probable labels, ties by the lower code."""
    order = np.argsort(-chances, axis=1, kind="stable")
    out = np.zeros(chances.shape, dtype=bool)
    np.put_along_axis(out, order, np.arange(chances.shape[1]) < numbers[:, None], axis=1)
    return out


def f1(true: Marks, predicted: Marks) -> tuple[float, float]:
    """(Micro-F1, Macro-F1): 2TP / (2TP + FP + FN) over all marks, and its mean over the labels.

    A label that is neither there nor predicted counts 0.
    """
    right = (true & predicted).sum(axis=0).astype(np.float64)
    both = true.sum(axis=0) + predicted.sum(axis=0)  # 2TP + FP + FN
    each = 2 * right / np.maximum(both, 1)
    return float(2 * right.sum() / max(both.sum(), 1)), float(each.mean())
