"""How often an item is expected in a batch: exact counts, or the streaming estimate of Yi et al. 2019."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.seeds import generator
from cowalk.types import AnyArray, Floats

Numbers = NDArray[np.float64]


def expected_in_batch(counts: AnyArray, batch: int) -> Numbers:
    """float64[V]: batch * count / all counts, the mean number of an item's examples in a batch; an item
    without an example counts as half of one.
    """
    share = np.maximum(counts.astype(np.float64), 0.5) / max(float(counts.sum()), 1.0)
    return batch * share


@dataclass
class StreamingFrequency:
    """Steps between two sights of an item, estimated as batches come by; 1 / that is its chance of a batch.

    By hash h of item y: B[h(y)] <- (1 - rate) B[h(y)] + rate (t - A[h(y)]), A[h(y)] <- t; A begins with 0, B
    with `first`. Of several hash functions the largest B counts, since collisions only make it smaller.
    Source: Yi et al. 2019, algorithms 2 and 3.
    """

    size: int
    rate: float = 0.05
    hashes: int = 1
    first: float = 100.0
    seed: int = 0
    step: int = 0
    seen: Numbers = field(init=False)
    gaps: Numbers = field(init=False)
    _odd: NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        if self.size < 1 or self.hashes < 1 or not 0 < self.rate <= 1:
            raise UsageError("a streaming estimate needs size and hashes of at least 1 and a rate in 0..1")
        self.seen = np.zeros((self.hashes, self.size))
        self.gaps = np.full((self.hashes, self.size), float(self.first))
        rng = generator(self.seed, "examples/frequency")
        self._odd = rng.integers(0, 2**63, (self.hashes, 2), dtype=np.uint64) * np.uint64(2) + np.uint64(1)

    def places(self, items: AnyArray) -> AnyArray:
        """int64[hashes, n]: where each item is counted; a single hash is the item itself."""
        if self.hashes == 1:
            return (np.asarray(items, dtype=np.int64) % self.size)[None]
        keys = np.asarray(items).astype(np.uint64)[None]
        mixed = (keys * self._odd[:, :1] + self._odd[:, 1:]) >> np.uint64(32)
        return (mixed % np.uint64(self.size)).astype(np.int64)

    def update(self, items: AnyArray) -> None:
        """Take in the items of the next batch; one that stands in it several times counts once."""
        self.step += 1
        for which, at in enumerate(self.places(np.unique(items))):
            at = np.unique(at)
            gap = self.step - self.seen[which, at]
            self.gaps[which, at] = (1 - self.rate) * self.gaps[which, at] + self.rate * gap
            self.seen[which, at] = self.step

    def log_p(self, items: AnyArray) -> Floats:
        """float32[n]: log of each item's chance to stand in a batch."""
        found = np.take_along_axis(self.gaps, self.places(items), axis=1).max(axis=0)
        return np.asarray(-np.log(np.maximum(found, 1.0)), dtype=np.float32)
