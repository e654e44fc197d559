"""Indexes built for a recall: the least effort that reaches it on sample queries, measured against exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from inspect import signature
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import ValidationError

from cowalk.errors import UsageError
from cowalk.recall.auto import check_recall, check_share, choose_kind
from cowalk.recall.base import RowIndex
from cowalk.recall.exact_index import ExactIndex
from cowalk.recall.index import Index
from cowalk.recall.kinds import kind_named
from cowalk.recall.rows import check_metric
from cowalk.recall.truth import found_shares, without_own
from cowalk.seeds import generator
from cowalk.types import AnyArray, Floats, Ids

Progress = Callable[[str], None]
SAMPLE = 300  # queries that recall is measured on
TIMED = 50  # of these asked one by one


@dataclass(frozen=True)
class Point:
    """How an index does at one effort: its recall of the exact answer, and seconds a query, one by one."""

    effort: int
    recall: float
    seconds: float


@dataclass(frozen=True)
class Built:
    """An index, why this kind, what it reaches at which k on so many queries, and how effort buys recall."""

    index: Index
    why: str
    recall: float
    k: int
    queries: int
    curve: tuple[Point, ...] = ()
    tuning: Any = None
    """Of LSH: how its tables were chosen (LSHTuning)."""

    @property
    def seconds(self) -> float:
        """Of one query, alone on one thread."""
        return self.curve[-1].seconds

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "kind": self.index.kind, "why": self.why, "rows": len(self.index), "recall": self.recall,
            "k": self.k, "queries": self.queries, "seconds": self.seconds,
            "curve": [asdict(point) for point in self.curve],
            "tuning": None if self.tuning is None else self.tuning.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class Questions:
    """Sample queries and their true answers. own: int32[Q], the row a query is itself, which is no answer."""

    queries: Floats
    k: int
    truth: Ids
    own: Ids | None = None

    @classmethod
    def of(cls, yardstick: Index, queries: Floats, k: int, own: Ids | None = None) -> Questions:
        """The questions, answered by an exact index."""
        found = yardstick.search(queries, k + (own is not None))
        return cls(queries, k, without_own(found, own, k).ids, own)

    def recall(self, index: Index, workers: int | None = None) -> float:
        """Share of the true neighbours that an index finds, a query's mean."""
        found = index.search(self.queries, self.k + (self.own is not None), workers=workers)
        return float(found_shares(without_own(found, self.own, self.k).ids, self.truth).mean())

    def point(self, index: Index, effort: int) -> Point:
        """Recall of all queries; seconds of the first few, one by one in one thread."""
        few = min(TIMED, len(self.queries))
        index.search(self.queries[:1], self.k, workers=1)
        start = perf_counter()
        for query in range(few):
            index.search(self.queries[query : query + 1], self.k, workers=1)
        seconds = (perf_counter() - start) / max(few, 1)
        return Point(effort, self.recall(index), seconds)


