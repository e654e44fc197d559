"""Random walks on a weighted digraph: first order, and node2vec's second order by exact rejection.

Draws depend on (seed, walk number, step) only. Walks of a group take their steps in turn, so that the memory
reads of one overlap with the arithmetic of the others.
"""

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.kernels.rng import GOLDEN, LOW_32, below, mix, row_state, unit
from cowalk.types import AnyArray

GROUP = 16


@inline_kernel
def draw_edge(records, start, degree, bits):
    """A target of the row by its weights: the slot from the top 32 bits, the alias test from the low 32."""
    e = start + below(bits, degree)
    return np.int32(records[e, 1] if (bits & LOW_32) <= np.uint64(records[e, 0]) else records[e, 2])


@inline_kernel
def find_edge(targets, start, end, node):
    """The place of `node` in the sorted targets[start:end], or -1."""
    low = start
    high = end
    while low < high:
        middle = (low + high) >> 1
        if targets[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low if low < end and targets[low] == node else -1


@parallel_kernel
def first_order(
    offsets: AnyArray, records: AnyArray, starts: AnyArray, seed: np.uint64, first_row: int, out: AnyArray
) -> None:
    """Fill out int32[R, L] with walks from starts int32[R]; -1 after a dead end."""
    rows, length = out.shape
    for group in prange((rows + GROUP - 1) // GROUP):
        low = group * GROUP
        n = min(GROUP, rows - low)
        state = np.empty(GROUP, np.uint64)
        for i in range(n):
            state[i] = row_state(seed, first_row + low + i)
            out[low + i, 0] = starts[low + i]
        for step in range(1, length):
            for i in range(n):
                v = out[low + i, step - 1]
                if v < 0:
                    out[low + i, step] = -1
                    continue
                start = offsets[v]
                degree = offsets[v + 1] - start
                if degree == 0:
                    out[low + i, step] = -1
                    continue
                state[i] += GOLDEN
                out[low + i, step] = draw_edge(records, start, degree, mix(state[i]))


@parallel_kernel
def second_order(
    offsets: AnyArray,
    targets: AnyArray,
    shares: AnyArray,
    records: AnyArray,
    starts: AnyArray,
    seed: np.uint64,
    first_row: int,
    p: float,
    q: float,
    out: AnyArray,
) -> None:
    """Fill out int32[R, L] with node2vec walks: from t over v to x with chance by alpha(t, x) w_vx.

    alpha = 1/p to go back, 1 if t -> x is an edge, 1/q else (Grover & Leskovec 2016, 3.2.2). A proposal by
    weight is accepted with chance alpha / top, top = max(1, 1/q); what 1/p has above that is a mass of its
    own beside the proposals, so that a small p does not raise the rejections of all others.
    """
    rows, length = out.shape
    back = np.float32(1.0 / p)
    far = np.float32(1.0 / q)
    top = max(np.float32(1.0), far)
    sure = min(np.float32(1.0), far, back) / top
    back_over = max(back - top, np.float32(0.0)) / top
    accept_back = min(back / top, np.float32(1.0))
    accept_both = min(np.float32(1.0), far) / top
    accept_one = max(np.float32(1.0), far) / top  # of near and far, the one that 1/q favours
    near_favoured = far < 1
    for group in prange((rows + GROUP - 1) // GROUP):
        low = group * GROUP
        n = min(GROUP, rows - low)
        state = np.empty(GROUP, np.uint64)
        for i in range(n):
            state[i] = row_state(seed, first_row + low + i)
            out[low + i, 0] = starts[low + i]
        for step in range(1, length):
            for i in range(n):
                v = out[low + i, step - 1]
                if v < 0:
                    out[low + i, step] = -1
                    continue
                start = offsets[v]
                degree = offsets[v + 1] - start
                if degree == 0:
                    out[low + i, step] = -1
                    continue
                s = state[i] + GOLDEN
                if step == 1 or degree == 1:
                    out[low + i, step] = draw_edge(records, start, degree, mix(s))
                    state[i] = s
                    continue
                t = out[low + i, step - 2]
                t_start = offsets[t]
                t_end = offsets[t + 1]
                extra = np.float32(0.0)  # chance of the mass beside the proposals
                if back_over > 0:
                    e = find_edge(targets, start, start + degree, t)
                    if e >= 0:
                        over = back_over * shares[e]
                        extra = over / (np.float32(1.0) + over)
                x = t
                while True:
                    s += GOLDEN
                    u = unit(mix(s))
                    if u < extra:
                        x = t
                        break
                    u = (u - extra) / (np.float32(1.0) - extra)
                    s += GOLDEN
                    x = draw_edge(records, start, degree, mix(s))
                    if u < sure:
                        break
                    if x == t:
                        if u < accept_back:
                            break
                    elif u < accept_both or (
                        u < accept_one and (find_edge(targets, t_start, t_end, x) >= 0) == near_favoured
                    ):
                        break
                state[i] = s
                out[low + i, step] = x
