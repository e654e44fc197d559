"""A model is a folder: written whole as a version, published in one step, read whole or refused."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cowalk.errors import ModelError, UsageError
from cowalk.tables.parquet import dense_arrays, read_side_info, read_vocab, write_side_info, write_vocab
from cowalk.tables.side_info import SideInfo
from cowalk.tables.tensors import map_tensors, write_tensors
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray

FORMAT = 1
KIND = "cowalk model"
KEPT = 2  # versions: the current one and the one before, which a reader may still hold
ALWAYS_CHECKED = 64 << 20  # bytes up to which a file's checksum is taken at every load
WORK = ".work"  # what an unfinished fit leaves beside the versions


@dataclass(frozen=True)
class Stored:
    """What a model folder holds. arrays: file name without ending -> array name -> array.

    users: those of whom an engine learned rows. cold: items that have no rows, with their side information by
    the codes of `side_info`.
    """

    manifest: dict[str, Any]
    vocab: Vocab
    side_info: SideInfo | None = None
    arrays: Mapping[str, Mapping[str, AnyArray]] = field(default_factory=dict)
    cold: tuple[Vocab, SideInfo] | None = None
    users: Vocab | None = None


def check_target(folder: Path) -> None:
    """Raise UsageError where `folder` holds something that is not a cowalk model."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give a folder for the model")
    if folder.is_dir() and not (folder / "versions").is_dir():
        foreign = sorted(entry.name for entry in folder.iterdir() if entry.name != WORK)
        if foreign:
            raise UsageError(
                f"{folder} holds other files ({foreign[0]}); give a new or empty folder for the model"
            )


def write_folder(folder: Path, stored: Stored) -> Path:
    """Publish a new version of the model, give its path; on any failure the old version stays as it was."""
    return publish_version(folder, new_version(), lambda draft: _write_version(draft, stored))


