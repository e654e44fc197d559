"""Ward clustering of the latest items of each history."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.types import AnyArray


@inline_kernel
def fill_squares(vectors, items, begin, n, squares):
    """squares[a, b] = squared distance of the vectors of items[begin + a] and items[begin + b]."""
    for a in range(n):
        for b in range(a + 1, n):
            total = 0.0
            for j in range(vectors.shape[1]):
                gap = float(vectors[items[begin + a], j]) - float(vectors[items[begin + b], j])
                total += gap * gap
            squares[a, b] = total
            squares[b, a] = total


@inline_kernel
def nearest_pair(squares, sizes, n):
    """(a, b, squared height) of the two clusters that are cheapest to merge, a < b, the first of equals."""
    best_a, best_b, best = -1, -1, math.inf
    for a in range(n):
        if sizes[a] > 0:
            for b in range(a + 1, n):
                if sizes[b] > 0 and squares[a, b] < best:
                    best_a, best_b, best = a, b, squares[a, b]
    return best_a, best_b, best


@inline_kernel
def merge(squares, sizes, n, a, b):
    """Put cluster b into a; heights to the others by Lance and Williams 1967."""
    for c in range(n):
        if sizes[c] > 0 and c != a and c != b:
            height = (sizes[c] + sizes[a]) * squares[a, c] + (sizes[c] + sizes[b]) * squares[b, c]
            height = (height - sizes[c] * squares[a, b]) / (sizes[a] + sizes[b] + sizes[c])
            squares[a, c] = height
            squares[c, a] = height
    sizes[a] += sizes[b]
    sizes[b] = 0


@parallel_kernel
def ward_labels(
    vectors: AnyArray, items: AnyArray, offsets: AnyArray, last: int, limit: float, labels: AnyArray
) -> None:
    """Fill labels int32[N]: the cluster of each of a history's latest `last` events, -1 for earlier ones.

    Clusters are merged while the cheapest merge is at most `limit` high: sqrt(2 a b / (a + b)) times the
    distance of the two means, a and b their sizes (Ward 1963). Numbered 0, 1, ... by their oldest event.
    """
    for q in prange(len(offsets) - 1):
        begin = max(offsets[q], offsets[q + 1] - last)
        n = offsets[q + 1] - begin
        squares = np.empty((n, n), np.float64)
        sizes = np.ones(n, np.int64)
        home = np.empty(n, np.int64)
        fill_squares(vectors, items, begin, n, squares)
        for at in range(n):
            home[at] = at
        for _ in range(n - 1):
            a, b, height = nearest_pair(squares, sizes, n)
            if math.sqrt(max(height, 0.0)) > limit:
                break
            merge(squares, sizes, n, a, b)
            for at in range(n):
                if home[at] == b:
                    home[at] = a
        for at in range(offsets[q], begin):
            labels[at] = -1
        number = 0
        for at in range(n):  # a cluster's home is its oldest event: pairs are merged into the older
            if home[at] == at:
                labels[begin + at] = number
                number += 1
            else:
                labels[begin + at] = labels[begin + home[at]]


@parallel_kernel
def medoids(vectors: AnyArray, items: AnyArray, events: AnyArray, starts: AnyArray, found: AnyArray) -> None:
    """Fill found int64[C]: of events[starts[c]:starts[c + 1]] the one whose item is nearest to their mean.

    Distances are compared in float32, so that equal items are equally near; of equals the last one.
    """
    size = vectors.shape[1]
    for c in prange(len(found)):
        mean = np.zeros(size, np.float64)
        number = starts[c + 1] - starts[c]
        for at in range(starts[c], starts[c + 1]):
            for j in range(size):
                mean[j] += vectors[items[events[at]], j] / number
        best = np.float32(np.inf)
        for at in range(starts[c], starts[c + 1]):
            total = 0.0
            for j in range(size):
                gap = vectors[items[events[at]], j] - mean[j]
                total += gap * gap
            if np.float32(total) <= best:
                best = np.float32(total)
                found[c] = events[at]
