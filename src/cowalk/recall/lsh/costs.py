"""What a search of an LSH index costs, counted, and the settings that reach a recall at least cost."""

from __future__ import annotations

from itertools import product

import numpy as np

from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.theory import LEAST, Distances
from cowalk.types import AnyArray

WIDTHS = (1.5, 2.0, 2.75, 3.5, 4.5, 6.0)  # as multiples of the mean distance of a neighbour
FUNCTIONS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32)
TABLES = (1, 2, 4, 8, 16)
SCORE, PROBE, LINE = 4.0, 40.0, 0.8
"""A row scored, a bucket read, a hash function; in candidates found and compared by sketch, about 14 ns each.

Measured at d = 128 and 200,000 rows, where a bucket read is two misses of the cache and a step of the heap.
Counted, not timed, so that the choice is the same on a busy machine.
"""
TABLE = 0.02
"""A table has to pay for its memory, about 12 bytes a row, by this share of the cost."""
PATIENCE = 8.0


def search_cost(settings: LSHSettings, scored: float, candidates: float, buckets: float) -> float:
    """The cost of one query that scores, finds and reads so much, as a mean."""
    work = candidates + SCORE * scored + PROBE * buckets + LINE * settings.tables * settings.functions
    return float(work * (1 + TABLE * settings.tables) + candidates * settings.sketch / 64)


def cheapest(
    distances: Distances, recall: float, probes: AnyArray, *, share: float = 1.0, seed: int = 0,
    workers: int | None = None,
) -> tuple[LSHSettings, int]:  # fmt: skip
    """The settings of least predicted cost whose buckets find `recall`, and how many were compared.

    probes: int64[C], rising from 0: what may be chosen. share: the largest share of rows that may be
    candidates. Where none reaches both within PATIENCE times the cost of the cheapest that reaches the
    recall, that one; where none reaches the recall, the one that finds most.
    """
    near = max(float(distances.points @ distances.near), LEAST)
    best: dict[int, tuple[float, LSHSettings]] = {}
    ceiling = SCORE * distances.rows  # of looking at all rows
    tried = 0
    for functions, tables, times in product(FUNCTIONS, TABLES, WIDTHS):
        base = LSHSettings(width=times * near, functions=functions, tables=tables, probes=0)
        least = best[0][0] if 0 in best else min(ceiling, PATIENCE * best[1][0] if 1 in best else np.inf)
        allowed = probes[: max(1, int(np.searchsorted(probes, least / PROBE)))]
        tried += 1
        found, candidates = distances.expected(base, allowed, seed=seed, workers=workers)
        for rank, fits in enumerate((
            (found >= recall) & (candidates <= share * distances.rows), found >= recall, found == found.max(),
        )):  # fmt: skip
            if fits.any():
                at = int(fits.argmax())
                cost = search_cost(base, 0, candidates[at], allowed[at] + tables) if rank < 2 else -found[at]
                if rank not in best or cost < best[rank][0]:
                    best[rank] = (cost, base.model_copy(update={"probes": int(allowed[at])}))
    return best[min(best)][1], tried
