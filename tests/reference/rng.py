"""Slow twin of kernels/rng.py: SplitMix64 on Python's whole numbers."""

import numpy as np

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def row_state(seed, row):
    return mix(int(seed) ^ mix((int(row) * GOLDEN + GOLDEN) & MASK))


def unit(bits):
    return np.float32((bits >> 40) / 2**24)


def below(bits, n):
    return ((bits >> 32) * int(n)) >> 32


class Draws:
    """The draws of one row of a stream, one after another; no kernel, a help for twins."""

    def __init__(self, seed, row):
        self.state = row_state(seed, row)

    def bits(self):
        self.state = (self.state + GOLDEN) & MASK
        return mix(self.state)

    def unit(self):
        return unit(self.bits())