def new_version() -> str:
    """A name for a version; later ones sort behind earlier ones."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S") + f"-{time.time_ns() % 1_000_000_000:09d}"


def publish_version(folder: Path, version: str, write: Callable[[Path], None]) -> Path:
    """Publish what `write` puts into the folder that it is given, whole or not at all; gives its path.

    A version of this name that stands there already, as by another process, is taken as it is. On any failure
    the old version stays.
    """
    check_target(folder)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    draft, final = folder / "versions" / f".writing-{version}-{os.getpid()}", folder / "versions" / version
    link = folder / f".current-{version}"
    mine = [draft]
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a killed process of the same number
        draft.mkdir(parents=True)
        write(draft)
        with _locked(draft.parent):
            if final.exists():
                shutil.rmtree(draft)
            else:
                draft.rename(final)
                mine.append(final)
            _sync(final.parent)
            link.unlink(missing_ok=True)
            link.symlink_to(Path("versions") / version)
            link.replace(folder / "current")
            _sync(folder)
            _sweep(folder)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(folder)
        link.unlink(missing_ok=True)
        for path in mine:
            if _current(folder) != path.name:
                shutil.rmtree(path, ignore_errors=True)
        for path in (folder / "versions", *made):
            with suppress(OSError):
                path.rmdir()  # only when empty
        raise
    return final


def copy_version(source: Path, folder: Path) -> Path:
    """Publish a version as the newest of another folder, every byte checked; gives its path there."""
    return publish_version(folder, new_version(), lambda draft: _copy_files(source, draft))


def _copy_files(source: Path, draft: Path) -> None:
    for name in (*read_manifest(source)["files"], "manifest.json"):
        try:
            shutil.copyfile(source / name, draft / name)
        except FileNotFoundError:
            raise ModelError(f"{source / name}: missing; fit again, or copy the whole model folder") from None
    settle_version(draft)


def settle_version(version: Path) -> dict[str, Any]:
    """The manifest of a version, all of it safe on the disk; ModelError where a byte is not as written."""
    manifest = read_manifest(version)
    for name, told in manifest["files"].items():
        _check_file(version / name, told, verify=True)
    for name in (*manifest["files"], "manifest.json"):
        _sync(version / name)
    _sync(version)
    return manifest


def _write_version(draft: Path, stored: Stored) -> None:
    """All files of a version, then the manifest that names them."""
    side = _write_items(draft, "", stored.vocab, stored.side_info)
    if stored.cold is not None:
        _write_items(draft, "cold_", *stored.cold)
    if stored.users is not None:
        write_vocab(draft / "user_vocab.parquet", stored.users)
    manifest = dict(stored.manifest) | {"fields": side}
    manifest["fingerprints"] = {**manifest.get("fingerprints", {}), "vocab": stored.vocab.fingerprint}
    finish_version(draft, manifest, stored.arrays)


def finish_version(
    draft: Path, manifest: Mapping[str, Any], arrays: Mapping[str, Mapping[str, AnyArray]], kind: str = KIND
) -> None:
    """Write the arrays beside the files that stand in the draft, then the manifest that names them all."""
    files = {path.name: _settle(path) for path in sorted(draft.iterdir())}
    for name, group in arrays.items():
        size, digest = write_tensors(draft / f"{name}.safetensors", group)
        files[f"{name}.safetensors"] = {"size": size, "blake2b": digest}
    whole = dict(manifest) | {"kind": kind, "format": FORMAT, "files": files}
    told = json.loads(json.dumps(whole))  # as it will be read: keys are text, tuples are lists
    told["checksum"] = _checksum(told)
    with (draft / "manifest.json").open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    _sync(draft)


def _write_items(
    draft: Path, prefix: str, vocab: Vocab, side_info: SideInfo | None
) -> list[dict[str, Any]] | None:
    """Vocabulary and side information; gives the fields for the manifest."""
    write_vocab(draft / f"{prefix}vocab.parquet", vocab)
    if side_info is None:
        return None
    dense = dense_arrays(side_info)
    if dense:
        write_tensors(draft / f"{prefix}dense.safetensors", dense)
    paths = (draft / f"{prefix}side_info.parquet", draft / f"{prefix}side_values.parquet")
    return write_side_info(*paths, side_info)


def _read_items(
    version: Path, prefix: str, fields: list[dict[str, Any]] | None
) -> tuple[Vocab, SideInfo | None]:
    vocab = read_vocab(version / f"{prefix}vocab.parquet")
    if fields is None:
        return vocab, None
    paths = (version / f"{prefix}side_info.parquet", version / f"{prefix}side_values.parquet")
    has_dense = any(field.get("kind") == "dense" for field in fields)
    dense = map_tensors(version / f"{prefix}dense.safetensors") if has_dense else {}
    return vocab, read_side_info(*paths, fields, vocab, dense)


def _settle(path: Path) -> dict[str, Any]:
    """Size and checksum of a file that is safe on the disk from now on."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return {"size": path.stat().st_size, "blake2b": _digest(path)}


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _checksum(manifest: Mapping[str, Any]) -> str:
    """Checksum of a manifest without its own checksum, whatever the order of its keys."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return blake2b(json.dumps(rest, sort_keys=True).encode(), digest_size=16).hexdigest()


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, safe on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time publishes; where the file system knows no locks, the last one wins."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _current(folder: Path) -> str | None:
    with suppress(OSError):
        return (folder / "current").readlink().name
    return None


def _sweep(folder: Path) -> None:
    """Remove all but the newest two versions, and what writers left that are no more."""
    for link in folder.glob(".current-*"):
        link.unlink(missing_ok=True)
    entries = sorted((folder / "versions").iterdir())
    done = [path for path in entries if not path.name.startswith(".")]
    drafts = [p for p in entries if p.name.startswith(".writing-") and not _runs(p.name.rsplit("-", 1)[-1])]
    keep = {_current(folder), *(path.name for path in done[-KEPT:])}
    for path in [*drafts, *(path for path in done if path.name not in keep)]:
        shutil.rmtree(path, ignore_errors=True)


def _runs(process: str) -> bool:
    """Whether a process of this number runs."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:
        return True
    return True


def read_folder(folder: Path, *, verify: bool = False) -> Stored:
    """The current version, tables in memory, arrays memory-mapped; ModelError with the mend if not whole.

    Sizes and headers are always checked, checksums of files up to 64 MiB too, of larger ones with `verify`.
    """
    for attempt in range(3):
        version = resolve_version(folder)
        try:
            return _read_version(version, verify)
        except ModelError:
            if attempt == 2 or resolve_version(folder) == version:  # not swept meanwhile: truly damaged
                raise
    raise AssertionError("unreachable")


