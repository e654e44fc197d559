"""Index: what every search structure over vectors gives, however it finds its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cowalk.tables import Hits
from cowalk.types import AnyArray, Floats, Ids

IndexMetric = Literal["cosine", "ip", "l2"]
"""What near means: the cosine, the inner product, or the L2 distance (its score is the distance, negated)."""


@dataclass(frozen=True)
class Abilities:
    """What a kind of index does itself.

    exact: finds the true neighbours. removes: a removed row is gone at once; else it is skipped (a tombstone)
    and the index is built anew when too many rows are dead. filters: `allowed` is looked at while searching;
    else more than k are fetched and the rest dropped, again with more where too few are left.
    """

    exact: bool
    removes: bool
    filters: bool


class Index(Protocol):
    """Vectors by row 0, 1, ..., and the search among them; scores are larger for nearer, exact in float32.

    Rows are given in the order of adding and never used again; `ids` of outside belong to `VectorIndex`.
    """

    kind: ClassVar[str]
    abilities: ClassVar[Abilities]
    metric: IndexMetric

    def __len__(self) -> int:
        """How many rows answer: those removed are not counted."""

    @property
    def size(self) -> int:
        """How many rows were ever given, the removed among them; the next row that `add` gives."""

    @property
    def alive(self) -> NDArray[np.bool_]:
        """bool[size]: the rows that were not removed."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def search(
        self, queries: Floats, k: int, *, allowed: NDArray[np.bool_] | None = None, workers: int | None = None
    ) -> Hits:
        """The k nearest rows of each query float32[Q, d], best first, ties by lower row; -1 = none.

        allowed: bool[size], the rows that may answer. UsageError on a wrong dimension, numbers that are not
        finite, k < 1.
        """

    def add(self, vectors: Floats) -> Ids:
        """Take float32[N, d] in; gives their rows."""

    def remove(self, rows: Ids) -> None:
        """These rows never answer again; a row that is not there is a UsageError."""

    def replace(self, rows: Ids, vectors: Floats) -> None:
        """These rows answer by new vectors float32[N, d]."""

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """What to save: plain values for the manifest, and arrays; `opened` takes both back."""
