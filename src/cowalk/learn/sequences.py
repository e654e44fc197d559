"""What is read, in chunks: walks made on the fly, or sessions in a fresh order each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cowalk import seeds
from cowalk.kernels import skipgram as kernels
from cowalk.tables import Sessions
from cowalk.types import AnyArray, Floats, Ids, Offsets
from cowalk.walk import Walker

CHUNK = 1 << 18  # positions; fixed, because the result may not depend on the machine


@dataclass(frozen=True)
class Chunk:
    """Positions of many sequences: tokens int32[n]; begins, ends int32[n] bound each position's sequence;
    numbers int64[n] name each position within the epoch; done = share of the epoch before and after."""

    tokens: Ids
    begins: Ids
    ends: Ids
    numbers: Offsets
    done: tuple[float, float]


class Sequences(Protocol):
    """A source of chunks, the same ones for the same (seed, epoch)."""

    def chunks(self, epoch: int, keep: Floats) -> Iterator[Chunk]:
        """The chunks of one epoch, subsampled by keep float32[V] (empty = keep all)."""
        ...

    def counts(self) -> Offsets:
        """int64[V]: how often each item stands in the sequences of the first epoch."""
        ...


class Buffers:
    """Room for one chunk, used again and again."""

    def __init__(self, size: int) -> None:
        self.tokens, self.begins, self.ends = (np.empty(size, dtype=np.int32) for _ in range(3))
        self.numbers = np.empty(size, dtype=np.int64)

    def chunk(self, n: int, done: tuple[float, float]) -> Chunk:
        """The first n positions as a chunk; valid until the buffers are filled again."""
        return Chunk(self.tokens[:n], self.begins[:n], self.ends[:n], self.numbers[:n], done)

    def arrays(self) -> tuple[AnyArray, ...]:
        """The arrays in the order that the kernels fill them."""
        return self.tokens, self.begins, self.ends, self.numbers


@dataclass(frozen=True)
class WalkSequences:
    """Walks over a graph: each epoch makes new ones, `num_walks` from every node."""

    walker: Walker
    workers: int | None

    def chunks(self, epoch: int, keep: Floats) -> Iterator[Chunk]:
        """See Sequences."""
        per_epoch = self.walker.rows_per_epoch
        length = self.walker.settings.walk_length
        rows = max(1, CHUNK // length)
        room = Buffers(min(rows, per_epoch) * length)
        seed = np.uint64(seeds.stream(self.walker.seed, f"subsample {epoch}"))
        for row in range(0, per_epoch, rows):
            walks = self.walker.block(epoch * per_epoch + row, min(rows, per_epoch - row), self.workers)
            n = kernels.flatten_walks(walks.nodes, row, keep, seed, *room.arrays())
            yield room.chunk(n, (row / per_epoch, min(row + rows, per_epoch) / per_epoch))

    def counts(self) -> Offsets:
        """See Sequences."""
        total = np.zeros(len(self.walker.graph), dtype=np.int64)
        for chunk in self.chunks(0, np.empty(0, dtype=np.float32)):
            total += np.bincount(chunk.tokens, minlength=len(total))
        return total


@dataclass(frozen=True)
class SessionSequences:
    """Sessions, in a fresh order each epoch."""

    sessions: Sessions
    n_items: int
    seed: int

    def chunks(self, epoch: int, keep: Floats) -> Iterator[Chunk]:
        """See Sequences."""
        order = seeds.generator(self.seed, f"session order {epoch}").permutation(len(self.sessions))
        ends = np.cumsum(np.diff(self.sessions.offsets)[order])
        total = int(ends[-1]) if len(ends) else 0
        room = Buffers(0)
        seed = np.uint64(seeds.stream(self.seed, f"subsample {epoch}"))
        first, done = 0, 0
        while first < len(order):
            last = max(first + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
            size = int(ends[last - 1]) - done
            if size > len(room.tokens):
                room = Buffers(max(size, min(CHUNK, total)))
            n = kernels.flatten_sessions(
                self.sessions.items, self.sessions.offsets, order[first:last], keep, seed, *room.arrays()
            )
            yield room.chunk(n, (done / total, (done + size) / total))
            first, done = last, done + size

    def counts(self) -> Offsets:
        """See Sequences."""
        return np.bincount(self.sessions.items, minlength=self.n_items).astype(np.int64)
