"""Columns of a table as vectors: a row for every code of a column, and one for every column of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FieldTable(nn.Module):
    """[B, F + M, size]: the vectors of F codes, and of M numbers, each times its number.

    sizes: codes of each column; code 0 is the row of unknown values. numbers: M.
    """

    starts: Tensor

    def __init__(
        self, sizes: Sequence[int], numbers: int, size: int, spread: float = 0.01, sparse: bool = False
    ) -> None:
        super().__init__()
        total = sum(sizes)
        self.width, self.numbers, self.size = len(sizes) + numbers, numbers, size
        self.register_buffer("starts", torch.tensor([0, *sizes]).cumsum(0)[: len(sizes)])
        self.number_rows: Tensor
        self.register_buffer("number_rows", torch.arange(total, total + numbers))
        self.rows = nn.Embedding(total + numbers, size, sparse=sparse)
        nn.init.normal_(self.rows.weight, std=spread)

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        """[B, F + M, size] of codes int[B, F] and numbers float[B, M]."""
        found: Tensor = self.rows(codes.long() + self.starts)
        if not self.numbers:
            return found
        scaled = self.rows(self.number_rows) * numbers[:, :, None].to(found.dtype)
        return torch.cat([found, scaled], dim=1)


def per_example(vectors: Tensor) -> Tensor:
    """Mean over rows of the squared length of all that a row looks up: an L2 that goes with how often."""
    return vectors.square().sum(dim=(1, 2)).mean()
