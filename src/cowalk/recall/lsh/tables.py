"""The buckets of an LSH index: each table is its rows sorted by bucket key, with a directory of the keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.types import AnyArray

LOW_ROW = np.uint64(0xFFFFFFFF)
MOST_BITS = 26


@dataclass(frozen=True)
class Buckets:
    """entries: uint64[L, N], key << 32 | row, rising in each table. directory: int32[L, 2**bits + 1], where
    the entries of each value of the key's leading bits begin.

    A function of the entries alone: equal whoever made them, on any number of threads, in any order.
    """

    entries: AnyArray
    directory: AnyArray

    @classmethod
    def of(cls, entries: AnyArray) -> Buckets:
        """Sort them in place, table by table."""
        tables, rows = entries.shape
        bits = min(MOST_BITS, max(1, int(rows).bit_length() - 1))  # about one entry a slot
        directory = np.zeros((tables, (1 << bits) + 1), dtype=np.int32)
        for table in range(tables):
            entries[table].sort()
            slots = (entries[table] >> np.uint64(64 - bits)).astype(np.int64)
            np.cumsum(np.bincount(slots, minlength=1 << bits), out=directory[table, 1:])
        return cls(entries, directory)

    @property
    def bits(self) -> int:
        """How many leading bits of a key the directory tells apart."""
        return int(self.directory.shape[1] - 1).bit_length() - 1

    def merged(self, fresh: AnyArray, keep: NDArray[np.bool_]) -> Buckets:
        """These entries of the rows to `keep` (bool[size]) and the fresh ones, as if made at once."""
        if not len(self.entries):  # no tables
            return Buckets.of(np.empty((0, int(keep.sum()) + fresh.shape[1]), dtype=np.uint64))
        kept = [table[keep[(table & LOW_ROW).astype(np.int64)]] for table in self.entries]
        return Buckets.of(np.stack([np.concatenate(pair) for pair in zip(kept, fresh, strict=True)]))
