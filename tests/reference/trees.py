"""Slow twin of kernels/trees.py."""

from typing import Any


def tree_leaves(x: Any, features: Any, thresholds: Any, left: Any, right: Any, roots: Any, out: Any) -> None:
    """A row walks down by recursion."""

    def leaf(row: Any, node: int) -> int:
        if node < 0:
            return -1 - node
        goes_left = float(row[features[node]]) <= float(thresholds[node])
        return leaf(row, int(left[node] if goes_left else right[node]))

    for i, row in enumerate(x):
        for t, root in enumerate(roots):
            out[i, t] = leaf(row, int(root))
