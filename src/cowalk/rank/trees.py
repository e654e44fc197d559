"""Boosted trees as codes for a network of one layer: of each tree, the leaf that a row falls into.

Grown by LightGBM, or by scikit-learn where it is absent; kept as arrays, so that neither is needed to score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import MissingExtraError
from cowalk.kernels.flags import threads
from cowalk.kernels.trees import tree_leaves
from cowalk.rank.rates import Rates, rates_of
from cowalk.tables.clicks import ClickColumn, ClickTable
from cowalk.types import AnyArray, Floats, Ids, Offsets

LEAST = 50  # rows of a leaf


@dataclass(frozen=True)
class Trees:
    """T trees over the features that `rates` makes of a table.

    features, left, right: int32[nodes]; thresholds: float64[nodes]; roots: int32[T], all as
    `kernels.trees.tree_leaves` reads them. offsets: int64[T+1] where each tree's leaves start in values
    float64[leaves], log-odds that sum over trees; start: what they begin from.
    """

    features: Ids
    thresholds: NDArray[np.float64]
    left: Ids
    right: Ids
    roots: Ids
    offsets: Offsets
    values: NDArray[np.float64]
    start: float
    rates: Rates

    def leaves(self, table: ClickTable, workers: int | None = None) -> Ids:
        """int32[N, T]: the leaf of each row in each tree."""
        out = np.empty((len(table), len(self.roots)), dtype=np.int32)
        with threads(workers):
            tree_leaves(
                self.rates.features(table), self.features, self.thresholds, self.left, self.right, self.roots,
                out,
            )  # fmt: skip
        return out

    def coded(self, table: ClickTable) -> ClickTable:
        """The same rows with one coded column a tree: 1 + the leaf."""
        sizes = np.diff(self.offsets)
        columns = tuple(
            ClickColumn(f"tree {t + 1}", "buckets", edges=np.arange(1.0, size))
            for t, size in enumerate(sizes)
        )
        none = np.zeros((len(table), 0), dtype=np.float32)
        return replace(table, columns=columns, codes=self.leaves(table) + 1, numbers=none)

    def chances(self, table: ClickTable) -> NDArray[np.float64]:
        """float64[N]: what the trees alone say."""
        odds = self.start + self.values[self.leaves(table) + self.offsets[:-1]].sum(axis=1)
        chances: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
        return chances

    def arrays(self) -> dict[str, AnyArray]:
        """All of it by name, for a file."""
        names = ("features", "thresholds", "left", "right", "roots", "offsets", "values")
        out = {name: getattr(self, name) for name in names}
        return out | {"start": np.array([self.start]), **self.rates.arrays()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, AnyArray]) -> Trees:
        """What `arrays` gave."""
        names = ("features", "thresholds", "left", "right", "roots", "offsets", "values")
        return cls(
            **{name: arrays[name] for name in names}, start=float(arrays["start"][0]),
            rates=Rates.of_arrays(arrays),
        )  # fmt: skip


def grow(
    table: ClickTable, *, trees: int = 100, leaves: int = 12, rate: float = 0.1, seed: int = 0,
    workers: int | None = None,
) -> Trees:  # fmt: skip
    """Boosted trees of at most `leaves` leaves for the labels of the table (He et al. 2014, section 3.1).

    What a category is worth to a tree is its click rate among the other fifths of the rows (`rates_of`).
    """
    assert table.labels is not None
    rates, x = rates_of(table, seed)
    if find_spec("lightgbm") is not None:
        grown = _by_lightgbm(x, table.labels, trees, leaves, rate, seed, workers)
    elif find_spec("sklearn") is not None:
        grown = _by_sklearn(x, table.labels, trees, leaves, rate, seed)
    else:
        raise MissingExtraError("trees need LightGBM or scikit-learn: pip install 'cowalk[deep]'")
    return _as_arrays(*grown, rates)


Node = tuple[int, float, Any, Any] | float
"""A split (feature, threshold, left, right), or the value of a leaf."""


def _by_lightgbm(
    x: Floats, labels: Floats, trees: int, leaves: int, rate: float, seed: int, workers: int | None
) -> tuple[list[Node], float]:
    import lightgbm

    asked = {
        "objective": "binary", "num_leaves": leaves, "learning_rate": rate, "min_data_in_leaf": LEAST,
        "verbosity": -1, "seed": seed % 2**31, "deterministic": True, "force_row_wise": True,
        "num_threads": workers or 0, "use_missing": False,
    }  # fmt: skip
    data = lightgbm.Dataset(x.astype(np.float64), labels, params={"verbosity": -1})
    booster = lightgbm.train(asked, data, num_boost_round=trees)
    told = booster.dump_model()["tree_info"]
    return [_lightgbm_node(tree["tree_structure"]) for tree in told], 0.0


def _lightgbm_node(told: Mapping[str, Any]) -> Node:
    if "split_feature" not in told:
        return float(told["leaf_value"])
    children = (_lightgbm_node(told["left_child"]), _lightgbm_node(told["right_child"]))
    return (int(told["split_feature"]), float(told["threshold"]), *children)


def _by_sklearn(
    x: Floats, labels: Floats, trees: int, leaves: int, rate: float, seed: int
) -> tuple[list[Node], float]:
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(
        n_estimators=trees, max_leaf_nodes=leaves, max_depth=None, learning_rate=rate, min_samples_leaf=LEAST,
        random_state=seed % 2**31,
    ).fit(x, labels > 0)  # fmt: skip
    base = float(np.mean(labels, dtype=np.float64))
    nodes = [_sklearn_node(one.tree_, 0, rate) for one in model.estimators_[:, 0]]
    return nodes, float(np.log(base / (1 - base)))


def _sklearn_node(tree: Any, at: int, rate: float) -> Node:
    if tree.children_left[at] < 0:
        return float(tree.value[at].item() * rate)
    left, right = (_sklearn_node(tree, int(c[at]), rate) for c in (tree.children_left, tree.children_right))
    return (int(tree.feature[at]), float(tree.threshold[at]), left, right)


def _as_arrays(nodes: list[Node], start: float, rates: Rates) -> Trees:
    """Nodes and leaves numbered as they are met, from left to right."""
    rows: list[list[float]] = []
    values: list[float] = []
    roots, offsets = [], [0]

    def put(node: Node) -> int:
        if not isinstance(node, tuple):
            values.append(node)
            return -(len(values) - offsets[-1])
        at = len(rows)
        rows.append([])
        feature, threshold, left, right = node
        rows[at] = [feature, threshold, put(left), put(right)]
        return at

    for tree in nodes:
        roots.append(put(tree))
        offsets.append(len(values))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    features, left, right = (table[:, c].astype(np.int32) for c in (0, 2, 3))
    return Trees(
        features, table[:, 1].copy(), left, right, np.array(roots, dtype=np.int32),
        np.array(offsets, dtype=np.int64), np.array(values), start, rates,
    )  # fmt: skip
