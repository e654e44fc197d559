"""Decision trees as arrays: the leaf that each row falls into."""

from __future__ import annotations

from cowalk.kernels.flags import parallel_kernel, prange
from cowalk.types import AnyArray


@parallel_kernel
def tree_leaves(
    x: AnyArray, features: AnyArray, thresholds: AnyArray, left: AnyArray, right: AnyArray, roots: AnyArray,
    out: AnyArray,
) -> None:  # fmt: skip
    """Fill out int32[N, T] with the leaf of each row of x float32[N, P] in each tree.

    Node n sends a row to left[n] where x[features[n]] <= thresholds[n] (float64), else to right[n]; a number
    below 0 is leaf -1 - number.
    """
    for i in prange(len(x)):
        for t in range(len(roots)):
            node = roots[t]
            while node >= 0:
                node = left[node] if x[i, features[node]] <= thresholds[node] else right[node]
            out[i, t] = -1 - node
