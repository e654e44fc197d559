"""Several processes on one port: they are started, started again where one ends, and stopped together."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cowalk.errors import CowalkError, UsageError
from cowalk.serve.process import STOPPING, Place, ended, opened, own_store, said
from cowalk.serve.share import Share

LOOK = 0.1  # seconds between two looks at the processes
PAUSE = 1.0  # seconds until one that ended is started again
log = logging.getLogger("cowalk.serve")


class StartError(CowalkError):
    """What kept a process from starting, in its own words and with its exit code."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.exit_code = code


def run_several(place: Place, count: int) -> None:
    """Serve by so many processes until interrupted; what is wrong is raised before the first request."""
    if (place.histories or own_store(place.model)) == "memory":
        raise UsageError(
            f"--workers {count}: each process would have histories of its own in memory; give "
            "--histories sqlite:PATH or redis://host:port/db"
        )
    with (
        opened(place) as (listening, where),
        tempfile.TemporaryDirectory(prefix="cowalk-workers-") as folder,
    ):
        before = signal.signal(signal.SIGTERM, ended)
        workers = Workers(listening, where, count, Path(folder))
        try:
            said(workers.start())
            workers.watch()
        finally:
            workers.stop()
            signal.signal(signal.SIGTERM, before)


class Workers:
    """The processes, by their numbers."""

    def __init__(self, listening: socket.socket, place: Place, count: int, folder: Path) -> None:
        self.listening, self.place, self.count = listening, place, count
        self.share = Share(folder)
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> str:
        """Start the first, and the others once it answers; gives its line. StartError where it cannot."""
        self._begin(0)
        line = self._ready(0)
        for number in range(1, self.count):
            self._begin(number)
        for number in range(1, self.count):
            self._ready(number)
        return f"{line}, {self.count} processes"

    def watch(self) -> None:
        """Start those again that end, until interrupted."""
        while True:
            time.sleep(LOOK)
            for number, one in list(self.running.items()):
                if one.poll() is not None:
                    why = self.share.failure(number)
                    log.error(
                        "process %d ended (%s); it is started again",
                        number,
                        why[0] if why else one.returncode,
                    )
                    time.sleep(PAUSE)
                    self._begin(number)

    def stop(self) -> None:
        """Tell all to stop; those that do not are killed."""
        for one in self.running.values():
            one.terminate()
        until = time.monotonic() + STOPPING + 2
        for one in self.running.values():
            try:
                one.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def _begin(self, number: int) -> None:
        told = {
            "place": self.place._asdict(), "socket": self.listening.fileno(), "number": number,
            "share": str(self.share.folder), "parent": os.getpid(),
        }  # fmt: skip
        command = [sys.executable, "-m", "cowalk.serve.worker", json.dumps(told)]
        self.running[number] = subprocess.Popen(command, pass_fds=[self.listening.fileno()])

    def _ready(self, number: int) -> str:
        """The line of a process, once it answers."""
        while not (line := self.share.read(f"ready-{number}")):
            code = self.running[number].poll()
            if code is not None:
                raise StartError(*(self.share.failure(number) or (f"a process ended ({code})", 1)))
            time.sleep(LOOK)
        return line.decode()
