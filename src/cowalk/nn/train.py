"""Training a network: Lightning's Trainer, wrapped once for every model of the room."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import lightning
import torch
from torch import Tensor, nn

from cowalk import seeds
from cowalk.errors import CowalkError, DivergedError, ModelError, UsageError
from cowalk.nn.batches import Loader
from cowalk.nn.groups import row_tables, split_groups
from cowalk.train_settings import TrainSettings

Progress = Callable[[float, str], None]
"""Told the share of training that is done, and where it stands."""
Epoch = Callable[[int], Iterable[Mapping[str, Any]]]
"""The batches of an epoch (0, 1, ...), with a length."""


class Network(Protocol):
    """What is trained: a torch module that gives the mean loss of a batch of tensors."""

    def loss(self, batch: dict[str, Any]) -> Tensor: ...


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


def train(
    network: nn.Module,
    epoch: Epoch,
    settings: TrainSettings | None = None,
    *,
    seed: int = 0,
    figure: Callable[[], float] | None = None,
    higher: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    identity: str = "",
) -> Trace:
    """Train `network` (a module with `loss(batch)`) in place; it ends with the weights of its best epoch.

    epoch: gives the batches of each epoch. figure: a validation figure, taken after each epoch with the
    network in eval mode; training stops after `patience` epochs without a better one (`higher` is better, or
    lower), and the best epoch's weights are kept. checkpoint: a folder in which every epoch is kept, so that
    a later call with equal `identity` goes on from there, as if it had not been broken off; ModelError where
    it is of another model. Equal for equal (network, batches, settings, seed) on a CPU. DivergedError where
    the loss is not finite; UsageError for several devices.
    """
    s = settings or TrainSettings()
    if not hasattr(network, "loss"):
        raise UsageError(f"{type(network).__name__} has no loss(batch), so it cannot be trained")
    if s.devices > 1:
        raise UsageError(
            f"train.devices={s.devices}: training on several devices is not supported; use train.devices=1"
        )
    trace = Trace()
    run = _Run(network, s, trace, identity)
    path = None if checkpoint is None else checkpoint / "epoch.ckpt"
    found = _opened(path, identity) if path is not None and path.is_file() else None
    if found is not None and found["cowalk"]["over"]:
        with _loading(path, run):
            run.take(found["cowalk"])
            network.load_state_dict(run.best_state or _inner(found["state_dict"]))
        return trace
    with _quiet(), _threads(workers), _signals(), torch.random.fork_rng():
        trainer = _trainer(s, _Watch(s, figure, higher, progress, path, seed))
        try:
            with _loading(None if found is None else path, run):
                trainer.fit(run, datamodule=_Data(epoch, run), ckpt_path=None if found is None else str(path),
                            weights_only=True)  # fmt: skip
        except SystemExit:
            if trainer.interrupted:  # Lightning answers an interruption with an exit
                raise KeyboardInterrupt from None
            raise
    if run.best_state is not None:
        network.load_state_dict(run.best_state)
    network.to("cpu").eval()
    return trace


def _trainer(s: TrainSettings, watch: lightning.Callback) -> lightning.Trainer:
    logger: Any = False
    if s.logger != "none":
        from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

        kinds: dict[str, Any] = {"csv": CSVLogger, "tensorboard": TensorBoardLogger}
        try:
            logger = kinds[s.logger](s.log_folder, name="")
        except ModuleNotFoundError:
            raise UsageError(
                "train.logger=tensorboard needs tensorboard; pip install tensorboard, or use csv"
            ) from None
    return lightning.Trainer(
        accelerator=s.accelerator, devices=s.devices, precision=s.precision, max_epochs=s.epochs,
        logger=logger, callbacks=[watch], enable_checkpointing=False, enable_model_summary=False,
        enable_progress_bar=bool(getattr(watch, "bar", False)), log_every_n_steps=1, num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1, use_distributed_sampler=False,
    )  # fmt: skip


class _Data(lightning.LightningDataModule):
    """The batches of each epoch, parted among the devices."""

    def __init__(self, epoch: Epoch, run: _Run) -> None:
        super().__init__()
        self.epoch, self.run = epoch, run

    def train_dataloader(self) -> Any:
        self.run.loaded = True  # Lightning asks for batches once the checkpoint is read
        trainer: Any = self.trainer
        return Loader(self.epoch(trainer.current_epoch), trainer.global_rank, trainer.world_size)


class _Run(lightning.LightningModule):
    """A network under Lightning: optimizers of dense and of sparse weights, and what a checkpoint keeps."""

    def __init__(self, network: nn.Module, s: TrainSettings, trace: Trace, identity: str) -> None:
        super().__init__()
        self.automatic_optimization = False  # there may be two optimizers
        self.network, self.s, self.trace, self.identity = network, s, trace, identity
        self.best_state: dict[str, Tensor] | None = None
        self.sums = [0.0, 0.0]  # of losses and batches in this epoch
        self.over = False
        self.loaded = False

    def training_step(self, batch: Any, number: int) -> None:
        made = self.optimizers()
        optimizers: Any = made if isinstance(made, list) else [made]
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = self.network.loss(batch)  # type: ignore[operator]
        self.manual_backward(loss)
        for optimizer in optimizers:
            optimizer.step()
        self.sums[0] += float(loss.detach())
        self.sums[1] += 1

    def configure_optimizers(self) -> Any:
        return optimizers_of(self.network, self.s)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        told = {"losses": self.trace.losses, "figures": self.trace.figures, "best": self.trace.best}
        checkpoint["cowalk"] = {
            **told, "identity": self.identity, "best state": self.best_state, "over": self.over
        }  # fmt: skip

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.take(checkpoint["cowalk"])

    def take(self, kept: Mapping[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.trace.losses[:], self.trace.figures[:] = kept["losses"], kept["figures"]
        self.trace.best, self.best_state = kept["best"], kept["best state"]


def optimizers_of(network: nn.Module, s: TrainSettings) -> list[torch.optim.Optimizer]:
    """One optimizer of the dense weights and, where tables have sparse gradients, one of those.

    A network may name its tables of sparse gradients (`sparse_tables() -> list of parameters`) and give
    parameter groups of its own (`groups() -> list of {"params", "lr", ...}`), as for a slower table.
    """
    tables: list[nn.Parameter] = network.sparse_tables() if hasattr(network, "sparse_tables") else []  # type: ignore[operator]
    groups = network.groups() if hasattr(network, "groups") else [{"params": list(network.parameters())}]  # type: ignore[operator]
    dense, lazy = split_groups(groups, row_tables(network), tables if s.sparse else ())
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


class _Watch(lightning.Callback):
    """After each epoch: the loss, the validation figure, the best weights, the checkpoint, when to stop."""

    def __init__(
        self, s: TrainSettings, figure: Callable[[], float] | None, higher: bool, progress: Progress | None,
        path: Path | None, seed: int,
    ) -> None:  # fmt: skip
        self.s, self.figure, self.higher, self.progress, self.path = s, figure, higher, progress, path
        self.seed = seed
        self.bar = progress is None and sys.stderr.isatty()

    def on_train_epoch_start(self, trainer: lightning.Trainer, run: lightning.LightningModule) -> None:
        assert isinstance(run, _Run)
        run.sums = [0.0, 0.0]
        run.network.train()
        # Each epoch draws (dropout) from a stream of its own, so that a resumed run draws the same.
        torch.manual_seed(seeds.stream(self.seed, f"epoch {trainer.current_epoch}") % 2**63)

    def on_train_epoch_end(self, trainer: lightning.Trainer, run: lightning.LightningModule) -> None:
        assert isinstance(run, _Run)
        trace, number = run.trace, trainer.current_epoch + 1
        loss = run.sums[0] / max(run.sums[1], 1)
        if not loss == loss or abs(loss) == float("inf"):
            raise DivergedError(
                f"training diverged in epoch {number}: the loss is not finite; lower train.learning_rate "
                f"({self.s.learning_rate})"
            )
        trace.losses.append(loss)
        told = {"loss": loss}
        if self.figure is not None:
            told["figure"] = self._judge(run)
        if trainer.logger is not None:
            trainer.logger.log_metrics(told, step=number)
        run.over = trainer.should_stop or number == self.s.epochs
        if self.progress is not None:
            words = f"epoch {number} loss {loss:.4f}"
            words += f" figure {trace.figures[-1]:.4f}" if self.figure is not None else ""
            self.progress(number / self.s.epochs, words)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".new")
            trainer.save_checkpoint(draft)
            draft.replace(self.path)
        trace.stopped = trainer.should_stop

    def _judge(self, run: _Run) -> float:
        """The figure of this epoch; keeps the weights where it is the best, and says when to stop."""
        assert self.figure is not None
        trace, trainer = run.trace, run.trainer
        run.network.eval()
        with torch.no_grad():
            value = float(self.figure())
        run.network.train()
        best = trace.figures[trace.best] if trace.best >= 0 else None
        trace.figures.append(value)
        if best is None or (value > best if self.higher else value < best):
            trace.best = len(trace.figures) - 1
            state = run.network.state_dict()
            run.best_state = {name: value.detach().cpu().clone() for name, value in state.items()}
        elif self.s.patience and trace.waited() >= self.s.patience:
            trainer.should_stop = True
        return value


def _opened(path: Path, identity: str) -> dict[str, Any]:
    """The checkpoint; ModelError where it is damaged or of another model."""
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        kept = found["cowalk"]["identity"]
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: cannot be read ({first}); remove it to begin again") from None
    if kept != identity:
        raise ModelError(
            f"{path}: a checkpoint of another model, other settings or other data; remove it to begin again"
        )
    return found


@contextmanager
def _loading(path: Path | None, run: _Run) -> Iterator[None]:
    """What goes wrong before the checkpoint of this path is read (until `run.loaded`) is a ModelError."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        if path is None or run.loaded or isinstance(error, CowalkError):
            raise
        first = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path}: does not fit the network ({first}); it is of another model or version; remove it to "
            "begin again"
        ) from None


def _inner(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("network."): value for name, value in state.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning says nothing of devices, and its warnings about its own code are not the user's."""
    loggers = [logging.getLogger(f"lightning.{room}") for room in ("pytorch", "fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        # The gradients of tables are made by torch itself, so their indices need no check.
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants(False):  # type: ignore[no-untyped-call]
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _threads(workers: int | None) -> Iterator[None]:
    """Within the block torch uses this many threads."""
    before = torch.get_num_threads()
    if workers is not None:
        torch.set_num_threads(workers)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _signals() -> Iterator[None]:
    """Whatever Lightning does with SIGINT, it is undone."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
