"""What an unfinished fit leaves in `.work`, so that the same fit goes on from its last finished epoch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cowalk.tables.folder import WORK
from cowalk.types import Settings


class Work:
    """The folder `out/.work`, for one set of settings and one set of data; without `out` nothing is kept.

    `resumed` tells whether an earlier run of the same fit left something. Another fit's leavings are removed.
    """

    def __init__(self, out: Path | None, settings: Settings, data: str) -> None:
        told = settings.model_dump_json(exclude={"workers", "memory_limit", "name", "description"})
        self.key = blake2b(f"{told}\n{data}".encode(), digest_size=16).hexdigest()
        self.folder = None if out is None else out / WORK
        self._out_made = out is not None and not out.exists()
        self.resumed = False
        if self.folder is None:
            return
        key = self.folder / "key"
        self.resumed = key.is_file() and key.read_text() == self.key
        if not self.resumed:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            key.write_text(self.key)

    def checkpoint(self, name: str) -> Path | None:
        """Where the run of learning of this name keeps its epochs."""
        return None if self.folder is None else self.folder / name

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `make` gives, made once and kept."""
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.json"
        with suppress(OSError, ValueError):
            kept: dict[str, Any] = json.loads(path.read_text())
            return kept
        made = make()
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(made))
        draft.replace(path)
        return made

    @contextmanager
    def kept(self) -> Iterator[None]:
        """For the length of the block: its end and an error forget what was done, an interruption keeps it.

        After an error `out` goes too, where this run made it and nothing is in it.
        """
        try:
            yield
        except Exception:
            self._forget()
            if self._out_made and self.folder is not None:
                with suppress(OSError):
                    self.folder.parent.rmdir()
            raise
        self._forget()

    def _forget(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
