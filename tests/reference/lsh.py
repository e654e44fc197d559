"""Slow twin of kernels/lsh.py: bucket ids as whole numbers, keys by Python arithmetic modulo 2**64."""

import math

import numpy as np

from reference.rng import MASK, mix


def places_of(vector, scale, lift, directions, shifts):
    """Where a row falls on each line, in widths, in float64; no kernel."""
    lifted = np.append(scale * vector.astype(float), lift)
    return lifted @ directions.astype(float) + shifts


def total_of(ids, multipliers):
    """The sum that a bucket stands for; no kernel."""
    return sum(i * int(m) for i, m in zip(ids, multipliers, strict=True)) & MASK


def key_of(total):
    """The 32 bits that a bucket is found by; no kernel."""
    return mix(total) >> 32


def bucket_ids(places, lines):
    """The bucket id of each function: a stretch of one line, an end of several; no kernel."""
    if lines == 1:
        return [math.floor(place) for place in places]
    groups = np.reshape(places, (-1, lines))
    return [int(np.argmax(np.concatenate([group, -group]))) for group in groups]


def bucket_entries(vectors, rows, scale, lifts, directions, shifts, lines, multipliers, workers, entries):
    k = multipliers.shape[1]
    for at, row in enumerate(rows):
        found = bucket_ids(places_of(vectors[row], scale, lifts[at], directions, shifts), lines)
        for table in range(len(multipliers)):
            ids = found[table * k : (table + 1) * k]
            entries[table, at] = key_of(total_of(ids, multipliers[table])) << 32 | int(row)


def sketches(vectors, rows, scale, lifts, directions, shifts, workers, out):
    for at, row in enumerate(rows):
        places = places_of(vectors[row], scale, lifts[at], directions, shifts)
        for word in range(out.shape[1]):
            sides = places[64 * word : 64 * (word + 1)] >= 0
            out[at, word] = sum(1 << i for i, side in enumerate(sides) if side)
