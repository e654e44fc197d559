"""Logistic regression and factorization machines over the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cowalk.nn.ctr.fields import FieldTable, per_example
from cowalk.nn.ctr.network import Batch, ClickNetwork


class LogisticRegression(ClickNetwork):
    """w_0 + sum of a weight per active value: a network of one layer."""

    def __init__(self, sizes: Sequence[int], numbers: int = 0, l2: float = 0.0, sparse: bool = False) -> None:
        super().__init__()
        self.l2 = l2
        self.bias = nn.Parameter(torch.zeros(()))
        self.weights = FieldTable(sizes, numbers, 1, sparse=sparse)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        weights: Tensor = self.weights(batch["codes"], batch["numbers"])
        return self.bias + weights.sum(dim=(1, 2))

    def penalty(self, batch: Batch) -> Tensor:
        """l2 * the squared weights of a row, mean over the batch."""
        if not self.l2:
            return super().penalty(batch)
        return self.l2 * per_example(self.weights(batch["codes"], batch["numbers"]))

    @property
    def output_bias(self) -> Tensor:
        """w_0."""
        return self.bias

    def sparse_tables(self) -> list[Tensor]:
        """Tables whose gradients are sparse."""
        return [self.weights.rows.weight] if self.weights.rows.sparse else []


class FactorizationMachine(ClickNetwork):
    """w_0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j, in O(n k) (Rendle 2010, lemma 3.1).

    x is 1 for an active value and the number itself for a column of numbers.
    """

    def __init__(
        self, sizes: Sequence[int], numbers: int = 0, size: int = 10, l2: float = 0.0, sparse: bool = False
    ) -> None:
        super().__init__()
        self.l2 = l2
        self.bias = nn.Parameter(torch.zeros(()))
        self.weights = FieldTable(sizes, numbers, 1, sparse=sparse)
        self.factors = FieldTable(sizes, numbers, size, spread=0.05, sparse=sparse)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        codes, numbers = batch["codes"], batch["numbers"]
        weights: Tensor = self.weights(codes, numbers)
        return self.bias + weights.sum(dim=(1, 2)) + pairs(self.factors(codes, numbers))

    def penalty(self, batch: Batch) -> Tensor:
        """l2 * the squared weights and factors of a row, mean over the batch."""
        if not self.l2:
            return super().penalty(batch)
        codes, numbers = batch["codes"], batch["numbers"]
        both = per_example(self.weights(codes, numbers)) + per_example(self.factors(codes, numbers))
        return self.l2 * both

    @property
    def output_bias(self) -> Tensor:
        """w_0."""
        return self.bias

    def sparse_tables(self) -> list[Tensor]:
        """Tables whose gradients are sparse."""
        if not self.weights.rows.sparse:
            return []
        return [self.weights.rows.weight, self.factors.rows.weight]


def pairs(vectors: Tensor) -> Tensor:
    """[B]: sum over i < j of <v_i, v_j> of [B, n, k], as half of (square of the sum - sum of squares)."""
    return 0.5 * (vectors.sum(dim=1).square() - vectors.square().sum(dim=1)).sum(dim=1)
