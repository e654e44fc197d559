"""One position of a sequence as one example: its input vector, its targets, and all gradients at old values.

Skip-gram: the input is the position's item, the contexts are its targets. CBOW: the input is the mean of the
contexts, the item is the target.
Gradients (Wang et al. 2018, Eqs. 8-10, simplified), g = sigmoid(H.Z_u) - y:
    dL/dZ_u = g H        dL/dW_s = g alpha_s Z_u        dL/da_s = g alpha_s Z_u.(W_s - H)
"""

import numpy as np

from cowalk.kernels.contexts import draw_contexts
from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.inputs import mix_contexts, mix_input, slope_logits
from cowalk.kernels.losses import compare
from cowalk.kernels.rng import row_state
from cowalk.kernels.targets import ALL, fill_targets

ONE = np.float32(1.0)


@inline_kernel
def expect_item(i, v, room):
    """Make item v the one context of row i, where there were some; returns how many there were."""
    count = room.context_counts[i]
    if count > 0:
        room.contexts[i, 0] = v
        room.context_weights[i, 0] = ONE
        room.context_counts[i] = 1
    return count


@inline_kernel
def multiply_grads(i, factor, room):
    """Let each of `factor` contexts take the whole gradient of their mean, as word2vec's C code does."""
    for c in range(room.grads.shape[1]):
        room.grads[i, c] *= factor
    room.grad_squares[i] *= factor * factor


@inline_kernel
def look(i, at, stream, parts, table, draw, how, room):
    """Fill row i of the room for the position `at`; nothing that is learned changes."""
    v = stream.tokens[at]
    state = row_state(draw.seed, stream.numbers[at])
    count = 1
    if draw.cbow:
        state = draw_contexts(i, at, stream, draw, room, state)
        state = mix_contexts(i, parts, table, how, room, state)
        count = expect_item(i, v, room)
    else:
        state = mix_input(i, v, parts, table, how, room, state)
        state = draw_contexts(i, at, stream, draw, room, state)
    fill_targets(i, v, draw, table, room, state)
    compare(i, table.contexts, draw.objective == ALL, draw.looked_up, room)
    if draw.undivided:
        multiply_grads(i, np.float32(count), room)
    if how.weighted:
        slope_logits(i, v, parts, table.rows, room)


@inline_kernel
def look_at_pair(i, v, u, weight, parts, table, draw, how, room, state):
    """Fill row i of the room for item v that foretells item u; returns the advanced state."""
    state = mix_input(i, v, parts, table, how, room, state)
    room.contexts[i, 0] = u
    room.context_weights[i, 0] = weight
    room.context_counts[i] = 1
    state = fill_targets(i, v, draw, table, room, state)
    compare(i, table.contexts, False, draw.looked_up, room)
    if how.weighted:
        slope_logits(i, v, parts, table.rows, room)
    return state
