"""The interest graph of Res-embedding: who stands near whom in training sequences, the strongest few a row.

No torch here: arrays that `ResidualEmbedding` is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.recall import cooccurrence_lists
from cowalk.recall.settings import CooccurrenceSettings
from cowalk.tables import Sessions
from cowalk.types import Floats, Ids

Mixing = Literal["avg", "gcn", "att"]


@dataclass(frozen=True)
class InterestGraph:
    """Z after its cut: row i has at most K neighbours, never itself.

    neighbors: int32[V, K], strongest first, ties by lower row, -1 = none; counts: float32[V, K], how often
    they stood near one another, 0 = none.
    """

    neighbors: Ids
    counts: Floats

    def __post_init__(self) -> None:
        if self.neighbors.shape != self.counts.shape or self.neighbors.ndim != 2:
            raise DataError(f"interest graph: {self.neighbors.shape} neighbours, {self.counts.shape} counts")
        if self.neighbors.size and self.neighbors.max() >= len(self.neighbors):
            raise DataError("interest graph: a neighbour lies outside the vocabulary")
        if np.any(self.neighbors == np.arange(len(self.neighbors))[:, None]):
            raise DataError("interest graph: an item is its own neighbour")

    def __len__(self) -> int:
        return len(self.neighbors)

    @property
    def isolated(self) -> int:
        """Number of items without a neighbour."""
        return int((self.neighbors < 0).all(axis=1).sum())

    def weights(self, mixing: Mixing) -> Floats:
        """float32[V, K]: what each neighbour's base weighs in the central vector.

        avg: 1 / number of neighbours. gcn: Z_ij / sqrt(D_i D_j), D the row sums of the cut Z on both sides;
        0 where a degree is 0. att: 0 where there is none and 1 where there is, for the softmax to mask by.
        Source: Zhou et al. 2019 (Res-embedding), section 3.3.
        """
        there = self.neighbors >= 0
        if mixing == "att":
            return there.astype(np.float32)
        if mixing == "avg":
            equal: Floats = (there / np.maximum(there.sum(axis=1, keepdims=True), 1)).astype(np.float32)
            return equal
        if mixing != "gcn":
            raise UsageError(f"mixing is {mixing!r}; it must be avg, gcn or att")
        degrees = self.counts.sum(axis=1, dtype=np.float64)
        product = degrees[:, None] * degrees[np.maximum(self.neighbors, 0)]
        share = self.counts / np.sqrt(np.where(product > 0, product, 1.0))
        shares: Floats = np.where(there & (product > 0), share, 0.0).astype(np.float32)
        return shares


def interest_graph(
    sequences: Sessions, n_items: int, *, window: int = 2, neighbors: int = 8, workers: int | None = None
) -> InterestGraph:
    """Z(i, j) += 1 whenever j stands within `window` positions of i in a sequence; the `neighbors` largest of
    each row are kept. The cut makes Z asymmetric. Give training sequences only.

    DataError where no two different items stand near one another. Source: Zhou et al. 2019, algorithm 1.
    """
    settings = CooccurrenceSettings(window=window, damping=0.0, before=1.0, neighbors=neighbors)
    lists = cooccurrence_lists(sequences, n_items, settings, workers=workers)
    if len(lists.ids) == 0:
        raise DataError("the interest graph has no edges: no two different items stand near one another")
    lengths = np.diff(lists.offsets)
    rows = np.repeat(np.arange(n_items), lengths)
    places = np.arange(len(rows)) - np.repeat(lists.offsets[:-1], lengths)
    table = np.full((n_items, neighbors), -1, dtype=np.int32)
    counts = np.zeros((n_items, neighbors), dtype=np.float32)
    table[rows, places] = lists.ids
    counts[rows, places] = lists.together
    return InterestGraph(table, counts)
