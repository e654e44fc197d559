"""What a fit learns from as one fingerprint, so that a checkpoint of other data is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from torch import Tensor

from cowalk.examples import Examples
from cowalk.examples.table import COLUMNS
from cowalk.tables import Catalogue, RawField, SideInfo, Vectors
from cowalk.tables.clicks import ClickTable
from cowalk.types import AnyArray

STREAM = ("items", "offsets", "users", "weights", "times")
Part = Examples | ClickTable | SideInfo | Catalogue | Vectors | Mapping[str, Tensor] | None


def identity_of(*parts: Part) -> str:
    """32 hex digits, equal only for equal parts in equal order: every column, shape and kind of number."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(f"part {type(part).__name__};".encode())
        for name, value in _columns(part):
            _add(digest, name, value)
    return digest.hexdigest()


def _add(digest: Any, name: str, value: AnyArray | str | None) -> None:
    if not isinstance(value, np.ndarray):
        digest.update(f"{name}={value!r};".encode())
        return
    plain = value.dtype.kind in "biufM"
    digest.update(f"{name} {value.shape} {value.dtype.str if plain else 'text'};".encode())
    digest.update(np.ascontiguousarray(value).data if plain else repr(value.tolist()).encode())


def _columns(part: Part) -> Iterator[tuple[str, AnyArray | str | None]]:
    """The names and values that a part consists of."""
    if isinstance(part, Examples):
        yield "vocab", part.item_vocab.fingerprint
        yield "last", str(part.last)
        yield from ((f"stream {name}", getattr(part.stream, name)) for name in STREAM)
        yield from ((name, getattr(part, name)) for name in COLUMNS)
        yield from ((f"context {name}", column) for name, column in part.context.items())
        yield from _raw(part.raw)
    elif isinstance(part, ClickTable):
        for column in part.columns:
            yield "column", repr(column.to_dict())
            yield "labels of a column", column.labels
        yield from ((name, getattr(part, name)) for name in ("codes", "numbers", "labels", "groups"))
    elif isinstance(part, SideInfo):
        yield "vocab", part.fingerprint
        for field in part.fields:
            yield "field", f"{field.name} {field.kind} {field.size}"
            yield from ((name, getattr(field, name)) for name in ("offsets", "codes", "vectors"))
    elif isinstance(part, Catalogue):
        yield "vocab", part.ids.fingerprint
        yield from _raw(part.fields)
    elif isinstance(part, Vectors):
        yield "vocab", part.vocab.fingerprint
        yield "vectors", part.array
    elif part is not None:
        yield from ((name, tensor.detach().cpu().numpy()) for name, tensor in part.items())


def _raw(fields: tuple[RawField, ...]) -> Iterator[tuple[str, AnyArray | str | None]]:
    for field in fields:
        yield "column", f"{field.name} {field.kind}"
        names = ("labels", "offsets", "codes", "numbers", "vectors")
        yield from ((name, getattr(field, name)) for name in names)
