"""Making the lists of the samplers: nearest vectors, second neighbours, and which lists hold a negative."""

import numpy as np

from cowalk.kernels.flags import parallel_kernel, prange
from cowalk.kernels.rows import collect, dot, row_holds
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray

TILE = 8  # items that are compared with a candidate while its row is at hand
BROAD = 2048  # what has more neighbours than this says nothing about who is like whom


@parallel_kernel
def nearest_rows(
    rows: AnyArray, candidates: AnyArray, known_offsets: AnyArray, known: AnyArray, ids: AnyArray,
    scores: AnyArray,
) -> None:  # fmt: skip
    """Fill ids int32[V, n] and scores float32[V, n] with the candidates of the largest rows[v].rows[u], best
    first, -1 where there are no more; neither v itself nor its known positives.
    """
    items, width, size = len(rows), ids.shape[1], rows.shape[1]
    for tile in prange((items + TILE - 1) // TILE):
        first, last = tile * TILE, min((tile + 1) * TILE, items)
        for v in range(first, last):
            clear(ids, scores, v, width, items)
        for c in range(len(candidates)):
            u = candidates[c]
            for v in range(first, last):
                x = dot(rows, v, rows, u, size)
                if x >= scores[v, 0] and u != v and not row_holds(known_offsets, known, v, u):
                    offer(ids, scores, v, width, u, x)
        for v in range(first, last):
            close(ids, scores, v, width, items)


@parallel_kernel
def second_neighbors(
    offsets: AnyArray, targets: AnyArray, shares: AnyArray, workers: int, ids: AnyArray, scores: AnyArray
) -> None:
    """Fill ids int32[V, n] and scores float32[V, n] with the items two steps from v and not one, by the
    chance of the two steps, best first, -1 where there are no more; v itself is not among them.

    shares float32[E]: each edge's part of its row. A middle item with over BROAD neighbours is passed over.
    """
    items, width = ids.shape
    for w in prange(workers):
        sums = np.zeros(items, np.float32)
        touched = np.empty(items, np.int32)
        for v in range(w, items, workers):
            n = 0
            for e in range(offsets[v], offsets[v + 1]):
                m = targets[e]
                if offsets[m + 1] - offsets[m] > BROAD:
                    continue
                for f in range(offsets[m], offsets[m + 1]):
                    u = targets[f]
                    n = collect(u, max(shares[e] * shares[f], np.float32(1e-30)), sums, touched, n)
            clear(ids, scores, v, width, items)
            for t in range(n):
                u = touched[t]
                if u != v and not row_holds(offsets, targets, v, u):
                    offer(ids, scores, v, width, u, sums[u])
                sums[u] = np.float32(0.0)
            close(ids, scores, v, width, items)


@parallel_kernel
def usable_lists(
    key_offsets: AnyArray, keys: AnyArray, offsets: AnyArray, members: AnyArray,
    known_offsets: AnyArray, known: AnyArray, alone: bool, usable: AnyArray,
) -> None:  # fmt: skip
    """Fill usable bool[*]: whether the list keys[e] holds an item that may be drawn for the item whose key it
    is: no known positive and, with `alone`, not the item itself.
    """
    for v in prange(len(key_offsets) - 1):
        for e in range(key_offsets[v], key_offsets[v + 1]):
            found = False
            at = offsets[keys[e]]
            while not found and at < offsets[keys[e] + 1]:
                u = members[at]
                found = (u != v or not alone) and not row_holds(known_offsets, known, v, u)
                at += 1
            usable[e] = found
