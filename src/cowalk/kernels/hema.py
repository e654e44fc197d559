"""Learning Hema: batches of positions, their mean gradient, one step of Adam for each row they touch."""

import math

import numpy as np

from cowalk.kernels.bundles import Stream
from cowalk.kernels.flags import inline_kernel, inline_with_arrays, parallel_kernel, prange
from cowalk.kernels.hema_bundles import Adam, HemaDraw, HemaRoom, Layout, Moments, Side, Tables
from cowalk.kernels.hema_position import compare_pairs, compare_sets, draw, gather
from cowalk.kernels.rows import owner
from cowalk.types import AnyArray

BETA_1 = np.float32(0.9)
BETA_2 = np.float32(0.999)
ZERO = np.float32(0.0)
ONE = np.float32(1.0)


@inline_kernel
def place(v, side, n):
    """The place of item v among the n distinct items of this side so far, and how many there are now."""
    if side.places[v] < 0:
        side.places[v] = n
        side.items[n] = v
        side.own[n] = 0
        n += 1
    return side.places[v], n


@inline_kernel
def name_places(n, ids, contexts, room):
    """Put places for items in the first n rows of the room; gives how many distinct ones each side has."""
    of_ids, of_contexts = 0, 0
    for i in range(n):
        room.centres[i], of_ids = place(room.centres[i], ids, of_ids)
        ids.own[room.centres[i]] = 1
        for k in range(room.target_counts[i]):
            room.targets[i, k], of_contexts = place(room.targets[i, k], contexts, of_contexts)
            contexts.own[room.targets[i, k]] = 1
        for k in range(room.others.shape[1]):
            if room.others[i, k] >= 0:
                room.others[i, k], of_ids = place(room.others[i, k], ids, of_ids)
    for s in range(of_ids):
        ids.places[ids.items[s]] = -1
    for s in range(of_contexts):
        contexts.places[contexts.items[s]] = -1
    return of_ids, of_contexts


@inline_kernel
def sum_slopes(n, ids, contexts, room, alpha, w, workers):
    """Sum the slopes of the distinct items whose place is worker w's, in the order of the positions."""
    size = ids.numbers.shape[1]
    first = size - room.pulls.shape[1]
    share = ONE / np.float32(n)
    for i in range(n):
        p = room.centres[i]
        if p % workers == w:
            for c in range(size):
                ids.slopes[p, c] += share * room.slopes[i, c]
        for k in range(room.target_counts[i]):
            s = room.targets[i, k]
            if s % workers == w:
                x = share * room.errors[i, k]
                for c in range(size):
                    contexts.slopes[s, c] += x * ids.numbers[p, c]
        for k in range(room.others.shape[1]):
            s = room.others[i, k]
            if s >= 0 and s % workers == w:
                x = share * np.float32(alpha) * room.other_errors[i, k]
                for c in range(first, size):
                    ids.slopes[s, c] += x * room.pulls[i, c - first]


@inline_kernel
def adam(values, first, second, grads, start, size, taken, step, epsilon, decay):
    """One step of the numbers start:start+size, the taken-th one of this row; its gradient becomes 0.

    Kingma & Ba 2015, with decoupled decay (Loshchilov & Hutter 2019).
    """
    shrink = np.float32(step * decay)
    bias_1 = np.float32(1.0 / (1.0 - math.pow(0.9, taken)))
    bias_2 = np.float32(1.0 / (1.0 - math.pow(0.999, taken)))
    rate, least = np.float32(step), np.float32(epsilon)
    for c in range(start, start + size):
        g = grads[c]
        first[c] = BETA_1 * first[c] + (ONE - BETA_1) * g
        second[c] = BETA_2 * second[c] + (ONE - BETA_2) * g * g
        moved = rate * (first[c] * bias_1) / (np.sqrt(second[c] * bias_2) + least)
        values[c] -= moved + shrink * values[c]
        grads[c] = ZERO


