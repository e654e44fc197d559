"""Parts that towers are made of: summed rows of features, pooled histories, layers, and their numpy forms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cowalk.layers import Layer
from cowalk.nn.features import Features
from cowalk.types import Floats

CHUNK = 8192  # things whose features are summed at once


class FeatureRows(nn.Module):
    """The weighted sum of table rows and mapped dense columns of each thing: float32[n, d]."""

    def __init__(self, features: Features, size: int, sparse: bool = False) -> None:
        super().__init__()
        self.features, self.sparse = features, sparse
        self.table = nn.Parameter(torch.randn(features.size, size) / size**0.5)
        self.maps = nn.ParameterList(
            nn.Parameter(torch.randn(column.shape[1], size) / column.shape[1] ** 0.5 / size**0.5)
            for column in features.dense
        )

    def batch(self, things: Any, dropped: Any = None) -> dict[str, Any]:
        """What `forward` needs of these things, as numpy arrays; dropped: bool[n], whose own row gives way to
        the default one.
        """
        offsets, rows, weights = self.features.take(things)
        if dropped is not None and self.features.own:
            rows[offsets[:-1][dropped]] = self.features.default
        out = {"offsets": offsets, "rows": rows, "weights": weights}
        return out | {f"dense{n}": column[things] for n, column in enumerate(self.features.dense)}

    def forward(self, batch: dict[str, Any], prefix: str = "") -> Tensor:
        """The sums of a batch whose arrays, now tensors, are named with this prefix."""
        out: Tensor = functional.embedding_bag(
            batch[prefix + "rows"], self.table, batch[prefix + "offsets"], mode="sum",
            per_sample_weights=batch[prefix + "weights"], include_last_offset=True, sparse=self.sparse,
        )  # fmt: skip
        for number, rows in enumerate(self.maps):
            out = out + batch[f"{prefix}dense{number}"] @ rows
        return out

    @torch.no_grad()
    def all(self) -> Floats:
        """float32[N, d]: the sums of every thing."""
        out = np.empty((len(self.features), self.table.shape[1]), dtype=np.float32)
        for start in range(0, len(out), CHUNK):
            things = np.arange(start, min(start + CHUNK, len(out)))
            made = {name: torch.from_numpy(array) for name, array in self.batch(things).items()}
            out[things] = self.forward({name: one.to(self.table.device) for name, one in made.items()}).cpu()
        return out


class Pooling(nn.Module):
    """The mean of a history's rows, or their mean by softmax(row . query + places[steps back])."""

    def __init__(self, size: int, last: int, learned: bool) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(size), requires_grad=learned)
        self.places = nn.Parameter(torch.zeros(last), requires_grad=learned)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """[B, d] of rows [B, L, d], newest last, and mask bool[B, L]; zeros for an empty history."""
        length = rows.shape[1]
        logits = rows @ self.query + self.places[:length].flip(0)
        logits = logits.masked_fill(~mask, float("-inf"))
        weights = torch.nan_to_num(torch.softmax(logits, dim=1), nan=0.0)  # an empty history: 0 / 0
        return (weights[:, None, :] @ rows)[:, 0]


def layers(sizes: Sequence[int], *, top_relu: bool) -> nn.Sequential:
    """Linear layers from sizes[0] to sizes[-1], ReLU between them, and at the top where asked."""
    parts: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(sizes)):
        parts.append(nn.Linear(before, after))
        if top_relu or number < len(sizes) - 2:
            parts.append(nn.ReLU())
    return nn.Sequential(*parts)


def numpy_layers(network: nn.Sequential) -> tuple[Layer, ...]:
    """The linear layers of `layers(...)` as arrays."""
    parts = list(network)
    out = []
    for number, part in enumerate(parts):
        if isinstance(part, nn.Linear):
            relu = number + 1 < len(parts) and isinstance(parts[number + 1], nn.ReLU)
            out.append(Layer(array_of(part.weight.T), array_of(part.bias), relu))
    return tuple(out)


def array_of(tensor: Tensor) -> Floats:
    """The numbers of a tensor, as an array of its own."""
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")
