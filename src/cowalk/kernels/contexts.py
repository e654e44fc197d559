"""The contexts of a position: those within its window, or others of its set; and what each pair weighs."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import GOLDEN, below, mix

ONE = np.float32(1.0)


@inline_kernel
def pair_weight(at, j, stream, draw):
    """What the pair (position, context at j) weighs: the context's event times exp(-time between / scale)."""
    weight = ONE
    there = stream.numbers[j]
    if len(draw.event_weights) > 0:
        weight *= draw.event_weights[there]
    if draw.time_scale > 0:
        gap = abs(draw.times[stream.numbers[at]] - draw.times[there])
        weight *= np.float32(math.exp(-gap / draw.time_scale))
    return weight


@inline_kernel
def window_contexts(i, at, stream, draw, room, state):
    """Fill room.contexts[i] with what stands within the window; returns the advanced state."""
    reach = draw.window
    if draw.shrink:
        state += GOLDEN
        reach = 1 + below(mix(state), draw.window)
    low = at if draw.forward else max(stream.begins[at], at - reach)
    high = min(stream.ends[at], at + reach + 1)
    n = 0
    for j in range(low, high):
        if j != at:
            room.contexts[i, n] = stream.tokens[j]
            room.context_weights[i, n] = ONE
            n += 1
    room.context_counts[i] = n
    if draw.weighted:
        n = 0
        for j in range(low, high):
            if j != at:
                room.context_weights[i, n] = pair_weight(at, j, stream, draw)
                n += 1
    return state


@inline_kernel
def set_contexts(i, at, stream, draw, room, state):
    """Fill room.contexts[i] with the others of the set; of more than `bound` with as many, equally likely.

    They are drawn without replacement by Floyd's method (Bentley & Floyd 1987). Returns the advanced state.
    """
    begin = stream.begins[at]
    others = stream.ends[at] - begin - 1
    n = min(others, draw.bound)
    share = np.float32(others / n) if draw.reweigh and n > 0 else ONE
    for k in range(n):
        last = others - n + k
        t = last
        if others > n:
            state += GOLDEN
            t = below(mix(state), last + 1)
        j = begin + t + (1 if begin + t >= at else 0)
        there = False
        for m in range(k):
            there = there or room.contexts[i, m] == stream.tokens[j]
        if there:
            j = begin + last + (1 if begin + last >= at else 0)
        room.contexts[i, k] = stream.tokens[j]
        room.context_weights[i, k] = share
        if draw.weighted:
            room.context_weights[i, k] *= pair_weight(at, j, stream, draw)
    room.context_counts[i] = n
    return state


@inline_kernel
def draw_contexts(i, at, stream, draw, room, state):
    """Fill room.contexts[i] and their weights; returns the advanced state.

    The item that the session bought is one more, wherever the position is (Grbovic & Cheng 2018).
    """
    if draw.bound > 0:
        state = set_contexts(i, at, stream, draw, room, state)
    else:
        state = window_contexts(i, at, stream, draw, room, state)
    if len(draw.bought) > 0:
        u = draw.bought[stream.numbers[at]]
        if u >= 0 and u != stream.tokens[at]:
            room.contexts[i, room.context_counts[i]] = u
            room.context_weights[i, room.context_counts[i]] = ONE
            room.context_counts[i] += 1
    return state
