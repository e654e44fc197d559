"""The ids of every item as Hema reads them: its own, then its attribute values, with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.kernels.hema_bundles import Layout
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.parts import parts_of
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.types import AnyArray, Floats, Offsets


def value_weights(field: Field, power: float) -> Floats:
    """float32[K]: w = V ** -power by value, V = number of training items with the value (paper: power 1)."""
    carried = np.bincount(field.codes, minlength=field.size)
    weights: Floats = (np.maximum(carried, 1) ** -float(power)).astype(np.float32)
    return weights


def new_item_weights(field: Field, fitted: Field, power: float) -> Floats:
    """float32[*], one per code of new items: (V + 1) ** -power / m for an item with m values of the field."""
    carried = np.bincount(fitted.codes, minlength=fitted.size)
    lengths = np.diff(field.offsets)
    shares = np.repeat(1.0 / np.maximum(lengths, 1), lengths)
    weights: Floats = ((carried[field.codes] + 1.0) ** -float(power) * shares).astype(np.float32)
    return weights


@dataclass(frozen=True)
class HemaLayout:
    """Where everything stands. dims: (m_1, m_2, ...); row_starts: first row of items and of each field, and
    the end; flat_starts: the same in the flat tables.
    """

    kernel: Layout
    dims: tuple[int, ...]
    row_starts: tuple[int, ...]
    flat_starts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables: items and values."""
        return self.row_starts[-1]

    @property
    def most(self) -> int:
        """Numbers of an item: D."""
        return sum(self.dims)

    def table(self, flat: AnyArray, kind: int) -> AnyArray:
        """[n, m_k]: the rows of one type (0 = items) in a flat table."""
        low, high = self.flat_starts[kind : kind + 2]
        rows: AnyArray = flat[low:high].reshape(-1, self.dims[kind])
        return rows


def dims_of(side_info: SideInfo | None, settings: HemaSettings) -> tuple[int, ...]:
    """(m_1, m_2, ...): the items' dimension, then the fields' in order."""
    names = [] if side_info is None else side_info.names
    for name, size in settings.dims.items():
        if name not in names:
            raise UsageError(f"hema.dims: no field {name!r}; the fields are {', '.join(names) or 'none'}")
        if size < 1:
            raise UsageError(f"hema.dims.{name} = {size}: must be at least 1")
    return (settings.vector_size, *(settings.dims.get(name, settings.field_size) for name in names))


def hema_layout(vocab: Vocab, side_info: SideInfo | None, settings: HemaSettings) -> HemaLayout:
    """The layout of all items; a missing value has no part, one of m values of a field weighs w / m."""
    if side_info is not None and side_info.fingerprint != vocab.fingerprint:
        raise DataError("side information was encoded under another vocabulary; encode it again")
    parts = parts_of(vocab, side_info, "mean")
    fields = () if side_info is None else side_info.fields
    dims = dims_of(side_info, settings)
    each = [np.ones(len(vocab), np.float32), *(value_weights(f, settings.weight_power) for f in fields)]
    counts = [len(weights) for weights in each]
    row_starts = np.concatenate([[0], np.cumsum(counts)])
    flat_starts = np.concatenate([[0], np.cumsum(np.multiply(counts, dims))])
    starts = [low + size * np.arange(n) for low, size, n in zip(flat_starts[:-1], dims, counts, strict=True)]
    lefts = np.concatenate([[0], np.cumsum(dims)[:-1]])
    kernel = Layout(
        parts.offsets,
        parts.rows,
        (np.concatenate(each)[parts.rows] * parts.scales).astype(np.float32),
        lefts.astype(np.int32)[parts.slots],
        np.array(dims, dtype=np.int32)[parts.slots],
        np.concatenate(starts).astype(np.int64),
    )
    return HemaLayout(kernel, dims, tuple(row_starts.tolist()), tuple(flat_starts.tolist()))


def shared(layout: HemaLayout) -> Floats:
    """float32[V, n+1]: sum of w_ik over the values of each type, the item's own first; 0 where missing."""
    offsets: Offsets = layout.kernel.offsets
    slots = np.searchsorted(np.array(layout.row_starts), layout.kernel.rows, side="right") - 1
    out = np.zeros((len(offsets) - 1, len(layout.dims)), dtype=np.float32)
    np.add.at(out, (np.repeat(np.arange(len(out)), np.diff(offsets)), slots), layout.kernel.weights)
    return out


def field_ranges(layout: HemaLayout) -> list[slice]:
    """The columns of M that belong to each field."""
    ends = np.cumsum((0, *layout.dims[1:])).tolist()
    return [slice(low, high) for low, high in pairwise(ends)]
