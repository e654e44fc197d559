"""The ids of every item as Hema reads them: its own, then its attribute values, with their weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.kernels.hema_bundles import Layout
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.parts import parts_of
from cowalk.learn.result import Learned
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.types import AnyArray, Floats, Offsets


def carried(field: Field) -> AnyArray:
    """float64[K]: V_ik by value, the number of training items that have it, at least 1."""
    return np.maximum(np.bincount(field.codes, minlength=field.size), 1).astype(np.float64)


def new_item_scales(field: Field, fitted: Field) -> AnyArray:
    """float64[*], one per code of new items: V / (V + 1) / m for an item with m values of the field.

    What makes of w = 1 / V the weight of an item that is one more; 1 / m for a value that no item had.
    """
    counts = np.bincount(fitted.codes, minlength=fitted.size)
    lengths = np.diff(field.offsets)
    one_more = np.where(counts > 0, counts / (counts + 1.0), 1.0)
    scales: AnyArray = one_more[field.codes] / np.repeat(np.maximum(lengths, 1), lengths)
    return scales


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
    fields = () if side_info is None else side_info.fields
    for field in fields:
        if field.kind == "dense":
            raise UsageError(
                f"engine hema learns ids, and field {field.name!r} is a dense vector: "
                f"--set side.fields.{field.name}=skip, or a recipe of engine skip-gram"
            )
    parts = parts_of(vocab, side_info, "mean")
    dims = dims_of(side_info, settings)
    items = [np.ones(len(vocab)), *(carried(field) for field in fields)]  # V_i1 = 1
    counts = [len(one) for one in items]
    row_starts = np.concatenate([[0], np.cumsum(counts)])
    flat_starts = np.concatenate([[0], np.cumsum(np.multiply(counts, dims))])
    starts = [low + size * np.arange(n) for low, size, n in zip(flat_starts[:-1], dims, counts, strict=True)]
    lefts = np.concatenate([[0], np.cumsum(dims)[:-1]])
    kernel = Layout(
        parts.offsets,
        parts.rows,
        (parts.scales / np.concatenate(items)[parts.rows]).astype(np.float32),
        lefts.astype(np.int32)[parts.slots],
        np.array(dims, dtype=np.int32)[parts.slots],
        np.concatenate(starts).astype(np.int64),
        (np.concatenate(items) ** settings.step_power).astype(np.float32),
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


def transfers(learned: Learned) -> bool:
    """Whether these rows come with transfer matrices from every field to the items."""
    return bool(learned.fields) and all(f"transfer {name}" in learned.extra for name in learned.field_names)
