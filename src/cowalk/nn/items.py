"""Item embeddings of a ranking network: rows of a vocabulary in, vectors out, and what is penalised.

Row -1 (and V) is the unknown item: it has a row of its own behind the others.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cowalk.types import Floats

SPREAD = 0.05
"""Standard deviation of the entries of a fresh table."""


class ItemEmbedding(nn.Module):
    """What every kind has: `forward`, `penalty`, `settle` and `table`. V items, vectors of `size` numbers."""

    size: int
    n_items: int

    def place(self, rows: Tensor) -> Tensor:
        """Rows of the table: -1 becomes V."""
        return torch.remainder(rows.long(), self.n_items + 1)

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]."""
        raise NotImplementedError

    def penalty(self, rows: Tensor) -> Tensor:
        """What a batch that looks these rows up adds to its loss, weighted already."""
        return torch.zeros((), device=rows.device)

    @torch.no_grad()
    def settle(self) -> None:
        """Called once after training: gives the unknown item the mean of what was learned."""

    @torch.no_grad()
    def table(self, step: int = 65536) -> Floats:
        """float32[V, size]: the vectors of all items."""
        device = next(self.parameters()).device
        starts = range(0, self.n_items, step)
        blocks = [self(torch.arange(a, min(a + step, self.n_items), device=device)) for a in starts]
        out: Floats = torch.cat(blocks).cpu().float().numpy()
        return out


def squared_length(rows: Tensor, look_up: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum of squares of the distinct rows that are named; asked by a layer, its gradient may be sparse."""
    return look_up(torch.unique(rows)).square().sum()


class PlainItems(ItemEmbedding):
    """A table of its own, from random numbers; l2: weight of the squared length of the batch's rows."""

    def __init__(self, n_items: int, size: int, l2: float = 0.0, sparse: bool = False) -> None:
        super().__init__()
        self.n_items, self.size, self.l2 = n_items, size, l2
        self.rows = nn.Embedding(n_items + 1, size, sparse=sparse)
        nn.init.normal_(self.rows.weight, std=SPREAD)
        with torch.no_grad():
            self.rows.weight[n_items] = 0.0

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]."""
        out: Tensor = self.rows(self.place(rows))
        return out

    def penalty(self, rows: Tensor) -> Tensor:
        """l2 times the squared length of the distinct rows."""
        if not self.l2:
            return super().penalty(rows)
        return self.l2 * squared_length(self.place(rows), self.rows)

    @torch.no_grad()
    def settle(self) -> None:
        """The unknown item gets the mean row."""
        self.rows.weight[self.n_items] = self.rows.weight[: self.n_items].mean(dim=0)


class VectorItems(ItemEmbedding):
    """Rows that begin as given vectors; see `embedding`."""

    def __init__(self, vectors: nn.Module, n_items: int, size: int, l2: float = 0.0) -> None:
        super().__init__()
        self.vectors, self.n_items, self.size, self.l2 = vectors, n_items, size, l2

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]."""
        out: Tensor = self.vectors(self.place(rows))
        return out

    def penalty(self, rows: Tensor) -> Tensor:
        """l2 times the squared length of the distinct rows."""
        if not self.l2:
            return super().penalty(rows)
        return self.l2 * squared_length(self.place(rows), self.vectors)
