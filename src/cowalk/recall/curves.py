"""Recall against queries a second: every kind of index over the same vectors, from little effort to much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from cowalk.errors import MissingExtraError
from cowalk.recall.building import Questions, sample_questions
from cowalk.recall.exact_index import ExactIndex
from cowalk.recall.index import Index
from cowalk.recall.kinds import kind_named
from cowalk.recall.rows import check_metric
from cowalk.types import AnyArray

Progress = Callable[[str], None]
KINDS = ("exact", "exact float16", "lsh", "ivf", "hnsw", "kdtree")
ENOUGH = 0.999  # effort is raised until so much is found, or until it takes twice the time of the first kind


@dataclass(frozen=True)
class Line:
    """One kind at one effort: recall@k, and queries a second on one thread, one by one and all at once.

    setting: the effort in words; build: seconds that building took; same for all lines of a kind.
    """

    kind: str
    setting: str
    recall: float
    single: float
    batch: float
    build: float


def index_lines(
    vectors: AnyArray,
    metric: str = "cosine",
    *,
    k: int = 100,
    queries: AnyArray | None = None,
    kinds: Sequence[str] = KINDS,
    recall: float = 0.95,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[Line], list[str]]:
    """The lines of all kinds over float32[N, d], and notes on kinds that are left out.

    recall: what LSH is tuned for. `workers` build; answers are timed on one thread.
    """
    tell = progress or (lambda words: None)
    notes: list[str] = []
    lines: list[Line] = []
    yardstick = ExactIndex.build(vectors, check_metric(metric))
    asked = sample_questions(yardstick, queries, k, seed)
    for kind in kinds:
        tell(f"building {kind}")
        start = perf_counter()
        try:
            efforts = _efforts(kind, yardstick, asked, recall, seed, workers)
            for name, index in efforts:
                if not lines or lines[-1].kind != kind:
                    build = perf_counter() - start
                lines.append(_line(kind, name, index, asked, build))
                tell(f"{kind} {name}: recall {lines[-1].recall:.3f}")
                if lines[-1].recall >= ENOUGH or 2 * lines[-1].single < lines[0].single:
                    break
        except MissingExtraError as error:
            notes.append(f"{kind} is left out: {error}")
    return lines, notes


def _efforts(
    kind: str, yardstick: ExactIndex, asked: Questions, recall: float, seed: int, workers: int | None
) -> Iterator[tuple[str, Index]]:
    """The same index at one effort after the other, least first."""
    rows, metric = yardstick.vectors, yardstick.metric
    if kind == "exact":
        yield "float32", yardstick
    elif kind == "exact float16":
        yield "float16", ExactIndex.build(rows, metric, storage="float16")
    elif kind == "kdtree":
        yield "whole", kind_named(kind).build(rows, metric)
    elif kind == "lsh":
        yield from _lsh_efforts(yardstick, asked, recall, seed, workers)
    else:
        index: Any = kind_named(kind).build(rows, metric, seed=seed, workers=workers)
        effort = 1 if kind == "ivf" else 16
        while effort < 2 * index.most_effort:
            index.effort = min(effort, index.most_effort)
            yield f"effort {index.effort}", index
            effort *= 2


def _lsh_efforts(
    yardstick: ExactIndex, asked: Questions, recall: float, seed: int, workers: int | None
) -> Iterator[tuple[str, Index]]:
    """The tables that are best for the recall, with fewer probes and with more."""
    from cowalk.recall.lsh import tuned

    index, _ = tuned(
        yardstick.vectors, yardstick.metric, recall=recall, k=asked.k, seed=seed, workers=workers,
        queries=None if asked.own is not None else asked.queries,
    )  # fmt: skip
    if not index.settings.tables:
        for scored in (1, 2, 4, 8, 16, 32, 64, 0):
            yield f"{scored or 'all'} scored", index.searched(scored=scored)
        return
    chosen = max(index.settings.probes, 1)
    for probes in sorted({0, *(max(1, round(chosen * 2.0**step)) for step in range(-6, 4))}):
        yield f"{probes} probes", index.searched(probes=probes)


def _line(kind: str, setting: str, index: Index, asked: Questions, build: float) -> Line:
    point = asked.point(index, 0)
    start = perf_counter()
    index.search(asked.queries, asked.k, workers=1)
    batch = perf_counter() - start
    return Line(kind, setting, point.recall, 1 / point.seconds, len(asked.queries) / batch, build)
