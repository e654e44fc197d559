"""Next item: a history from the log, the item that came next, the full catalogue as candidates."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from cowalk.errors import DataError
from cowalk.evaluate import metrics
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Choice, Fitted
from cowalk.evaluate.queries import NextItemQueries
from cowalk.evaluate.ragged import draw_per_run, run_of, slices
from cowalk.prepare import leave_last, split_by_time
from cowalk.seeds import generator
from cowalk.tables import Events, Hits, Vocab
from cowalk.types import AnyArray, Settings

NAME = "next-item"
KS = (10, 20, 50, 100)
PRIMARY = "recall@20"


class NextItemSettings(Settings):
    """How next-item queries are made."""

    split: Literal["auto", "time", "leave-last"] = Field(
        "auto",
        description="80/10/10 by time, or the last event of each owner; auto = time where the log has times.",
    )
    per_owner: int = Field(3, ge=1, description="At most this many random targets per owner and part.")


def next_item_masks(events: Events, settings: NextItemSettings) -> tuple[AnyArray, AnyArray, AnyArray]:
    """bool[N] each: the events of the training, the validation and the test part."""
    by_time = settings.split == "time" or (settings.split == "auto" and events.has_times)
    split = split_by_time(events) if by_time else leave_last(events)
    return split.train, split.validation, split.test


def next_item_queries(
    events: Events, part: AnyArray, vocab: Vocab, *, per_owner: int = 3, seed: int = 0, name: str = "test"
) -> tuple[NextItemQueries, dict[str, float]]:
    """Queries on the events of `part`, at most `per_owner` random ones an owner, and what was left out.

    The history is all the owner's earlier events that `vocab` knows, those of the same session and of the
    validation part included. Drawn targets without such a history, or unknown to `vocab`, are left out; the
    figures say which share: `drawn`, `no history`, `unknown target`.
    """
    offsets = events.owner_offsets
    owner = run_of(offsets)
    rows = vocab.find(events.item_vocab.ids)[events.items]
    drawn = draw_per_run(
        np.flatnonzero(part), owner[part], per_owner, generator(seed, f"evaluate/{NAME}/{name}")
    )
    before = np.concatenate([[0], np.cumsum(rows >= 0)])  # known events before each position
    starts, stops = before[offsets[owner[drawn]]], before[drawn]
    bare, unknown = stops == starts, rows[drawn] < 0
    keep = ~bare & ~unknown
    ragged, at = slices(starts[keep], stops[keep])
    queries = NextItemQueries(
        rows[rows >= 0][at], ragged, rows[drawn[keep]], owner[drawn[keep]].astype(np.int64), len(vocab),
        events.times[rows >= 0][at] if events.has_times else None, events.users[drawn[keep]],
    )  # fmt: skip
    if len(queries) == 0:
        raise DataError(
            f"next item: no {name} event has both a known history and a known target; use more data"
        )
    number = len(drawn)
    return queries, {
        f"{name} drawn": float(number),
        f"{name} no history": float(bare.mean()),
        f"{name} unknown target": float((unknown & ~bare).sum() / max((~bare).sum(), 1)),
    }


def next_item_recall(fitted: Fitted, queries: NextItemQueries, choice: Choice, k: int = 20) -> float:
    """Recall@k with seen items as candidates: what settings are chosen by."""
    hits = fitted.recommend_for(queries, k, False, choice)
    return float(metrics.recall_at(metrics.target_ranks(hits.ids, queries.targets), k).mean())


def judge_next_item(fitted: Fitted, queries: NextItemQueries, counts: AnyArray, choice: Choice) -> Judged:
    """Recall, NDCG and MRR per query over the full catalogue, head and tail apart, popularity bias, coverage.

    `new ...`: seen items are no candidates, and queries whose target was seen are left out (NaN).
    """
    k = max(KS)
    hits = fitted.recommend_for(queries, k, False, choice)
    ranks = metrics.target_ranks(hits.ids, queries.targets)
    values = _accuracy(ranks)
    head = metrics.head_items(counts)[queries.targets]
    for name, rows in (("head", head), ("tail", ~head)):
        values[f"{PRIMARY} {name}"] = np.where(rows, values[PRIMARY], np.nan)
    values |= _popularity(hits, queries, counts)
    fresh = fitted.recommend_for(queries, k, True, choice)
    seen = queries.seen()
    for name, column in _accuracy(metrics.target_ranks(fresh.ids, queries.targets)).items():
        values[f"new {name}"] = np.where(seen, np.nan, column)
    figures = {"coverage@20": metrics.catalogue_coverage(hits.ids[:, :20], queries.n_items)}
    return Judged(queries.groups, values, figures)


def _accuracy(ranks: metrics.Ranks) -> dict[str, metrics.Values]:
    out = {f"recall@{k}": metrics.recall_at(ranks, k) for k in KS}
    out |= {f"ndcg@{k}": metrics.ndcg_at(ranks, k) for k in KS}
    return out | {f"mrr@{max(KS)}": metrics.reciprocal_rank(ranks)}


def _popularity(hits: Hits, queries: NextItemQueries, counts: AnyArray) -> dict[str, metrics.Values]:
    """Popularity percentile of what is recommended, and how far it lies above that of the truth."""
    percentile = metrics.popularity_percentile(counts)
    shown = metrics.mean_popularity(hits.ids[:, :20], percentile)
    return {"popularity@20": shown, "popularity bias@20": shown - percentile[queries.targets]}
