"""A network under Lightning: its steps, its optimizers, and what is kept of it from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from cowalk.nn.batches import Loader
from cowalk.nn.gradients import mean_rows
from cowalk.nn.groups import row_tables, split_groups
from cowalk.train_settings import TrainSettings

Epoch = Callable[[int], Iterable[Mapping[str, Any]]]
"""The batches of an epoch (0, 1, ...), with a length."""
EXTRA = "_extra_state"
"""Where torch keeps in a state what `get_extra_state` gives."""


@dataclass
class Trace:
    """What training came to: by epoch the mean loss and the figure; best: the epoch that is kept."""

    losses: list[float] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    best: int = -1
    stopped: bool = False

    def waited(self) -> int:
        """Epochs since the best one."""
        return len(self.figures) - 1 - self.best


class Steps(lightning.LightningModule):
    """A network under Lightning. Its state holds the trace and the best weights beside the network's own, so
    that they are in every checkpoint and come back from a process that trained.
    """

    def __init__(self, network: nn.Module, s: TrainSettings, trace: Trace, identity: str) -> None:
        super().__init__()
        self.automatic_optimization = False  # there may be two optimizers
        self.network, self.s, self.trace, self.identity = network, s, trace, identity
        self.best_state: dict[str, Tensor] | None = None
        self.sums = [0.0, 0.0]  # of losses and batches in this epoch
        self.over = False
        self.loaded = False
        lazy = {id(table) for table in sparse_tables(network, s)}
        # Torch's distributed module takes every gradient of a bare parameter for dense: these are ours.
        self._ddp_params_and_buffers_to_ignore = [n for n, p in self.named_parameters() if id(p) in lazy]

    def training_step(self, batch: Any, number: int) -> None:
        made = self.optimizers()
        optimizers: Any = made if isinstance(made, list) else [made]
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = self.network.loss(batch)  # type: ignore[operator]
        self.manual_backward(loss)
        if self.trainer.world_size > 1:
            for table in sparse_tables(self.network, self.s):
                table.grad = mean_rows(table, self.trainer.world_size)
        for optimizer in optimizers:
            optimizer.step()
        self.sums[0] += float(loss.detach())
        self.sums[1] += 1

    def configure_optimizers(self) -> Any:
        return optimizers_of(self.network, self.s)

    def get_extra_state(self) -> dict[str, Any]:
        trace = self.trace
        return {
            "identity": self.identity, "losses": trace.losses, "figures": trace.figures, "best": trace.best,
            "stopped": trace.stopped, "over": self.over, "best state": self.best_state,
        }  # fmt: skip

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        self.trace.losses[:], self.trace.figures[:] = state["losses"], state["figures"]
        self.trace.best, self.best_state = state["best"], state["best state"]
        self.trace.stopped = state["stopped"]


class Parts(lightning.LightningDataModule):
    """The batches of each epoch, parted among the devices."""

    def __init__(self, epoch: Epoch, steps: Steps) -> None:
        super().__init__()
        self.epoch, self.steps = epoch, steps

    def train_dataloader(self) -> Any:
        self.steps.loaded = True  # Lightning asks for batches once the checkpoint is read
        trainer: Any = self.trainer
        return Loader(self.epoch(trainer.current_epoch), trainer.global_rank, trainer.world_size)


def sparse_tables(network: nn.Module, s: TrainSettings) -> list[nn.Parameter]:
    """The tables whose gradients are sparse: those that the network names, where the settings want it."""
    if not s.sparse or not hasattr(network, "sparse_tables"):
        return []
    tables: list[nn.Parameter] = network.sparse_tables()  # type: ignore[operator]
    return tables


def optimizers_of(network: nn.Module, s: TrainSettings) -> list[torch.optim.Optimizer]:
    """One optimizer of the dense weights and, where tables have sparse gradients, one of those.

    A network may name its tables of sparse gradients (`sparse_tables() -> list of parameters`) and give
    parameter groups of its own (`groups() -> list of {"params", "lr", ...}`), as for a slower table.
    """
    groups = network.groups() if hasattr(network, "groups") else [{"params": list(network.parameters())}]  # type: ignore[operator]
    dense, lazy = split_groups(groups, row_tables(network), sparse_tables(network, s))
    out: list[torch.optim.Optimizer] = []
    if dense:
        kinds: dict[str, Any] = {
            "adam": torch.optim.Adam, "adagrad": torch.optim.Adagrad, "sgd": torch.optim.SGD
        }  # fmt: skip
        fused = all(p.device.type == "cpu" and p.dtype == torch.float32 for g in dense for p in g["params"])
        out.append(
            kinds[s.optimizer](dense, lr=s.learning_rate, weight_decay=s.weight_decay, fused=fused or None)
        )
    if lazy:
        sparse: dict[str, Any] = {
            "adam": torch.optim.SparseAdam, "adagrad": torch.optim.Adagrad, "sgd": torch.optim.SGD
        }  # fmt: skip
        out.append(sparse[s.optimizer](lazy, lr=s.learning_rate))
    return out
