"""Training in processes of several devices: what they tell, what goes wrong in them, what they leave."""

from __future__ import annotations

import multiprocessing
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pickle import PicklingError
from typing import Any

from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from cowalk import errors
from cowalk.errors import CowalkError, UsageError
from cowalk.nn.watch import Progress
from cowalk.train_settings import TrainSettings

GUARD = (
    "A script that trains on several devices is read again by each of their processes: let what it does "
    'stand under `if __name__ == "__main__":`'
)


class Relay:
    """A progress that is told in a process of its own, and heard in this one."""

    def __init__(self) -> None:
        self.reader, self.writer = multiprocessing.get_context("spawn").Pipe(duplex=False)

    def __call__(self, share: float, words: str) -> None:
        self.writer.send((share, words))

    def __getstate__(self) -> dict[str, Any]:
        return {"reader": None, "writer": self.writer}

    @contextmanager
    def heard(self, progress: Progress) -> Iterator[None]:
        """Within the block what is told reaches `progress`, by a thread."""
        over = threading.Event()
        thread = threading.Thread(target=self._hear, args=(progress, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=5)

    def _hear(self, progress: Progress, over: threading.Event) -> None:
        while self.reader.poll(0.1) or not over.is_set():
            if self.reader.poll():
                progress(*self.reader.recv())


@contextmanager
def devices_apart(s: TrainSettings, progress: Progress | None, *, kept: bool) -> Iterator[Progress | None]:
    """Within the block several devices train; gives the progress to hand to them. kept: in a folder."""
    if s.strategy == "ddp" and kept:
        raise UsageError(
            "train.strategy=ddp runs the whole script once per device, and all of them would write the same "
            "folder; use train.strategy=ddp_spawn"
        )
    with ExitStack() as stack:
        stack.enter_context(told_by_processes())
        if s.strategy != "ddp":
            stack.enter_context(nothing_left())
        if progress is None:
            yield None
            return
        relay = Relay()
        stack.enter_context(relay.heard(progress))
        yield relay


@contextmanager
def nothing_left() -> Iterator[None]:
    """What processes of devices leave in temporary files and in the environment is gone after the block."""
    before = {name: os.environ.get(name) for name in ("TMPDIR", "MASTER_PORT")}
    with tempfile.TemporaryDirectory(prefix="cowalk-") as made:
        os.environ["TMPDIR"] = made  # theirs; where files of this process lie is settled already
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextmanager
def told_by_processes() -> Iterator[None]:
    """What ends a process of a device is one clear error here: its own, or why it could not begin."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError(GUARD)
    try:
        yield
    except ProcessRaisedException as error:
        last = re.findall(r"^cowalk\.errors\.(\w+): (.*)$", str(error), re.MULTILINE)
        if not last:
            raise
        kind: type[CowalkError] = getattr(errors, last[-1][0], CowalkError)
        raise kind(last[-1][1]) from None
    except ProcessExitedException as error:
        raise UsageError(f"{error}; what it said stands above. {GUARD}") from None
    except (PicklingError, AttributeError, TypeError) as error:
        if not re.search(r"pickle|local object", str(error)):
            raise
        raise UsageError(
            "several devices are processes of their own, and what is trained cannot be sent to them "
            f"({error}): let batches and figure be functions of a module, or functools.partial of these"
        ) from None