def resolve_version(folder: Path, maker: str = "cowalk fit") -> Path:
    """The folder of the current version; ModelError where there is none."""
    if not folder.exists():
        raise ModelError(f"{folder}: no such model folder; `{maker} ... --out {folder}` makes one")
    if (folder / "manifest.json").is_file():
        return folder
    if (folder / "current" / "manifest.json").is_file():
        return (folder / "current").resolve()
    unfinished = (folder / WORK).is_dir() or (folder / "versions").is_dir()
    if unfinished:
        raise ModelError(f"{folder}: holds no finished model; run the same `{maker}` again to go on with it")
    raise ModelError(f"{folder}: not a cowalk model (no manifest.json); give the folder that `{maker}` wrote")


def read_manifest(version: Path, kind: str = KIND, maker: str = "cowalk fit") -> dict[str, Any]:
    """The manifest of a version folder, checked; kind: what the folder must hold, maker: what writes it."""
    path = version / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ModelError(f"{path}: truncated or damaged; fit again, or copy the model folder again") from None
    found = manifest.get("kind") if isinstance(manifest, dict) else None
    if not isinstance(manifest, dict) or found != kind:
        what = f"a {found}, not a {kind}" if str(found).startswith("cowalk ") else "written by something else"
        raise ModelError(f"{path}: {what}; give a folder that `{maker}` wrote")
    form = manifest.get("format")
    if isinstance(form, int) and form > FORMAT:
        raise ModelError(
            f"{path}: format {form} is newer than this cowalk reads ({FORMAT}); pip install -U cowalk"
        )
    if isinstance(form, int) and form < FORMAT:
        raise ModelError(
            f"{path}: format {form} is older than this cowalk reads ({FORMAT}); fit again, or go on with the "
            "cowalk that wrote it"
        )
    if manifest.get("checksum") != _checksum(manifest) or form != FORMAT:
        raise ModelError(
            f"{path}: was changed after it was written; fit again, or copy the model folder again"
        )
    return manifest


def _read_version(version: Path, verify: bool) -> Stored:
    manifest = read_manifest(version)
    check_files(version, manifest, verify)
    vocab, side_info = _read_items(version, "", manifest["fields"])
    if vocab.fingerprint != manifest["fingerprints"]["vocab"]:
        raise ModelError(
            f"{version}: vocabulary and arrays come from different fits; copy the whole folder again"
        )
    cold = None
    if "cold_vocab.parquet" in manifest["files"]:
        cold_vocab, cold_info = _read_items(version, "cold_", manifest["fields"])
        cold = None if cold_info is None else (cold_vocab, cold_info)
    tensors = [name for name in manifest["files"] if name.endswith(".safetensors")]
    arrays = {name.removesuffix(".safetensors"): map_tensors(version / name) for name in tensors}
    users = read_vocab(version / "user_vocab.parquet") if "user_vocab.parquet" in manifest["files"] else None
    return Stored(manifest, vocab, side_info, arrays, cold, users)


def check_files(version: Path, manifest: Mapping[str, Any], verify: bool = False) -> None:
    """ModelError unless the files of a version are as its manifest tells; see `read_folder`."""
    for name, told in manifest["files"].items():
        _check_file(version / name, told, verify)


def _check_file(path: Path, told: Mapping[str, Any], verify: bool) -> None:
    """Raise ModelError unless the file has the size, and where it is taken the checksum, that is told."""
    try:
        size = path.stat().st_size
        if size != told["size"]:
            raise ModelError(
                f"{path}: truncated ({size} of {told['size']} bytes); fit again, or copy it again"
            )
        if (verify or size <= ALWAYS_CHECKED) and _digest(path) != told["blake2b"]:
            raise ModelError(f"{path}: damaged (checksum differs); fit again, or copy the model folder again")
    except FileNotFoundError:
        raise ModelError(f"{path}: missing; fit again, or copy the whole model folder again") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
