"""A checked, atomic download with the standard library; a progress bar on a terminal only."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cowalk.errors import DataError

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Download:
    """A file at its official place; sha256 is that of the file, or of `member` inside the zip at `url`."""

    url: str
    sha256: str
    member: str | None = None


def download(url: str, wanted: Sequence[tuple[Path, Download]]) -> None:
    """Write every wanted file at its path, or none: all are checked before the first is moved in place."""
    folder = wanted[0][0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
    except OSError as error:
        raise DataError(
            f"cannot write to the cache folder {folder}: {error.strerror}; set COWALK_CACHE"
        ) from error
    try:
        whole = scratch / "whole"
        _fetch(url, whole)
        parts = [_unpack(whole, want, scratch / str(i)) for i, (_, want) in enumerate(wanted)]
        for (path, _), part in zip(wanted, parts, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            part.replace(path)
    except OSError as error:
        raise DataError(f"cannot keep the download of {url} in {folder}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch(url: str, target: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, target.open("wb") as out:
            total = int(answer.headers.get("Content-Length") or 0)
            got = _copy(answer, out, url, total)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection
        reason = getattr(error, "reason", error)
        raise DataError(f"cannot download {url}: {reason}") from error
    if total and got != total:
        raise DataError(f"the download of {url} broke off after {got:,} of {total:,} bytes; try again")


def _copy(answer: IO[bytes], out: IO[bytes], url: str, total: int) -> int:
    got = 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task(url.rsplit("/", 1)[-1], total=total or None)
        while block := answer.read(CHUNK):
            out.write(block)
            got += len(block)
            progress.update(task, completed=got)
    return got


def _unpack(whole: Path, want: Download, target: Path) -> Path:
    """The wanted file, checked; the member of the zip where one is named."""
    if want.member is None:
        shutil.copyfile(whole, target)
    else:
        try:
            with (
                zipfile.ZipFile(whole) as archive,
                archive.open(want.member) as member,
                target.open("wb") as out,
            ):
                shutil.copyfileobj(member, out)
        except (zipfile.BadZipFile, KeyError) as error:
            raise DataError(f"{want.url} is not the expected zip: {error}") from error
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != want.sha256:
        what = f"{want.member} in {want.url}" if want.member else want.url
        raise DataError(f"{what} has sha256 {digest}, expected {want.sha256}; it was not kept")
    return target
