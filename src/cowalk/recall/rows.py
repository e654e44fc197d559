"""Rows of an index: numbers that are checked, grow, and of which some are no more."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.recall.index import IndexMetric
from cowalk.types import AnyArray, Floats, Ids


class Rows:
    """float32[size, d] and who of them answers; room doubles as it grows, a memory map is copied first."""

    def __init__(self, array: Floats, alive: NDArray[np.bool_] | None = None) -> None:
        self._room, self._size = array, len(array)
        self._alive = np.ones(len(array), dtype=bool) if alive is None else alive
        self.count = int(np.count_nonzero(self._alive))

    @property
    def size(self) -> int:
        """How many rows were ever given."""
        return self._size

    @property
    def dead(self) -> int:
        """How many were removed."""
        return self._size - self.count

    @property
    def array(self) -> Floats:
        """float32[size, d]."""
        return self._room[: self._size]

    @property
    def alive(self) -> NDArray[np.bool_]:
        """bool[size]: those that were not removed."""
        return self._alive[: self._size]

    def append(self, more: Floats) -> Ids:
        """Put rows behind; gives their numbers."""
        first, size = self._size, self._size + len(more)
        if size > len(self._room):
            room = np.empty((max(size, 2 * len(self._room)), self._room.shape[1]), dtype=np.float32)
            alive = np.zeros(len(room), dtype=bool)
            room[:first], alive[:first] = self.array, self.alive
            self._room, self._alive = room, alive
        self._room[first:size], self._alive[first:size] = more, True
        self._size, self.count = size, self.count + len(more)
        return np.arange(first, size, dtype=np.int32)

    def replace(self, rows: Ids, vectors: Floats) -> None:
        """Other numbers in these rows."""
        if not self._room.flags.writeable:
            self._room = np.array(self._room)
        self._room[rows] = vectors

    def kill(self, rows: Ids) -> None:
        """These answer no more."""
        if not self._alive.flags.writeable:
            self._alive = np.array(self._alive)
        self._alive[rows] = False
        self.count -= len(rows)

    def known(self, rows: AnyArray) -> Ids:
        """The rows as int32; UsageError where one was never given, is removed, or stands twice."""
        wanted = np.atleast_1d(np.asarray(rows))
        if wanted.ndim != 1 or (len(wanted) and wanted.dtype.kind not in "iu"):
            raise UsageError(f"rows must be a list of whole numbers, not {wanted.dtype} {wanted.shape}")
        for one in wanted[(wanted < 0) | (wanted >= self._size)][:1]:
            raise UsageError(f"row {one} is not in the index; rows go from 0 to {self._size - 1}")
        for one in wanted[~self._alive[wanted.astype(np.int64)]][:1] if len(wanted) else ():
            raise UsageError(f"row {one} was removed from the index; rows are not given twice")
        ordered = np.sort(wanted)
        for one in ordered[1:][ordered[1:] == ordered[:-1]][:1]:
            raise UsageError(f"row {one} stands twice among the rows given")
        return wanted.astype(np.int32)


def check_metric(metric: str) -> IndexMetric:
    """The metric; UsageError where there is none of that name."""
    if metric not in get_args(IndexMetric):
        raise UsageError(f"metric is {metric!r}; it must be one of {', '.join(get_args(IndexMetric))}")
    return metric  # type: ignore[return-value]


def checked(vectors: AnyArray, dimension: int | None, metric: IndexMetric, what: str = "vectors") -> Floats:
    """float32[N, d] of finite numbers, at length 1 for the cosine; UsageError says what is off.

    A table that somebody else could change is copied; one that nobody can (a memory map) is not.
    """
    table = as_numbers(vectors, what)
    if table.ndim != 2 or (dimension is not None and table.shape[1] != dimension):
        told = f"[N, {'d' if dimension is None else dimension}]"
        raise UsageError(f"{what} must be {told}, not {list(table.shape)}; are they of another model?")
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise UsageError(f"{what}: row {row} holds numbers that are not finite (NaN, infinite)")
    if metric == "cosine":
        return unit_rows(table)
    table = np.ascontiguousarray(table)
    return table.copy() if table.flags.writeable and np.may_share_memory(table, vectors) else table


def as_numbers(vectors: AnyArray, what: str) -> Floats:
    """float32 of any shape; UsageError where these are no numbers."""
    try:
        return np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError):
        raise UsageError(f"{what} must be a table of numbers") from None


def unit_rows(table: Floats) -> Floats:
    """The rows at length 1; a zero row stays zero, its cosines are 0."""
    lengths = np.sqrt(np.einsum("ij,ij->i", table, table))[:, None]
    return np.asarray(table / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)


def mask_of(rows: Rows, allowed: AnyArray | None) -> NDArray[np.bool_] | None:
    """bool[size]: who may answer; None where all may. UsageError where `allowed` does not fit."""
    if allowed is None:
        return None if rows.dead == 0 else rows.alive
    wanted = np.asarray(allowed)
    if wanted.dtype != bool or wanted.shape != (rows.size,):
        raise UsageError(f"allowed must be bool[{rows.size}], not {wanted.dtype}{list(wanted.shape)}")
    return wanted if rows.dead == 0 else wanted & rows.alive


def with_rows(table: AnyArray, rows: Ids, new: AnyArray) -> AnyArray:
    """The table with these rows put in their places; its room doubles where they stand behind, and it is
    copied first where it may not be written (a memory map).
    """
    size = int(rows.max(initial=-1)) + 1
    if size > len(table):
        room = np.zeros((max(size, 2 * len(table)), *table.shape[1:]), table.dtype)
        room[: len(table)] = table
        table = room
    elif not table.flags.writeable:
        table = table.copy()
    table[rows] = new
    return table
