"""Hits: ranked answers, k per query."""

from __future__ import annotations

from dataclasses import dataclass

from cowalk.errors import DataError
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
