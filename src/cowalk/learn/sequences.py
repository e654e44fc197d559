"""What is read, in chunks: walks made on the fly, or sessions in a fresh order each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cowalk import seeds
from cowalk.errors import UsageError
from cowalk.kernels import flatten as kernels
from cowalk.kernels.bundles import Stream
from cowalk.learn.settings import WalkSettings
from cowalk.tables import ItemGraph, Sessions, Vocab
from cowalk.types import Floats, Offsets
from cowalk.walk import Walker

CHUNK = 1 << 18  # positions; fixed, because the result may not depend on the machine


@dataclass(frozen=True)
class Chunk:
    """Some of an epoch's positions, valid until the next chunk is made; done = share before and after it."""

    stream: Stream
    done: tuple[float, float]


class Sequences(Protocol):
    """A source of chunks, the same ones for the same (seed, epoch)."""

    def chunks(self, epoch: int, keep: Floats) -> Iterator[Chunk]:
        """The chunks of one epoch, subsampled by keep float32[V] (empty = keep all)."""
        ...

    def counts(self) -> Offsets:
        """int64[V]: how often each item stands in the sequences of the first epoch."""
        ...

    def first_met(self) -> Offsets | None:
        """int64[V]: the position at which each item is first read; None where that tells nothing of them."""
        ...

    def positions(self) -> int:
        """How many positions an epoch has before subsampling; of walks that nowhere end early."""
        ...

    def mean_others(self) -> float:
        """How many other positions stand in the sequence of a position, on average."""
        ...


def new_stream(size: int) -> Stream:
    """Room for `size` positions."""
    tokens, begins, ends = (np.empty(size, dtype=np.int32) for _ in range(3))
    return Stream(tokens, begins, ends, np.empty(size, dtype=np.int64))


def first_of(stream: Stream, n: int) -> Stream:
    """The first n positions."""
    return Stream(*(array[:n] for array in stream))


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
        room = new_stream(min(rows, per_epoch) * length)
        seed = np.uint64(seeds.stream(self.walker.seed, f"subsample {epoch}"))
        for row in range(0, per_epoch, rows):
            walks = self.walker.block(epoch * per_epoch + row, min(rows, per_epoch - row), self.workers)
            n = kernels.flatten_walks(walks.nodes, row, keep, seed, room)
            done = (row / per_epoch, min(row + rows, per_epoch) / per_epoch)
            yield Chunk(first_of(room, n), done)

    def counts(self) -> Offsets:
        """See Sequences."""
        total = np.zeros(len(self.walker.graph), dtype=np.int64)
        for chunk in self.chunks(0, np.empty(0, dtype=np.float32)):
            total += np.bincount(chunk.stream.tokens, minlength=len(total))
        return total

    def first_met(self) -> None:
        """See Sequences; walks start anywhere."""

    def positions(self) -> int:
        """See Sequences."""
        return self.walker.rows_per_epoch * self.walker.settings.walk_length

    def mean_others(self) -> float:
        """See Sequences; of walks that nowhere end early."""
        return float(self.walker.settings.walk_length - 1)


@dataclass(frozen=True)
class SessionSequences:
    """Sessions, in a fresh order each epoch, or as they stand."""

    sessions: Sessions
    n_items: int
    seed: int
    shuffled: bool = True

    def chunks(self, epoch: int, keep: Floats) -> Iterator[Chunk]:
        """See Sequences."""
        order = np.arange(len(self.sessions))
        if self.shuffled:
            order = seeds.generator(self.seed, f"session order {epoch}").permutation(len(self.sessions))
        ends = np.cumsum(np.diff(self.sessions.offsets)[order])
        total = int(ends[-1]) if len(ends) else 0
        if total == 0:
            return
        room = new_stream(0)
        seed = np.uint64(seeds.stream(self.seed, f"subsample {epoch}"))
        first, done = 0, 0
        while first < len(order):
            last = max(first + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
            size = int(ends[last - 1]) - done
            if size > len(room.tokens):
                room = new_stream(max(size, min(CHUNK, total)))
            n = kernels.flatten_sessions(
                self.sessions.items, self.sessions.offsets, order[first:last], keep, seed, room
            )
            yield Chunk(first_of(room, n), (done / total, (done + size) / total))
            first, done = last, done + size

    def counts(self) -> Offsets:
        """See Sequences."""
        return np.bincount(self.sessions.items, minlength=self.n_items).astype(np.int64)

    def first_met(self) -> Offsets:
        """See Sequences; of the sessions as they stand."""
        size = len(self.sessions.items)
        first = np.full(self.n_items, size, dtype=np.int64)
        first[self.sessions.items[::-1]] = np.arange(size)[::-1]  # of repeated indices the last one stays
        return first

    def positions(self) -> int:
        """See Sequences."""
        return len(self.sessions.items)

    def mean_others(self) -> float:
        """See Sequences."""
        lengths = np.diff(self.sessions.offsets).astype(np.float64)
        return float((lengths * (lengths - 1)).sum() / max(lengths.sum(), 1.0))


def sequences_of(
    source: Sessions | ItemGraph, vocab: Vocab, walks: WalkSettings | None, seed: int, workers: int | None,
    shuffled: bool = True,
) -> Sequences:  # fmt: skip
    """What an engine reads of its source: the sessions, or walks over the graph."""
    if isinstance(source, ItemGraph):
        if len(source) != len(vocab):
            raise UsageError(f"the graph has {len(source)} nodes but the vocabulary {len(vocab)} ids")
        return WalkSequences(Walker(source, walks or WalkSettings(), seed), workers)
    return SessionSequences(source, len(vocab), seed, shuffled)
