"""Pure metrics: one number per query, from ranks or from scores; NaN where a query has no such number."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.types import AnyArray, Floats, Ids, Offsets

Values = NDArray[np.float64]
Ranks = NDArray[np.int64]

MISSED: int = np.iinfo(np.int64).max
"""The rank of what is not in the list: behind everything, so that every metric falls out right."""


def target_ranks(ids: Ids, targets: Ids) -> Ranks:
    """int64[Q]: the place (1 = first) of each target in its row of ids [Q, k]; MISSED where it is not."""
    if len(ids) != len(targets):
        raise DataError(f"metrics: {len(ids)} ranked rows for {len(targets)} targets")
    if ids.shape[1] == 0:
        return np.full(len(targets), MISSED, dtype=np.int64)
    hit = (ids == targets[:, None]) & (targets >= 0)[:, None]
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, MISSED).astype(np.int64)


def recall_at(ranks: Ranks, k: int) -> Values:
    """float64[Q] of 0 and 1: whether the one true item stands among the first k (also called hit rate)."""
    return (ranks <= k).astype(np.float64)


def ndcg_at(ranks: Ranks, k: int) -> Values:
    """float64[Q]: 1 / log2(1 + rank) within the first k, else 0; the ideal gain of one true item is 1."""
    inside = ranks <= k
    return np.where(inside, 1.0 / np.log2(1.0 + np.where(inside, ranks, 1)), 0.0)


def reciprocal_rank(ranks: Ranks) -> Values:
    """float64[Q]: 1 / rank, 0 where the target is missed."""
    return np.where(ranks == MISSED, 0.0, 1.0 / ranks.astype(np.float64))


def order_keys(scores: Floats) -> NDArray[np.uint64]:
    """uint64[N, V] that rise as the scores rise, equal scores by falling id: one sort gives the law of Hits.

    The float's bits are made to sort like an integer (sign flipped, negatives complemented) and put above the
    id.
    """
    if np.isnan(scores).any():
        raise DataError("metrics: a score is not a number")
    bits = np.ascontiguousarray(scores + np.float32(0), dtype=np.float32).view(
        np.uint32
    )  # + 0 turns -0 into 0
    ordered = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    below = np.uint64(2**32 - 1) - np.arange(scores.shape[1], dtype=np.uint64)
    return (ordered << np.uint64(32)) | below


def truth_ranks(keys: NDArray[np.uint64], offsets: Offsets, truth: Ids) -> Ranks:
    """int64[T]: the place of each true item of ragged sets among all V columns of its row of `order_keys`."""
    ranks = np.empty(len(truth), dtype=np.int64)
    ordered = np.sort(keys, axis=1)
    for row, (start, stop) in enumerate(itertools.pairwise(offsets)):
        places = np.searchsorted(ordered[row], keys[row, truth[start:stop]])
        ranks[start:stop] = keys.shape[1] - places
    return ranks


def per_set(values: AnyArray, offsets: Offsets, how: np.ufunc) -> Values:
    """float64[N]: `how` (np.add, np.minimum, ...) over each ragged row; NaN for an empty row."""
    out = np.full(len(offsets) - 1, np.nan)
    filled = np.flatnonzero(np.diff(offsets) > 0)
    if len(filled):
        out[filled] = how.reduceat(np.asarray(values, dtype=np.float64), offsets[:-1][filled])
    return out


def set_recall_at(ranks: Ranks, offsets: Offsets, k: int) -> Values:
    """float64[N]: true items among the first k / min(k, number of true items); NaN where there are none."""
    return per_set(ranks <= k, offsets, np.add) / np.minimum(k, np.maximum(np.diff(offsets), 1))


def set_reciprocal_rank(ranks: Ranks, offsets: Offsets) -> Values:
    """float64[N]: 1 / place of the first true item; NaN where there are none."""
    return 1.0 / per_set(ranks, offsets, np.minimum)


def set_auc(scores: Floats, offsets: Offsets, truth: Ids) -> Values:
    """float64[N]: chance that a true item scores above a uniformly drawn other one, ties counting half.

    Exact: every column that is not true is a negative. NaN where a row has no true or no other item.
    """
    out = np.full(len(scores), np.nan)
    for row, (start, stop) in enumerate(itertools.pairwise(offsets)):
        positives = np.sort(scores[row, truth[start:stop]])
        n, others = len(positives), scores.shape[1] - (stop - start)
        if n == 0 or others == 0:
            continue
        ordered = np.sort(scores[row])
        beaten = np.searchsorted(ordered, positives, "left") + np.searchsorted(ordered, positives, "right")
        out[row] = (beaten.sum() / 2 - n * n / 2) / (n * others)  # n * n / 2: the positives among themselves
    return out


def placements(positives: AnyArray, negatives: AnyArray) -> tuple[Values, Values]:
    """(float64[P], float64[N]): share of negatives below each positive, of positives above each negative;
    ties half.

    The mean of either is the AUC with mid-ranks (DeLong 1988).
    """
    below, above = np.sort(negatives), np.sort(positives)
    wins = np.searchsorted(below, positives, "left") + np.searchsorted(below, positives, "right")
    losses = np.searchsorted(above, negatives, "left") + np.searchsorted(above, negatives, "right")
    return wins / (2 * max(len(below), 1)), 1.0 - losses / (2 * max(len(above), 1))


def auc(positives: AnyArray, negatives: AnyArray) -> float:
    """Area under the ROC curve with mid-ranks for ties; NaN where either side is empty."""
    if len(positives) == 0 or len(negatives) == 0:
        return float("nan")
    return float(placements(positives, negatives)[0].mean())


def pair_auc_values(positives: AnyArray, negatives: AnyArray) -> Values:
    """float64[P] whose mean is the AUC and whose spread is its DeLong spread; negative i belongs to positive
    i.

    Value i = placement of positive i + placement of negative i - AUC, so resampling pairs i resamples both
    sides.
    """
    if len(positives) == 0:
        return np.zeros(0)
    won, lost = placements(positives, negatives)
    values: Values = won + lost - won.mean()
    return values


def catalogue_coverage(ids: Ids, n_items: int) -> float:
    """Share of the n_items that stand in at least one of the ranked rows."""
    return float(len(np.unique(ids[ids >= 0])) / max(n_items, 1))


def popularity_percentile(counts: Offsets) -> Values:
    """float64[V]: share of items that are less popular, ties counting half; .5 is what a blind draw gives."""
    ordered = np.sort(counts)
    both = np.searchsorted(ordered, counts, "left") + np.searchsorted(ordered, counts, "right")
    return both / (2.0 * max(len(counts), 1))


def mean_popularity(ids: Ids, percentile: Values) -> Values:
    """float64[Q]: mean popularity percentile of each ranked row; NaN where a row is empty."""
    known = ids >= 0
    total = np.where(known, percentile[np.maximum(ids, 0)], 0.0).sum(axis=1)
    number = known.sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def head_items(counts: Offsets) -> NDArray[np.bool_]:
    """bool[V]: the head, the fewest items (most frequent first, ties by row) that hold half of all events."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    head = np.zeros(len(counts), dtype=bool)
    head[order[before < counts.sum() / 2]] = True
    return head
