"""Sequences written one after another as a stream of positions, subsampled on the way."""

import numpy as np

from cowalk.kernels.bundles import Stream
from cowalk.kernels.flags import kernel
from cowalk.kernels.rng import GOLDEN, mix, row_state, unit
from cowalk.types import AnyArray


@kernel
def flatten_walks(nodes: AnyArray, first_row: int, keep: AnyArray, seed: np.uint64, out: Stream) -> int:
    """Write the walks' nodes int32[R, L], each kept with chance keep[v] (empty = all); returns how many.

    A position's number is its place among the epoch's walks.
    """
    n = 0
    length = nodes.shape[1]
    for r in range(len(nodes)):
        begin = n
        state = row_state(seed, first_row + r)
        for c in range(length):
            v = nodes[r, c]
            if v < 0:
                break
            if len(keep) > 0:
                state += GOLDEN
                if unit(mix(state)) >= keep[v]:
                    continue
            out.tokens[n] = v
            out.begins[n] = begin
            out.numbers[n] = (first_row + r) * length + c
            n += 1
        for j in range(begin, n):
            out.ends[j] = n
    return n


@kernel
def flatten_sessions(
    items: AnyArray, offsets: AnyArray, order: AnyArray, keep: AnyArray, seed: np.uint64, out: Stream
) -> int:
    """Write the sessions named in order int64[*], as `flatten_walks` does; numbers are places in the log."""
    n = 0
    for r in range(len(order)):
        begin = n
        state = row_state(seed, order[r])
        for c in range(offsets[order[r]], offsets[order[r] + 1]):
            v = items[c]
            if len(keep) > 0:
                state += GOLDEN
                if unit(mix(state)) >= keep[v]:
                    continue
            out.tokens[n] = v
            out.begins[n] = begin
            out.numbers[n] = c
            n += 1
        for j in range(begin, n):
            out.ends[j] = n
    return n
