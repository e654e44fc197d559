"""Several sets of vectors as one embedding layer: side by side, summed, or mixed by a learned gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from cowalk.errors import UsageError
from cowalk.nn.pretrained import VectorEmbedding
from cowalk.tables.vocab import Id
from cowalk.types import AnyArray

How = Literal["concatenate", "sum", "gate"]


class JoinedEmbedding(nn.Module):
    """S embedding layers over one vocabulary, asked by the same rows; vectors of `size` numbers.

    concatenate: all numbers one after another, size = the sum of the sets'. sum and gate: each set goes
    through a linear map without bias to `size` numbers (none where it has that many already), then sum adds
    them, and gate mixes them by a softmax over the sets that is linear in all numbers, so that each item
    chooses; its weights begin at 0, where all sets weigh the same.
    """

    def __init__(
        self, layers: Sequence[VectorEmbedding], how: How = "concatenate", size: int | None = None
    ) -> None:
        super().__init__()
        _check(layers, how, size)
        self.layers, self.how = nn.ModuleList(layers), how
        sizes = [layer.embedding_dim for layer in layers]
        self.size = sum(sizes) if how == "concatenate" else size or max(sizes)
        self.maps = nn.ModuleList()
        if how != "concatenate":
            plain = [nn.Identity() if d == self.size else nn.Linear(d, self.size, bias=False) for d in sizes]
            self.maps.extend(plain)
        self.gate = nn.Linear(sum(sizes), len(layers)) if how == "gate" else None
        if self.gate is not None:
            nn.init.zeros_(self.gate.weight)
            nn.init.zeros_(self.gate.bias)

    @property
    def embedding_dim(self) -> int:
        """Numbers of a vector, as torch.nn.Embedding calls it."""
        return self.size

    def rows(self, ids: Sequence[Id] | AnyArray) -> Tensor:
        """int64[n] rows of outside ids, V where an id is not known."""
        first = self.layers[0]
        assert isinstance(first, VectorEmbedding)
        return first.rows(ids)

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]."""
        found = [layer(rows) for layer in self.layers]
        if self.how == "concatenate":
            return torch.cat(found, dim=-1)
        mapped = torch.stack([to(one) for to, one in zip(self.maps, found, strict=True)], dim=-2)
        if self.gate is None:
            return mapped.sum(dim=-2)
        shares = torch.softmax(self.gate(torch.cat(found, dim=-1)), dim=-1)
        return (shares[..., None] * mapped).sum(dim=-2)


def _check(layers: Sequence[VectorEmbedding], how: str, size: int | None) -> None:
    if not layers:
        raise UsageError("give at least one embedding layer to join")
    if how not in get_args(How):
        raise UsageError(f"how is {how!r}; it must be concatenate, sum or gate")
    if how == "concatenate" and size is not None:
        raise UsageError("concatenated vectors have the sum of the sets' sizes; leave size out")
    if size is not None and size < 1:
        raise UsageError(f"size is {size}; joined vectors have at least 1 number")
    prints = {layer.vocab.fingerprint for layer in layers}
    if len(prints) > 1:
        raise UsageError("the layers have different vocabularies; make each with the same vocab=")
