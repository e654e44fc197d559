"""The parts of every item's input vector: its own row and the rows of its attribute values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.types import Floats, Ids, Offsets


@dataclass(frozen=True)
class PartsTable:
    """Item v is the parts offsets[v]:offsets[v+1].

    rows: int32[*] into one table that holds the V own rows, then each field's rows from field_starts[f];
    slots: int32[*], 0 = own row, s = field s; scales: float32[*], what a slot's rows are multiplied with
    before they are summed (1/m for the mean of m values). A missing value has no part.
    """

    offsets: Offsets
    rows: Ids
    slots: Ids
    scales: Floats
    field_starts: Offsets

    @property
    def n_slots(self) -> int:
        """Own row and fields: n + 1."""
        return len(self.field_starts)

    @property
    def n_rows(self) -> int:
        """Rows of the table: V own rows and all field values."""
        return int(self.field_starts[-1])

    @property
    def most(self) -> int:
        """Parts of the item that has most."""
        return int(np.diff(self.offsets).max(initial=1))


def value_scales(field: Field, multi: str, idf: Floats) -> Floats:
    """float32[*], the scale of each code of a field: 1/m, or idf / |idf| of the row (L2-normalised sum)."""
    lengths = np.diff(field.offsets)
    if multi == "mean":
        return np.repeat(1.0 / np.maximum(lengths, 1), lengths).astype(np.float32)
    each = idf[field.codes].astype(np.float64)
    squares = np.add.reduceat(np.append(each**2, 0.0), np.minimum(field.offsets[:-1], len(each)))
    squares[lengths == 0] = 1.0
    scales: Floats = (each / np.repeat(np.sqrt(squares), lengths)).astype(np.float32)
    return scales


def field_idf(field: Field) -> Floats:
    """float32[K], log((1 + items) / (1 + items with the value)) + 1, over the items of the field."""
    carried = np.bincount(field.codes, minlength=field.size)
    idf: Floats = (np.log((1.0 + len(field)) / (1.0 + carried)) + 1.0).astype(np.float32)
    return idf


def parts_of(vocab: Vocab, side_info: SideInfo | None, multi: str) -> PartsTable:
    """The parts of all items; without side information each item is its own row alone."""
    items = len(vocab)
    fields = () if side_info is None else side_info.fields
    if side_info is not None and side_info.fingerprint != vocab.fingerprint:
        raise DataError("side information was encoded under another vocabulary; encode it again")
    lengths = np.ones(items, dtype=np.int64)
    for field in fields:
        lengths += np.diff(field.offsets)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = np.empty(offsets[-1], dtype=np.int32)
    slots = np.empty(offsets[-1], dtype=np.int32)
    scales = np.empty(offsets[-1], dtype=np.float32)
    rows[offsets[:-1]] = np.arange(items)
    slots[offsets[:-1]] = 0
    scales[offsets[:-1]] = 1.0
    filled = np.ones(items, dtype=np.int64)
    start = items
    starts = [start]
    for s, field in enumerate(fields, start=1):
        n = np.diff(field.offsets)
        at = np.repeat(offsets[:-1] + filled - field.offsets[:-1], n) + np.arange(len(field.codes))
        rows[at] = field.codes + start
        slots[at] = s
        scales[at] = value_scales(field, multi, field_idf(field))
        filled += n
        start += field.size
        starts.append(start)
    return PartsTable(offsets, rows, slots, scales, np.asarray(starts, dtype=np.int64))


def own_prior(counts: NDArray[np.int64], constant: float, by_count: float) -> Floats:
    """float32[V], what is added to the own row's logit: constant + by_count * log(1 + count / 5)."""
    return (constant + by_count * np.log1p(counts / 5.0)).astype(np.float32)
