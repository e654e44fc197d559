"""Training a network: Lightning's Trainer, wrapped once for every model of the room."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cowalk.errors import UsageError
from cowalk.nn.checkpoints import loading, opened, weights
from cowalk.nn.devices import quiet, several, trainer_of
from cowalk.nn.processes import devices_apart
from cowalk.nn.steps import EXTRA, Epoch, Parts, Steps, Trace
from cowalk.nn.watch import Progress, Watch
from cowalk.train_settings import TrainSettings

__all__ = ["Network", "Progress", "Trace", "train"]


class Network(Protocol):
    """What is trained: a torch module that gives the mean loss of a batch of tensors."""

    def loss(self, batch: dict[str, Any]) -> Tensor: ...


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
    the loss is not finite.

    With several devices each batch is one device's, and a step is of the mean of their gradients. They are
    processes of their own: network, epoch and figure must be picklable, with the network
    inside `figure` the one that is trained. UsageError where there are no such devices.
    """
    s = settings or TrainSettings()
    if not hasattr(network, "loss"):
        raise UsageError(f"{type(network).__name__} has no loss(batch), so it cannot be trained")
    trace = Trace()
    steps = Steps(network, s, trace, identity)
    path = None if checkpoint is None else checkpoint / "epoch.ckpt"
    found = opened(path, identity) if path is not None and path.is_file() else None
    if found is not None and found[EXTRA]["over"]:
        with loading(path, steps):
            steps.set_extra_state(found[EXTRA])
            network.load_state_dict(weights(found, best=True))
        return trace
    if found is not None:
        with loading(path, steps):
            network.load_state_dict(weights(found, best=False))
    with ExitStack() as stack:
        for part in (quiet(), _threads(workers), _signals(), torch.random.fork_rng()):
            stack.enter_context(part)
        if several(s):
            progress = stack.enter_context(devices_apart(s, progress, kept=checkpoint is not None))
        elif found is not None:
            stack.enter_context(loading(path, steps))
        watch = Watch(s, figure, higher, progress, path, seed)
        _fit(trainer_of(s, watch, workers), steps, Parts(epoch, steps), None if found is None else path)
    if steps.best_state is not None:
        network.load_state_dict(steps.best_state)
    network.to("cpu").eval()
    return trace


def _fit(trainer: Any, steps: Steps, parts: Parts, path: Path | None) -> None:
    try:
        trainer.fit(steps, datamodule=parts, ckpt_path=None if path is None else str(path), weights_only=True)
    except SystemExit:
        if trainer.interrupted:  # Lightning answers an interruption with an exit
            raise KeyboardInterrupt from None
        raise


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
