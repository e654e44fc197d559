"""k-means in numpy: seeded, equal for equal input; clusters of users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk import seeds
from cowalk.errors import UsageError
from cowalk.types import Floats, Ids

Squares = NDArray[np.float64]
STEP = 8192  # rows whose distances are held at once


@dataclass(frozen=True)
class Clusters:
    """centers: float32[k, d]; labels: int32[N], each row's nearest center; inertia: mean squared distance."""

    centers: Floats
    labels: Ids
    inertia: float

    def __len__(self) -> int:
        return len(self.centers)

    def nearest(self, rows: Floats) -> Ids:
        """int32[N]: the nearest center of each row, the first of equals."""
        return _nearest(rows, self.centers)[0]


def kmeans(rows: Floats, k: int, *, seed: int = 0, rounds: int = 50, tolerance: float = 1e-4) -> Clusters:
    """At most k clusters of rows float32[N, d], by Lloyd's rounds from k-means++ (Arthur & Vassilvitskii).

    A cluster that loses all rows takes the row that is farthest from its center. Stops when the mean squared
    distance falls by less than the share `tolerance`. Fewer clusters where there are fewer different rows.
    """
    if k < 1:
        raise UsageError(f"k must be at least 1, not {k}")
    if not len(rows):
        raise UsageError("there are no rows to cluster")
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    centers = _spread(rows, k, seeds.generator(seed, "kmeans"))
    labels, far = _nearest(rows, centers)
    for _ in range(rounds):
        centers = _means(rows, labels, far, len(centers))
        was = float(far.mean())
        labels, far = _nearest(rows, centers)
        if was - float(far.mean()) <= tolerance * was:
            break
    return Clusters(centers, labels, float(far.mean()))


def _spread(rows: Floats, k: int, rng: np.random.Generator) -> Floats:
    """First centers: each next one drawn by its squared distance to those before."""
    chosen = [int(rng.integers(len(rows)))]
    far = _distances(rows, rows[chosen[0]][None])[:, 0]
    while len(chosen) < k and far.max() > 0:
        chosen.append(int(rng.choice(len(rows), p=far / far.sum())))
        far = np.minimum(far, _distances(rows, rows[chosen[-1]][None])[:, 0])
    return rows[chosen]


def _means(rows: Floats, labels: Ids, far: Squares, k: int) -> Floats:
    """The mean of each cluster's rows; an empty one takes one of the farthest rows."""
    totals = np.zeros((k, rows.shape[1]))
    np.add.at(totals, labels, rows)
    counts = np.bincount(labels, minlength=k)
    centers = (totals / np.maximum(counts, 1)[:, None]).astype(np.float32)
    empty = np.flatnonzero(counts == 0)
    centers[empty] = rows[np.argsort(-far, kind="stable")[: len(empty)]]
    return centers


def _distances(rows: Floats, centers: Floats) -> Squares:
    """float64[N, k]: squared distances, none below 0."""
    wide = rows.astype(np.float64)
    squares = np.einsum("ij,ij->i", wide, wide)[:, None] - 2 * wide @ centers.T.astype(np.float64)
    squares += np.einsum("ij,ij->i", centers, centers, dtype=np.float64)
    squares[squares < 1e-9 * np.einsum("ij,ij->i", wide, wide)[:, None]] = 0  # rounding, not distance
    positive: Squares = np.maximum(squares, 0.0)
    return positive


def _nearest(rows: Floats, centers: Floats) -> tuple[Ids, Squares]:
    """(nearest center, squared distance to it) of each row."""
    labels, far = np.empty(len(rows), dtype=np.int32), np.empty(len(rows))
    for start in range(0, len(rows), STEP):
        part = slice(start, start + STEP)
        squares = _distances(rows[part], centers)
        labels[part] = squares.argmin(axis=1)
        far[part] = squares.min(axis=1)
    return labels, far
