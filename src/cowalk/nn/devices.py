"""What computes: one device in this process, or several, each in a process of its own, by Lightning."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.strategies import DDPStrategy

from cowalk.errors import UsageError
from cowalk.train_settings import TrainSettings


class Processes(DDPStrategy):
    """A process per device; each works on its own batches, all with equal weights.

    They are spawned, never forked: the parallel kernels of a forked process give wrong answers.
    """

    def __init__(self, s: TrainSettings, workers: int | None) -> None:
        super().__init__(start_method="popen" if s.strategy == "ddp" else "spawn")
        self.workers = workers

    def setup_environment(self) -> None:
        """First thing in each process: it says no more than this one, and has its share of the threads."""
        silence()
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]
        if self.workers is not None:
            torch.set_num_threads(max(self.workers // self.num_processes, 1))
        super().setup_environment()


def trainer_of(s: TrainSettings, watch: lightning.Callback, workers: int | None) -> lightning.Trainer:
    """Lightning's trainer by the settings; UsageError where there is no such device, or no such logger."""
    if s.precision == "16-mixed" and (s.accelerator == "cpu" or not _has_gpu()):
        raise UsageError("train.precision=16-mixed needs a GPU; use bf16-mixed, or 32")
    strategy: Any = Processes(s, workers) if several(s) else "auto"
    try:
        return lightning.Trainer(
            accelerator=s.accelerator, devices=s.devices, strategy=strategy, precision=s.precision,
            max_epochs=s.epochs, logger=_logger(s), callbacks=[watch], enable_checkpointing=False,
            enable_model_summary=False, enable_progress_bar=bool(getattr(watch, "bar", False)),
            log_every_n_steps=1, num_sanity_val_steps=0, reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
        )  # fmt: skip
    except MisconfigurationException as error:
        if hasattr(sys, "ps1") and several(s):
            raise UsageError(
                "several devices are processes of their own, which a notebook cannot start: train in a "
                "script, by the command, or with train.devices=1"
            ) from None
        first = " ".join(str(error).split())[:200]
        raise UsageError(
            f"train.accelerator={s.accelerator}, train.devices={s.devices}: there is no such device here "
            f"({first}); use train.accelerator=auto, train.devices=1"
        ) from None


def several(s: TrainSettings) -> bool:
    """Whether more than one device computes."""
    if isinstance(s.devices, int):
        return s.devices > 1
    return s.accelerator in ("auto", "gpu") and torch.cuda.device_count() > 1


def _has_gpu() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _logger(s: TrainSettings) -> Any:
    if s.logger == "none":
        return False
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

    kinds: dict[str, Any] = {"csv": CSVLogger, "tensorboard": TensorBoardLogger}
    try:
        return kinds[s.logger](s.log_folder, name="")
    except ModuleNotFoundError:
        raise UsageError(
            "train.logger=tensorboard needs tensorboard; pip install tensorboard, or use csv"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning says nothing of devices, and its warnings about its own code are not the user's."""
    loggers = [logging.getLogger(name) for name in LOUD]
    before = [logger.level for logger in loggers]
    try:
        # The gradients of tables are made by torch itself, so their indices need no check.
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants(False):  # type: ignore[no-untyped-call]
            silence()
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


LOUD = ("lightning.pytorch", "lightning.fabric", "torch.multiprocessing.spawn")


def silence() -> None:
    """From here on Lightning, and what starts processes, say nothing but errors."""
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
