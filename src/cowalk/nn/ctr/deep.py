"""MLP and PNN over the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cowalk.nn.ctr.fields import FieldTable, per_example
from cowalk.nn.ctr.network import Activation, Batch, ClickNetwork, tower


class DeepTable(ClickNetwork):
    """A tower over the fields' vectors side by side; with `products` also the inner product of every two.

    Without products it is the MLP, with them the inner PNN (Qu et al. 2016, section 3.1).
    """

    def __init__(
        self, sizes: Sequence[int], numbers: int = 0, size: int = 10, hidden: Sequence[int] = (400, 120), *,
        products: bool = False, l2: float = 0.0, dropout: float = 0.0, activation: Activation = "relu",
        sparse: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.l2, self.products = l2, products
        self.fields = FieldTable(sizes, numbers, size, spread=0.05, sparse=sparse)
        n = self.fields.width
        self.upper: Tensor
        self.register_buffer("upper", torch.triu_indices(n, n, offset=1))
        inputs = n * size + (n * (n - 1) // 2 if products else 0)
        self.tower = tower(inputs, hidden, activation, dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        vectors: Tensor = self.fields(batch["codes"], batch["numbers"])
        given = vectors.flatten(1)
        if self.products:
            both = torch.bmm(vectors, vectors.transpose(1, 2))[:, self.upper[0], self.upper[1]]
            given = torch.cat([given, both], dim=1)
        out: Tensor = self.tower(given).squeeze(1)
        return out

    def penalty(self, batch: Batch) -> Tensor:
        """l2 * the squared vectors of a row, mean over the batch."""
        if not self.l2:
            return super().penalty(batch)
        return self.l2 * per_example(self.fields(batch["codes"], batch["numbers"]))

    def sparse_tables(self) -> list[Tensor]:
        """Tables whose gradients are sparse."""
        return [self.fields.rows.weight] if self.fields.rows.sparse else []
