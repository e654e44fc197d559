"""Examples into a folder and out of it: arrays as one mapped safetensors file, vocabularies as Parquet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import CowalkError, ModelError, UsageError
from cowalk.examples.stream import Stream
from cowalk.examples.table import COLUMNS, Examples
from cowalk.tables.catalogue import Kind, RawField
from cowalk.tables.parquet import read_vocab, write_vocab
from cowalk.tables.tensors import map_tensors, write_tensors
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray

KIND = "cowalk examples"
FORMAT = 1
STREAM = ("items", "offsets", "users", "weights")
RAW = ("offsets", "codes", "numbers")  # of a column of the log


def save_examples(examples: Examples, folder: Path) -> Path:
    """Write the folder, whole or not at all; UsageError where it holds something else. Gives the folder."""
    if folder.exists() and not _is_ours(folder):
        raise UsageError(f"{folder} holds other files; give a new or empty folder for the examples")
    draft = folder.with_name(f".{folder.name}-writing")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _write(examples, draft)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "examples.json").is_file() or not any(folder.iterdir()))


def _write(examples: Examples, draft: Path) -> None:
    arrays: dict[str, AnyArray] = {name: getattr(examples, name) for name in COLUMNS}
    arrays |= {f"stream {name}": getattr(examples.stream, name) for name in STREAM}
    if examples.stream.times is not None:
        arrays["stream times"] = examples.stream.times
    arrays |= {f"context {name}": column for name, column in examples.context.items()}
    for number, field in enumerate(examples.raw):
        for name in RAW:
            if getattr(field, name) is not None:
                arrays[f"raw {number} {name}"] = getattr(field, name)
        if field.labels is not None:
            write_vocab(draft / f"raw-{number}.parquet", Vocab.of(field.labels))
    write_tensors(draft / "arrays.safetensors", arrays)
    write_vocab(draft / "items.parquet", examples.item_vocab)
    if examples.user_vocab is not None:
        write_vocab(draft / "users.parquet", examples.user_vocab)
    told = {
        "kind": KIND, "format": FORMAT, "examples": len(examples), "last": examples.last,
        "items": examples.item_vocab.fingerprint, "about": dict(examples.about),
        "context": list(examples.context), "raw": [[field.name, field.kind] for field in examples.raw],
    }  # fmt: skip
    (draft / "examples.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def open_examples(folder: Path) -> Examples:
    """The examples that `save_examples` wrote, arrays memory-mapped; ModelError where not whole."""
    told = _manifest(folder)
    arrays = map_tensors(folder / "arrays.safetensors")
    items = read_vocab(folder / "items.parquet")
    users = read_vocab(folder / "users.parquet") if (folder / "users.parquet").is_file() else None
    if items.fingerprint != told["items"]:
        raise ModelError(f"{folder}: items and arrays come from different examples; make them again")
    try:
        parts = {name: arrays[f"stream {name}"] for name in STREAM}
        stream = Stream(**parts, times=arrays.get("stream times"))
        return Examples(
            stream, items, users, **{name: arrays[name] for name in COLUMNS},
            context={name: np.asarray(arrays[f"context {name}"]) for name in told["context"]},
            raw=tuple(_raw(folder, arrays, n, *one) for n, one in enumerate(told.get("raw", []))),
            last=told["last"], about=told["about"],
        )  # fmt: skip
    except (CowalkError, KeyError, TypeError, IndexError) as error:
        raise ModelError(f"{folder}: the examples are damaged ({error}); make them again") from None


def _raw(folder: Path, arrays: Mapping[str, AnyArray], number: int, name: str, kind: Kind) -> RawField:
    """A column of the log at the examples' moments."""
    parts = {part: arrays[f"raw {number} {part}"] for part in RAW if f"raw {number} {part}" in arrays}
    labels = read_vocab(folder / f"raw-{number}.parquet").ids if "codes" in parts else None
    return RawField(name, kind, labels, **parts)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "examples.json"
    try:
        told = json.loads(path.read_bytes())
    except OSError:
        raise ModelError(
            f"{folder}: holds no examples (no examples.json); Examples.save makes them"
        ) from None
    except ValueError:
        raise ModelError(f"{path}: truncated or damaged; make the examples again") from None
    if not isinstance(told, dict) or told.get("kind") != KIND:
        raise ModelError(f"{path}: written by something else; give a folder that Examples.save wrote")
    if told.get("format") != FORMAT:
        raise ModelError(
            f"{path}: format {told.get('format')} is not the one read here ({FORMAT}); make them again"
        )
    return told
