"""A version of a model into Redis: written beside the old one, then current in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from cowalk.errors import StoreAwayError
from cowalk.model import Model
from cowalk.online.redis_layout import CHUNK, DROP, PARTS, SWITCH
from cowalk.online.redis_link import Link
from cowalk.online.redis_vectors import ROWS, as_bytes
from cowalk.tables import Vectors
from cowalk.tables.folder import new_version, read_manifest

Progress = Callable[[str, float | None], None]
LEASE = 60.0
"""Seconds after its last write, after which what a publisher wrote and did not finish is gone."""
ANSWER = 10.0  # seconds for one write; a chunk of 4 MiB may go over a slow line


class Writer:
    """Writes one version; until `switch` no reader sees anything of it."""

    def __init__(self, link: Link, lease: float) -> None:
        self.link, self.lease = link, lease
        self.version = f"{new_version()}-{token_hex(3)}"

    def put(self, part: str, values: dict[str, Any]) -> None:
        """Fields of one part of the version; all that is written so far stays for another lease."""

        def write(client: Any) -> None:
            with client.pipeline(transaction=True) as pipe:
                pipe.hset(self._key(part), mapping=values)
                for one in PARTS:
                    pipe.pexpire(self._key(one), round(self.lease * 1000))
                pipe.execute()

        self.link.ask(write)

    def switch(self, keep: int) -> list[str]:
        """Make the version the current one; gives the old ones that were swept."""
        swept = self.link.ask(partial(SWITCH, keys=[self.link.place.key()], arguments=[self.version, keep]))
        if swept is None:
            raise StoreAwayError(
                f"Redis at {self.link.shown}: what was written is no longer whole (held up for more than "
                f"{self.lease:g} seconds?); publish again"
            )
        return [version.decode() for version in swept]

    def drop(self) -> None:
        """Take away what was written."""
        with suppress(StoreAwayError):
            self.link.ask(partial(DROP, keys=[self.link.place.key()], arguments=[self.version]))

    def _key(self, part: str) -> str:
        return self.link.place.key(self.version, part)


Step = tuple[str, dict[str, Any], int]
"""A part, its fields, and their bytes."""


def file_steps(version: Path) -> Iterator[Step]:
    """The files of a version in chunks, the manifest last."""
    for name in (*read_manifest(version)["files"], "manifest.json"):
        with (version / name).open("rb") as file:
            number = 0
            while (chunk := file.read(CHUNK)) or not number:  # an empty file has one empty chunk
                yield "files", {f"{name}/{number}": chunk}, len(chunk)
                number += 1


def row_steps(part: str, vectors: Vectors | None) -> Iterator[Step]:
    """Vectors by their ids, a thousand at a time."""
    if vectors is None:
        return
    for start in range(0, len(vectors), ROWS):
        rows = as_bytes(vectors.array[start : start + ROWS])
        names = vectors.vocab.ids[start : start + ROWS].tolist()
        yield part, dict(zip(map(str, names), rows, strict=True)), sum(map(len, rows))


def chunks_of(version: Path) -> tuple[int, int]:
    """How many chunks and bytes the files of a version have."""
    sizes = [entry["size"] for entry in read_manifest(version)["files"].values()]
    sizes.append((version / "manifest.json").stat().st_size)
    return sum(max(1, -(-size // CHUNK)) for size in sizes), sum(sizes)


def user_dimension(model: Model) -> int:
    """Length of a user's vector: that of what a history is asked with, which may be two sets of rows."""
    return int(model.recommender.keys.shape[1] if model.recommender.has_keys else model.vectors.vector_size)


def write_version(
    link: Link, version: Path, model: Model, users: Vectors | None, keep: int, progress: Progress
) -> tuple[str, int, list[str]]:
    """Publish a version that is known to be whole; gives its name there, its bytes, and what was swept."""
    writer = Writer(link, LEASE)
    chunks, size = chunks_of(version)
    total = size + model.vectors.array.nbytes + (0 if users is None else users.array.nbytes)
    told = {
        "dimension": model.vectors.vector_size,
        "user_dimension": user_dimension(model),
        "items": len(model.vectors),
        "users": 0 if users is None else len(users),
        "chunks": chunks,
    }
    done = 0
    try:
        writer.put("told", told)
        for steps in (file_steps(version), row_steps("items", model.vectors), row_steps("users", users)):
            for part, values, length in steps:
                writer.put(part, values)
                done += length
                progress(f"publishing {part}", done / total)
        return writer.version, total, writer.switch(keep)
    except BaseException:
        writer.drop()
        raise
