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
FUNCTIONS, ENDS = (
    512,
    128,
)  # drawn functions of one line and of several, that those of the tables are picked of
NODES = 8
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


@dataclass(frozen=True)
class Choices:
    """What functions of one kind choose: costs uint64[F, C] of probing, as drawn queries see them, and
    chances float64[F, C, U] that a row at each of U distances makes the same choices.
    """

    costs: AnyArray
    chances: AnyArray

    @classmethod
    def of(
        cls, distances: AnyArray, settings: LSHSettings, *, seed: int = 0, workers: int | None = None
    ) -> Choices:
        """Of functions of these `lines` and this `width`; distances: float64[U].

        One line: by normal probabilities, Lv et al. 2007. Several: of rows and queries of length 1, by the
        normal places of a row given those of a query (Andoni et al. 2015), a quadrature over the largest.
        """
        rng = generator(seed, "lsh theory")
        count, choices = FUNCTIONS if settings.lines == 1 else ENDS, settings.choices
        costs = np.empty((count, choices), dtype=np.uint64)
        chances = np.empty((count, choices, len(distances)))
        if settings.lines == 1:
            least = np.maximum(np.asarray(distances, dtype=np.float64), LEAST * settings.width)
            places = rng.random(count, dtype=np.float32)
            kernels.line_chances(places, settings.width / least, costs, chances)
            return cls(costs, chances)
        places = rng.standard_normal((count, settings.lines), dtype=np.float32)
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        cosines = 1 - np.asarray(distances, dtype=np.float64) ** 2 / 2
        with threads(workers):
            kernels.end_chances(places, cosines, nodes, weights / weights.sum(), costs, chances)
        return cls(costs, chances)

    def agree(self) -> AnyArray:
        """float64[U]: the chance that a row makes the query's own choice in one function."""
        return np.asarray(self.chances[:, 0].mean(axis=0))

    def found(
        self, functions: int, tables: int, probes: AnyArray, *, seed: int = 0, workers: int | None = None,
        draws: int = DRAWS,
    ) -> AnyArray:  # fmt: skip
        """float64[N, U]: the chance that a row at each distance is a candidate after probes[n] more buckets.

        Every bucket's chance is a product of the functions'; the mean over `draws` queries is given (Monte
        Carlo over where these fall alone). Without a table every row is a candidate.
        """
        if not tables:
            return np.ones((len(probes), self.chances.shape[2]))
        rng = generator(seed, "lsh theory draws")
        picks = rng.integers(0, len(self.costs), (draws, tables, functions), dtype=np.int32)
        found = np.empty((draws, len(probes), self.chances.shape[2]))
        with threads(workers):
            kernels.chances_found(self.costs, self.chances, picks, np.asarray(probes, dtype=np.int64), found)
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
        self, settings: LSHSettings, probes: AnyArray, *, choices: Choices | None = None, seed: int = 0,
        workers: int | None = None,
    ) -> tuple[AnyArray, AnyArray]:  # fmt: skip
        """(recall, candidates) float64[N] of these settings, sketches aside, after probes[n] probes.

        choices: those of `settings` at these points, where they are known already.
        """
        known = choices or Choices.of(self.points, settings, seed=seed, workers=workers)
        found = known.found(settings.functions, settings.tables, probes, seed=seed, workers=workers)
        return found @ self.near, self.rows * (found @ self.all_rows)


def _weights(distances: AnyArray, grid: AnyArray) -> AnyArray:
    """float64[U]: each distance shared between the two points of the grid beside it."""
    at = np.clip(np.searchsorted(grid, distances.ravel(), side="right") - 1, 0, len(grid) - 2)
    part = np.clip((distances.ravel() - grid[at]) / (grid[at + 1] - grid[at]), 0, 1)
    weights = np.bincount(at, 1 - part, len(grid)) + np.bincount(at + 1, part, len(grid))
    return np.asarray(weights / max(weights.sum(), LEAST))
