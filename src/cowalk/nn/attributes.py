"""Items with attributes: behind an item's vector, for each attribute, the mean of its values' vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from cowalk.nn.items import SPREAD, ItemEmbedding
from cowalk.tables import Field
from cowalk.types import AnyArray

MOST = 16
"""Values of an item that are looked at, of each attribute; the first ones of more."""


class ItemsWithAttributes(ItemEmbedding):
    """[*, inner size + n * size]: the vectors of `inner`, then the mean vector of each attribute's values.

    values: for each attribute int[V, W], the codes of each item's values, -1 = none; sizes: how many codes
    there are. Zeros where an item has no value; the unknown item has none. Only what `inner` penalises is
    penalised.
    """

    def __init__(
        self, inner: ItemEmbedding, values: Sequence[AnyArray], sizes: Sequence[int], size: int
    ) -> None:
        super().__init__()
        self.inner, self.n_items, self.size = inner, inner.n_items, inner.size + len(sizes) * size
        self.tables = nn.ModuleList(nn.Embedding(number, size) for number in sizes)
        for number, (codes, table) in enumerate(zip(values, self.tables, strict=True)):
            none = np.full((1, codes.shape[1]), -1)
            whole = torch.from_numpy(np.concatenate([codes, none]).astype(np.int64))
            self.register_buffer(f"values{number}", whole)
            assert isinstance(table, nn.Embedding)
            nn.init.normal_(table.weight, std=SPREAD)

    def forward(self, rows: Tensor) -> Tensor:
        """[*, size] of integer rows [*]; each distinct row is put together once."""
        distinct, back = torch.unique(self.place(rows), return_inverse=True)
        parts = [self.inner(distinct)]
        for number, table in enumerate(self.tables):
            codes = self.get_buffer(f"values{number}")[distinct]  # [n, W]
            there = (codes >= 0)[:, :, None].to(parts[0].dtype)
            total = (table(codes.clamp(min=0)) * there).sum(dim=1)
            parts.append(total / there.sum(dim=1).clamp(min=1))
        # Its backward, unlike that of indexing by a tensor, adds in a fixed order with any number of threads.
        out: Tensor = embedding(back, torch.cat(parts, dim=1))
        return out

    def penalty(self, rows: Tensor) -> Tensor:
        """That of the items' own vectors."""
        return self.inner.penalty(rows)

    def settle(self) -> None:
        """The unknown item gets the inner table's mean; it has no attributes."""
        self.inner.settle()


def value_table(field: Field) -> AnyArray:
    """int32[V, W]: the codes of each item's values, -1 = none; W: the most of an item, at most MOST."""
    lengths = np.minimum(np.diff(field.offsets), MOST)
    out = np.full((len(field), max(int(lengths.max(initial=1)), 1)), -1, dtype=np.int32)
    rows = np.repeat(np.arange(len(field)), lengths)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out[rows, places] = field.codes[field.offsets[:-1][rows] + places]
    return out
