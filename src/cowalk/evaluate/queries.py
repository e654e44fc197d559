"""The questions that judging asks: tables of queries with their true answers, checked once at birth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.tables import Field
from cowalk.tables.catalogue import take_ragged
from cowalk.tables.sessions import check_offsets
from cowalk.types import AnyArray, Ids, Offsets


def _check_rows(name: str, rows: Ids, size: int) -> None:
    """Raise DataError unless all rows lie within 0..size-1."""
    if len(rows) and (rows.min() < 0 or rows.max() >= size):
        raise DataError(f"{name}: a row lies outside 0..{size - 1}")


def _check_times(name: str, times: Offsets | None, n: int) -> None:
    """Raise DataError unless there is a time for each event, or none at all."""
    if times is not None and len(times) != n:
        raise DataError(f"{name}: {n} events but {len(times)} times")


@dataclass(frozen=True)
class NextItemQueries:
    """Q histories and the item that came next.

    items int32[*], offsets int64[Q+1]: rows of the training vocabulary of `n_items`, oldest first, none
    empty; targets int32[Q]; groups int64[Q]: the owner, whose queries are resampled together; times int64[*]
    microseconds of the history's events, None where the log has none; users: int32[Q] user rows, -1 unknown.
    """

    items: Ids
    offsets: Offsets
    targets: Ids
    groups: Offsets
    n_items: int
    times: Offsets | None = None
    users: Ids | None = None

    def __post_init__(self) -> None:
        check_offsets("next-item queries", self.offsets, len(self.items))
        _check_times("next-item queries", self.times, len(self.items))
        if not len(self.targets) == len(self.groups) == len(self.offsets) - 1:
            raise DataError("next-item queries: histories, targets and groups differ in number")
        if np.any(np.diff(self.offsets) == 0):
            raise DataError("next-item queries: a history is empty")
        _check_rows("next-item queries: history", self.items, self.n_items)
        _check_rows("next-item queries: target", self.targets, self.n_items)

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, rows: AnyArray) -> NextItemQueries:
        """The queries `rows` in that order."""
        offsets, items = take_ragged(self.offsets, self.items, rows)
        times = None if self.times is None else take_ragged(self.offsets, self.times, rows)[1]
        users = None if self.users is None else self.users[rows]
        targets, groups = self.targets[rows], self.groups[rows]
        return NextItemQueries(items, offsets, targets, groups, self.n_items, times, users)

    def seen(self) -> AnyArray:
        """bool[Q]: whether the target stands in its own history."""
        query = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        out = np.zeros(len(self), dtype=bool)
        out[query[self.items == self.targets[query]]] = True
        return out


@dataclass(frozen=True)
class ColdQueries:
    """N items that training never saw, by their attributes, and the warm items that stood next to them.

    fields: their attributes by the codes fitted in training; truth int32[T], truth_offsets int64[N+1]: sets
    of rows of the training vocabulary of `n_items`; matched int32[T, 10]: negatives of about the popularity
    of truth[i]; known int64[N]: number of known attributes; groups int64[N]: the item's row in the whole log.
    """

    fields: tuple[Field, ...]
    truth: Ids
    truth_offsets: Offsets
    matched: Ids
    known: Offsets
    groups: Offsets
    n_items: int

    def __post_init__(self) -> None:
        check_offsets("cold queries", self.truth_offsets, len(self.truth))
        n = len(self.truth_offsets) - 1
        if not len(self.known) == len(self.groups) == n or any(len(field) != n for field in self.fields):
            raise DataError("cold queries: attributes, truth and groups differ in number")
        if len(self.matched) != len(self.truth):
            raise DataError("cold queries: each true neighbour needs its matched negatives")
        _check_rows("cold queries: truth", self.truth, self.n_items)
        _check_rows("cold queries: matched negative", self.matched, self.n_items)

    def __len__(self) -> int:
        return len(self.truth_offsets) - 1

    def blocks(self, size: int) -> list[AnyArray]:
        """The query rows in runs of at most `size`, so that scores [size, V] fit in memory."""
        return [np.arange(start, min(start + size, len(self))) for start in range(0, len(self), size)]

    def part(self, rows: AnyArray) -> ColdQueries:
        """The queries `rows` in that order."""
        offsets, at = take_ragged(self.truth_offsets, np.arange(len(self.truth)), rows)
        fields = tuple(field.take(rows) for field in self.fields)
        return ColdQueries(
            fields,
            self.truth[at],
            offsets,
            self.matched[at],
            self.known[rows],
            self.groups[rows],
            self.n_items,
        )


@dataclass(frozen=True)
class ColdCandidates:
    """Q warm histories whose next item was cold; the cold items of `fields` are candidates beside all warm
    ones; times as in NextItemQueries.

    Cold item j stands behind the vocabulary, as row n_items + j; targets int32[Q] are such rows.
    """

    items: Ids
    offsets: Offsets
    targets: Ids
    groups: Offsets
    fields: tuple[Field, ...]
    n_items: int
    n_cold: int
    times: Offsets | None = None

    def __post_init__(self) -> None:
        _check_times("cold candidates", self.times, len(self.items))
        check_offsets("cold candidates", self.offsets, len(self.items))
        if not len(self.targets) == len(self.groups) == len(self.offsets) - 1:
            raise DataError("cold candidates: histories, targets and groups differ in number")
        if any(len(field) != self.n_cold for field in self.fields):
            raise DataError(f"cold candidates: attributes of {self.n_cold} cold items are needed")
        _check_rows("cold candidates: history", self.items, self.n_items)
        _check_rows("cold candidates: target", self.targets - self.n_items, self.n_cold)

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, rows: AnyArray) -> ColdCandidates:
        """The queries `rows` in that order, over the same candidates."""
        offsets, items = take_ragged(self.offsets, self.items, rows)
        targets, groups = self.targets[rows], self.groups[rows]
        times = None if self.times is None else take_ragged(self.offsets, self.times, rows)[1]
        return ColdCandidates(items, offsets, targets, groups, self.fields, self.n_items, self.n_cold, times)


@dataclass(frozen=True)
class LinkPairs:
    """P edges that training lost and as many pairs that never were an edge, in two kinds.

    positives, uniform, matched: int32[P, 2] as (source, target); row i of `matched` keeps the source of
    positive i and takes another positive's target, -1 where none fits; lost bool[V]: nodes left without any
    edge.
    """

    positives: Ids
    uniform: Ids
    matched: Ids
    lost: AnyArray

    def __post_init__(self) -> None:
        if not self.positives.shape == self.uniform.shape == self.matched.shape or self.positives.shape[
            1:
        ] != (2,):
            raise DataError("link pairs: positives and non-edges must be equal [P, 2] tables")
        _check_rows("link pairs", self.positives.ravel(), len(self.lost))

    def __len__(self) -> int:
        return len(self.positives)
