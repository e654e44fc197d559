"""Tuning of an LSH index: the (w, k, L), probes and sketch that reach a recall at least cost; its curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.recall.auto import check_share
from cowalk.recall.index import IndexMetric
from cowalk.recall.lifted import longest_of
from cowalk.recall.lsh.costs import cheapest, search_cost
from cowalk.recall.lsh.index import LSHIndex
from cowalk.recall.lsh.sample import Sample
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.rows import check_metric, checked
from cowalk.types import AnyArray

Progress = Callable[[str], None]
PROBES = np.unique([0, *(round(2 ** (j / 2)) for j in range(29))])  # 0, 1, 2, 3, 4, 6, 8, 11, ... 16384
SCORED = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 0)
SKETCHES = (2, 4, 8, 16)
DRAWN = 0.8
"""Of the share of rows that may be candidates so much is planned for: a draw of lines finds more or fewer."""
SPARE = 0.4
"""Share of the loss that is left to the sketches: of 0.05, buckets may lose 0.03."""


@dataclass(frozen=True)
class ProbePoint:
    """What so many probes give: predicted by the collision formula, and measured on the sample.

    candidates: rows found in buckets, scored: those scored exactly, both a query's mean; microseconds: of one
    query, alone on one thread.
    """

    probes: int
    predicted_recall: float
    bucket_recall: float
    recall: float
    predicted_candidates: float
    candidates: float
    scored: float
    microseconds: float


@dataclass(frozen=True)
class LSHTuning:
    """What was chosen, what it reaches on the sample, and the curve of its tables over the probes.

    reached: whether the recall asked for is reached on the sample, one standard error below the mean.
    tried: how many (lines, w, k, L) were compared by prediction. rows: those of the index.
    """

    settings: LSHSettings
    metric: IndexMetric
    target: float
    neighbors: int
    queries: int
    rows: int
    recall: float
    reached: bool
    tried: int
    curve: tuple[ProbePoint, ...]

    @property
    def chosen(self) -> ProbePoint:
        """The point of the curve with the chosen probes."""
        return next(point for point in self.curve if point.probes == self.settings.probes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "settings": self.settings.model_dump()}

    def words(self) -> str:
        """One line that says what was chosen and what it gives."""
        s, at = self.settings, self.chosen
        missed = "" if self.reached else f"; {self.target:g} was not reached, an exact index would"
        kind = f"width {s.width:.3g}" if s.lines == 1 else f"{s.lines} lines each"
        plan = f"{s.tables} tables of {s.functions} functions ({kind}), {s.probes} probes"
        if not s.tables:
            plan = f"no tables, all rows compared by sketches of {64 * s.sketch} bits"
        return (
            f"{plan}: recall@{self.neighbors} {self.recall:.3f} of {self.queries} queries, "
            f"{at.candidates / self.rows:.1%} of the rows found in buckets, "
            f"{at.scored / self.rows:.2%} scored{missed}"
        )


def tuned(
    vectors: AnyArray, metric: str = "cosine", *, recall: float = 0.95, k: int = 100,
    queries: AnyArray | None = None, share: float = 1.0, seed: int = 0, workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[LSHIndex, LSHTuning]:  # fmt: skip
    """An LSH index over float32[N, d] that finds `recall` of the k nearest at least cost, and its curve.

    Every (lines, w, k, L) is predicted from the distances of a sample: `queries` where given, else rows, each
    without itself; so is comparing all rows by their sketches, which is cheapest for few. The cheapest is
    built; probes, sketches and scored rows are then chosen by measuring. share: the largest share of rows
    that may be candidates, as predicted, where that is within reach. Equal for equal seeds, times aside.
    """
    if not 0 < recall < 1:
        raise UsageError(f"recall is {recall:g}; it must lie between 0 and 1 (1 is exact: kind exact)")
    check_share(share)
    say = progress or (lambda _: None)
    known = check_metric(metric)
    rows = checked(vectors, None, known)
    longest = longest_of(rows) if known == "ip" else 0.0
    say("true neighbours of the sample")
    sample = Sample.drawn(rows, known, k, longest, queries=queries, seed=seed)
    say("predicting")
    wanted = 1 - (1 - recall) * (1 - SPARE)
    settings, tried = cheapest(
        sample, wanted, PROBES, share=share * DRAWN if share < 1 else 1.0, seed=seed, workers=workers
    )
    say(f"building {settings.tables} tables")
    index = LSHIndex.build(vectors, known, settings, seed=seed, workers=workers)
    say("measuring")
    return _measured(index, sample, recall, wanted, seed, tried)


def _measured(
    index: LSHIndex, sample: Sample, recall: float, wanted: float, seed: int, tried: int
) -> tuple[LSHIndex, LSHTuning]:
    """Probes and scored rows by measuring on the sample, and the curve around them."""
    settings = index.settings
    rung = int(np.searchsorted(PROBES, settings.probes))
    buckets = {rung: _recall(index, sample, probes=int(PROBES[rung]), scored=0)}
    while buckets[rung].mean() < wanted and rung + 1 < len(PROBES):
        rung += 1
        buckets[rung] = _recall(index, sample, probes=int(PROBES[rung]), scored=0)
    while rung > 0 and buckets[rung].mean() >= wanted:
        buckets[rung - 1] = _recall(index, sample, probes=int(PROBES[rung - 1]), scored=0)
        if buckets[rung - 1].mean() < wanted:
            break
        rung -= 1
    chosen, found = _sketched(index.searched(probes=int(PROBES[rung])), sample, recall, seed)
    points = _curve(chosen, sample, rung, seed)
    tuning = LSHTuning(
        chosen.settings, index.metric, recall, sample.neighbors.shape[1], len(sample.queries), len(index),
        float(found.mean()), bool(_low(found) >= recall), tried, points,
    )  # fmt: skip
    return chosen, tuning


def _sketched(index: LSHIndex, sample: Sample, recall: float, seed: int) -> tuple[LSHIndex, AnyArray]:
    """The length of sketch and the scored rows that reach the recall at least cost, and the recalls; of those
    that do not reach it, the last: long sketches and every candidate scored.
    """
    best, least, found, before = index, np.inf, np.zeros(1), np.zeros(3)
    for words in SKETCHES:
        longer = index.settings.model_copy(update={"sketch": words})
        if search_cost(longer, SCORED[0] * sample.neighbors.shape[1], *before[1:]) >= least:
            break  # the comparing alone costs more by now than scoring fewer rows can spare
        other = index.sketched(words, seed)
        for scored in SCORED:
            tried = other.searched(scored=scored)
            hits, work = tried.looked(sample.queries, sample.neighbors.shape[1] + 1)
            recalls = sample.recalls(hits)
            before = work.mean(axis=0)
            cost = search_cost(tried.settings, *before)
            if cost >= least:
                break
            if _low(recalls) >= recall or not np.isfinite(least):
                best, found = tried, recalls
            if _low(recalls) >= recall:
                least = cost
                break
    return best, found


def _low(recalls: AnyArray) -> float:
    """One standard error below the mean."""
    return float(recalls.mean() - recalls.std() / np.sqrt(len(recalls)))


def _recall(index: LSHIndex, sample: Sample, **changes: int) -> AnyArray:
    hits, _ = index.searched(**changes).looked(sample.queries, sample.neighbors.shape[1] + 1)
    return sample.recalls(hits)


def _curve(index: LSHIndex, sample: Sample, rung: int, seed: int) -> tuple[ProbePoint, ...]:
    """No probes, and twice as many from rung to rung, through the chosen ones and twice beyond."""
    rungs = sorted({0, *range(max(rung - 12, rung % 2), min(rung + 5, len(PROBES)), 2)})
    if not index.settings.tables:
        rungs = [rung]  # there are no buckets to look into
    probes = PROBES[rungs]
    expected, candidates = sample.seen_by(index.settings).expected(index.settings, probes, seed=seed)
    return tuple(
        _point(index.searched(probes=int(number)), sample, float(share), float(rows))
        for number, share, rows in zip(probes, expected, candidates, strict=True)
    )


def _point(index: LSHIndex, sample: Sample, expected: float, candidates: float) -> ProbePoint:
    k = sample.neighbors.shape[1] + 1
    start = perf_counter()
    hits, work = index.looked(sample.queries, k, workers=1)
    seconds = perf_counter() - start
    scored, found, _ = work.mean(axis=0)
    return ProbePoint(
        index.settings.probes, expected, float(_recall(index, sample, scored=0).mean()),
        float(sample.recalls(hits).mean()), candidates, float(found), float(scored),
        1e6 * seconds / len(sample.queries),
    )  # fmt: skip
