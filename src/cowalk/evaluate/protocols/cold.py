"""Cold items: hidden with all their events before any counting, then asked for by their attributes alone."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from cowalk.errors import DataError
from cowalk.evaluate import metrics
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.judged import Judged
from cowalk.evaluate.methods import Choice, Fitted
from cowalk.evaluate.protocols.matched import matched_negatives
from cowalk.evaluate.queries import ColdCandidates, ColdQueries
from cowalk.evaluate.ragged import draw_per_run, run_of, slices
from cowalk.prepare import encode_items, hide_items
from cowalk.seeds import generator
from cowalk.tables import Catalogue, Events, Sessions, Vocab
from cowalk.types import AnyArray, Floats, Ids, Offsets, Settings

NAME = "cold"
CANDIDATES = "cold-candidates"
KS = (10, 20, 50)
PRIMARY = "recall@20"
COLD_BUDGET = 0.5  # of the first places, when settings are chosen
BLOCK_BYTES = 1 << 27  # of scores at a time


class ColdTaskSettings(Settings):
    """How cold items are hidden and asked for."""

    share: float = Field(
        0.1, gt=0, lt=0.5, description="Share of items hidden for the test; half as many more choose."
    )
    min_count: int = Field(5, ge=1, description="Only items with at least this many events are hidden.")
    per_owner: int = Field(3, ge=1, description="At most this many random cold targets per owner.")


def hidden_parts(events: Events, settings: ColdTaskSettings, seed: int) -> tuple[Ids, Ids]:
    """Rising item rows to hide: (validation, test), test twice as many as validation, none in both."""
    rows = hide_items(events, settings.share * 1.5, settings.min_count, seed)
    if len(rows) < 2:
        raise DataError(
            f"cold items: fewer than 2 items with at least {settings.min_count} events can be hidden; "
            "use more data, or leave cold items out (--protocols next-item,link)"
        )
    mixed = generator(seed, "evaluate/cold/parts").permutation(np.sort(rows))
    cut = max(1, len(rows) // 3)
    return np.sort(mixed[:cut]).astype(np.int32), np.sort(mixed[cut:]).astype(np.int32)


def warm_neighbours(sessions: Sessions, to_train: Ids, hidden: Ids) -> tuple[Offsets, Ids]:
    """The sets of warm items next to each hidden item: the nearest known item before and after, in the same
    session.

    sessions: of the whole log; to_train int32[items]: training row of each of its items, -1 where unknown.
    Returns offsets int64[N+1] and rising training rows.
    """
    rows = to_train[sessions.items]
    place = np.full(len(to_train), -1, dtype=np.int64)
    place[hidden] = np.arange(len(hidden))
    at = np.flatnonzero(place[sessions.items] >= 0)
    run = run_of(sessions.offsets)[at]
    warm = np.where(rows >= 0, np.arange(len(rows)), -1)
    before = np.maximum.accumulate(warm)[at] if len(at) else at
    after = (
        len(rows)
        - 1
        - np.maximum.accumulate(np.where(rows >= 0, np.arange(len(rows))[::-1], -1)[::-1])[::-1][at]
    )
    left = before >= sessions.offsets[run]  # at itself is never warm
    right = after < sessions.offsets[run + 1]
    code = place[sessions.items[at]]
    pairs = np.concatenate([
        code[left] * len(to_train) + rows[before[left]],
        code[right] * len(to_train) + rows[after[right]],
    ])  # fmt: skip
    unique = np.unique(pairs)
    offsets = np.searchsorted(unique, np.arange(len(hidden) + 1) * len(to_train)).astype(np.int64)
    return offsets, (unique % len(to_train)).astype(np.int32)


def cold_queries(
    sessions: Sessions, items: Vocab, hidden: Ids, train: TrainData, catalogue: Catalogue, *, seed: int = 0
) -> ColdQueries:
    """Queries for the `hidden` rows of `items`, encoded by what was fitted on `train`; truth from whole
    `sessions`.
    """
    if train.side_info is None:
        raise DataError("cold items: the items have no attributes; give an items table")
    offsets, truth = warm_neighbours(sessions, train.vocab.find(items.ids), hidden)
    fields, _ = encode_items(train.side_info, catalogue.align(Vocab.of(items.ids[hidden])))
    known = np.zeros(len(hidden), dtype=np.int64)
    for field in fields:
        known += np.diff(field.offsets) > 0
    matched = matched_negatives(train.vocab.counts, offsets, truth, generator(seed, "evaluate/cold/matched"))
    return ColdQueries(fields, truth, offsets, matched, known, hidden.astype(np.int64), len(train.vocab))


def cold_candidates(
    events: Events, hidden: Ids, queries: ColdQueries, vocab: Vocab, *, per_owner: int = 3, seed: int = 0
) -> ColdCandidates:
    """Warm histories of owners who came to one of the `hidden` items, at most `per_owner` random ones an
    owner.
    """
    place = np.full(len(events.item_vocab), -1, dtype=np.int32)
    place[hidden] = np.arange(len(hidden))
    rows = vocab.find(events.item_vocab.ids)[events.items]
    owner = run_of(events.owner_offsets)
    before = np.concatenate([[0], np.cumsum(rows >= 0)])
    starts = before[events.owner_offsets[:-1]]
    at = np.flatnonzero(place[events.items] >= 0)
    at = at[before[at] > starts[owner[at]]]  # with a warm history
    at = draw_per_run(at, owner[at], per_owner, generator(seed, "evaluate/cold/candidates"))
    offsets, history = slices(starts[owner[at]], before[at])
    targets = (place[events.items[at]] + len(vocab)).astype(np.int32)
    return ColdCandidates(
        rows[rows >= 0][history],
        offsets,
        targets,
        owner[at].astype(np.int64),
        queries.fields,
        len(vocab),
        len(hidden),
        events.times[rows >= 0][history] if events.has_times else None,
    )


def _scores(fitted: Fitted, queries: ColdQueries, choice: Choice) -> list[tuple[ColdQueries, Floats]]:
    """Parts of the queries with their scores [n, V], each within BLOCK_BYTES; lazily, one at a time."""
    size = max(1, BLOCK_BYTES // (4 * max(queries.n_items, 1)))
    parts = (queries.part(rows) for rows in queries.blocks(size))
    return ((part, fitted.cold_scores(part.fields, len(part), choice)) for part in parts)  # type: ignore[return-value]


def cold_recall(fitted: Fitted, queries: ColdQueries, choice: Choice, k: int = 20) -> float:
    """Mean Recall@k of the true warm neighbours: what settings are chosen by; NaN never wins."""
    found = []
    for part, scores in _scores(fitted, queries, choice):
        keys = metrics.order_keys(scores)
        take = min(k, keys.shape[1])
        bar = np.partition(keys, keys.shape[1] - take, axis=1)[:, keys.shape[1] - take]
        row = run_of(part.truth_offsets)
        hit = keys[row, part.truth] >= bar[row]
        found.append(metrics.set_recall_at(np.where(hit, 1, metrics.MISSED), part.truth_offsets, k))
    values = np.concatenate(found)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("-inf")


def judge_cold(fitted: Fitted, queries: ColdQueries, choice: Choice) -> Judged:
    """AUC (all others as negatives), popularity-matched AUC, Recall@K and MRR per cold item, by known
    attributes.
    """
    columns: dict[str, list[AnyArray]] = {}
    for part, scores in _scores(fitted, queries, choice):
        ranks = metrics.truth_ranks(metrics.order_keys(scores), part.truth_offsets, part.truth)
        block = {f"recall@{k}": metrics.set_recall_at(ranks, part.truth_offsets, k) for k in KS}
        block["mrr"] = metrics.set_reciprocal_rank(ranks, part.truth_offsets)
        block["auc"] = metrics.set_auc(scores, part.truth_offsets, part.truth)
        block["auc matched"] = _matched_auc(scores, part)
        for name, column in block.items():
            columns.setdefault(name, []).append(column)
    values = {name: np.concatenate(column) for name, column in columns.items()}
    for number in np.unique(queries.known):
        values[f"{PRIMARY} known={number}"] = np.where(queries.known == number, values[PRIMARY], np.nan)
    return Judged(queries.groups, values, {})


def _matched_auc(scores: Floats, queries: ColdQueries) -> metrics.Values:
    """Per query the mean over its true items of the share of matched negatives scored below, ties half."""
    row = run_of(queries.truth_offsets)
    drawn = queries.matched >= 0
    mine = scores[row, queries.truth][:, None]
    others = scores[row[:, None], np.maximum(queries.matched, 0)]
    won = np.where(drawn, (mine > others) + 0.5 * (mine == others), 0.0).sum(axis=1)
    number = drawn.sum(axis=1)
    with_any = number > 0
    share = np.where(with_any, won / np.maximum(number, 1), 0.0)
    total = metrics.per_set(share, queries.truth_offsets, np.add)
    present = metrics.per_set(with_any, queries.truth_offsets, np.add)
    return np.where(present > 0, total / np.maximum(present, 1), np.nan)


def candidates_recall(fitted: Fitted, queries: ColdCandidates, choice: Choice, k: int = 20) -> float:
    """Recall@k of the cold targets, marked down where cold items take more than COLD_BUDGET of the places.

    What settings are chosen by. Every target is cold: without a budget the best choice would be to show cold
    items alone.
    """
    hits = fitted.cold_candidates_at(queries, k, choice)
    recall = float(metrics.recall_at(metrics.target_ranks(hits.ids, queries.targets), k).mean())
    return recall * min(1.0, COLD_BUDGET / max(float((hits.ids >= queries.n_items).mean()), 1e-12))


def judge_candidates(fitted: Fitted, queries: ColdCandidates, choice: Choice) -> Judged:
    """Recall@K and MRR of cold targets ranked over warm and cold items together; share of cold shown."""
    hits = fitted.cold_candidates_at(queries, 100, choice)
    ranks = metrics.target_ranks(hits.ids, queries.targets)
    values = {f"recall@{k}": metrics.recall_at(ranks, k) for k in (*KS, 100)}
    values["mrr@100"] = metrics.reciprocal_rank(ranks)
    top = hits.ids[:, :20]
    return Judged(queries.groups, values, {"cold share@20": float((top >= queries.n_items).mean())})
