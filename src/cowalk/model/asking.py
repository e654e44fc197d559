"""How a history is answered: ids to rows, filter, scorer, diversity; what command line and service share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cowalk.errors import UsageError
from cowalk.model.cold_items import ColdModel, Policy
from cowalk.model.filters import Mask, Where
from cowalk.model.user_store import Time, most_popular, request_times
from cowalk.recall.diversity import diverse, pool_size
from cowalk.tables import Id
from cowalk.tables.hits import check_k
from cowalk.types import Floats, Ids

Fallback = Literal["none", "popularity"]
"""What a history of which nothing is known gets."""
By = Literal["history", "popularity", "nothing"]

UNKNOWN = "no id of the history is known"
EMPTY = "the history is empty"


@dataclass(frozen=True)
class Question:
    """What is asked beside the history; the words are those of `Model.recommend`.

    may_be_empty: an empty history gets the fallback instead of an error. workers: threads, None = all.
    user: who asks, for a tower that was learned with a users table.
    """

    k: int = 10
    times: Sequence[Time] | None = None
    exclude_seen: bool | None = None
    on_unknown: Policy = "error"
    fallback: Fallback = "none"
    exact: bool = False
    where: Where | None = None
    diversity: float = 0.0
    interests: int | None = None
    may_be_empty: bool = False
    workers: int | None = None
    user: Id | None = None


@dataclass(frozen=True)
class Found:
    """Rows and scores, best first; history: the rows that were asked with; by: what they were found by."""

    rows: Ids
    scores: Floats
    label: str
    by: By
    history: Ids
    unknown: tuple[Id, ...] = ()
    asked: int = 0
    notes: tuple[str, ...] = ()


def ask(model: ColdModel, history: Sequence[Id], question: Question) -> Found:
    """The answer of `Model.recommend` in rows."""
    _check(history, question)
    rows, unknown = model.rows_of(history, question.on_unknown)
    times = question.times
    when = None if times is None else request_times(history, times, set(unknown))
    mask, notes = model.mask(question.where, cold=question.on_unknown == "cold")
    if not len(rows):
        return _instead(model, question, mask, notes, unknown, len(history))
    recommender = model.scorer(cold=question.on_unknown == "cold")
    items = len(recommender.counts)
    k = min(question.k, items)
    wide = min(pool_size(k, question.diversity), items)
    hits = recommender.recommend(
        rows, np.array([0, len(rows)], dtype=np.int64), wide,
        times=when, exclude_seen=question.exclude_seen, exact=question.exact, allowed=mask,
        interests=question.interests, workers=question.workers,
        users=None if question.user is None else model.user_rows([question.user]),
    )  # fmt: skip
    label = _label(model)
    if (question.interests or recommender.settings.interests) > 1:
        label = f"share of an interest / (places it has + 1); its items by {label}"
    if question.diversity > 0:
        hits = diverse(hits, recommender.vectors, k, question.diversity)
        label = f"{label}, lessened by likeness to those above"
    kept = hits.ids[0] >= 0
    return Found(
        hits.ids[0][kept], hits.scores[0][kept], label, "history", rows, unknown, len(history), notes
    )  # fmt: skip


def _label(model: ColdModel) -> str:
    """What the scores are of."""
    return "score of vectors and co-occurrence" if model.lists is not None else "score of vectors"


def _check(history: Sequence[Id], question: Question) -> None:
    check_k(question.k)
    if question.fallback not in ("none", "popularity"):
        raise UsageError(f"fallback is {question.fallback!r}; it must be none or popularity")
    if question.interests is not None and question.interests < 1:
        raise UsageError(f"interests must be at least 1, not {question.interests}")
    pool_size(question.k, question.diversity)
    if not len(history) and not question.may_be_empty:
        raise UsageError("the history is empty; give at least one id")


def _instead(
    model: ColdModel, question: Question, mask: Mask | None, notes: tuple[str, ...], unknown: tuple[Id, ...],
    asked: int,
) -> Found:  # fmt: skip
    """What a history of which nothing is known gets: the most popular items that match, or nothing."""
    why, none = (UNKNOWN if asked else EMPTY), np.zeros(0, dtype=np.int32)
    if question.fallback == "none":
        told = (f"{why}, so there is no answer", *notes)
        return Found(none, none.astype(np.float32), _label(model), "nothing", none, unknown, asked, told)
    rows = most_popular(model.vocab, question.k, None if mask is None else mask[: len(model.vocab)])
    scores = model.vocab.counts[rows].astype(np.float32)
    told = (f"{why}: the most popular items", *notes)
    return Found(rows, scores, "events in the log", "popularity", none, unknown, asked, told)
