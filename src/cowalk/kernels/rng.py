"""Random numbers as a function of (seed, row, step): no thread owns a generator, so threads cannot matter.

The generator is SplitMix64 (Steele, Lea, Flood 2014): a Weyl sequence with a 64-bit finaliser.
"""

import numpy as np

from cowalk.kernels.flags import inline_kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
S27, S30, S31, S32, S40 = (np.uint64(s) for s in (27, 30, 31, 32, 40))
LOW_32 = np.uint64(0xFFFFFFFF)


@inline_kernel
def mix(x):
    """The SplitMix64 finaliser: every input bit changes every output bit with chance 1/2."""
    x = (x ^ (x >> S30)) * MIX_1
    x = (x ^ (x >> S27)) * MIX_2
    return x ^ (x >> S31)


@inline_kernel
def row_state(seed, row):
    """The starting state of row `row` of the stream `seed`; advance it by GOLDEN before each draw."""
    return mix(np.uint64(seed) ^ mix(np.uint64(row) * GOLDEN + GOLDEN))


@inline_kernel
def unit(bits):
    """A float32 in [0, 1) from the top 24 bits."""
    return np.float32(bits >> S40) * np.float32(5.9604645e-08)


@inline_kernel
def below(bits, n):
    """An integer in [0, n), n < 2**32, by multiply and shift of the top 32 bits (bias below n / 2**32)."""
    return np.int64(((bits >> S32) * np.uint64(n)) >> S32)
