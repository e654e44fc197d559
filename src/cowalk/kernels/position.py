"""One position of a sequence as one example: its input vector, its targets, and all gradients at old values.

Gradients (Wang et al. 2018, Eqs. 8-10, simplified), g = sigmoid(H.Z_u) - y:
    dL/dZ_u = g H        dL/dW_s = g alpha_s Z_u        dL/da_s = g alpha_s Z_u.(W_s - H)
"""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import GOLDEN, LOW_32, below, mix, row_state, unit

ZERO = np.float32(0.0)
ONE = np.float32(1.0)
LOWEST = np.float32(-3.0e38)


@inline_kernel
def dot(a, i, b, j, size):
    """The dot product of row i of a and row j of b."""
    total = ZERO
    for c in range(size):
        total += a[i, c] * b[j, c]
    return total


@inline_kernel
def add_row(to, i, scale, a, j, size):
    """to[i] += scale * a[j]."""
    for c in range(size):
        to[i, c] += scale * a[j, c]


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
def mix_input(i, v, parts, table, how, room, state):
    """Fill room's alpha, part_weights and inputs of row i for item v; returns the advanced state.

    Weights are the softmax of the item's logits over the slots at hand, or equal; a missing value has none.
    """
    first = parts.offsets[v]
    count = parts.offsets[v + 1] - first
    slots = room.alpha.shape[1]
    size = table.rows.shape[1]
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
    for c in range(size):
        room.inputs[i, c] = ZERO
    for e in range(count):
        weight = room.alpha[i, parts.slots[first + e]] * parts.scales[first + e]
        room.part_weights[i, e] = weight
        if weight != 0:
            add_row(room.inputs, i, weight, table.rows, parts.rows[first + e], size)
    return state


@inline_kernel
def draw_targets(i, at, stream, draw, room, state):
    """Fill room.targets[i]: contexts within the window, then negatives; one that is a context is skipped."""
    reach = draw.window
    if draw.shrink:
        state += GOLDEN
        reach = 1 + below(mix(state), draw.window)
    low = at if draw.forward else max(stream.begins[at], at - reach)
    high = min(stream.ends[at], at + reach + 1)
    n = 0
    for j in range(low, high):
        if j != at:
            room.targets[i, n] = stream.tokens[j]
            n += 1
    contexts = n
    rounds = draw.negative * (contexts if draw.per_pair else min(contexts, 1))
    for _ in range(rounds):
        state += GOLDEN
        bits = mix(state)
        u = np.int32(below(bits, len(draw.threshold)))
        if (bits & LOW_32) > np.uint64(draw.threshold[u]):
            u = draw.alias[u]
        clash = False
        for k in range(contexts):
            clash = clash or room.targets[i, k] == u
        if not clash:
            room.targets[i, n] = u
            n += 1
    room.context_counts[i] = contexts
    room.target_counts[i] = n


@inline_kernel
def compare(i, contexts, room):
    """Fill room's errors, grads and losses of row i: one logistic loss per target, y = 1 for contexts."""
    size = contexts.shape[1]
    loss = 0.0
    for c in range(size):
        room.grads[i, c] = ZERO
    for k in range(room.target_counts[i]):
        u = room.targets[i, k]
        x = dot(room.inputs, i, contexts, u, size)
        e = math.exp(-abs(x))
        g = ONE / (ONE + e)
        if x < 0:
            g = ONE - g
        if k < room.context_counts[i]:
            g -= ONE
            x = -x
        loss += max(x, ZERO) + math.log(ONE + e)
        room.errors[i, k] = g
        add_row(room.grads, i, g, contexts, u, size)
    room.losses[i] = loss
    room.input_squares[i] = dot(room.inputs, i, room.inputs, i, size) / size
    room.grad_squares[i] = dot(room.grads, i, room.grads, i, size) / size


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


@inline_kernel
def look(i, at, stream, parts, table, draw, how, room):
    """Fill row i of the room for the position `at`; nothing that is learned changes."""
    v = stream.tokens[at]
    state = row_state(draw.seed, stream.numbers[at])
    state = mix_input(i, v, parts, table, how, room, state)
    draw_targets(i, at, stream, draw, room, state)
    compare(i, table.contexts, room)
    if how.weighted:
        slope_logits(i, v, parts, table.rows, room)
