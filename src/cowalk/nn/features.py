"""What a tower reads of an item or a user: rows of one table with weights, and dense columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.tables import SideInfo
from cowalk.tables.catalogue import take_ragged
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class Features:
    """N things, each the weighted sum of rows[offsets[i]:offsets[i+1]] of a table of `size` rows.

    The table: one row per thing where `own`, then the default row, then the values of each field from
    `starts[f]` on (a dense field has none there). An own row, or else the default one, stands first in its
    thing's list, so that dropping it is one write. is_dense: whether each field is; dense: float32[N, k] per
    dense field, 0 where missing.
    """

    offsets: Offsets
    rows: Ids
    weights: Floats
    size: int
    default: int
    own: bool
    starts: tuple[int, ...]
    is_dense: tuple[bool, ...]
    dense: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, things: AnyArray) -> tuple[Offsets, Offsets, Floats]:
        """Offsets, rows (int64) and weights of these things, all copies."""
        offsets, at = take_ragged(self.offsets, np.arange(len(self.rows)), things)
        return offsets, self.rows[at].astype(np.int64), self.weights[at]


def features_of(side_info: SideInfo | None, n: int, *, own: bool) -> Features:
    """The features of n things: their own row (or the default one), and the values of their fields, those of
    a multi-valued field with equal weights that sum to 1.
    """
    default = n if own else 0
    size = default + 1
    things = [np.arange(n)]
    rows = [np.arange(n) if own else np.full(n, default)]
    weights = [np.ones(n, dtype=np.float32)]
    starts, dense = [], []
    fields = () if side_info is None else side_info.fields
    for field in fields:
        starts.append(size)
        if field.vectors is not None:
            dense.append(np.nan_to_num(np.asarray(field.vectors), nan=0.0))
            continue
        lengths = np.diff(field.offsets)
        thing = np.repeat(np.arange(n), lengths)
        things.append(thing)
        rows.append(size + field.codes)
        weights.append((1 / lengths[thing]).astype(np.float32))
        size += field.size
    thing = np.concatenate(things)
    order = np.argsort(thing, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(thing, minlength=n))]).astype(np.int64)
    return Features(
        offsets, np.concatenate(rows)[order].astype(np.int32), np.concatenate(weights)[order], size, default,
        own, tuple(starts), tuple(field.vectors is not None for field in fields), tuple(dense),
    )  # fmt: skip
