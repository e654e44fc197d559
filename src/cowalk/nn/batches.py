"""Numpy batches as torch tensors that share their memory; a loader that shuffles anew by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cowalk.errors import UsageError
from cowalk.types import AnyArray


def tensors(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a batch as tensors over the same memory; what is no array stays as it is.

    A read-only array (a memory map taken whole) is copied, since torch may write.
    """
    return {name: _tensor(value) if isinstance(value, np.ndarray) else value for name, value in batch.items()}


def _tensor(array: AnyArray) -> Tensor:
    return torch.from_numpy(array if array.flags.writeable else array.copy())


@dataclass
class Loader:
    """An iterable of batches with a length, as Lightning wants it; batches become tensors as they come.

    rank, ranks: with several devices each takes every ranks-th batch, and all the same number; UsageError
    where that is none. Every device makes all batches, since they draw from one stream, and keeps its own.
    """

    batches: Iterable[Mapping[str, Any]]
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        if self.ranks > 1 and not len(self):
            raise UsageError(
                f"an epoch has {len(self.batches)} batches, too few for {self.ranks} devices: "  # type: ignore[arg-type]
                "lower train.batch_size or train.devices"
            )

    def __len__(self) -> int:
        return len(self.batches) // self.ranks  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        most = len(self) * self.ranks
        for number, batch in enumerate(self.batches):
            if number < most and number % self.ranks == self.rank:
                yield tensors(batch)
