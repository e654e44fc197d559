"""Slow twin of cowalk.kernels.half: numpy reads the floats."""

import numpy as np

from cowalk.types import AnyArray


def half_products(queries: AnyArray, table: AnyArray, out: AnyArray) -> None:
    out[:] = queries.astype(np.float64) @ table.view(np.float16).astype(np.float64).T
