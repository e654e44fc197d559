"""Where the raw files of a data set are: COWALK_DATA, then the cache, then the official place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cowalk.datasets.dataset import Split
from cowalk.datasets.download import Download, download
from cowalk.errors import DataError


@dataclass(frozen=True)
class RawFile:
    """One file as its publisher made it, or gzipped.

    path: folder/name as it stands under COWALK_DATA (with or without .gz); also: other names taken as well;
    download: where it comes from officially, None where it must be placed by hand.
    """

    path: str
    also: tuple[str, ...] = ()
    download: Download | None = None

    @property
    def plain(self) -> str:
        """The path without .gz."""
        return self.path.removesuffix(".gz")

    @property
    def official(self) -> str:
        """The name under which a person finds the file at its publisher's."""
        return self.also[0] if self.also and self.download is None else self.path

    @property
    def names(self) -> tuple[str, ...]:
        """Every relative path under which the file is taken, best first."""
        return (self.plain + ".gz", self.plain, *self.also)


@dataclass(frozen=True)
class Spec:
    """How one data set is made: its raw files, and `build(raw paths, folder) -> notes`, which writes Parquet.

    version goes up whenever `build` gives something else, so that older caches are made anew.
    """

    name: str
    version: int
    raw: tuple[RawFile, ...]
    build: Callable[[Sequence[Path], Path], Mapping[str, int]]
    licence: str
    source: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    next_item_split: Split = "time"


def data_root() -> Path | None:
    """The folder named by COWALK_DATA, None where it is not set; DataError where it is not a folder."""
    named = os.environ.get("COWALK_DATA")
    if not named:
        return None
    root = Path(named).expanduser()
    if not root.is_dir():
        raise DataError(
            f"COWALK_DATA is {named!r}, which is not a folder; point it at the folder of raw data sets"
        )
    return root


def cache_root() -> Path:
    """COWALK_CACHE, else the platform's cache folder for cowalk; it need not exist yet."""
    named = os.environ.get("COWALK_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "cowalk" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cowalk"
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "cowalk"


def find(raw: RawFile) -> Path | None:
    """The file where COWALK_DATA or the cache holds it."""
    for root in (data_root(), cache_root() / "raw"):
        for name in raw.names if root else ():
            path = root / name  # type: ignore[operator]
            if path.is_file():
                return path
    return None


def fetch(spec: Spec) -> list[Path]:
    """The paths of all raw files, downloaded into the cache where missing; DataError says what to place."""
    by_url: dict[str, list[tuple[Path, Download]]] = {}
    for raw in spec.raw:
        if find(raw) is not None:
            continue
        if raw.download is None:
            raise DataError(missing(spec, raw))
        target = cache_root() / "raw" / raw.plain
        by_url.setdefault(raw.download.url, []).append((target, raw.download))
    for url, wanted in by_url.items():
        try:
            download(url, wanted)
        except DataError as error:
            raise DataError(
                f"data set {spec.name}: {error}; or place the files by hand: {places(spec)}"
            ) from error
    found = [find(raw) for raw in spec.raw]
    return [path for path in found if path is not None]


def places(spec: Spec) -> str:
    """Which files belong where, in words."""
    root = os.environ.get("COWALK_DATA") or cache_root() / "raw"
    files = ", ".join(raw.official for raw in spec.raw)
    return f"put {files} under {root} (or set COWALK_DATA)"


def missing(spec: Spec, raw: RawFile) -> str:
    """The error for a file that is nowhere and cannot be fetched."""
    roots = " and ".join(str(root) for root in (data_root(), cache_root() / "raw") if root)
    other = f" (or {', '.join(raw.also)})" if raw.also else ""
    return (
        f"data set {spec.name}: {raw.path}{other} is not in {roots}, and its publisher offers no form that "
        f"can be fetched and checked; get it from {spec.source} and {places(spec)}; docs/datasets.md says how"
    )
