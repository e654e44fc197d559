"""What is done after each epoch of training: the figure, the best weights, the checkpoint, when to stop."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

import lightning
import torch

from cowalk import seeds
from cowalk.errors import DivergedError
from cowalk.nn.steps import Steps
from cowalk.train_settings import TrainSettings

Progress = Callable[[float, str], None]
"""Told the share of training that is done, and where it stands."""


class Watch(lightning.Callback):
    """After each epoch: the loss, the validation figure, the best weights, the checkpoint, when to stop.

    With several devices the first one judges, tells and writes; all of them hear its figure, so that they
    stop together.
    """

    def __init__(
        self, s: TrainSettings, figure: Callable[[], float] | None, higher: bool, progress: Progress | None,
        path: Path | None, seed: int,
    ) -> None:  # fmt: skip
        self.s, self.figure, self.higher, self.progress, self.path = s, figure, higher, progress, path
        self.seed = seed
        self.bar = progress is None and sys.stderr.isatty()

    def on_train_epoch_start(self, trainer: lightning.Trainer, steps: lightning.LightningModule) -> None:
        assert isinstance(steps, Steps)
        steps.sums = [0.0, 0.0]
        steps.network.train()
        # Each epoch draws (dropout) from a stream of its own, so that a resumed run draws the same.
        name = f"epoch {trainer.current_epoch}" + (f" rank {trainer.global_rank}" * (trainer.global_rank > 0))
        torch.manual_seed(seeds.stream(self.seed, name) % 2**63)

    def on_train_epoch_end(self, trainer: lightning.Trainer, steps: lightning.LightningModule) -> None:
        assert isinstance(steps, Steps)
        trace, number = steps.trace, trainer.current_epoch + 1
        told = {"loss": self._loss(trainer, steps, number)}
        trace.losses.append(told["loss"])
        if self.figure is not None:
            told["figure"] = self._judge(trainer, steps)
        if trainer.logger is not None:
            trainer.logger.log_metrics(told, step=number)
        trace.stopped = trainer.should_stop
        steps.over = trainer.should_stop or number == self.s.epochs
        if self.progress is not None and trainer.is_global_zero:
            words = " ".join(f"{name} {value:.4f}" for name, value in told.items())
            self.progress(number / self.s.epochs, f"epoch {number} {words}")
        if self.path is not None:
            self._keep(trainer, self.path)

    def _loss(self, trainer: lightning.Trainer, steps: Steps, number: int) -> float:
        """The mean loss of the batches of all devices; DivergedError where it is not finite."""
        total, batches = steps.sums
        if trainer.world_size > 1:
            sums = torch.tensor(steps.sums, device=steps.device, dtype=torch.float64)
            total, batches = trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        loss = total / max(batches, 1)
        if not math.isfinite(loss):
            raise DivergedError(
                f"training diverged in epoch {number}: the loss is not finite; lower train.learning_rate "
                f"({self.s.learning_rate})"
            )
        return loss

    def _judge(self, trainer: lightning.Trainer, steps: Steps) -> float:
        """The figure of this epoch; keeps the weights where it is the best, and says when to stop."""
        assert self.figure is not None
        trace, value = steps.trace, 0.0
        if trainer.is_global_zero:
            steps.network.eval()
            with torch.no_grad():
                value = float(self.figure())
            steps.network.train()
        value = trainer.strategy.broadcast(value)
        best = trace.figures[trace.best] if trace.best >= 0 else None
        trace.figures.append(value)
        if best is None or (value > best if self.higher else value < best):
            trace.best = len(trace.figures) - 1
            state = steps.network.state_dict()
            steps.best_state = {name: value.detach().cpu().clone() for name, value in state.items()}
        elif self.s.patience and trace.waited() >= self.s.patience:
            trainer.should_stop = True
        return value

    def _keep(self, trainer: lightning.Trainer, path: Path) -> None:
        draft = path.with_suffix(".new")
        if trainer.is_global_zero:
            path.parent.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(draft)  # all devices wait for each other; the first one writes
        if trainer.is_global_zero:
            draft.replace(path)
