"""Ridge regression on sparse attributes, solved for many penalties."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cowalk.evaluate.metrics import Values
from cowalk.evaluate.sparse import Sparse
from cowalk.types import AnyArray

DENSE = 3000  # attribute values up to which all penalties come from one eigendecomposition
_TOLERANCE = 1e-4
_STEPS = 300


class RidgePath:
    """The W that minimises |X W - Y|^2 + penalty |W|^2 for any penalty; X = design, Y = wanted."""

    def __init__(self, design: Sparse, wanted: AnyArray) -> None:
        self._design, self._wanted = design, wanted
        self._solved: dict[float, Values] = {}

    def solve(self, penalty: float) -> Values:
        """float64[K, d]."""
        if penalty not in self._solved:
            if self._design.n_columns <= DENSE:
                values, axes, seen = self._spectrum
                self._solved[penalty] = axes @ (seen / (values + penalty)[:, None])
            else:
                self._solved[penalty] = conjugate_gradient(self._design, self._wanted, penalty)
        return self._solved[penalty]

    @cached_property
    def _spectrum(self) -> tuple[Values, Values, Values]:
        """Eigenvalues and axes of X'X, and X'Y along these axes."""
        back = self._design.transposed()
        gram = np.zeros((self._design.n_columns, self._design.n_columns))
        for start in range(0, len(self._design), 1024):
            rows = self._design.take(np.arange(start, min(start + 1024, len(self._design)))).filled()
            gram += rows.T.astype(np.float64) @ rows
        values, axes = np.linalg.eigh(gram)
        return np.maximum(values, 0.0), axes, axes.T @ back.dot(self._wanted)


def conjugate_gradient(design: Sparse, wanted: AnyArray, penalty: float) -> Values:
    """float64[K, d]: the W that minimises |X W - Y|^2 + penalty |W|^2, one column of Y at a time in step.

    Hestenes and Stiefel 1952 on (X'X + penalty) W = X'Y, to a relative residual of 1e-4.
    """
    back = design.transposed()
    W = np.zeros((design.n_columns, wanted.shape[1]))
    residual = back.dot(wanted)
    direction = residual.copy()
    size = (residual**2).sum(axis=0)
    enough = size * _TOLERANCE**2
    for _ in range(_STEPS):
        if np.all(size <= enough):
            break
        pushed = back.dot(design.dot(direction)) + penalty * direction
        curve = (direction * pushed).sum(axis=0)
        step = np.where(size > enough, size / np.maximum(curve, 1e-300), 0.0)
        W += step * direction
        residual -= step * pushed
        was, size = size, (residual**2).sum(axis=0)
        direction = residual + np.where(was > 0, size / np.maximum(was, 1e-300), 0.0) * direction
    return W
