"""How an input vector is compared with its targets: the loss, the error of each target, and dL/dH."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rows import ZERO, add_row, dot

ONE = np.float32(1.0)
MOST = np.float32(6.0)
CELLS = np.float32(83.0)  # of the C code's table in a unit: 1000 / 6 / 2 in whole numbers
WHOLE = np.float32(1000.0)


@inline_kernel
def sigmoid_of_table(x, label):
    """The sigmoid of x as word2vec's C code and gensim look it up, and the label itself where |x| >= 6.

    Their table has 1,000 cells from -6 to 6, but the index is cut to 83 cells a unit and rounded down, so
    what stands there is of a number that is smaller by .02 on average: .494 at 0.
    """
    if abs(x) >= MOST:
        return label
    cell = np.float32(math.floor((x + MOST) * CELLS))
    return ONE / (ONE + np.float32(math.exp(-(cell / WHOLE * 2 - ONE) * MOST)))


@inline_kernel
def compare_logistic(i, contexts, looked_up, room):
    """Fill room's errors, grads and losses of row i: a logistic loss per target, times its weight."""
    size = contexts.shape[1]
    loss = 0.0
    for k in range(room.target_counts[i]):
        u = room.targets[i, k]
        x = dot(room.inputs, i, contexts, u, size)
        e = math.exp(-abs(x))
        g = ONE / (ONE + e)
        if x < 0:
            g = ONE - g
        if looked_up:
            g = sigmoid_of_table(x, ONE if room.labels[i, k] != 0 else ZERO)
        if room.labels[i, k] != 0:
            g -= ONE
            x = -x
        weight = room.weights[i, k]
        g *= weight
        loss += weight * (max(x, ZERO) + math.log(ONE + e))
        room.errors[i, k] = g
        add_row(room.grads, i, g, contexts, u, size)
    room.losses[i] = loss


@inline_kernel
def compare_softmax(i, contexts, room):
    """Fill room's errors, grads and losses of row i: -log softmax of each context, times its weight."""
    size = contexts.shape[1]
    n = room.target_counts[i]
    top, total, loss = np.float32(-3.0e38), 0.0, 0.0
    for u in range(n):
        room.errors[i, u] = dot(room.inputs, i, contexts, u, size)
        top = max(top, room.errors[i, u])
    for k in range(room.context_counts[i]):
        loss -= room.context_weights[i, k] * (room.errors[i, room.contexts[i, k]] - top)
    for u in range(n):
        room.errors[i, u] = math.exp(room.errors[i, u] - top)
        total += room.errors[i, u]
    for u in range(n):
        room.errors[i, u] *= np.float32(room.weight_sums[i] / total)
    for k in range(room.context_counts[i]):
        room.errors[i, room.contexts[i, k]] -= room.context_weights[i, k]
    for u in range(n):
        add_row(room.grads, i, room.errors[i, u], contexts, u, size)
    room.losses[i] = loss + room.weight_sums[i] * math.log(total) if n > 0 else 0.0


@inline_kernel
def compare(i, contexts, over_all, looked_up, room):
    """Fill room's errors, grads, losses and mean squares of row i."""
    size = contexts.shape[1]
    for c in range(size):
        room.grads[i, c] = ZERO
    if over_all:
        compare_softmax(i, contexts, room)
    else:
        compare_logistic(i, contexts, looked_up, room)
    room.input_squares[i] = dot(room.inputs, i, room.inputs, i, size) / size
    room.grad_squares[i] = dot(room.grads, i, room.grads, i, size) / size
