"""Vectors: one row of numbers per outside id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.tables.vocab import Id, Vocab
from cowalk.types import Floats


@dataclass(frozen=True)
class Vectors:
    """float32[V, d], row i belongs to `vocab.ids[i]`; memory-mapped when loaded; all finite."""

    vocab: Vocab
    array: Floats

    def __post_init__(self) -> None:
        if self.array.ndim != 2 or len(self.array) != len(self.vocab):
            raise DataError(f"vectors: {self.array.shape} does not fit a vocabulary of {len(self.vocab)} ids")
        if not all(np.isfinite(self.array[i : i + 65536]).all() for i in range(0, len(self.array), 65536)):
            raise DataError("vectors: not all numbers are finite")

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, item: object) -> bool:
        return item in self.vocab

    def __iter__(self) -> Iterator[Id]:
        return iter(self.vocab.ids.tolist())

    def __getitem__(self, item: Id) -> Floats:
        """float32[d] of one id; UnknownIdError where it is not known."""
        return np.asarray(self.array[self.vocab.row(item)])

    @property
    def vector_size(self) -> int:
        """The dimension d."""
        return int(self.array.shape[1])

    def to_numpy(self) -> tuple[list[Id], Floats]:
        """The ids in row order and float32[V, d]."""
        return self.vocab.ids.tolist(), np.asarray(self.array)
