"""95 % bootstrap bounds of means over queries, resampled by group: one user's queries go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.metrics import Values
from cowalk.seeds import generator
from cowalk.types import AnyArray

DRAWS = 1000
LEVEL = 0.95
_BLOCK = 4_000_000  # group weights held at a time: 32 MB


@dataclass(frozen=True)
class Estimate:
    """A mean with its percentile-bootstrap bounds; `number` queries in `groups` groups went into it."""

    mean: float
    low: float
    high: float
    number: int
    groups: int

    @property
    def above_zero(self) -> bool:
        """Whether the lower bound lies above 0: of a paired difference, whether the first is better."""
        return self.low > 0


def resampled_means(values: Values, groups: AnyArray, *, seed: int = 0, draws: int = DRAWS) -> Values:
    """float64[draws, M]: means of the M columns of values [Q, M] when the groups are drawn with replacement.

    NaN values are left out column by column. All columns see the same draws, so differences of columns are
    paired. Queries of several seeds may stand one after another: a group that occurs in many is drawn as one.
    """
    if values.ndim != 2 or len(values) != len(groups):
        raise DataError(f"bootstrap: values {values.shape} for {len(groups)} groups")
    if len(values) == 0:
        return np.full((draws, values.shape[1]), np.nan)
    names, code = np.unique(groups, return_inverse=True)
    known = ~np.isnan(values)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(names)))
    sums = np.add.reduceat(np.where(known, values, 0.0)[order], starts, axis=0)
    numbers = np.add.reduceat(known[order].astype(np.float64), starts, axis=0)
    rng = generator(seed, "evaluate/bootstrap")
    out = np.empty((draws, values.shape[1]))
    step = max(1, _BLOCK // len(names))
    for start in range(0, draws, step):
        weights = _weights(rng, min(step, draws - start), len(names))
        with np.errstate(invalid="ignore"):  # 0 / 0: no query of this column was drawn
            out[start : start + len(weights)] = (weights @ sums) / (weights @ numbers)
    return out


def _weights(rng: np.random.Generator, draws: int, groups: int) -> Values:
    """float64[draws, groups]: how often each group was drawn; rows sum to `groups`."""
    picked = rng.integers(groups, size=(draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(picked.ravel(), minlength=draws * groups).reshape(draws, groups).astype(np.float64)


def bounds(values: Values, groups: AnyArray, *, seed: int = 0, draws: int = DRAWS) -> list[Estimate]:
    """One Estimate per column of values [Q, M] (or of a single float64[Q])."""
    table = values[:, None] if values.ndim == 1 else values
    means = resampled_means(table, groups, seed=seed, draws=draws)
    tail = 100 * (1 - LEVEL) / 2
    out = []
    for column in range(table.shape[1]):
        known = ~np.isnan(table[:, column])
        drawn = means[:, column][~np.isnan(means[:, column])]
        if not known.any():
            out.append(Estimate(np.nan, np.nan, np.nan, 0, 0))
            continue
        low, high = np.percentile(drawn, [tail, 100 - tail])
        mean = float(table[known, column].mean())
        out.append(Estimate(mean, float(low), float(high), int(known.sum()), len(np.unique(groups[known]))))
    return out


def bound(values: Values, groups: AnyArray, *, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """The mean of float64[Q] with its bounds."""
    return bounds(values, groups, seed=seed, draws=draws)[0]


def paired_difference(
    first: Values, second: Values, groups: AnyArray, *, seed: int = 0, draws: int = DRAWS
) -> Estimate:
    """Mean of first - second over the same queries with its bounds."""
    if first.shape != second.shape:
        raise DataError(f"bootstrap: {len(first)} and {len(second)} values are not of the same queries")
    return bound(first - second, groups, seed=seed, draws=draws)
