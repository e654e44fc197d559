"""A VectorIndex in one file: arrays in the safetensors format, with a checked manifest among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, ModelError
from cowalk.tables.tensors import map_tensors, write_tensors
from cowalk.tables.vector_files import whole
from cowalk.types import AnyArray

KIND = "cowalk vector index"
FORMAT = 1


def write_index(path: Path, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> None:
    """Write plain values and arrays as one file; it appears whole or not at all."""
    if not path.parent.is_dir():
        raise DataError(f"{path.parent}: no such folder; make it first, or give another path")
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a path for one file")
    checks = {name: _digest(array) for name, array in arrays.items()}
    manifest = {"kind": KIND, "format": FORMAT, "told": dict(told), "checks": checks}
    text = json.dumps(manifest, sort_keys=True).encode()
    parts = {"manifest": np.frombuffer(text, np.uint8), "check": _hash(text)}
    with whole(path) as draft:
        write_tensors(draft, {**arrays, **parts})


def read_index(path: Path) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """What was written, arrays memory-mapped; ModelError where a byte is not as it was written."""
    if not path.is_file():
        what = "a folder, no index file" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {what}; VectorIndex.save writes one")
    arrays = dict(map_tensors(path))
    again = "build the index again, or copy the file again"
    try:
        text = arrays.pop("manifest").tobytes()
        if not np.array_equal(arrays.pop("check"), _hash(text)):
            raise ModelError(f"{path}: damaged (checksum differs); {again}")
        manifest = json.loads(text)
        if manifest["kind"] != KIND:
            raise KeyError("kind")
        if manifest["format"] > FORMAT:
            raise ModelError(
                f"{path}: format {manifest['format']} is newer than this cowalk reads ({FORMAT})"
            )
        for name, check in manifest["checks"].items():
            if _digest(arrays[name]) != check:
                raise ModelError(f"{path}: {name} is damaged (checksum differs); {again}")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: not written by VectorIndex.save; {again}") from None
    return manifest["told"], arrays


def _digest(array: AnyArray) -> str:
    digest = blake2b(str((array.shape, array.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _hash(text: bytes) -> AnyArray:
    return np.frombuffer(blake2b(text, digest_size=16).digest(), np.uint8)
