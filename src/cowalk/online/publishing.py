"""publish: a model as a new version where replicas find it, in Redis or in a folder; all of it or nothing."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cowalk.errors import UsageError
from cowalk.model import Model, load
from cowalk.online.redis_link import Link, is_redis
from cowalk.online.redis_publish import ANSWER, Progress, user_dimension, write_version
from cowalk.tables import Vectors
from cowalk.tables.folder import KEPT, copy_version, read_manifest, resolve_version


@dataclass(frozen=True)
class Published:
    """What was published: the version's name there, its rows, its bytes, and the old versions swept."""

    to: str
    version: str
    items: int
    users: int
    bytes: int
    seconds: float
    swept: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as a table."""
        return asdict(self)


def publish(
    model: str | Path,
    to: str | Path,
    *,
    users: Vectors | None = None,
    keep: int = KEPT,
    progress: Progress | None = None,
) -> Published:
    """Publish the current version of a model folder to redis://host:port/db?name=shop or to another folder.

    Readers get the old version until the new one is there whole, and never a mix of both. users: vectors of
    users that go with it into Redis (those that the model learned unless given). keep: versions that stay in
    Redis, the new one among them; a folder keeps two. The model is read and its checksums taken first: a
    damaged one raises ModelError, and nothing is written.
    """
    began, tell = time.perf_counter(), progress or (lambda words, share: None)
    if keep < 1:
        raise UsageError(f"keep is {keep}; at least the new version stays")
    if is_redis(to):
        with closing(Link(str(to), timeout=ANSWER)) as link:  # a wrong URL is told before the model is read
            return _to_redis(Path(model), link, users, keep, began, tell)
    if users is not None or keep != KEPT:
        raise UsageError("users and keep are for Redis; a folder takes the model as it is and keeps two")
    return _to_folder(Path(model), Path(_path(to)), began, tell)


def _to_redis(
    folder: Path, link: Link, users: Vectors | None, keep: int, began: float, tell: Progress
) -> Published:
    """Write the version, with rows of users that fit it."""
    version, loaded = _whole(folder, tell)
    rows = loaded.users if users is None else users
    if rows is not None and rows.vector_size != user_dimension(loaded):
        raise UsageError(
            f"the users' vectors have {rows.vector_size} dimensions, the model's {user_dimension(loaded)}; "
            "make them of this model: `cowalk users MODEL --events ... --out users.parquet`"
        )
    name, size, swept = write_version(link, version, loaded, rows, keep, tell)
    counts = (len(loaded.vectors), 0 if rows is None else len(rows))
    return Published(link.shown, name, *counts, size, time.perf_counter() - began, tuple(swept))


def _to_folder(model: Path, folder: Path, began: float, tell: Progress) -> Published:
    """Copy the version; the folder's own current version is not copied onto itself."""
    version, loaded = _whole(model, tell)
    if folder.exists() and folder.resolve() in (version, *version.parents):
        raise UsageError(f"{folder} is the model's own folder; give another one")
    made = copy_version(version, folder)
    size = sum(entry["size"] for entry in read_manifest(made)["files"].values())
    return Published(str(folder), made.name, len(loaded.vocab), 0, size, time.perf_counter() - began)


def _whole(folder: Path, tell: Progress) -> tuple[Path, Model]:
    """The current version and its model, every checksum taken."""
    tell("reading the model", None)
    version = resolve_version(folder)
    return version, load(version, verify=True)


def _path(to: str | Path) -> str | Path:
    """A path, unless it looks like the URL of something else."""
    if "://" in str(to):
        raise UsageError(f"--to {to}: give a folder, or redis://host:port/db?name=shop")
    return to
