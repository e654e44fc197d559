"""The targets of a position: the output rows that its input is compared with, their labels and weights."""

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.negatives import add_sampled, contexts_as_targets
from cowalk.kernels.rng import GOLDEN, LOW_32, below, mix

NEGATIVES, TREE, ALL = 0, 1, 2  # objectives


@inline_kernel
def add_negatives(i, draw, room, state):
    """Make the contexts of row i its targets, then negatives by chance; one that is a context is left out.

    A negative weighs as much as the pair that it is drawn for, or as the mean pair of its position. Returns
    the advanced state.
    """
    count = contexts_as_targets(i, room)
    n = count
    rounds = count if draw.per_pair else min(count, 1)
    mean = np.float32(room.weight_sums[i] / max(count, 1))
    for r in range(rounds):
        weight = room.context_weights[i, r] if draw.per_pair else mean
        for _ in range(draw.negative):
            state += GOLDEN
            bits = mix(state)
            u = np.int32(below(bits, len(draw.threshold)))
            if (bits & LOW_32) > np.uint64(draw.threshold[u]):
                u = draw.alias[u]
            clash = False
            for k in range(count):
                clash = clash or room.targets[i, k] == u
            if not clash:
                room.targets[i, n] = u
                room.labels[i, n] = 0
                room.weights[i, n] = weight
                n += 1
    room.target_counts[i] = n
    return state


@inline_kernel
def add_paths(i, draw, room):
    """Make the inner nodes above each context of row i its targets; label 1 where the path turns left."""
    n = 0
    for k in range(room.context_counts[i]):
        u = room.contexts[i, k]
        for e in range(draw.path_offsets[u], draw.path_offsets[u + 1]):
            room.targets[i, n] = draw.path_nodes[e]
            room.labels[i, n] = 1 - draw.path_bits[e]
            room.weights[i, n] = room.context_weights[i, k]
            n += 1
    room.target_counts[i] = n


@inline_kernel
def fill_targets(i, v, draw, table, room, state):
    """Fill room's targets, labels, weights and weight_sums of row i, whose item is v, from its contexts;
    returns the state.

    Over ALL items every item is a target, in the order of the rows.
    """
    total = 0.0
    for k in range(room.context_counts[i]):
        total += room.context_weights[i, k]
    room.weight_sums[i] = total
    if draw.objective == NEGATIVES and draw.plain:
        state = add_negatives(i, draw, room, state)
    elif draw.objective == NEGATIVES:
        state = add_sampled(i, v, draw, table, room, state)
    elif draw.objective == TREE:
        add_paths(i, draw, room)
    else:
        items = room.targets.shape[1] if room.context_counts[i] > 0 else 0
        for u in range(items):
            room.targets[i, u] = u
        room.target_counts[i] = items
    return state
