"""Products with a table of 16-bit floats, read as they lie in memory: half the bytes of float32."""

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.types import AnyArray

SHIFT = np.float32(2.0**112)
"""Between the exponents of the two kinds of float: 127 - 15."""


@inline_kernel
def widened(bits):
    """float32 of the bits of a finite 16-bit float, the smallest (subnormal) ones too.

    Every step is cast back, for numba widens to 64 bits, of which a register holds half as many.
    """
    low = np.uint32(bits)
    size = np.uint32(np.uint32(low & np.uint32(0x7FFF)) << np.uint32(13))
    sign = np.uint32(np.uint32(low & np.uint32(0x8000)) << np.uint32(16))
    return np.uint32(size | sign).view(np.float32) * SHIFT


@parallel_kernel
def half_products(queries: AnyArray, table: AnyArray, out: AnyArray) -> None:
    """Fill out float32[Q, V] with queries float32[Q, d] times table uint16[V, d], the bits of float16."""
    for v in prange(len(table)):
        for q in range(len(queries)):
            total = np.float32(0)
            for i in range(table.shape[1]):
                total += queries[q, i] * widened(table[v, i])
            out[q, v] = total
