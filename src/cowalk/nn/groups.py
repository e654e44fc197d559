"""Parameter groups: embedding rows with a learning rate of their own, sparse ones for SparseAdam."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from cowalk.errors import UsageError


def parameter_groups(
    module: nn.Module, learning_rate: float, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """Groups for a torch optimizer: all that learns, embeddings that name a `learning_rate` by themselves.

    Embedding rows get no weight decay: it would shrink rows that a batch does not look up.
    """
    own: dict[int, float] = {}
    tables: set[int] = set()
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            rate = getattr(layer, "learning_rate", None)
            tables.add(id(layer.weight))
            own[id(layer.weight)] = learning_rate if rate is None else float(rate)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            decay = 0.0 if id(parameter) in tables else weight_decay
            groups.setdefault((own.get(id(parameter), learning_rate), decay), []).append(parameter)
    if not groups:
        raise UsageError("nothing of the network learns: all of it is frozen")
    return [{"params": own, "lr": rate, "weight_decay": decay} for (rate, decay), own in groups.items()]


def optimizers(
    module: nn.Module, learning_rate: float = 1e-3, weight_decay: float = 0.0
) -> list[torch.optim.Optimizer]:
    """Adam for what has dense gradients and SparseAdam for embeddings with sparse ones; step them all.

    With sparse gradients only the rows of a batch are moved, and their moments with them (lazy Adam).
    """
    sparse = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding) and m.sparse}
    groups = parameter_groups(module, learning_rate, weight_decay)
    dense, lazy = [], []
    for group in groups:
        plain = [p for p in group["params"] if id(p) not in sparse]
        rest = [p for p in group["params"] if id(p) in sparse]
        if plain:
            dense.append({**group, "params": plain})
        if rest:
            lazy.append({"params": rest, "lr": group["lr"]})
    made: list[torch.optim.Optimizer] = []
    if dense:
        made.append(torch.optim.Adam(dense))
    if lazy:
        made.append(torch.optim.SparseAdam(lazy))
    return made
