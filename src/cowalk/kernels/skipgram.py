"""Learning from positions: in blocks, equal bit for bit on any number of threads, or lock-free."""

import math

import numpy as np

from cowalk.kernels.bundles import Draw, Mix, Parts, Room, Steps, Stream, Table
from cowalk.kernels.contexts import draw_contexts
from cowalk.kernels.flags import inline_kernel, kernel, parallel_kernel, prange
from cowalk.kernels.generator import move_generator, move_generator_block
from cowalk.kernels.inputs import mix_input
from cowalk.kernels.position import look, look_at_pair
from cowalk.kernels.rng import row_state
from cowalk.kernels.rows import ZERO, add_row, owner
from cowalk.types import AnyArray

TINY = 1e-20


@inline_kernel
def rate(step, squares, row, square, adagrad):
    """The step of one row: `step`, or with Adagrad step / sqrt(sum of mean squared gradients so far)."""
    if adagrad:
        squares[row] += square
        return np.float32(step / math.sqrt(squares[row] + TINY))
    return np.float32(step)


@inline_kernel
def move_context(i, k, table, steps, left, room):
    """Step the context row of target k of row i."""
    u = room.targets[i, k]
    g = room.errors[i, k]
    r = rate(steps.contexts * left, table.context_squares, u, g * g * room.input_squares[i], steps.adagrad)
    add_row(table.contexts, u, -r * g, room.inputs, i, table.contexts.shape[1])


@inline_kernel
def move_part(i, e, items, table, steps, left, room):
    """Step the row of part e of row i's input; the rows below `items` are own rows."""
    row = room.part_rows[i, e]
    x = room.part_weights[i, e]
    step = steps.own if row < items else steps.fields
    r = rate(step * left, table.row_squares, row, x * x * room.grad_squares[i], steps.adagrad)
    add_row(table.rows, row, -r * x, room.grads, i, table.rows.shape[1])


@inline_kernel
def move_logits(i, v, table, steps, left, room):
    """Step the weight row a_v."""
    slots = table.logits.shape[1]
    square = ZERO
    for s in range(slots):
        square += room.slopes[i, s] * room.slopes[i, s]
    r = rate(steps.logits * left, table.logit_squares, v, square / np.float32(slots), steps.adagrad)
    for s in range(slots):
        table.logits[v, s] -= r * room.slopes[i, s]


@inline_kernel
def left_at(end, at, count, stair):
    """What is left of the steps at place `at` of `count`: falls linearly from 1 to `end`, at each stair."""
    return 1.0 - (1.0 - end) * (at - at % stair) / count


@inline_kernel
def move_contexts(i, w, workers, table, steps, left, room):
    """Step the context rows of row i's targets that worker w owns and that are not held."""
    for k in range(room.target_counts[i]):
        u = room.targets[i, k]
        if owner(u, workers) == w and not (steps.holding and steps.held_contexts[u] != 0):
            move_context(i, k, table, steps, left, room)


@inline_kernel
def move_inputs(i, v, w, workers, items, how, table, steps, left, room):
    """Step the rows of row i's input that worker w owns and that are not held, and item v's weight row."""
    for e in range(room.part_counts[i]):
        row = room.part_rows[i, e]
        mine = room.part_weights[i, e] != 0 and owner(row, workers) == w
        if mine and not (steps.holding and steps.held_rows[row] != 0):
            move_part(i, e, items, table, steps, left, room)
    if how.weighted and owner(v, workers) == w and not (steps.holding and steps.held_logits[v] != 0):
        move_logits(i, v, table, steps, left, room)


@inline_kernel
def move_block(n, start, w, workers, stream, items, how, table, steps, left, room):
    """Take worker w's steps of a block of n positions, context rows first, in the order of the positions."""
    for i in range(n):
        move_contexts(i, w, workers, table, steps, left, room)
    for i in range(n):
        if room.target_counts[i] > 0:
            v = stream.tokens[start + i]
            move_inputs(i, v, w, workers, items, how, table, steps, left, room)


