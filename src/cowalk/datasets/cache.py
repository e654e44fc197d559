"""The built Parquet files of a data set: made once, anew when a raw file or the code changes, never half."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from cowalk.datasets.sources import Spec, cache_root, fetch, find
from cowalk.errors import DataError

DAY_SECONDS = 86_400


def built(spec: Spec) -> tuple[Path, dict[str, int]]:
    """The folder of the data set's Parquet files, and its notes; built where it is missing or stale.

    Without any raw file at hand the newest folder that this version of the code built is taken as it is.
    """
    home = cache_root() / "datasets"
    if any(find(raw) is None for raw in spec.raw):
        kept = sorted(home.glob(f"{spec.name}-v{spec.version}-*/notes.json"), key=lambda p: p.stat().st_mtime)
        if kept:
            return _open(kept[-1].parent)
    raw = fetch(spec)
    folder = home / f"{spec.name}-v{spec.version}-{_stamp(raw)}"
    if not (folder / "notes.json").is_file():
        _build(spec, raw, folder)
    return _open(folder)


def _stamp(raw: Sequence[Path]) -> str:
    """16 hex digits that change with the place, size or time of any raw file."""
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in raw]
    return hashlib.blake2b(json.dumps(stats).encode(), digest_size=8).hexdigest()


def _open(folder: Path) -> tuple[Path, dict[str, int]]:
    notes: dict[str, int] = json.loads((folder / "notes.json").read_text("utf-8"))
    return folder, notes


def _build(spec: Spec, raw: Sequence[Path], folder: Path) -> None:
    """Build beside the place and move in one step; two processes may race, the first one wins."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise DataError(
            f"cannot write to the cache folder {folder.parent}: {error.strerror}; set COWALK_CACHE"
        ) from error
    try:
        notes = dict(spec.build(raw, scratch))
        (scratch / "notes.json").write_text(json.dumps(notes, indent=1), "utf-8")
        scratch.chmod(0o755)  # mkdtemp gives 0700
        try:
            scratch.rename(folder)
        except OSError:
            if not (folder / "notes.json").is_file():
                raise
    except (OSError, EOFError, ValueError, KeyError, duckdb.Error) as error:
        if isinstance(error, DataError):
            raise
        files = ", ".join(str(path) for path in raw)
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"data set {spec.name}: cannot build from {files}: {first}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove what older raw files or older code built, unless it is young enough to be in use elsewhere."""
    name = folder.name.rsplit("-v", 1)[0]
    for old in folder.parent.glob(f"{name}-v[0-9]*-*"):
        if old != folder and time.time() - old.stat().st_mtime > DAY_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
