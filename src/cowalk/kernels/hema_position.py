"""One position as an example of Hema (Zhao et al. 2018): its loss and gradients at old values.

With x_i = (w_i1 e_i1, w_i2 e_i2, ...) and y_j likewise of e', S(i, j) = x_i.y_j (Eq. 7); with a_i the part of
x_i after e_i1, T(i) = e_i1.M a_i (Eq. 11). g = sigmoid - y:
    dx_i = sum_j g y_j + alpha (M sum_n g_n a_n, g_i M^T e_i1)    dy_j = g x_i    da_n = alpha g_n M^T e_i1
"""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel
from cowalk.kernels.rng import GOLDEN, below, mix, row_state

ZERO = np.float32(0.0)
ONE = np.float32(1.0)
UNIT = 1.1102230246251565e-16  # 2**-53
S11 = np.uint64(11)


@inline_kernel
def log_uniform(bits, n):
    """A rank in [0, n) with P(r) = log((r + 2) / (r + 1)) / log(n + 1)."""
    u = np.float64(bits >> S11) * UNIT
    return min(np.int64(math.exp(u * math.log(n + 1.0))) - 1, n - 1)


@inline_kernel
def error(x, label):
    """(sigmoid(x) - label, -log of the chance of the label)."""
    e = math.exp(-abs(x))
    g = ONE / (ONE + e)
    if x < 0:
        g = ONE - g
    if label:
        g -= ONE
        x = -x
    return g, max(x, ZERO) + math.log(ONE + e)


@inline_kernel
def draw(i, at, stream, layout, how, alpha, room):
    """Fill row i of the room with items: the centre, its contexts, negatives, and others for its attributes.

    All contexts within the window count; a negative that is a context is left out. Others are drawn alike;
    one that is the centre or has no attribute is left out.
    """
    v = stream.tokens[at]
    state = row_state(how.seed, stream.numbers[at])
    room.centres[i] = v
    n = 0
    for j in range(max(stream.begins[at], at - how.window), min(stream.ends[at], at + how.window + 1)):
        if j != at:
            room.targets[i, n] = stream.tokens[j]
            n += 1
    contexts = n
    for _ in range(contexts * how.negative):
        state += GOLDEN
        u = how.ranked[log_uniform(mix(state), len(how.ranked))]
        clash = False
        for k in range(contexts):
            clash = clash or room.targets[i, k] == u
        if not clash:
            room.targets[i, n] = u
            n += 1
    room.context_counts[i] = contexts
    room.target_counts[i] = n
    bare = alpha == 0 or layout.offsets[v + 1] - layout.offsets[v] < 2
    for k in range(how.sets):
        state += GOLDEN
        u = how.ranked[below(mix(state), len(how.ranked))]
        left_out = bare or u == v or layout.offsets[u + 1] - layout.offsets[u] < 2
        room.others[i, k] = np.int32(-1) if left_out else u


@inline_kernel
def gather(s, layout, table, side):
    """Fill side.numbers[s]: every row of the item by its weight, the values of one field summed."""
    v = side.items[s]
    for c in range(side.numbers.shape[1]):
        side.numbers[s, c] = ZERO
        side.slopes[s, c] = ZERO
    for e in range(layout.offsets[v], layout.offsets[v + 1]):
        w, left, start = layout.weights[e], layout.lefts[e], layout.starts[layout.rows[e]]
        for c in range(layout.sizes[e]):
            side.numbers[s, left + c] += w * table[start + c]


@inline_kernel
def compare_pairs(i, ids, contexts, room):
    """Fill room's errors and slopes of row i: one logistic loss per target, y = 1 for contexts."""
    size, p = ids.shape[1], room.centres[i]
    loss = 0.0
    for c in range(size):
        room.slopes[i, c] = ZERO
    for k in range(room.target_counts[i]):
        s = room.targets[i, k]
        x = ZERO
        for c in range(size):
            x += ids[p, c] * contexts[s, c]
        g, cost = error(x, k < room.context_counts[i])
        room.errors[i, k] = g
        loss += cost
        for c in range(size):
            room.slopes[i, c] += g * contexts[s, c]
    room.losses[i, 0] = loss


@inline_kernel
def compare_one(i, s, label, size, ids, room):
    """The structural error and loss of row i's item with the attributes of place s; leans gain g * a."""
    x = ZERO
    for c in range(room.pulls.shape[1]):
        x += room.pulls[i, c] * ids[s, size + c]
    g, loss = error(x, label)
    for c in range(room.pulls.shape[1]):
        room.leans[i, c] += g * ids[s, size + c]
    return g, loss


@inline_kernel
def compare_sets(i, v, layout, transfer, ids, alpha, room):
    """The structural constraint of row i's item v: its own attributes (y = 1), those of others (y = 0)."""
    size, width = transfer.shape
    p = room.centres[i]
    room.losses[i, 1] = 0.0
    for c in range(width):
        room.leans[i, c] = ZERO
        room.pulls[i, c] = ZERO
    if alpha == 0 or layout.offsets[v + 1] - layout.offsets[v] < 2:
        return
    for r in range(size):
        x = ids[p, r]
        for c in range(width):
            room.pulls[i, c] += transfer[r, c] * x
    g, loss = compare_one(i, p, True, size, ids, room)
    for c in range(width):
        room.slopes[i, size + c] += np.float32(alpha) * g * room.pulls[i, c]
    for k in range(room.others.shape[1]):
        if room.others[i, k] >= 0:
            g, cost = compare_one(i, room.others[i, k], False, size, ids, room)
            room.other_errors[i, k] = g
            loss += cost
    for r in range(size):
        x = ZERO
        for c in range(width):
            x += transfer[r, c] * room.leans[i, c]
        room.slopes[i, r] += np.float32(alpha) * x
    room.losses[i, 1] = loss
