"""Arrays on disk in the safetensors format: written as a stream without a copy, read as a memory map."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import ModelError
from cowalk.types import AnyArray

# names of the format by little-endian numpy type
NAMES = {"<f8": "F64", "<i8": "I64", "<u8": "U64", "<f4": "F32", "<i4": "I32", "<u4": "U32", "<f2": "F16"}
NAMES |= {"<i2": "I16", "<u2": "U16", "|i1": "I8", "|u1": "U8", "|b1": "BOOL"}
TYPES = {name: np.dtype(text) for text, name in NAMES.items()}
CHUNK = 16 << 20  # bytes copied at a time where rows are not contiguous
ALIGN = 64  # the data start on a cache line
LARGEST_HEADER = 100_000_000  # the bound of the safetensors library


def write_tensors(path: Path, arrays: Mapping[str, AnyArray]) -> tuple[int, str]:
    """Write one safetensors file and fsync it; gives its size in bytes and its blake2b checksum.

    No array is copied whole: rows go out in chunks of at most 16 MiB, so a memory map can be written too.
    """
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))  # keeps every array aligned
    header, at = {}, 0
    for name in order:
        array = arrays[name]
        code = NAMES.get(array.dtype.newbyteorder("<").str)
        if code is None:
            raise TypeError(f"array {name!r} of type {array.dtype} has no place in a safetensors file")
        size = math.prod(array.shape) * array.dtype.itemsize
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % ALIGN)
    digest = blake2b(digest_size=16)
    with path.open("wb") as file:
        for part in (len(text).to_bytes(8, "little"), text):
            file.write(part)
            digest.update(part)
        for name in order:
            for chunk in _chunks(arrays[name]):
                file.write(chunk)
                digest.update(chunk)
        file.flush()
        os.fsync(file.fileno())
    return 8 + len(text) + at, digest.hexdigest()


def _chunks(array: AnyArray) -> Iterator[memoryview]:
    """The little-endian bytes of the array in C order, a few rows at a time."""
    if array.size == 0:
        return
    table = array.reshape(1) if array.ndim == 0 else array
    rows = max(1, CHUNK // max(1, table.nbytes // len(table)))
    kind = array.dtype.newbyteorder("<")
    for start in range(0, len(table), rows):
        block = np.ascontiguousarray(table[start : start + rows], dtype=kind)
        yield block.reshape(-1).view(np.uint8).data


def map_tensors(path: Path) -> dict[str, AnyArray]:
    """The arrays of a safetensors file as read-only memory maps; ModelError where the file is not whole."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, LARGEST_HEADER):
                raise ModelError(f"{path}: the file is truncated or not a safetensors file")
            header = json.loads(file.read(length))
        specs = {name: _spec(entry) for name, entry in header.items() if name != "__metadata__"}
    except FileNotFoundError:
        raise ModelError(f"{path}: the file is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise ModelError(f"{path}: the header is damaged") from None
    data = 8 + length
    end = 0
    for dtype, shape, begin in sorted(specs.values(), key=lambda spec: (spec[2], math.prod(spec[1]))):
        if begin != end:
            raise ModelError(f"{path}: the header is damaged (arrays overlap or leave a gap)")
        end += math.prod(shape) * dtype.itemsize
    if data + end != size:
        raise ModelError(f"{path}: the file is truncated ({size} bytes where {data + end} are told)")
    return {name: _map(path, dtype, data + begin, shape) for name, (dtype, shape, begin) in specs.items()}


def _spec(entry: dict[str, Any]) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, shape and start of one array; ValueError, KeyError or TypeError where the header lies."""
    dtype, shape, (begin, end) = TYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
    if any(type(n) is not int or n < 0 for n in (*shape, begin, end)):
        raise ValueError("a size is not a whole number")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError("shape and bytes do not agree")
    return dtype, shape, begin


def _map(path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, ...]) -> AnyArray:
    if math.prod(shape) == 0:  # an empty range cannot be mapped
        return np.zeros(shape, dtype)
    array: AnyArray = np.memmap(path, mode="r", dtype=dtype, offset=offset, shape=shape or (1,))
    return np.asarray(array).reshape(shape)
