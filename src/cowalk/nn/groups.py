"""Parameter groups: embedding rows with a learning rate of their own, sparse ones for SparseAdam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cowalk.errors import UsageError

Group = dict[str, Any]


def row_tables(module: nn.Module) -> list[Tensor]:
    """The weights whose rows are looked up: those of embeddings, and those a module names (`row_tables`,
    `sparse_tables`).
    """
    found: list[Tensor] = []
    for part in module.modules():
        if isinstance(part, nn.Embedding):
            found.append(part.weight)
        for name in ("row_tables", "sparse_tables"):
            found += getattr(part, name)() if hasattr(part, name) else []
    return found


def split_groups(
    groups: Iterable[Mapping[str, Any]], rows: Iterable[Tensor], sparse: Iterable[Tensor]
) -> tuple[list[Group], list[Group]]:
    """(groups of dense gradients, groups of sparse ones) of what learns, each at the rate of its own group.

    rows: tables, which get no weight decay: it would shrink rows that a batch does not look up.
    sparse: those whose gradients are sparse; their groups name no decay at all.
    """
    lazy, tables = {id(p) for p in sparse}, {id(p) for p in rows}
    dense_groups: list[Group] = []
    sparse_groups: list[Group] = []
    for group in groups:
        learn = [p for p in group["params"] if p.requires_grad]
        plain = [p for p in learn if id(p) not in tables | lazy]
        looked_up = [p for p in learn if id(p) in tables - lazy]
        rest = [p for p in learn if id(p) in lazy]
        if plain:
            dense_groups.append({**group, "params": plain})
        if looked_up:
            dense_groups.append({**group, "params": looked_up, "weight_decay": 0.0})
        if rest:
            told = {name: value for name, value in group.items() if name != "weight_decay"}
            sparse_groups.append({**told, "params": rest})
    return dense_groups, sparse_groups


def parameter_groups(
    module: nn.Module, learning_rate: float, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """Groups for a torch optimizer: all that learns, embeddings that name a `learning_rate` by themselves.

    Embedding rows get no weight decay: it would shrink rows that a batch does not look up.
    """
    own: dict[int, float] = {}
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            rate = getattr(layer, "learning_rate", None)
            own[id(layer.weight)] = learning_rate if rate is None else float(rate)
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            groups.setdefault(own.get(id(parameter), learning_rate), []).append(parameter)
    if not groups:
        raise UsageError("nothing of the network learns: all of it is frozen")
    told = [{"params": own, "lr": rate, "weight_decay": weight_decay} for rate, own in groups.items()]
    return split_groups(told, row_tables(module), ())[0]


def optimizers(
    module: nn.Module, learning_rate: float = 1e-3, weight_decay: float = 0.0
) -> list[torch.optim.Optimizer]:
    """Adam for what has dense gradients and SparseAdam for embeddings with sparse ones; step them all.

    With sparse gradients only the rows of a batch are moved, and their moments with them (lazy Adam).
    """
    sparse = [m.weight for m in module.modules() if isinstance(m, nn.Embedding) and m.sparse]
    groups = parameter_groups(module, learning_rate, weight_decay)
    dense, lazy = split_groups(groups, row_tables(module), sparse)
    made: list[torch.optim.Optimizer] = []
    if dense:
        made.append(torch.optim.Adam(dense))
    if lazy:
        made.append(torch.optim.SparseAdam(lazy))
    return made
