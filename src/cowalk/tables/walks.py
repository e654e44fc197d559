"""Walks: one block of a stream that is never stored."""

from __future__ import annotations

from dataclasses import dataclass

from cowalk.types import Ids


@dataclass(frozen=True)
class Walks:
    """R walks of at most L nodes each: int32[R, L], -1 after the end.

    Row r is walk number first_row + r of the stream of `seed`; the block can be made again from these two.
    """

    nodes: Ids
    seed: int
    first_row: int

    def __len__(self) -> int:
        return len(self.nodes)
