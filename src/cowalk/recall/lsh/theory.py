"""What (w, k, L) and the probes give, by formula: chances to be found by distance, recall, candidates."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, erf, log, pi, sqrt

import numpy as np

from cowalk.kernels import lsh_theory as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.seeds import generator
from cowalk.types import AnyArray

DRAWS = 16
POINTS = 24
LEAST = 1e-6


def agree(distance: AnyArray | float, width: float) -> AnyArray:
    """p(u): the chance that two vectors at L2 distance u fall into one bucket of width w on a random line.

    1 - 2 Phi(-r) - 2 / (sqrt(2 pi) r) * (1 - exp(-r**2 / 2)), r = w / u; 1 at distance 0. Datar, Immorlica,
    Indyk, Mirrokni 2004, section 3.2.
    """
    r = width / np.maximum(np.asarray(distance, dtype=np.float64), LEAST * width)
    tails = 1 - np.vectorize(erf, otypes=[np.float64])(r / sqrt(2))  # 2 Phi(-r)
    return np.asarray(1 - tails - 2 / (sqrt(2 * pi) * r) * -np.expm1(-(r**2) / 2))


def collide(distance: AnyArray | float, width: float, functions: int, tables: int) -> AnyArray:
    """1 - (1 - p(u)**k)**L: the chance to share a bucket with the query in any of L tables of k functions."""
    in_one = np.minimum(agree(distance, width) ** functions, 1 - 1e-16)
    return np.asarray(-np.expm1(tables * np.log1p(-in_one)))


def tables_for(chance: float, functions: int, recall: float) -> int:
    """The tables that find with chance `recall` what agrees in one function with `chance`, without probes."""
    return max(1, ceil(log(1 - recall) / log(1 - min(chance**functions, 1 - 1e-16))))


def found_by_probes(
    distances: AnyArray, settings: LSHSettings, probes: AnyArray, *,
    seed: int = 0, workers: int | None = None, draws: int = DRAWS,
) -> AnyArray:  # fmt: skip
    """float64[C, U]: the chance that a row at distances[u] is a candidate after probes[c] further buckets.

    Of `draws` queries, drawn as places in their buckets, each bucket's chance is a product of normal
    probabilities; the mean over the draws is given (Monte Carlo over the places alone).
    """
    rng = generator(seed, "lsh theory")
    places = rng.random((draws, settings.tables * settings.functions), dtype=np.float32)
    reaches = settings.width / np.maximum(np.asarray(distances, dtype=np.float64), LEAST * settings.width)
    found = np.empty((draws, len(probes), len(reaches)))
    with threads(workers):
        kernels.chances(places, settings.tables, reaches, np.asarray(probes, dtype=np.int64), found)
    return np.asarray(found.mean(axis=0))


@dataclass(frozen=True)
class Distances:
    """How far a sample of queries lies from its neighbours and from all rows, as weights on a grid.

    points: float64[U], rising; near, all_rows: float64[U], each sums to 1; rows: how many rows there are.
    """

    points: AnyArray
    near: AnyArray
    all_rows: AnyArray
    rows: int

    @classmethod
    def of(cls, near: AnyArray, sample: AnyArray, rows: int, points: int = POINTS) -> Distances:
        """near: distances of true neighbours; sample: distances of rows drawn evenly, of the same queries."""
        low = max(float(min(near.min(initial=np.inf), sample.min(initial=np.inf))), LEAST)
        high = max(float(near.max(initial=0)), float(sample.max(initial=0)), 2 * low)
        grid = np.linspace(low, high, points)
        return cls(grid, _weights(near, grid), _weights(sample, grid), rows)

    def expected(
        self, settings: LSHSettings, probes: AnyArray, *, seed: int = 0, workers: int | None = None
    ) -> tuple[AnyArray, AnyArray]:
        """(recall, candidates) float64[C] of these settings, sketches aside, after probes[c] probes."""
        found = found_by_probes(self.points, settings, probes, seed=seed, workers=workers)
        return found @ self.near, self.rows * (found @ self.all_rows)


def _weights(distances: AnyArray, grid: AnyArray) -> AnyArray:
    """float64[U]: each distance shared between the two points of the grid beside it."""
    at = np.clip(np.searchsorted(grid, distances.ravel(), side="right") - 1, 0, len(grid) - 2)
    part = np.clip((distances.ravel() - grid[at]) / (grid[at + 1] - grid[at]), 0, 1)
    weights = np.bincount(at, 1 - part, len(grid)) + np.bincount(at + 1, part, len(grid))
    return np.asarray(weights / max(weights.sum(), LEAST))
