"""Catalogue: what the items are, as it was read; nothing in it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables.sessions import check_offsets
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray, Floats, Ids, Offsets

Kind = Literal["categorical", "multi", "numeric", "dense"]


@dataclass(frozen=True)
class RawField:
    """One attribute of N items.

    categorical and multi: labels str[L], codes int32[*] into labels, offsets int64[N+1]; an empty row is a
    missing value; categorical rows hold at most one code. numeric: numbers float64[N], NaN = missing.
    dense: vectors float32[N, k], a row of NaN = missing.
    """

    name: str
    kind: Kind
    labels: AnyArray | None = None
    offsets: Offsets | None = None
    codes: Ids | None = None
    numbers: NDArray[np.float64] | None = None
    vectors: Floats | None = None

    def __post_init__(self) -> None:
        if self.kind == "dense":
            check_dense(self.name, self.vectors)
            return
        if self.kind == "numeric":
            if self.numbers is None:
                raise DataError(f"field {self.name!r}: a numeric field needs numbers")
            return
        if self.labels is None or self.offsets is None or self.codes is None:
            raise DataError(f"field {self.name!r}: a {self.kind} field needs labels, offsets and codes")
        check_offsets(f"field {self.name!r}", self.offsets, len(self.codes))
        if len(self.codes) and (self.codes.min() < 0 or self.codes.max() >= len(self.labels)):
            raise DataError(f"field {self.name!r}: a code lies outside its labels")

    def __len__(self) -> int:
        if self.vectors is not None:
            return len(self.vectors)
        if self.numbers is not None:
            return len(self.numbers)
        assert self.offsets is not None
        return len(self.offsets) - 1

    def take(self, rows: AnyArray) -> RawField:
        """The same field of these rows, -1 giving a missing value."""
        rows = np.asarray(rows)
        if self.vectors is not None:
            return RawField(self.name, "dense", vectors=take_dense(self.vectors, rows))
        if self.numbers is not None:
            numbers = np.full(len(rows), np.nan)
            numbers[rows >= 0] = self.numbers[rows[rows >= 0]]
            return RawField(self.name, self.kind, numbers=numbers)
        assert self.offsets is not None
        assert self.codes is not None
        offsets, codes = take_ragged(self.offsets, self.codes, rows)
        return RawField(self.name, self.kind, self.labels, offsets, codes)


def check_dense(name: str, vectors: Floats | None) -> None:
    """DataError unless these are float32[N, k >= 1], each row finite or NaN throughout."""
    if vectors is None or vectors.ndim != 2 or vectors.shape[1] < 1 or vectors.dtype != np.float32:
        raise DataError(f"field {name!r}: a dense field needs vectors, float32[items, length]")
    odd = np.flatnonzero(~(np.isfinite(vectors).all(axis=1) | np.isnan(vectors).all(axis=1)))
    if len(odd):
        raise DataError(
            f"field {name!r}: the vector of row {odd[0] + 1:,} is not finite; "
            "a missing one is null, or NaN throughout"
        )


def take_dense(vectors: Floats, rows: AnyArray) -> Floats:
    """float32[len(rows), k]: these rows, -1 giving a row of NaN."""
    out: Floats = np.full((len(rows), vectors.shape[1]), np.nan, dtype=np.float32)
    out[rows >= 0] = vectors[rows[rows >= 0]]
    return out


def take_ragged(offsets: Offsets, values: AnyArray, rows: AnyArray) -> tuple[Offsets, AnyArray]:
    """The ragged rows `rows` in that order (-1 = an empty row), as (offsets, values)."""
    safe = np.maximum(rows, 0)
    lengths = np.where(rows >= 0, offsets[safe + 1] - offsets[safe], 0)
    out = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.arange(out[-1]) + np.repeat(offsets[safe] - out[:-1], lengths)
    return out, values[at]


@dataclass(frozen=True)
class Catalogue:
    """Outside ids of N items and their raw attributes, field by field; ids need not be in any log.

    notes: what reading left out and why, a line each. names: object[N], what people call each item, "" where
    that is not known; None where the table has no such column.
    """

    ids: Vocab
    fields: tuple[RawField, ...]
    notes: tuple[str, ...] = ()
    names: AnyArray | None = None

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise DataError(f"catalogue: field names must be unique, got {names}")
        if self.names is not None and len(self.names) != len(self.ids):
            raise DataError(f"catalogue: {len(self.names)} names for {len(self.ids)} items")
        for field in self.fields:
            if len(field) != len(self.ids):
                raise DataError(
                    f"catalogue: field {field.name!r} has {len(field)} rows for {len(self.ids)} items"
                )

    def __len__(self) -> int:
        return len(self.ids)

    def align(self, vocab: Vocab) -> Catalogue:
        """The catalogue in the row order of `vocab`; items it does not hold have every value missing."""
        rows = self.ids.find(vocab.ids)
        fields = tuple(field.take(rows) for field in self.fields)
        names = None if self.names is None else np.array(self.names_of(vocab), dtype=object)
        return Catalogue(vocab, fields, self.notes, names)

    def names_of(self, vocab: Vocab) -> list[str]:
        """What the items of `vocab` are called, "" where that is not known."""
        if self.names is None:
            return [""] * len(vocab)
        found: list[str] = np.append(self.names, "")[self.ids.find(vocab.ids)].tolist()
        return found
