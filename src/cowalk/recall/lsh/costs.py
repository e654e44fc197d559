"""What a search of an LSH index costs, counted, and the settings that reach a recall at least cost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from cowalk.recall.lsh.sample import Sample
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.theory import LEAST, Choices
from cowalk.types import AnyArray

LINES = (8, 16, 32, 64)
ENDS = (1, 2, 3, 4)  # functions of several lines
WIDTHS = (1.5, 2.0, 2.75, 3.5, 4.5, 6.0)  # of one line, as multiples of the mean distance of a neighbour
FUNCTIONS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32)
TABLES = (1, 2, 4, 8, 16)
SCORE, PROBE, LINE, ROW = 4.0, 40.0, 0.8, 0.25
"""A row scored, a bucket read, a line, a row compared where all are; in candidates, found in buckets and
compared by sketch, about 14 ns each.

Measured at d = 128 and 200,000 rows, where a bucket read is two misses of the cache and a step of the heap.
Counted, not timed, so that the choice is the same on a busy machine.
"""
TABLE = 0.05
"""A table has to pay for its memory, about 12 bytes a row, by this share of the cost."""
PATIENCE = 8.0


def search_cost(settings: LSHSettings, scored: float, candidates: float, buckets: float) -> float:
    """The cost of one query that scores, finds and reads so much, as a mean."""
    each = 1 + settings.sketch / 64 if settings.tables else ROW * (1 + settings.sketch / 16)
    lines = settings.tables * settings.functions * settings.lines
    work = each * candidates + SCORE * scored + PROBE * buckets + LINE * (lines + 64 * settings.sketch)
    return float(work * (1 + TABLE * settings.tables))


def kinds(sample: Sample) -> Iterator[LSHSettings]:
    """Functions that may be chosen: of several lines where the metric has angles, and of one line."""
    if sample.angles is not None:
        for lines in LINES:
            yield LSHSettings(lines=lines, functions=1, tables=1)
    near = max(float(sample.distances.points @ sample.distances.near), LEAST)
    for times in WIDTHS:
        yield LSHSettings(width=times * near, functions=1, tables=1)


def cheapest(
    sample: Sample, recall: float, probes: AnyArray, *, share: float = 1.0, seed: int = 0,
    workers: int | None = None,
) -> tuple[LSHSettings, int]:  # fmt: skip
    """The settings of least predicted cost whose buckets find `recall`, and how many were compared.

    probes: int64[N], rising from 0: what may be chosen. share: the largest share of rows that may be
    candidates. Where none reaches both within PATIENCE times the cost of the cheapest that reaches the
    recall, that one; where none reaches the recall, the one that finds most.
    """
    rows = sample.distances.rows
    every = LSHSettings(tables=0, probes=0, functions=1)
    best = {0 if share == 1 else 1: (search_cost(every, 0, rows, 0), every)}
    tried = 1
    for kind in kinds(sample):
        distances = sample.seen_by(kind)
        choices = Choices.of(distances.points, kind, seed=seed, workers=workers)
        for functions, tables in product(FUNCTIONS if kind.lines == 1 else ENDS, TABLES):
            base = kind.model_copy(update={"functions": functions, "tables": tables, "probes": 0})
            least = best[0][0] if 0 in best else PATIENCE * best[1][0]
            allowed = probes[: max(1, int(np.searchsorted(probes, least / PROBE)))]
            tried += 1
            found, candidates = distances.expected(base, allowed, choices=choices, seed=seed, workers=workers)
            near_enough = found >= recall
            for rank, fits in enumerate((near_enough & (candidates <= share * rows), near_enough)):
                if fits.any():
                    at = int(fits.argmax())
                    cost = search_cost(base, 0, candidates[at], allowed[at] + tables)
                    if rank not in best or cost < best[rank][0]:
                        best[rank] = (cost, base.model_copy(update={"probes": int(allowed[at])}))
    return best[min(best)][1], tried
