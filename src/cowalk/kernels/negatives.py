"""Drawing negatives: a sampler of the mixture, one of its lists for the item, an item of the list.

All draws are a function of (seed, position) and of the values at hand, so threads cannot matter.
"""

import math

import numpy as np

from cowalk.kernels.flags import called_kernel, inline_kernel
from cowalk.kernels.generator import draw_generated, start_generator
from cowalk.kernels.negative_draws import DIRECT, HARDEST, draw_listed, stands_in
from cowalk.kernels.rng import GOLDEN, mix, unit
from cowalk.kernels.rows import dot


@inline_kernel
def pick_sampler(draw, state):
    """(a sampler of the mixture, state); a single one takes no random number."""
    s = 0
    if len(draw.kinds) > 1:
        state += GOLDEN
        x = unit(mix(state))
        while s < len(draw.kinds) - 1 and x >= draw.cumulative[s]:
            s += 1
    return s, state


@inline_kernel
def draw_hardest(s, v, i, count, draw, table, room, state):
    """(the item of a random pool with the highest H.Z now, -1 where the pool is empty; state).

    A context of the position never stands in the pool: it would nearly always be the highest.
    """
    best, top = np.int32(-1), np.float32(0.0)
    for _ in range(draw.pool):
        u, state = draw_listed(s, v, draw, state)
        if u < 0 or stands_in(room.targets, i, count, u):
            continue
        x = dot(room.inputs, i, table.contexts, u, table.contexts.shape[1])
        if best < 0 or x > top:
            best, top = u, x
    return best, state


@inline_kernel
def draw_sampled(v, i, k, count, draw, table, room, state):
    """(the k-th negative of row i of the room, whose item is v, -1 where there is none; state).

    The first `count` of room.targets[i] are the contexts; a drawn one is left out, not drawn again.
    """
    s, state = pick_sampler(draw, state)
    kind = draw.kinds[s]
    if kind == DIRECT:
        u, state = draw_listed(s, v, draw, state)
        if u >= 0 and stands_in(room.targets, i, count, u):
            u = np.int32(-1)
    elif kind == HARDEST:
        u, state = draw_hardest(s, v, i, count, draw, table, room, state)
    else:
        u, state = draw_generated(s, v, i, k, count, draw, table, room, state)
    return u, state


@inline_kernel
def weigh_negatives(i, first, temperature, contexts, room):
    """Multiply the weights of the negatives, the targets of row i from `first`, by their number times
    softmax(temperature * H.Z): 1 on average. Sun et al. 2019 (RotatE), Eq. 5; no gradient goes through them.
    """
    last = room.target_counts[i]
    top, total = np.float32(-3.0e38), np.float32(0.0)
    for k in range(first, last):
        x = np.float32(temperature) * dot(room.inputs, i, contexts, room.targets[i, k], contexts.shape[1])
        room.errors[i, k] = x
        top = max(top, x)
    for k in range(first, last):
        room.errors[i, k] = math.exp(room.errors[i, k] - top)
        total += room.errors[i, k]
    for k in range(first, last):
        room.weights[i, k] *= room.errors[i, k] * np.float32(last - first) / total


@inline_kernel
def contexts_as_targets(i, room):
    """Make the contexts of row i its first targets, label 1; gives how many there are."""
    count = room.context_counts[i]
    for k in range(count):
        room.targets[i, k] = room.contexts[i, k]
        room.labels[i, k] = 1
        room.weights[i, k] = room.context_weights[i, k]
    return count


@called_kernel
def add_sampled(i, v, draw, table, room, state):
    """Make the contexts of row i, whose item is v, its targets, then negatives by the mixture of samplers.

    A negative weighs as much as the pair that it is drawn for, or as the mean pair of its position. Returns
    the advanced state.
    """
    count = contexts_as_targets(i, room)
    if len(table.generator_inputs) > 0:
        start_generator(i, v, table, room)
    n = count
    mean = np.float32(room.weight_sums[i] / max(count, 1))
    for k in range(draw.negative * (count if draw.per_pair else min(count, 1))):
        u, state = draw_sampled(v, i, k, count, draw, table, room, state)
        if u >= 0:
            room.targets[i, n] = u
            room.labels[i, n] = 0
            room.weights[i, n] = room.context_weights[i, k // draw.negative] if draw.per_pair else mean
            n += 1
    room.target_counts[i] = n
    if draw.temperature > 0:
        weigh_negatives(i, count, draw.temperature, table.contexts, room)
    return state
