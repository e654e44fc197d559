"""The learned generator of negatives: draws one of a random pool by the softmax of its own small scores.

It is taught by REINFORCE (Williams 1992) as in IRGAN (Wang et al. 2017) and KBGAN (Cai and Wang 2018): the
reward is the score H.Z that the model gives to what was drawn, less the running mean of the item's rewards.
"""

import math

import numpy as np

from cowalk.kernels.flags import called_kernel, inline_kernel
from cowalk.kernels.negative_draws import draw_listed, stands_in
from cowalk.kernels.rng import GOLDEN, mix, unit
from cowalk.kernels.rows import add_row, dot, owner

ZERO = np.float32(0.0)
MEMORY = np.float32(0.1)  # how far the baseline moves to each reward
TINY = 1e-20


@inline_kernel
def start_generator(i, v, table, room):
    """Make row i of the room ready for the draws of item v."""
    room.rewards[i] = ZERO
    room.reward_counts[i] = 0
    for k in range(room.pool_sizes.shape[1]):
        room.pool_sizes[i, k] = 0
    for c in range(room.generator_inputs.shape[1]):
        room.generator_inputs[i, c] = table.generator_inputs[v, c]
        room.generator_grads[i, c] = ZERO


@inline_kernel
def fill_pool(s, v, i, k, count, draw, table, room, state):
    """(size of the pool of the k-th draw, state): its items, and the exponentials of their scores."""
    size, n, top = room.generator_inputs.shape[1], 0, np.float32(-3.0e38)
    for _ in range(draw.pool):
        u, state = draw_listed(s, v, draw, state)
        if u < 0 or stands_in(room.targets, i, count, u):
            continue
        x = dot(room.generator_inputs, i, table.generator_outputs, u, size)
        room.pools[i, k, n] = u
        room.pool_slopes[i, k, n] = x
        top = max(top, x)
        n += 1
    for j in range(n):
        room.pool_slopes[i, k, j] = math.exp(room.pool_slopes[i, k, j] - top)
    room.pool_sizes[i, k] = n
    return n, state


@inline_kernel
def draw_generated(s, v, i, k, count, draw, table, room, state):
    """(one of a random pool by the generator, -1 where the pool is empty; state).

    Adds to the room what the draw teaches: d reward / d score_j = (reward - baseline) (1[j drawn] - p_j).
    A context of the position never stands in the pool.
    """
    n, state = fill_pool(s, v, i, k, count, draw, table, room, state)
    if n == 0:
        return np.int32(-1), state
    total = ZERO
    for j in range(n):
        total += room.pool_slopes[i, k, j]
    state += GOLDEN
    left = unit(mix(state)) * total
    drawn = 0
    while drawn < n - 1 and left >= room.pool_slopes[i, k, drawn]:
        left -= room.pool_slopes[i, k, drawn]
        drawn += 1
    u = room.pools[i, k, drawn]
    reward = dot(room.inputs, i, table.contexts, u, table.contexts.shape[1])
    gain = reward - table.generator_means[v]
    room.rewards[i] += reward
    room.reward_counts[i] += 1
    for j in range(n):
        slope = gain * ((np.float32(1.0) if j == drawn else ZERO) - room.pool_slopes[i, k, j] / total)
        room.pool_slopes[i, k, j] = slope
        other = room.pools[i, k, j]
        add_row(room.generator_grads, i, slope, table.generator_outputs, other, room.generator_grads.shape[1])
    return u, state


@inline_kernel
def generator_rate(step, squares, row, square):
    """Adagrad's step of one row of the generator."""
    squares[row] += square
    return np.float32(step / math.sqrt(squares[row] + TINY))


@called_kernel
def move_generator(i, v, w, workers, step, table, room):
    """Step the generator's rows that worker w owns by what row i of the room drew for item v: upwards."""
    if room.reward_counts[i] == 0:
        return
    size = room.generator_inputs.shape[1]
    square = dot(room.generator_inputs, i, room.generator_inputs, i, size) / np.float32(size)
    for k in range(room.pool_sizes.shape[1]):
        for j in range(room.pool_sizes[i, k]):
            u = room.pools[i, k, j]
            if owner(u, workers) == w:
                slope = room.pool_slopes[i, k, j]
                r = generator_rate(step, table.generator_output_squares, u, slope * slope * square)
                add_row(table.generator_outputs, u, r * slope, room.generator_inputs, i, size)
    if owner(v, workers) == w:
        reward = room.rewards[i] / np.float32(room.reward_counts[i])
        table.generator_means[v] += MEMORY * (reward - table.generator_means[v])
        square = dot(room.generator_grads, i, room.generator_grads, i, size) / np.float32(size)
        r = generator_rate(step, table.generator_input_squares, v, square)
        add_row(table.generator_inputs, v, r, room.generator_grads, i, size)


@called_kernel
def move_generator_block(n, start, w, workers, stream, step, table, room):
    """Take worker w's steps of the generator's rows of a block of n positions, in their order."""
    for i in range(n):
        if room.target_counts[i] > 0:
            move_generator(i, stream.tokens[start + i], w, workers, step, table, room)
