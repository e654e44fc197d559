"""Negatives that match the positives: of about the same popularity, or with the same ends."""

from __future__ import annotations

import numpy as np

from cowalk.evaluate.ragged import run_of
from cowalk.types import AnyArray, Ids, Offsets

PER_POSITIVE = 10
WINDOW = 0.005  # of the popularity ranks, to either side
_ROUNDS = 40


def matched_negatives(
    counts: Offsets, offsets: Offsets, truth: Ids, rng: np.random.Generator, number: int = PER_POSITIVE
) -> Ids:
    """int32[T, number]: for each true item others of nearly its popularity that are not true for the same
    query.

    Drawn uniformly from +-.5 % of the popularity ranks (at least 5 to either side), ties of counts by row;
    where all of these are true the window doubles every 4 rounds; -1 where nothing is found.
    """
    V = len(counts)
    by_rank = np.argsort(-counts, kind="stable")
    rank = np.empty(V, dtype=np.int64)
    rank[by_rank] = np.arange(V)
    query = run_of(offsets)
    taken = np.sort(query * V + truth)  # what is true, as (query, item) codes
    out = np.full((len(truth), number), -1, dtype=np.int32)
    half = max(5, int(V * WINDOW))
    for turn in range(_ROUNDS):
        row, column = np.nonzero(out < 0)
        if len(row) == 0 or V < 2:
            break
        reach = half << min(turn // 4, 30)
        low, high = np.maximum(rank[truth[row]] - reach, 0), np.minimum(rank[truth[row]] + reach, V - 1)
        drawn = by_rank[low + (rng.random(len(row)) * (high - low + 1)).astype(np.int64)]
        fits = ~_member(taken, query[row] * V + drawn)
        out[row[fits], column[fits]] = drawn[fits]
    return out


def _member(ordered: AnyArray, codes: AnyArray) -> AnyArray:
    """bool: whether each code stands in the rising array."""
    if len(ordered) == 0:
        return np.zeros(len(codes), dtype=bool)
    at = np.minimum(np.searchsorted(ordered, codes), len(ordered) - 1)
    out: AnyArray = ordered[at] == codes
    return out


class NonEdges:
    """Tells whether a pair may stand as a non-edge: two different nodes with no edge in either direction."""

    def __init__(self, sources: Ids, targets: Ids, n: int) -> None:
        self.n = n
        self._codes = np.unique(self.codes(sources, targets))

    def codes(self, u: AnyArray, v: AnyArray) -> AnyArray:
        """int64: one number per unordered pair."""
        return np.minimum(u, v).astype(np.int64) * self.n + np.maximum(u, v)

    def fits(self, u: AnyArray, v: AnyArray) -> AnyArray:
        """bool[P]: u != v and no edge either way."""
        out: AnyArray = (u != v) & ~_member(self._codes, self.codes(u, v))
        return out


def uniform_pairs(free: NonEdges, number: int, rng: np.random.Generator) -> Ids:
    """int32[number, 2]: different unordered pairs without an edge, uniform; -1 rows where the graph has too
    few.
    """
    found = np.zeros(0, dtype=np.int64)
    out = np.full((number, 2), -1, dtype=np.int32)
    for _ in range(_ROUNDS):
        short = number - len(found)
        if short <= 0:
            break
        u, v = rng.integers(free.n, size=(2, 2 * short + 16))
        code = free.codes(u, v)[free.fits(u, v)]
        fresh = code[np.sort(np.unique(code, return_index=True)[1])]
        found = np.concatenate([found, fresh[~np.isin(fresh, found)]])[:number]
    flip = rng.random(len(found)) < 0.5
    low, high = found // free.n, found % free.n
    out[: len(found), 0], out[: len(found), 1] = np.where(flip, high, low), np.where(flip, low, high)
    return out


def degree_matched_pairs(positives: Ids, free: NonEdges, rng: np.random.Generator) -> Ids:
    """int32[P, 2]: the positives with their targets permuted so that no edge is left; degrees stay as they
    were.

    Rows that break the rule swap targets with random other rows, in rounds, wherever a swap breaks no more
    than it mends; what is still broken at the end is -1.
    """
    source, target = positives[:, 0], rng.permutation(positives[:, 1])
    for _ in range(100):
        bad = np.flatnonzero(~_fresh(source, target, free))
        if len(bad) == 0 or len(positives) < 2:
            break
        mixed = np.concatenate([rng.permutation(bad), rng.permutation(len(positives))])
        chosen = mixed[np.sort(np.unique(mixed, return_index=True)[1])][: 2 * len(bad)]
        one, two = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 : len(chosen) // 2 * 2]
        was = free.fits(source[one], target[one]).astype(int) + free.fits(source[two], target[two])
        now = free.fits(source[one], target[two]).astype(int) + free.fits(source[two], target[one])
        swap = now >= was  # equal too: this moves duplicates on
        target[one[swap]], target[two[swap]] = target[two[swap]], target[one[swap]]
    out = np.stack([source, target], axis=1).astype(np.int32)
    out[~_fresh(source, target, free)] = -1
    return out


def _fresh(source: Ids, target: AnyArray, free: NonEdges) -> AnyArray:
    """bool[P]: rows that are a non-edge and the first of their unordered pair."""
    first = np.zeros(len(source), dtype=bool)
    first[np.unique(free.codes(source, target), return_index=True)[1]] = True
    return first & free.fits(source, target)
