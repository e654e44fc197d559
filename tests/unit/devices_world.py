"""A small network, its batches and its figure: what the processes of several devices are sent. They import
this file, so it imports little.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed import get_rank, is_initialized

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype(np.float32)
Y = (X @ [1, 2, 3]).astype(np.float32)
CODES = RNG.integers(0, 10, 64)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.linear, self.table = nn.Linear(3, 1), nn.Parameter(torch.randn(10, 1))

    def sparse_tables(self) -> list[nn.Parameter]:
        return [self.table]

    def loss(self, batch: dict[str, Any]) -> Tensor:
        rows = nn.functional.embedding(batch["codes"], self.table, sparse=True)
        found: Tensor = self.linear(batch["x"])[:, 0] + rows[:, 0]
        return ((found - batch["y"]) ** 2).mean()

    def all(self) -> np.ndarray[Any, Any]:
        return torch.cat([p.detach().ravel() for p in (*self.linear.parameters(), self.table)]).numpy()


def epoch(size: int, folder: Path, network: Small, number: int) -> list[dict[str, Any]]:
    """Batches of a size; each process notes the weights that it begins the epoch with."""
    rank = get_rank() if is_initialized() else 0
    np.save(folder / f"{rank} of epoch {number}.npy", network.all())
    order = np.random.default_rng(number).permutation(64).reshape(-1, size)
    return [{"x": X[rows], "y": Y[rows], "codes": CODES[rows]} for rows in order]


def figure(network: Small) -> float:
    return -float(np.abs(network.all() - 1).sum())  # of the weights that are trained, in whichever process
