"""ItemGraph: a weighted digraph over the vocabulary, in compressed rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.tables.sessions import check_offsets
from cowalk.types import Floats, Ids, Offsets


@dataclass(frozen=True)
class ItemGraph:
    """Directed edges src -> targets[offsets[src]:offsets[src+1]], sorted by target, no duplicates.

    offsets: int64[V+1]; targets: int32[E]; weights: float32[E], finite and > 0.
    """

    offsets: Offsets
    targets: Ids
    weights: Floats

    def __post_init__(self) -> None:
        check_offsets("graph", self.offsets, len(self.targets))
        if len(self.weights) != len(self.targets):
            raise DataError("graph: targets and weights differ in length")
        if len(self.targets) == 0:
            return
        if self.targets.min() < 0 or self.targets.max() >= len(self):
            raise DataError("graph: an edge points outside the vocabulary")
        if not np.all(np.isfinite(self.weights)) or self.weights.min() <= 0:
            raise DataError("graph: weights must be finite and above 0")
        rising = np.diff(self.targets) > 0
        starts = self.offsets[1:-1]
        rising[starts[(starts > 0) & (starts < len(self.targets))] - 1] = True
        if not rising.all():
            raise DataError("graph: targets must be sorted and unique within a row")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def edges(self) -> int:
        """Number of directed edges."""
        return len(self.targets)

    def sources(self) -> Ids:
        """int32[E]: the source of each edge."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))
