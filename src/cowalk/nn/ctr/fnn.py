"""FNN: a network that begins where a factorization machine ended (Zhang, Du and Wang 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cowalk.errors import UsageError
from cowalk.nn.ctr.linear import FactorizationMachine
from cowalk.nn.ctr.network import Activation, Batch, ClickNetwork, tower

HIDDEN = (200, 300, 100)
"""The diamond of the paper's section 4.4."""


class FNN(ClickNetwork):
    """tanh layers over z = (w_0, z_1, ..., z_n), z_i = (w_i, v_i^1..v_i^K) of field i's active value.

    The first layer is connected field by field: each field looks up its own rows. They begin as those of
    `machine`, and learn on (or stay, with `frozen`). The paper's dropout of 0.8 is the chance to stay; here
    `dropout` is the chance to be left out.
    """

    def __init__(
        self, machine: FactorizationMachine, hidden: Sequence[int] = HIDDEN, *, frozen: bool = False,
        dropout: float = 0.2, activation: Activation = "tanh", rate: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.machine, self.frozen, self.rate = machine, frozen, rate
        if frozen:
            machine.requires_grad_(False)
        fields, size = machine.factors.width, machine.factors.size
        self.tower = tower(1 + fields * (1 + size), hidden, activation, dropout)

    def codes(self, batch: Batch) -> Tensor:
        """z [B, 1 + n (1 + K)]."""
        numbers, codes = batch["numbers"], batch["codes"]
        weights, factors = self.machine.weights(codes, numbers), self.machine.factors(codes, numbers)
        fields = torch.cat([weights, factors], dim=2).flatten(1)
        return torch.cat([self.machine.bias.expand(len(fields), 1), fields], dim=1)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        out: Tensor = self.tower(self.codes(batch)).squeeze(1)
        return out

    def penalty(self, batch: Batch) -> Tensor:
        """That of the machine, while it learns."""
        return super().penalty(batch) if self.frozen else self.machine.penalty(batch)

    def groups(self) -> list[dict[str, object]]:
        """The tower, and the machine's rows at their own `rate`."""
        rows: dict[str, object] = {"params": list(self.machine.parameters())}
        if self.rate is not None:
            if not self.rate > 0:
                raise UsageError(f"the rows' learning rate is {self.rate}; give one above 0, or freeze them")
            rows["lr"] = self.rate
        return [{"params": list(self.tower.parameters())}, rows]

    def sparse_tables(self) -> list[Tensor]:
        """Tables whose gradients are sparse."""
        return [] if self.frozen else self.machine.sparse_tables()