def build_index(
    vectors: AnyArray,
    metric: str = "cosine",
    kind: str = "auto",
    *,
    recall: float = 0.95,
    k: int = 100,
    queries: AnyArray | None = None,
    share: float = 1.0,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Built:
    """An index over float32[N, d] that finds `recall` of the k true neighbours of sample queries.

    queries: float32[Q, d]; without them rows of the table ask, and are no answer to themselves. share: of
    LSH, the largest share of rows that may be found in buckets, where that is within reach. settings: the
    kind's own; where they fix the effort (`effort`, lsh: any) it is measured as it stands. Where the recall
    is out of reach, the index is the best there is and `Built.recall` tells.
    """
    tell = progress or (lambda words: None)
    check_recall(recall)
    known = check_metric(metric)
    if kind != "auto":
        check_settings(kind, settings)  # an unknown name is told before the work
    yardstick = ExactIndex.build(vectors, known)
    why = "asked for"
    if kind == "auto":
        kind, why = choose_kind(yardstick.size, yardstick.dimension, known, recall)
        check_settings(kind, settings)
    if check_share(share) != 1 and kind != "lsh":
        raise UsageError(f"share bounds what lsh looks at; {kind} has no such bound, leave it out")
    if share != 1 and settings:
        raise UsageError(
            "lsh: share is for tuning, and settings that are given are not tuned; give one of them"
        )
    made = kind_named(kind)
    tell(f"true neighbours of {SAMPLE} sample queries")
    asked = sample_questions(yardstick, queries, k, seed)
    tell(f"building {kind}")
    tuning = None
    if made.abilities.exact:
        plain = kind == "exact" and not settings
        index: Any = yardstick if plain else made.build(yardstick.vectors, known, **settings)
        curve: tuple[Point, ...] = (asked.point(index, index.size),)
    elif kind == "lsh":
        index, tuning = _lsh(yardstick, asked, recall, share, seed, workers, tell, settings)
        curve = (asked.point(index, index.settings.probes),)
    else:
        index = made.build(yardstick.vectors, known, seed=seed, workers=workers, **settings)
        curve = _tuned(index, asked, recall, tell, fixed="effort" in settings)
    return Built(index, why, curve[-1].recall, asked.k, len(asked.queries), curve, tuning)


def check_settings(kind: str, settings: Mapping[str, Any]) -> None:
    """UsageError where the kind is none, or has no such settings."""
    made = kind_named(kind)
    if kind == "lsh":
        _lsh_settings(settings)
        return
    known = [
        name
        for name, one in signature(made.build).parameters.items()
        if one.kind is one.KEYWORD_ONLY and name not in ("seed", "workers")
    ]
    for name, value in settings.items():
        if name not in known:
            raise UsageError(f"{kind} has no setting {name!r}; it has {', '.join(known) or 'none'}")
        if name != "storage" and (not isinstance(value, int) or isinstance(value, bool)):
            raise UsageError(f"{kind}: {name} must be a whole number, not {value!r}")


def _lsh_settings(settings: Mapping[str, Any]) -> Any:
    """LSHSettings of these; UsageError names what is off."""
    from cowalk.recall.lsh import LSHSettings

    try:
        return LSHSettings.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"lsh: {where}: {first['msg'].lower()}") from None


def sample_questions(yardstick: RowIndex, queries: AnyArray | None, k: int, seed: int) -> Questions:
    """At most SAMPLE of the queries, else of the rows themselves, with their true neighbours."""
    rng = generator(seed, "index/questions")
    k = max(1, min(k, yardstick.size - (queries is None)))
    if queries is not None:
        table = np.asarray(queries, dtype=np.float32)
        return Questions.of(yardstick, table[np.sort(rng.permutation(len(table))[:SAMPLE])], k)
    rows = np.sort(rng.permutation(yardstick.size)[:SAMPLE]).astype(np.int32)
    return Questions.of(yardstick, yardstick.vectors[rows], k, rows)


def _tuned(index: Any, asked: Questions, recall: float, tell: Progress, fixed: bool) -> tuple[Point, ...]:
    """Effort doubled until the recall is reached, and set; the curve up to there."""
    if fixed:
        return (asked.point(index, index.effort),)
    most, effort, curve = int(index.most_effort), 1 if index.kind == "ivf" else 16, []
    while True:
        index.effort = min(effort, most)
        curve.append(asked.point(index, index.effort))
        tell(f"{index.kind}: effort {index.effort} finds {curve[-1].recall:.3f}")
        if curve[-1].recall >= recall or index.effort == most:
            return tuple(curve)
        effort *= 2


def _lsh(
    yardstick: RowIndex, asked: Questions, recall: float, share: float, seed: int, workers: int | None,
    tell: Progress, settings: dict[str, Any],
) -> tuple[Any, Any]:  # fmt: skip
    """LSH with the settings given, or tuned; and how it was tuned."""
    from cowalk.recall.lsh import LSHIndex, tuned

    if settings:
        chosen = _lsh_settings(settings)
        return LSHIndex.build(yardstick.vectors, yardstick.metric, chosen, seed=seed, workers=workers), None
    return tuned(
        yardstick.vectors, yardstick.metric, recall=recall, k=asked.k, share=share, seed=seed,
        workers=workers, queries=None if asked.own is not None else asked.queries, progress=tell,
    )  # fmt: skip
