"""The input vector of a position: an item's parts mixed, or a mean of items; gradients of the weights."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import GOLDEN, mix, unit
from cowalk.kernels.rows import ZERO, add_row, dot

ONE = np.float32(1.0)
LOWEST = np.float32(-3.0e38)


@inline_kernel
def drop_slots(alpha, i, own, field, state):
    """Set the slots of alpha[i] that are dropped to 0, unless that were all; returns the advanced state."""
    kept = 0
    for s in range(alpha.shape[1]):
        if alpha[i, s] > 0:
            state += GOLDEN
            if unit(mix(state)) < (own if s == 0 else field):
                alpha[i, s] = -ONE
            else:
                kept += 1
    for s in range(alpha.shape[1]):
        if alpha[i, s] < 0:
            alpha[i, s] = ONE if kept == 0 else ZERO
    return state


@inline_kernel
def weigh_slots(alpha, i, logits, v, prior):
    """Turn the slots of alpha[i] that are above 0 into softmax(logits[v] + prior on the own row)."""
    top = LOWEST
    for s in range(alpha.shape[1]):
        if alpha[i, s] > 0:
            alpha[i, s] = ONE
            top = max(top, logits[v, s] + (prior[v] if s == 0 else ZERO))
    for s in range(alpha.shape[1]):
        if alpha[i, s] > 0:
            alpha[i, s] = math.exp(logits[v, s] + (prior[v] if s == 0 else ZERO) - top)


@inline_kernel
def add_item(i, v, share, parts, table, how, room, state):
    """Add `share` times the vector of item v to row i's input, its rows to the parts; fill room.alpha[i].

    Weights are the softmax of the item's logits over the slots at hand, or equal; a missing value has none.
    Returns the advanced state.
    """
    first = parts.offsets[v]
    count = parts.offsets[v + 1] - first
    slots = room.alpha.shape[1]
    size = table.rows.shape[1]
    before = room.part_counts[i]
    for s in range(slots):
        room.alpha[i, s] = ZERO
    for e in range(first, first + count):
        room.alpha[i, parts.slots[e]] = ONE
    if how.drop_own > 0 or how.drop_field > 0:
        state = drop_slots(room.alpha, i, how.drop_own, how.drop_field, state)
    if how.weighted:
        weigh_slots(room.alpha, i, table.logits, v, parts.prior)
    total = ZERO
    for s in range(slots):
        total += room.alpha[i, s]
    for s in range(slots):
        room.alpha[i, s] /= total
    for e in range(count):
        weight = room.alpha[i, parts.slots[first + e]] * parts.scales[first + e] * share
        room.part_rows[i, before + e] = parts.rows[first + e]
        room.part_weights[i, before + e] = weight
        if weight != 0:
            add_row(room.inputs, i, weight, table.rows, parts.rows[first + e], size)
    room.part_counts[i] = before + count
    return state


@inline_kernel
def mix_input(i, v, parts, table, how, room, state):
    """Fill room's alpha, parts and inputs of row i for item v; returns the advanced state."""
    for c in range(room.inputs.shape[1]):
        room.inputs[i, c] = ZERO
    room.part_counts[i] = 0
    return add_item(i, v, ONE, parts, table, how, room, state)


@inline_kernel
def mix_contexts(i, parts, table, how, room, state):
    """Fill room's parts and inputs of row i with the mean of its contexts, by their weights (CBOW).

    Contexts that all weigh 0 are none. Returns the advanced state.
    """
    for c in range(room.inputs.shape[1]):
        room.inputs[i, c] = ZERO
    room.part_counts[i] = 0
    total = ZERO
    for k in range(room.context_counts[i]):
        total += room.context_weights[i, k]
    if total == 0:
        room.context_counts[i] = 0
    for k in range(room.context_counts[i]):
        share = room.context_weights[i, k] / total
        state = add_item(i, room.contexts[i, k], share, parts, table, how, room, state)
    return state


@inline_kernel
def slope_logits(i, v, parts, rows, room):
    """Fill room.slopes[i] = dL/da_v: alpha_s (dL/dH.W_s - dL/dH.H), W_s the scaled sum of the slot's rows."""
    slots = room.alpha.shape[1]
    for s in range(slots):
        room.slopes[i, s] = ZERO
    mean = ZERO
    for e in range(parts.offsets[v], parts.offsets[v + 1]):
        x = parts.scales[e] * dot(room.grads, i, rows, parts.rows[e], rows.shape[1])
        room.slopes[i, parts.slots[e]] += x
        mean += room.alpha[i, parts.slots[e]] * x
    for s in range(slots):
        room.slopes[i, s] = room.alpha[i, s] * (room.slopes[i, s] - mean)
