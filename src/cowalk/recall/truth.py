"""What an index found beside the true neighbours."""

from __future__ import annotations

import numpy as np

from cowalk.tables import Hits
from cowalk.types import AnyArray, Ids


def without_own(hits: Hits, own: Ids | None, k: int) -> Hits:
    """The first k hits of each query, the row that it is itself left out; -1 where there are no more.

    own: int32[Q], -1 where a query is none of the rows; None: none of them is.
    """
    if own is None:
        return Hits(hits.ids[:, :k], hits.scores[:, :k])
    other = hits.ids != own[:, None]
    order = np.argsort(~other, axis=1, kind="stable")[:, :k]
    ids, scores, kept = (np.take_along_axis(part, order, axis=1) for part in (hits.ids, hits.scores, other))
    return Hits(np.where(kept, ids, np.int32(-1)), np.where(kept, scores, np.float32(-np.inf)))


def found_shares(found: Ids, wanted: Ids) -> AnyArray:
    """float64[Q]: the share of the wanted rows [Q, *] that stand in the same row of found [Q, *].

    -1 stands for none; where nothing is wanted nothing is missed: 1.
    """
    shares = np.ones(len(wanted))
    for q, (mine, true) in enumerate(zip(found, wanted, strict=True)):
        true = true[true >= 0]
        if len(true):
            shares[q] = np.isin(true, mine).mean()
    return shares
