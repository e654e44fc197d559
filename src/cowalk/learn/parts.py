"""The parts of every item's input vector: its own row and the rows of its attribute values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class PartsTable:
    """Item v is the parts offsets[v]:offsets[v+1].

    rows: int32[*] into one table that holds the V own rows, then each field's rows from field_starts[f];
    slots: int32[*], 0 = own row, s = field s; scales: float32[*], what a slot's rows are multiplied with
    before they are summed (1/m for the mean of m values). A missing value has no part. A dense field has a
    row for each item, field_starts[f] + v.
    """

    offsets: Offsets
    rows: Ids
    slots: Ids
    scales: Floats
    field_starts: Offsets
    dense: tuple[int, ...] = ()
    """Numbers of the dense fields."""

    @property
    def n_slots(self) -> int:
        """Own row and fields: n + 1."""
        return len(self.field_starts)

    @property
    def n_rows(self) -> int:
        """Rows of the table: V own rows, all field values, V for each dense field."""
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
    counts = [np.ones(items, dtype=np.int64), *(_part_counts(field) for field in fields)]
    offsets = np.concatenate([[0], np.cumsum(np.sum(counts, axis=0))]).astype(np.int64)
    rows = np.empty(offsets[-1], dtype=np.int32)
    slots = np.empty(offsets[-1], dtype=np.int32)
    scales = np.empty(offsets[-1], dtype=np.float32)
    filled, starts = np.zeros(items, dtype=np.int64), [0]
    for s, n in enumerate(counts):
        first = np.concatenate([[0], np.cumsum(n)])[:-1]
        at = np.repeat(offsets[:-1] + filled - first, n) + np.arange(n.sum())
        slots[at] = s
        rows[at], scales[at], size = _part_rows(fields[s - 1] if s else None, items, multi)
        rows[at] += starts[-1]
        filled += n
        starts.append(starts[-1] + size)
    dense = tuple(number for number, field in enumerate(fields) if field.kind == "dense")
    return PartsTable(offsets, rows, slots, scales, np.asarray(starts[1:], dtype=np.int64), dense)


def _part_counts(field: Field) -> Offsets:
    """int64[V]: the parts that each item has in a field; in a dense one a row of its own, or none."""
    return field.known.astype(np.int64) if field.kind == "dense" else np.diff(field.offsets)


def _part_rows(field: Field | None, items: int, multi: str) -> tuple[AnyArray, Floats | float, int]:
    """Rows within the field (None: the own rows), their scales, and the number of rows."""
    if field is None:
        return np.arange(items), 1.0, items
    if field.kind == "dense":
        return np.flatnonzero(field.known), 1.0, items
    return field.codes, value_scales(field, multi, field_idf(field)), field.size


def own_prior(counts: NDArray[np.int64], constant: float, by_count: float) -> Floats:
    """float32[V], what is added to the own row's logit: constant + by_count * log(1 + count / 5)."""
    return (constant + by_count * np.log1p(counts / 5.0)).astype(np.float32)
