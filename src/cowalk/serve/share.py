"""Share: what the processes of one service know of each other, through files in a folder of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from cowalk.serve.metrics import Metrics, Samples

SECONDS = 0.5  # between two looks of a process at the others


class Share:
    """The folder as one of the processes sees it: figures of all, a word to all, and who started them.

    Figures of a process that ended stay, so that counters never fall.
    """

    def __init__(self, folder: Path, number: int = 0, parent: int = 0) -> None:
        self.folder, self.number, self.parent = folder, number, parent

    def put(self, name: str, content: bytes) -> None:
        """A file, whole at once."""
        draft = self.folder / f".{name}-{os.getpid()}"
        draft.write_bytes(content)
        draft.replace(self.folder / name)

    def read(self, name: str) -> bytes:
        """What a file holds, b"" where there is none."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return b""

    def tell(self, part: str, metrics: Metrics) -> None:
        """The figures of this process as they are now."""
        self.put(f"{part}.{os.getpid()}.json", msgspec.json.encode(metrics.samples()))

    def others(self, part: str) -> Iterator[tuple[Samples, bool]]:
        """The figures of the other processes, as they told them last, and whether they run."""
        for path in sorted(self.folder.glob(f"{part}.*.json")):
            process = int(path.name.split(".")[-2])
            if process != os.getpid():
                yield msgspec.json.decode(path.read_bytes(), type=Samples), _runs(process)

    def call_reload(self, part: str) -> bytes:
        """Let every process look for a new version; gives the word that says so."""
        word = token_hex(8).encode()
        self.put(f"reload-{part}", word)
        return word

    def called_reload(self, part: str) -> bytes:
        """The word of the latest call; b"" where there was none."""
        return self.read(f"reload-{part}")

    def ready(self, line: str) -> None:
        """This process answers; line: what tells where."""
        self.put(f"ready-{self.number}", line.encode())

    def failed(self, words: str, code: int) -> None:
        """This process cannot start."""
        self.put(f"failed-{self.number}", msgspec.json.encode([words, code]))

    def failure(self, number: int) -> tuple[str, int] | None:
        """Why a process could not start, with its exit code; None where it did not say."""
        found: Any = self.read(f"failed-{number}")
        return msgspec.json.decode(found, type=tuple[str, int]) if found else None

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one is no more."""
        return os.getppid() != self.parent


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
