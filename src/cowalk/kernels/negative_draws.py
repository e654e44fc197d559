"""One draw from a sampler's lists, in bounded time."""

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import GOLDEN, LOW_32, below, mix
from cowalk.kernels.rows import row_holds

DIRECT, HARDEST, GENERATOR = 0, 1, 2  # kinds of samplers: the last two choose from a pool of draws
REDRAWS = 64  # draws that find an item which may not be drawn before there is no negative


@inline_kernel
def stands_in(targets, i, count, u):
    """Whether u is among the first `count` of targets[i]."""
    found = False
    for k in range(count):
        found = found or targets[i, k] == u
    return found


@inline_kernel
def draw_listed(s, v, draw, state):
    """(an item of one of sampler s's lists for item v, -1 where there is none; state).

    The list is drawn first, each with the same chance. Known positives, and v itself where it may not stand
    for itself, are drawn again, at most REDRAWS times in all.
    """
    items = len(draw.known_offsets) - 1
    first = draw.key_offsets[s * items + v]
    count = draw.key_offsets[s * items + v + 1] - first
    if count == 0:
        return np.int32(-1), state
    if count > 1:
        state += GOLDEN
        first += below(mix(state), count)
    row = draw.keys[first]
    start, size = draw.list_offsets[row], draw.list_offsets[row + 1] - draw.list_offsets[row]
    for _ in range(REDRAWS):
        state += GOLDEN
        bits = mix(state)
        slot = start + below(bits, size)
        column = 2 if (bits & LOW_32) > np.uint64(draw.records[slot, 0]) else 1
        u = np.int32(draw.records[slot, column])
        if u == v and draw.alone[s]:
            continue
        if not row_holds(draw.known_offsets, draw.known, v, u):
            return u, state
    return np.int32(-1), state
