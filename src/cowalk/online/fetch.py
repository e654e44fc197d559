"""fetch_model: the published model out of Redis into a folder, where it is a model as any other."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from cowalk.errors import ModelError, StoreAwayError
from cowalk.online.redis_layout import CHUNK, HEAD
from cowalk.online.redis_link import Link
from cowalk.online.redis_publish import ANSWER
from cowalk.tables.folder import check_target, publish_version, resolve_version, settle_version

TRIES = 3
"""Versions that may be swept while they are fetched, one after another."""


class SweptError(Exception):
    """The version went away while it was fetched."""


def current_version(url: str) -> str | None:
    """The version that is published at redis://host:port/db?name=shop; None where there is none."""
    link = Link(url)
    try:
        found = link.ask(lambda client: client.get(link.place.key("current")))
        return None if found is None else str(found.decode(errors="replace"))
    finally:
        link.close()


def fetch_model(url: str, folder: str | Path) -> Path:
    """Bring the published version into a model folder, as its current version; gives the version's path.

    Checksums are taken; one that is there already and whole is not fetched again. StoreAwayError where Redis
    does not answer or nothing is published, ModelError where what is published is damaged; the folder's
    version before stays in both.
    """
    target = Path(folder)
    check_target(target)
    link = Link(url, timeout=ANSWER)
    try:
        for _ in range(TRIES):
            version, manifest = _head(link)
            if _is_there(target, version):
                return resolve_version(target)
            try:
                return publish_version(target, version, partial(_download, link, version, manifest))
            except SweptError:
                continue
    finally:
        link.close()
    raise StoreAwayError(
        f"Redis at {link.shown}: versions go faster than they are fetched; use a larger --keep"
    )


def _head(link: Link) -> tuple[str, bytes]:
    """The current version and its manifest."""
    head = link.ask(partial(HEAD, keys=[link.place.key()], arguments=[]))
    if not head:
        raise StoreAwayError(
            f"Redis at {link.shown} holds no model under the name {link.place.name!r}; "
            "`cowalk publish` puts one"
        )
    version = head[0].decode(errors="replace")
    if head[1] is None or _unsafe(version):
        raise ModelError(f"Redis at {link.shown}: version {version!r} has no manifest; publish again")
    return version, head[1]


def _unsafe(name: object) -> bool:
    """Whether this is no plain name of a file, as it might stand in a store that others write to."""
    return not isinstance(name, str) or name != Path(name).name or name.startswith(".")


def _is_there(folder: Path, version: str) -> bool:
    """Whether the folder's current version is this one, whole; a damaged one of this name is taken away."""
    kept = folder / "versions" / version
    if not kept.is_dir():
        return False
    try:
        settle_version(kept)
    except ModelError:
        shutil.rmtree(kept)
        return False
    with suppress(ModelError):
        return resolve_version(folder).name == version
    return False


def _download(link: Link, version: str, manifest: bytes, draft: Path) -> None:
    """All files of the version, each in its chunks; every checksum is taken."""
    for name, size in _files(link, manifest):
        with (draft / name).open("wb") as file:
            for number in range(max(1, -(-size // CHUNK))):
                file.write(_chunk(link, version, f"{name}/{number}"))
    (draft / "manifest.json").write_bytes(manifest)
    try:
        settle_version(draft)
    except ModelError as error:
        words = str(error).partition(": ")[2].partition(";")[0]
        raise ModelError(f"Redis at {link.shown}: version {version}: {words}; publish again") from None


def _files(link: Link, manifest: bytes) -> list[tuple[str, int]]:
    """Name and size of each file; ModelError where the manifest is not ours."""
    try:
        told: dict[str, Any] = json.loads(manifest)["files"]
        files = [(name, int(entry["size"])) for name, entry in told.items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        files = []
    if not files or any(_unsafe(name) or size < 0 for name, size in files):
        raise ModelError(f"Redis at {link.shown}: the manifest is damaged; publish again")
    return files


def _chunk(link: Link, version: str, field: str) -> bytes:
    key = link.place.key(version, "files")
    found = link.ask(lambda client: client.hget(key, field))
    if found is None:
        raise SweptError
    return found  # type: ignore[no-any-return]
