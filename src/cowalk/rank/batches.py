"""Batches of a click table, as `examples.Batches` are of histories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cowalk.seeds import generator
from cowalk.tables.clicks import ClickTable
from cowalk.types import AnyArray


@dataclass(frozen=True)
class ClickBatches:
    """The rows once, in batches by name: codes int32[B, F], numbers float32[B, M], labels float32[B].

    Equal for equal (table, size, seed, epoch); shuffle: False keeps the order.
    """

    table: ClickTable
    size: int = 1024
    seed: int = 0
    epoch: int = 0
    shuffle: bool = True

    def __len__(self) -> int:
        return -(-len(self.table) // self.size)

    def __iter__(self) -> Iterator[dict[str, AnyArray]]:
        n, table = len(self.table), self.table
        order = np.arange(n)
        if self.shuffle:
            order = generator(self.seed, f"rank/batches/{self.epoch}").permutation(n)
        for start in range(0, n, self.size):
            rows = order[start : start + self.size]
            batch: dict[str, AnyArray] = {"codes": table.codes[rows], "numbers": table.numbers[rows]}
            if table.labels is not None:
                batch["labels"] = table.labels[rows]
            yield batch
