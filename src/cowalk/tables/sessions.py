"""Sessions: the log cut into sequences of items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.types import Floats, Ids, Offsets


def rises(offsets: Offsets, n: int) -> bool:
    """Whether offsets rise from 0 to n."""
    return bool(len(offsets) and offsets[0] == 0 and offsets[-1] == n and (np.diff(offsets) >= 0).all())


def check_offsets(name: str, offsets: Offsets, n: int) -> None:
    """Raise DataError unless offsets rise from 0 to n."""
    if not rises(offsets, n):
        raise DataError(f"{name}: offsets must rise from 0 to {n}")


@dataclass(frozen=True)
class Sessions:
    """S sequences over a vocabulary of V items, one after another.

    items: int32[N]; offsets: int64[S+1]; users: int32[S] (-1 = unknown); starts: int64[S] microseconds UTC;
    weights: float32[N], the weight of each event; times: int64[N] microseconds UTC of each event, None where
    the log has none; bought: int32[S], the item that the session bought last (-1 = none), None = not known.
    """

    items: Ids
    offsets: Offsets
    users: Ids
    starts: Offsets
    weights: Floats
    times: Offsets | None = None
    bought: Ids | None = None

    def __post_init__(self) -> None:
        check_offsets("sessions", self.offsets, len(self.items))
        if not len(self.users) == len(self.starts) == len(self.offsets) - 1:
            raise DataError("sessions: users, starts and offsets do not agree on the number of sessions")
        if len(self.weights) != len(self.items):
            raise DataError("sessions: items and weights differ in length")
        if self.times is not None and len(self.times) != len(self.items):
            raise DataError("sessions: items and times differ in length")
        if self.bought is not None and len(self.bought) != len(self):
            raise DataError("sessions: bought items and sessions differ in number")

    def __len__(self) -> int:
        return len(self.offsets) - 1
