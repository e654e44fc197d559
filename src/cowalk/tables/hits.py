"""Hits: ranked answers, k per query."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index

from cowalk.errors import DataError, UsageError
from cowalk.types import Floats, Ids


@dataclass(frozen=True)
class Hits:
    """ids: int32[Q, k] rows, -1 = none; scores: float32[Q, k], falling, -inf where none; ties by lower id."""

    ids: Ids
    scores: Floats

    def __post_init__(self) -> None:
        if self.ids.shape != self.scores.shape or self.ids.ndim != 2:
            raise DataError("hits: ids and scores must be two equal [queries, k] tables")
        if (self.scores[:, 1:] > self.scores[:, :-1]).any():
            raise DataError("hits: scores must fall within a row")

    def __len__(self) -> int:
        return len(self.ids)


def check_k(k: int) -> int:
    """How many are asked for, as an int; UsageError unless it is a whole number of at least 1."""
    try:
        whole = index(k)
    except TypeError:
        raise UsageError(f"k must be a whole number, not {k!r}") from None
    if whole < 1:
        raise UsageError(f"k must be at least 1, not {k}")
    return whole
