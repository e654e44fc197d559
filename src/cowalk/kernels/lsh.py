"""Locality-sensitive hashing: rows to bucket keys and sketches, of random lines.

A hash function is one line, cut into stretches of length 1 (p-stable), or a few lines of which it tells the
end that a row lies furthest along (cross-polytope): ends i and lines + i are those of line i.
"""

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.kernels.rng import S32, mix
from cowalk.types import AnyArray

ONE = np.uint64(1)


@inline_kernel
def project(vectors, row, scale, lift, directions, shifts, places):
    """places[f] = where the row, scaled and with one coordinate more, falls on line f, in widths.

    The sum runs over the coordinates in order whatever the number of rows or threads, so that a row has the
    same places alone and in a batch (a matrix product gives no such word).
    """
    size = vectors.shape[1]
    lines = len(shifts)
    for f in range(lines):
        places[f] = shifts[f] + lift * directions[size, f]
    for j in range(size):
        x = scale * vectors[row, j]
        for f in range(lines):
            places[f] += x * directions[j, f]


@inline_kernel
def bucket_id(places, function, lines):
    """The stretch of its line, or the end of its lines, that a row falls to; ties go to the lower line."""
    if lines == 1:
        return np.int64(np.floor(places[function]))
    first = function * lines
    far = np.float32(-1.0)
    end = 0
    for i in range(lines):
        place = places[first + i]
        if abs(place) > far:
            far = abs(place)
            end = i if place >= 0 else lines + i
    return np.int64(end)


@inline_kernel
def bucket_sum(places, lines, multipliers, table):
    """Sum of bucket id * multiplier over the table's functions, modulo 2**64 (ids may be negative)."""
    k = multipliers.shape[1]
    total = np.uint64(0)
    for i in range(k):
        total += np.uint64(bucket_id(places, table * k + i, lines)) * multipliers[table, i]
    return total


@inline_kernel
def key_of(total):
    """The 32 bits that a bucket is found by."""
    return mix(total) >> S32


@parallel_kernel
def bucket_entries(
    vectors: AnyArray, rows: AnyArray, scale: float, lifts: AnyArray,
    directions: AnyArray, shifts: AnyArray, lines: int, multipliers: AnyArray, workers: int,
    entries: AnyArray,
) -> None:  # fmt: skip
    """Fill entries uint64[L, N]: key << 32 | row, for each of rows int32[N]; lifts: float32[N]."""
    for worker in prange(workers):
        places = np.empty(len(shifts), np.float32)
        for at in range(worker, len(rows), workers):
            project(vectors, rows[at], np.float32(scale), lifts[at], directions, shifts, places)
            for table in range(len(multipliers)):
                key = key_of(bucket_sum(places, lines, multipliers, table))
                entries[table, at] = (key << S32) | np.uint64(rows[at])


@inline_kernel
def put_bits(places, sketch, row):
    """sketch[row, word]: bit i of word w says on which side of line 64 w + i the row lies."""
    for word in range(sketch.shape[1]):
        bits = np.uint64(0)
        for i in range(64):
            if places[word * 64 + i] >= 0:
                bits |= ONE << np.uint64(i)
        sketch[row, word] = bits


@parallel_kernel
def sketches(
    vectors: AnyArray, rows: AnyArray, scale: float, lifts: AnyArray,
    directions: AnyArray, shifts: AnyArray, workers: int, out: AnyArray,
) -> None:  # fmt: skip
    """Fill out uint64[N, B / 64] for rows int32[N]: the sides of B lines on which they lie."""
    for worker in prange(workers):
        places = np.empty(len(shifts), np.float32)
        for at in range(worker, len(rows), workers):
            project(vectors, rows[at], np.float32(scale), lifts[at], directions, shifts, places)
            put_bits(places, out, at)
