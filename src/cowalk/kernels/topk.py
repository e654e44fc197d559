"""The k best of each row of scores, ties by lower id."""

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.types import AnyArray


@inline_kernel
def worse(score_a, id_a, score_b, id_b):
    """Whether a ranks behind b."""
    return score_a < score_b or (score_a == score_b and id_a > id_b)


@inline_kernel
def sift_down(ids, scores, row, at, size):
    """Restore the heap (worst on top) of ids[row, :size] from place `at` down."""
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and worse(scores[row, right], ids[row, right], scores[row, child], ids[row, child]):
            child = right
        if not worse(scores[row, child], ids[row, child], scores[row, at], ids[row, at]):
            break
        scores[row, at], scores[row, child] = scores[row, child], scores[row, at]
        ids[row, at], ids[row, child] = ids[row, child], ids[row, at]
        at = child


@inline_kernel
def offer(ids, scores, row, size, item, score):
    """Put the item in the place of the worst of the `size` kept, if it ranks before it."""
    if worse(scores[row, 0], ids[row, 0], score, item):
        ids[row, 0] = item
        scores[row, 0] = score
        sift_down(ids, scores, row, 0, size)


@inline_kernel
def unheap(ids, scores, row, size):
    """Turn the heap of ids[row, :size] into best first."""
    for last in range(size - 1, 0, -1):
        scores[row, 0], scores[row, last] = scores[row, last], scores[row, 0]
        ids[row, 0], ids[row, last] = ids[row, last], ids[row, 0]
        sift_down(ids, scores, row, 0, last)


@inline_kernel
def clear(ids, scores, row, size, none):
    """Empty the kept: `none` is an id above all real ones, so that any item ranks before it."""
    for j in range(size):
        ids[row, j] = none
        scores[row, j] = -np.inf


@inline_kernel
def close(ids, scores, row, size, none):
    """Best first, and -1 where nothing was kept or the score is -inf."""
    unheap(ids, scores, row, size)
    for j in range(size):
        if scores[row, j] == -np.inf:
            ids[row, j] = -1


@parallel_kernel
def top_k_rows(table: AnyArray, ids: AnyArray, scores: AnyArray) -> None:
    """Fill ids int32[Q, k] and scores float32[Q, k] with the best of table float32[Q, V].

    A score of -inf never counts.
    """
    queries, items = table.shape
    k = ids.shape[1]
    for q in prange(queries):
        clear(ids, scores, q, k, items)
        for v in range(items):
            if table[q, v] >= scores[q, 0] and table[q, v] > -np.inf:
                offer(ids, scores, q, k, v, table[q, v])
        close(ids, scores, q, k, items)
