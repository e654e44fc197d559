"""Res-embedding: an item's vector is the mix of its neighbours' bases, plus a small residual of its own.

E = g(Z) C_b + R (Zhou et al. 2019, section 3.2). Items that share interests share most of their vector.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from cowalk.errors import UsageError
from cowalk.nn.interest_graph import InterestGraph, Mixing
from cowalk.nn.items import SPREAD, ItemEmbedding, squared_length

Over = Literal["batch", "table"]
RESIDUAL = 0.1
"""Spread of a fresh residual as a share of the base's: the best ratio of the paper's figure 8."""


class ResidualEmbedding(ItemEmbedding):
    """E_i = central_i + R_i, with central_i = sum over i's neighbours j of g_ij C_b(j).

    g: avg 1 / |N(i)|; gcn Z_ij / sqrt(D_i D_j); att softmax over N(i) of C_b(i).C_b(j), unscaled, the
    gradient flowing through both. An item without neighbours (a new one, or the unknown one) has the mean of
    all bases as its central vector, through which no gradient flows. Only R is penalised: penalty times
    ||R||^2 over the distinct rows of the batch (the rows that are looked up, not their neighbours), or over
    the whole table.
    """

    neighbors: Tensor
    mixed: Tensor

    def __init__(
        self, graph: InterestGraph, size: int, mixing: Mixing = "att", penalty: float = 0.006,
        over: Over = "batch",
    ) -> None:  # fmt: skip
        super().__init__()
        if over not in ("batch", "table"):
            raise UsageError(f"the residual is penalised over {over!r}; it must be batch or table")
        self.n_items, self.size, self.mixing, self.weight, self.over = len(graph), size, mixing, penalty, over
        width = graph.neighbors.shape[1]
        none = torch.full((1, width), -1)  # of the unknown item
        self.register_buffer("neighbors", torch.cat([torch.from_numpy(graph.neighbors).long(), none]))
        mixed = torch.from_numpy(graph.weights(mixing))
        self.register_buffer("mixed", torch.cat([mixed, torch.zeros(1, width)]))
        self.base = nn.Parameter(torch.empty(self.n_items, size).normal_(std=SPREAD))
        self.residual = nn.Parameter(torch.empty(self.n_items + 1, size).normal_(std=SPREAD * RESIDUAL))
        with torch.no_grad():
            self.residual[self.n_items] = 0.0

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]; each distinct row is put together once.

        Rows are looked up by `embedding`: its backward adds in a fixed order with any number of threads, that
        of indexing by a tensor does not.
        """
        distinct, back = torch.unique(self.place(rows), return_inverse=True)
        out: Tensor = embedding(back, self.central(distinct) + embedding(distinct, self.residual))
        return out

    def row_tables(self) -> list[nn.Parameter]:
        """Both tables."""
        return [self.base, self.residual]

    def central(self, rows: Tensor) -> Tensor:
        """[n, size]: g(Z) C_b of rows [n] of the table."""
        near, weights = self.neighbors[rows], self.mixed[rows]
        alone = (near < 0).all(dim=1)
        bases = embedding(near.clamp(min=0), self.base)  # [n, K, size]
        if self.mixing == "att":
            own = embedding(rows.clamp(max=self.n_items - 1), self.base)
            likeness = (bases * own[:, None]).sum(dim=2).masked_fill(weights == 0, -torch.inf)
            likeness = likeness.masked_fill(alone[:, None], 0.0)  # a softmax over nothing is not a number
            weights = torch.softmax(likeness, dim=1)
        mixed = (weights.to(bases.dtype)[:, :, None] * bases).sum(dim=1)
        if not alone.any():
            return mixed
        return torch.where(alone[:, None], self.base.detach().mean(dim=0), mixed)

    def penalty(self, rows: Tensor) -> Tensor:
        """penalty * ||R||^2, over the distinct rows of the batch or over the table."""
        if not self.weight:
            return super().penalty(rows)
        if self.over == "table":
            return self.weight * self.residual.square().sum()
        return self.weight * squared_length(self.place(rows), lambda own: embedding(own, self.residual))

    @torch.no_grad()
    def settle(self) -> None:
        """The unknown item gets the mean residual."""
        self.residual[self.n_items] = self.residual[: self.n_items].mean(dim=0)
