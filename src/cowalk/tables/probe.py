"""Probe: a few histories of the log and what came next, kept in the model to tell what an update forgets."""

from __future__ import annotations

from dataclasses import dataclass

from cowalk.errors import DataError
from cowalk.tables.sessions import check_offsets
from cowalk.types import Ids, Offsets


@dataclass(frozen=True)
class Probe:
    """Histories items[offsets[q]:offsets[q+1]] (oldest first, rows of the vocabulary) and the next item.

    items int32[*]; offsets int64[Q+1]; targets int32[Q]; times: int64[*] microseconds of the histories'
    events, empty where the log has none. No user is named.
    """

    items: Ids
    offsets: Offsets
    targets: Ids
    times: Offsets

    def __post_init__(self) -> None:
        check_offsets("probe", self.offsets, len(self.items))
        if len(self.targets) != len(self.offsets) - 1 or len(self.times) not in (0, len(self.items)):
            raise DataError("probe: histories, targets and times differ in number")

    def __len__(self) -> int:
        return len(self.targets)
