"""Content edges: from each item to a fixed number of items that share a value of a field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.seeds import generator
from cowalk.tables.side_info import Field, SideInfo
from cowalk.types import AnyArray, Ids


def content_edges(
    side_info: SideInfo, fields: tuple[str, ...], neighbors: int
) -> tuple[Ids, Ids, NDArray[np.float64]]:
    """(src int32[E], dst int32[E], share float64[E]): the shares of each item's edges sum to 1.

    The items that carry a value stand on a ring in a seeded order, and each points to those that follow it;
    an item with several values deals its `neighbors` out among them. Every item on a ring is pointed to as
    often as it points, so that a value of a million items makes no hub and no quadratic number of edges.
    """
    for name in fields:
        if side_info[name].kind == "dense":
            raise UsageError(
                f"field {name!r} is dense: vectors share no values, so they give no content edges"
            )
    parts = [_field_edges(side_info[name], neighbors) for name in fields]
    src = np.concatenate([part[0] for part in parts])
    dst = np.concatenate([part[1] for part in parts])
    out = np.bincount(src, minlength=len(side_info.fields[0])).astype(np.float64)
    return src.astype(np.int32), dst.astype(np.int32), 1.0 / out[src]


def _field_edges(field: Field, neighbors: int) -> tuple[AnyArray, AnyArray]:
    """The edges of one field: at most `neighbors` from each item."""
    per_item = np.diff(field.offsets)
    owner = np.repeat(np.arange(len(field)), per_item)
    place = np.arange(len(owner)) - np.repeat(field.offsets[:-1], per_item)
    quota = neighbors // per_item[owner] + (place < neighbors % per_item[owner])
    draw = generator(0, f"content edges of {field.name}").random(len(owner))
    order = np.lexsort((draw, field.codes))
    owner, quota, value = owner[order], quota[order], field.codes[order]
    size = np.bincount(value, minlength=field.size)
    start = np.append(0, np.cumsum(size))[:-1]
    at, size, start = np.arange(len(owner)) - start[value], size[value], start[value]
    sources, targets = [], []
    for distance in range(1, neighbors + 1):
        wanted = np.flatnonzero((quota >= distance) & (size > distance))
        sources.append(owner[wanted])
        targets.append(owner[start[wanted] + (at[wanted] + distance) % size[wanted]])
    return np.concatenate(sources), np.concatenate(targets)
