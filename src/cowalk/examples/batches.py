"""Batches: examples as numpy arrays of a size, shuffled by a seed; the work is one kernel and a few takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.examples.table import Examples
from cowalk.kernels import examples as kernels
from cowalk.seeds import generator
from cowalk.types import AnyArray, Ids, Offsets

Batch = dict[str, AnyArray]


def histories_of(items: Ids, starts: Offsets, stops: Offsets, last: int) -> tuple[Ids, Ids]:
    """int32[B, last] and lengths int32[B]: the latest items of each slice, newest last, -1 = none before."""
    out = np.empty((len(starts), last), dtype=np.int32)
    lengths = np.empty(len(starts), dtype=np.int32)
    kernels.gather_histories(items, starts, stops, out, lengths)
    return out, lengths


@dataclass(frozen=True)
class Batches:
    """The examples once, in batches; equal for equal (examples, size, seed, epoch).

    A batch holds, by name: rows int64[B] (places in the examples), users and owners int32[B], history
    int32[B, last] (newest last, -1 = none before the oldest), lengths int32[B], targets int32[B], labels and
    weights float32[B], times int64[B], and each context column. last: the examples' own unless given.
    shuffle: False keeps the order. The last batch may be smaller; with `whole` it is left out then.
    """

    examples: Examples
    size: int = 256
    seed: int = 0
    epoch: int = 0
    last: int | None = None
    shuffle: bool = True
    whole: bool = False

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError(f"batches: the size must be at least 1, not {self.size}")
        if self.last is not None and self.last < 1:
            raise UsageError(f"batches: last must be at least 1, not {self.last}")

    def __len__(self) -> int:
        n = len(self.examples)
        return n // self.size if self.whole else -(-n // self.size)

    def __iter__(self) -> Iterator[Batch]:
        n = len(self.examples)
        order = np.arange(n)
        if self.shuffle:
            order = generator(self.seed, f"examples/batches/{self.epoch}").permutation(n)
        for number in range(len(self)):
            yield self.take(order[number * self.size : (number + 1) * self.size])

    def take(self, rows: AnyArray) -> Batch:
        """The batch of these rows of the examples."""
        e = self.examples
        owners, stops = e.owners[rows], e.stops[rows]
        history, lengths = histories_of(e.stream.items, e.stream.offsets[owners], stops, self.last or e.last)
        batch: Batch = {
            "rows": rows, "owners": owners, "users": e.stream.users[owners], "history": history,
            "lengths": lengths, "targets": e.targets[rows], "labels": e.labels[rows],
            "weights": e.weights[rows], "times": e.times[rows],
        }  # fmt: skip
        return batch | {name: column[rows] for name, column in e.context.items()}