@parallel_kernel
def learn_blocks(
    stream: Stream, parts: Parts, table: Table, draw: Draw, how: Mix, steps: Steps, end: float,
    room: Room, workers: int, totals: AnyArray,
) -> None:  # fmt: skip
    """Learn from all positions, a block (the room's rows) at a time: gradients at the block's starting
    values, in parallel; then each row's owner takes that row's steps in the order of the positions.

    Bit-identical for any `workers`. totals float64[2] += (sum of losses, sum of the contexts' weights).
    """
    count, items = len(stream.tokens), len(parts.offsets) - 1
    block = len(room.losses)
    for start in range(0, count, block):
        n = min(block, count - start)
        left = left_at(end, start, count, draw.stair)
        for w in prange(workers):
            for i in range(n * w // workers, n * (w + 1) // workers):
                look(i, start + i, stream, parts, table, draw, how, room)
        for i in range(n):
            totals[0] += room.losses[i]
            totals[1] += room.weight_sums[i]
        for w in prange(workers):
            move_block(n, start, w, workers, stream, items, how, table, steps, left, room)
            if len(table.generator_inputs) > 0:
                step = draw.generator_step * left
                move_generator_block(n, start, w, workers, stream, step, table, room)


@parallel_kernel
def learn_lockfree(
    stream: Stream, parts: Parts, table: Table, draw: Draw, how: Mix, steps: Steps, end: float,
    room: Room, workers: int, totals: AnyArray,
) -> None:  # fmt: skip
    """Learn from all positions, each worker through its own share of them, stepping at once and without locks
    (Recht et al. 2011). Not reproducible on more than one worker; row w of the room belongs to worker w.
    """
    count, items = len(stream.tokens), len(parts.offsets) - 1
    sums = np.zeros((workers, 16))  # a cache line each
    for w in prange(workers):
        low, high = count * w // workers, count * (w + 1) // workers
        for at in range(low, high):
            look(w, at, stream, parts, table, draw, how, room)
            if room.target_counts[w] == 0:
                continue
            left = left_at(end, at - low, high - low, draw.stair)
            move_contexts(w, 0, 1, table, steps, left, room)
            move_inputs(w, stream.tokens[at], 0, 1, items, how, table, steps, left, room)
            if len(table.generator_inputs) > 0:
                move_generator(w, stream.tokens[at], 0, 1, draw.generator_step * left, table, room)
            sums[w, 0] += room.losses[w]
            sums[w, 1] += room.weight_sums[w]
    for w in range(workers):
        totals[0] += sums[w, 0]
        totals[1] += sums[w, 1]


@kernel
def learn_pairs(
    stream: Stream, parts: Parts, table: Table, draw: Draw, how: Mix, steps: Steps, end: float,
    room: Room, workers: int, totals: AnyArray,
) -> None:  # fmt: skip
    """Learn pair by pair, on one thread: skip-gram as word2vec's C code has it, where each context of a
    position has negatives of its own and is stepped on before the next one is looked at.

    As there, a context foretells the item of the position; the item foretells what comes after it, or what
    its session bought. Row 0 of the room holds a position's contexts, row 1 the pair.
    """
    count, items = len(stream.tokens), len(parts.offsets) - 1
    turned = not draw.forward and len(draw.bought) == 0
    for at in range(count):
        v = stream.tokens[at]
        left = left_at(end, at, count, draw.stair)
        state = row_state(draw.seed, stream.numbers[at])
        state = draw_contexts(0, at, stream, draw, room, state)
        for k in range(room.context_counts[0]):
            u = room.contexts[0, k]
            source, goal = (u, v) if turned else (v, u)
            weight = room.context_weights[0, k]
            state = look_at_pair(1, source, goal, weight, parts, table, draw, how, room, state)
            move_contexts(1, 0, 1, table, steps, left, room)
            move_inputs(1, source, 0, 1, items, how, table, steps, left, room)
            totals[0] += room.losses[1]
            totals[1] += room.weight_sums[1]


@parallel_kernel
def input_vectors(
    parts: Parts, table: Table, how: Mix, room: Room, workers: int, vectors: AnyArray, weights: AnyArray
) -> None:
    """Fill vectors float32[V, d] = H_v and weights float32[V, n+1], what they were mixed by; no dropout."""
    for w in prange(workers):
        for v in range(len(vectors) * w // workers, len(vectors) * (w + 1) // workers):
            mix_input(w, v, parts, table, how, room, np.uint64(0))
            for s in range(weights.shape[1]):
                weights[v, s] = room.alpha[w, s]
            for c in range(vectors.shape[1]):
                vectors[v, c] = room.inputs[w, c]
