"""Rows of tables: dot products, steps, and which worker owns a row."""

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import LOW_32

ZERO = np.float32(0.0)
SPREAD = np.uint64(0x9E3779B1)
SHIFT = np.uint64(32)


@inline_kernel
def dot(a, i, b, j, size):
    """The dot product of row i of a and row j of b."""
    total = ZERO
    for c in range(size):
        total += a[i, c] * b[j, c]
    return total


@inline_kernel
def add_row(to, i, scale, a, j, size):
    """to[i] += scale * a[j]."""
    for c in range(size):
        to[i, c] += scale * a[j, c]


@inline_kernel
def owner(row, workers):
    """Which worker owns a row: spread evenly, whatever the order of the rows."""
    return np.int64((((np.uint64(row) * SPREAD) & LOW_32) * np.uint64(workers)) >> SHIFT)


@inline_kernel
def row_holds(offsets, columns, row, column):
    """Whether a column stands in a row whose columns rise."""
    low, high = offsets[row], offsets[row + 1]
    while low < high:
        middle = (low + high) // 2
        if columns[middle] < column:
            low = middle + 1
        else:
            high = middle
    return low < offsets[row + 1] and columns[low] == column


@inline_kernel
def collect(place, amount, sums, touched, n):
    """Add the amount, which is above 0, to the sum of a place; gives how many places have a sum."""
    if sums[place] == 0:
        touched[n] = place
        n += 1
    sums[place] += amount
    return n
