"""What every ranking network has: a logit per row, the loss that training steps on, layers of a tower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

Batch = dict[str, Any]
Activation = Literal["relu", "prelu", "tanh"]


class ClickNetwork(nn.Module):
    """A network whose `forward(batch)` gives logits [B]; sigmoid of them is the chance of a click."""

    def forward(self, batch: Batch) -> Tensor:
        """Logits [B]."""
        raise NotImplementedError

    def penalty(self, batch: Batch) -> Tensor:
        """What is added to the mean cross-entropy of a batch."""
        return torch.zeros(())

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the labels (weighted where the batch has weights) + penalty."""
        logits = self(batch)
        weights = batch.get("weights")
        entropy = binary_cross_entropy_with_logits(logits, batch["labels"].to(logits.dtype), weights)
        total: Tensor = entropy + self.penalty(batch).to(logits)
        return total

    @property
    def output_bias(self) -> Tensor:
        """The constant of the logit."""
        last = self.get_submodule("tower")[-1]  # type: ignore[index]
        assert isinstance(last, nn.Linear)
        return last.bias

    @torch.no_grad()
    def begin_at(self, rate: float) -> None:
        """Let the network begin at the click rate of the rows, where it need not be learned step by step."""
        self.output_bias.fill_(math.log(rate / (1 - rate)))

    def settle(self) -> None:
        """Called once after training, for what is only known then."""


def tower(
    inputs: int, hidden: Sequence[int], activation: Activation = "relu", dropout: float = 0.0
) -> nn.Sequential:
    """Layers inputs -> hidden -> 1 logit [B, 1]; dropout is the chance that a number is left out."""
    kinds: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "prelu": nn.PReLU, "tanh": nn.Tanh}
    layers: list[nn.Module] = []
    for before, after in zip((inputs, *hidden[:-1]), hidden, strict=True) if hidden else ():
        layers += [nn.Linear(before, after), kinds[activation]()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(hidden[-1] if hidden else inputs, 1))
