"""Exact search: every key is scored. The yardstick of all indexes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cowalk.tables import Hits
from cowalk.tables.search import ROOM as ROOM
from cowalk.tables.search import best_keys
from cowalk.types import Floats, Ids, Offsets


def top_k(
    queries: Floats,
    keys: Floats,
    k: int,
    *,
    bias: Floats | None = None,
    exclude: tuple[Ids, Offsets] | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> Hits:
    """The k keys with the largest queries @ keys.T + bias, best first, ties by lower id.

    queries: float32[Q, d]; keys: float32[V, d]; bias: float32[V]; exclude: (ids, offsets[Q+1]), what
    each query may not find; allowed: bool[V], what all of them may. Fewer than k found: -1. Scores are held
    for a block of queries at a time.
    """
    return best_keys(queries, keys, k, bias=bias, exclude=exclude, allowed=allowed, room=ROOM)
