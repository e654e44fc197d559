"""MLP, PNN and DIN over a history and a target: what was done tells whether this is clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from cowalk.errors import UsageError
from cowalk.nn.ctr.fields import FieldTable
from cowalk.nn.ctr.network import Activation, Batch, ClickNetwork, tower
from cowalk.nn.items import SPREAD, ItemEmbedding

Base = Literal["mlp", "pnn", "din"]
UNIT = 36
"""Hidden numbers of DIN's attention unit."""


class AttentionUnit(nn.Module):
    """Weights [n] of pairs (target, item of a history): a small network on [q, k, q - k, q * k], one number.

    The weights are not normalised (no softmax), as in the paper: their sum is how strong the interest is
    (Zhou et al. 2018, DIN, section 4.3).
    """

    def __init__(self, size: int, hidden: int = UNIT) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4 * size, hidden), nn.PReLU(), nn.Linear(hidden, 1))

    def forward(self, target: Tensor, past: Tensor) -> Tensor:
        """[n] of target [n, d] and past [n, d]."""
        both = torch.cat([target, past, target - past, target * past], dim=1)
        out: Tensor = self.layers(both).squeeze(1)
        return out


def _columns(sizes: Sequence[int], size: int) -> FieldTable:
    """A table of the columns' values; unknown ones begin as zeros, as which they stay where none is shown."""
    table = FieldTable(sizes, 0, size, SPREAD)
    with torch.no_grad():
        table.rows.weight[table.starts] = 0.0
    return table


class HistoryNetwork(ClickNetwork):
    """A tower over the target's vector, the history's pooled vector, and columns of context.

    mlp: the history is summed. pnn: and the product target * history, number by number, is given too. din:
    the history is summed with the weights of an `AttentionUnit`, and the tower is that of mlp. Rows of -1 in
    a history (padding, unknown items) count nothing. context: names of the columns of a batch, float [B] or
    [B, n], with their widths. coded: names of columns of codes int[B] with their numbers of codes, each a row
    of `size` numbers; code 0, the unknown value's, begins as zeros.
    Source: Zhou et al. 2019 (Res-embedding), section 4.1.3: towers 36-400-120, and 54-400-120 for pnn.
    """

    def __init__(
        self, items: ItemEmbedding, base: Base = "din", hidden: Sequence[int] = (400, 120), *,
        context: dict[str, int] | None = None, dropout: float = 0.0, activation: Activation = "relu",
        rate: float | None = None, coded: dict[str, int] | None = None, size: int = 8,
    ) -> None:  # fmt: skip
        super().__init__()
        if base not in get_args(Base):
            raise UsageError(f"the network is {base!r}; it must be mlp, pnn or din")
        self.items, self.base, self.rate, self.context = items, base, rate, dict(context or {})
        self.attention = AttentionUnit(items.size) if base == "din" else None
        self.coded = dict(coded or {})
        self.columns = _columns(list(self.coded.values()), size) if self.coded else None
        inputs = (
            items.size * (3 if base == "pnn" else 2) + sum(self.context.values()) + size * len(self.coded)
        )
        self.tower = tower(inputs, hidden, activation, dropout)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B] of history int[B, L] and targets int[B]."""
        history, targets = batch["history"], batch["targets"]
        target, pooled = self.vectors(history, targets)
        parts = [target, pooled]
        if self.base == "pnn":
            parts.append(target * pooled)
        for name in self.context:
            parts.append(batch[name].to(target.dtype).reshape(len(target), -1))
        if self.columns is not None:
            codes = torch.stack([batch[name] for name in self.coded], dim=1)
            parts.append(self.columns(codes, codes).flatten(1))
        out: Tensor = self.tower(torch.cat(parts, dim=1)).squeeze(1)
        return out

    def vectors(self, history: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The target's vector and the pooled history's, [B, d] each.

        Only what is there is looked up and weighed, histories laid end to end: most of them are short.
        """
        there = history >= 0
        lengths = there.sum(dim=1)
        both: Tensor = self.items(torch.cat([targets, history[there]]))
        target, past = both[: len(targets)], both[len(targets) :]
        if self.attention is not None:
            owners = torch.repeat_interleave(lengths)
            weights = self.attention(embedding(owners, target), past)  # embedding: fixed order backwards
            past = weights[:, None] * past
        return target, torch.segment_reduce(past, "sum", lengths=lengths, axis=0, unsafe=True)

    def penalty(self, batch: Batch) -> Tensor:
        """That of the item embedding, for the items of the batch; padding is no item."""
        rows = torch.cat([batch["targets"], batch["history"][batch["history"] >= 0]])
        return self.items.penalty(rows)

    def settle(self) -> None:
        """The unknown item gets its row."""
        self.items.settle()

    def groups(self) -> list[dict[str, object]]:
        """The items' table at its own `rate`, and all else."""
        mine = {id(p) for p in self.items.parameters()}
        rows: dict[str, object] = {"params": list(self.items.parameters())}
        if self.rate is not None:
            rows["lr"] = self.rate
        return [{"params": [p for p in self.parameters() if id(p) not in mine]}, rows]

    def sparse_tables(self) -> list[Tensor]:
        """Tables whose gradients are sparse."""
        found = [m for m in self.items.modules() if isinstance(m, nn.Embedding)]
        return [m.weight for m in found if m.sparse]