@inline_kernel
def move_rows(n, layout, table, first, second, steps, side, step, how, w, workers):
    """Give the slopes of the n distinct items to the rows of worker w, then step each of these once."""
    for s in range(n):
        v = side.items[s]
        for e in range(layout.offsets[v] + 1 - side.own[s], layout.offsets[v + 1]):
            row = layout.rows[e]
            if owner(row, workers) == w:
                side.marks[row] = 1
                x, left, start = layout.weights[e], layout.lefts[e], layout.starts[row]
                for c in range(layout.sizes[e]):
                    side.grads[start + c] += x * side.slopes[s, left + c]
    for s in range(n):
        v = side.items[s]
        for e in range(layout.offsets[v] + 1 - side.own[s], layout.offsets[v + 1]):
            row = layout.rows[e]
            if side.marks[row] == 1 and owner(row, workers) == w:
                side.marks[row] = 0
                steps[row] += 1
                pace = layout.paces[row]
                adam(table, first, second, side.grads, layout.starts[row], layout.sizes[e], steps[row],
                     step * pace, how.epsilon, how.decay / pace)  # fmt: skip


@inline_with_arrays
def move_transfer(r, n, taken, tables, moments, ids, how, step, room):
    """Step row r of the transfer matrices: alpha e_i1[r] leans_i over the batch, and 2 beta M."""
    width = tables.transfer.shape[1]
    share = np.float32(how.alpha / n)
    grads = np.empty(width, np.float32)
    for c in range(width):
        grads[c] = np.float32(2.0 * how.beta) * tables.transfer[r, c]
    for i in range(n):
        x = share * ids.numbers[room.centres[i], r]
        for c in range(width):
            grads[c] += x * room.leans[i, c]
    adam(tables.transfer[r], moments.transfer_1[r], moments.transfer_2[r], grads, 0, width, taken,
         step, how.epsilon, 0.0)  # fmt: skip


@parallel_kernel
def learn_batches(
    stream: Stream, layout: Layout, tables: Tables, moments: Moments, drawn: HemaDraw, how: Adam, end: float,
    ids: Side, contexts: Side, room: HemaRoom, workers: int, totals: AnyArray,
) -> None:  # fmt: skip
    """Learn from all positions, a batch (the room's rows) at a time; equal bits on any number of workers.

    The step falls linearly to `end` of how.step. totals float64[4] gains the losses of pairs and of the
    structural constraint, the number of pairs and of positions.
    """
    count, batch = len(stream.tokens), len(room.centres)
    size, width = tables.transfer.shape
    lines = size if width > 0 and how.alpha > 0 else 0
    for start in range(0, count, batch):
        n = min(batch, count - start)
        step = how.step * (1.0 - (1.0 - end) * start / count)
        for i in prange(n):
            draw(i, start + i, stream, layout, drawn, how.alpha, room)
        of_ids, of_contexts = name_places(n, ids, contexts, room)
        for s in prange(of_ids + of_contexts):
            if s < of_ids:
                gather(s, layout, tables.ids, ids)
            else:
                gather(s - of_ids, layout, tables.contexts, contexts)
        for i in prange(n):
            compare_pairs(i, ids.numbers, contexts.numbers, room)
            compare_sets(i, stream.tokens[start + i], layout, tables.transfer, ids.numbers, how.alpha, room)
        for i in range(n):
            totals[0] += room.losses[i, 0]
            totals[1] += room.losses[i, 1]
            totals[2] += room.context_counts[i]
        totals[3] += n
        moments.batches[0] += 1
        taken = moments.batches[0]
        for w in prange(workers):
            sum_slopes(n, ids, contexts, room, how.alpha, w, workers)
            for r in range(lines * w // workers, lines * (w + 1) // workers):
                move_transfer(r, n, taken, tables, moments, ids, how, step, room)
        for w in prange(workers):
            move_rows(of_ids, layout, tables.ids, moments.ids_1, moments.ids_2, moments.id_steps, ids, step,
                      how, w, workers)  # fmt: skip
            move_rows(of_contexts, layout, tables.contexts, moments.contexts_1, moments.contexts_2,
                      moments.context_steps, contexts, step, how, w, workers)  # fmt: skip
