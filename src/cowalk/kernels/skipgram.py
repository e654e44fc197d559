"""Skip-gram with negative sampling over input vectors that are weighted sums of rows.

One position (an item in its sequence) is one example: an input vector H = sum of part weights times rows, and
a list of targets with labels. BGE has one part (the own row), GES and EGES the own row and the field rows.

Gradients (Wang et al. 2018, Eqs. 8-10, simplified), all at old values, g = sigmoid(H.Z_u) - y:
    dL/dZ_u = g H        dL/dW_s = g alpha_s Z_u        dL/da_s = g alpha_s Z_u.(W_s - H)
"""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel, kernel, parallel_kernel, prange
from cowalk.kernels.rng import GOLDEN, LOW_32, below, mix, row_state, unit
from cowalk.types import AnyArray

TINY = 1e-20
SPREAD = np.uint64(0x9E3779B1)
SHIFT = np.uint64(32)


@inline_kernel
def owner(row, workers):
    """Which worker owns a row: spread evenly, whatever the order of the rows."""
    return np.int64((((np.uint64(row) * SPREAD) & LOW_32) * np.uint64(workers)) >> SHIFT)


@inline_kernel
def dot(a, i, b, j, size):
    """The dot product of row i of a and row j of b."""
    total = np.float32(0.0)
    for c in range(size):
        total += a[i, c] * b[j, c]
    return total


@inline_kernel
def add_row(to, i, scale, a, j, size):
    """to[i] += scale * a[j]."""
    for c in range(size):
        to[i, c] += scale * a[j, c]


@inline_kernel
def weigh_parts(v, first, parts, part_slots, part_scales, logits, prior, weighted, drop_own, drop_field,
                state, alpha, part_weights, i):  # fmt: skip
    """Fill alpha[i] (weight of each slot; 0 where missing or dropped) and part_weights[i] = alpha * scale.

    Weights are the softmax of the logits over the slots at hand, or equal. Returns the advanced random state.
    """
    slots = alpha.shape[1]
    for s in range(slots):
        alpha[i, s] = np.float32(0.0)
    for e in range(parts):
        alpha[i, part_slots[first + e]] = np.float32(1.0)
    if drop_own > 0 or drop_field > 0:
        kept = 0
        for s in range(slots):
            if alpha[i, s] > 0:
                state += GOLDEN
                if unit(mix(state)) < (drop_own if s == 0 else drop_field):
                    alpha[i, s] = np.float32(-1.0)
                else:
                    kept += 1
        for s in range(slots):  # nothing left: nothing is dropped
            if alpha[i, s] < 0:
                alpha[i, s] = np.float32(1.0) if kept == 0 else np.float32(0.0)
    total = np.float32(0.0)
    if weighted:
        top = np.float32(-3.0e38)
        for s in range(slots):
            if alpha[i, s] > 0:
                top = max(top, logits[v, s] + (prior[v] if s == 0 else np.float32(0.0)))
        for s in range(slots):
            if alpha[i, s] > 0:
                x = logits[v, s] + (prior[v] if s == 0 else np.float32(0.0))
                alpha[i, s] = math.exp(x - top)
                total += alpha[i, s]
    else:
        for s in range(slots):
            total += alpha[i, s]
    for s in range(slots):
        alpha[i, s] /= total
    for e in range(parts):
        part_weights[i, e] = alpha[i, part_slots[first + e]] * part_scales[first + e]
    return state


@inline_kernel
def draw_negative(threshold, alias, state):
    """An item by its alias table."""
    bits = mix(state)
    u = below(bits, len(threshold))
    return np.int32(u if (bits & LOW_32) <= np.uint64(threshold[u]) else alias[u])


@inline_kernel
def draw_targets(tokens, begins, ends, at, window, shrink, forward, negative, per_pair, threshold, alias,
                 state, targets, i):  # fmt: skip
    """Fill targets[i]: contexts within the window, then negatives; a negative that is a context is skipped.

    Returns (number of contexts, number of targets).
    """
    reach = window
    if shrink:
        state += GOLDEN
        reach = 1 + below(mix(state), window)
    low = at if forward else max(begins[at], at - reach)
    high = min(ends[at], at + reach + 1)
    n = 0
    for j in range(low, high):
        if j != at:
            targets[i, n] = tokens[j]
            n += 1
    contexts = n
    if contexts > 0:
        for _ in range(negative * contexts if per_pair else negative):
            state += GOLDEN
            u = draw_negative(threshold, alias, state)
            clash = False
            for k in range(contexts):
                clash = clash or targets[i, k] == u
            if not clash:
                targets[i, n] = u
                n += 1
    return contexts, n


@inline_kernel
def forward_backward(i, contexts, n, inputs, rows, targets, errors, grads, size):
    """Fill errors[i] = sigmoid(H.Z) - y for every target and grads[i] = dL/dH. Returns the loss."""
    loss = 0.0
    for c in range(size):
        grads[i, c] = np.float32(0.0)
    for k in range(n):
        u = targets[i, k]
        x = dot(inputs, i, rows, u, size)
        e = math.exp(-abs(x))
        s = np.float32(1.0) / (np.float32(1.0) + e)
        if x < 0:
            s = np.float32(1.0) - s
        if k < contexts:
            g = s - np.float32(1.0)
            loss += max(-x, np.float32(0.0)) + math.log(np.float32(1.0) + e)
        else:
            g = s
            loss += max(x, np.float32(0.0)) + math.log(np.float32(1.0) + e)
        errors[i, k] = g
        add_row(grads, i, g, rows, u, size)
    return loss


@inline_kernel
def rate(step, squares, row, square, adagrad):
    """The step of one row: `step`, or with Adagrad step / sqrt(sum of mean squared gradients so far)."""
    if adagrad:
        squares[row] += square
        return step / math.sqrt(squares[row] + TINY)
    return step


@inline_kernel
def logit_gradient(v, first, parts, part_rows, part_slots, part_scales, rows, alpha, grads, slopes, i, size):
    """Fill slopes[i] = dL/da_v: alpha_s (dH.W_s - dH.H), W_s the scaled sum of the slot's rows."""
    slots = alpha.shape[1]
    for s in range(slots):
        slopes[i, s] = np.float32(0.0)
    mean = np.float32(0.0)
    for e in range(parts):
        x = part_scales[first + e] * dot(grads, i, rows, part_rows[first + e], size)
        slopes[i, part_slots[first + e]] += x
        mean += alpha[i, part_slots[first + e]] * x
    for s in range(slots):
        slopes[i, s] = alpha[i, s] * (slopes[i, s] - mean)


@parallel_kernel
def learn_blocks(
    tokens: AnyArray, begins: AnyArray, ends: AnyArray, numbers: AnyArray, seed: np.uint64,
    part_offsets: AnyArray, part_rows: AnyArray, part_slots: AnyArray, part_scales: AnyArray,
    rows: AnyArray, contexts: AnyArray, logits: AnyArray, prior: AnyArray,
    row_squares: AnyArray, context_squares: AnyArray, logit_squares: AnyArray,
    threshold: AnyArray, alias: AnyArray,
    window: int, shrink: bool, forward: bool, negative: int, per_pair: bool,
    weighted: bool, drop_own: float, drop_field: float, adagrad: bool,
    steps: AnyArray, step_end: float, slots: int, most_parts: int, block: int, workers: int, losses: AnyArray,
) -> None:  # fmt: skip
    """Learn from all positions, `block` at a time: gradients at the block's starting values, in parallel;
    then each row's owner applies that row's updates in the order of the positions. Bit-identical for any
    `workers`.

    steps float64[4] = (own rows, contexts, fields, logits); they fall linearly to step_end times themselves.
    losses float64[2] += (sum of losses, number of contexts).
    """
    count = len(tokens)
    size = rows.shape[1]
    items = len(contexts)
    width = 2 * window * (1 + negative) if per_pair else 2 * window + negative
    inputs = np.empty((block, size), np.float32)
    grads = np.empty((block, size), np.float32)
    input_squares = np.empty(block, np.float32)
    grad_squares = np.empty(block, np.float32)
    targets = np.empty((block, width), np.int32)
    errors = np.empty((block, width), np.float32)
    target_counts = np.empty(block, np.int64)
    context_counts = np.empty(block, np.int64)
    position_losses = np.empty(block, np.float64)
    alpha = np.empty((block, slots), np.float32)
    slopes = np.empty((block, slots), np.float32)
    part_weights = np.empty((block, most_parts), np.float32)
    for start in range(0, count, block):
        n = min(block, count - start)
        left = 1.0 - (1.0 - step_end) * start / count
        step_own = np.float32(steps[0] * left)
        step_context = np.float32(steps[1] * left)
        step_field = np.float32(steps[2] * left)
        step_logit = np.float32(steps[3] * left)
        for w in prange(workers):
            for i in range(n * w // workers, n * (w + 1) // workers):
                at = start + i
                v = tokens[at]
                first = part_offsets[v]
                parts = part_offsets[v + 1] - first
                state = row_state(seed, numbers[at])
                state = weigh_parts(v, first, parts, part_slots, part_scales, logits, prior, weighted,
                                    drop_own, drop_field, state, alpha, part_weights, i)  # fmt: skip
                for c in range(size):
                    inputs[i, c] = np.float32(0.0)
                for e in range(parts):
                    if part_weights[i, e] != 0:
                        add_row(inputs, i, part_weights[i, e], rows, part_rows[first + e], size)
                found, all_targets = draw_targets(tokens, begins, ends, at, window, shrink, forward, negative,
                                                  per_pair, threshold, alias, state, targets, i)  # fmt: skip
                context_counts[i] = found
                target_counts[i] = all_targets
                position_losses[i] = forward_backward(
                    i, found, all_targets, inputs, contexts, targets, errors, grads, size
                )
                input_squares[i] = dot(inputs, i, inputs, i, size) / size
                grad_squares[i] = dot(grads, i, grads, i, size) / size
                if weighted:
                    logit_gradient(v, first, parts, part_rows, part_slots, part_scales, rows, alpha, grads,
                                   slopes, i, size)  # fmt: skip
        for w in prange(workers):
            for i in range(n):
                for k in range(target_counts[i]):
                    u = targets[i, k]
                    if owner(u, workers) == w:
                        g = errors[i, k]
                        r = rate(step_context, context_squares, u, g * g * input_squares[i], adagrad)
                        add_row(contexts, u, -r * g, inputs, i, size)
            for i in range(n):
                if target_counts[i] == 0:
                    continue
                v = tokens[start + i]
                first = part_offsets[v]
                for e in range(part_offsets[v + 1] - first):
                    row = part_rows[first + e]
                    x = part_weights[i, e]
                    if x != 0 and owner(row, workers) == w:
                        r = rate(step_own if row < items else step_field, row_squares, row,
                                 x * x * grad_squares[i], adagrad)  # fmt: skip
                        add_row(rows, row, -r * x, grads, i, size)
                if weighted and owner(v, workers) == w:
                    square = np.float32(0.0)
                    for s in range(slots):
                        square += slopes[i, s] * slopes[i, s]
                    r = rate(step_logit, logit_squares, v, square / slots, adagrad)
                    for s in range(slots):
                        logits[v, s] -= r * slopes[i, s]
        for i in range(n):
            losses[0] += position_losses[i]
            losses[1] += context_counts[i]


@kernel
def flatten_walks(
    nodes: AnyArray, first_row: int, keep: AnyArray, seed: np.uint64,
    tokens: AnyArray, begins: AnyArray, ends: AnyArray, numbers: AnyArray,
) -> int:  # fmt: skip
    """Write the walks' nodes one after another, subsampled by keep float32[V] (empty = keep all).

    begins and ends bound each position's walk; numbers are its place in the epoch. Returns how many were
    written.
    """
    n = 0
    length = nodes.shape[1]
    for r in range(len(nodes)):
        begin = n
        state = row_state(seed, first_row + r)
        for c in range(length):
            v = nodes[r, c]
            if v < 0:
                break
            if len(keep) > 0:
                state += GOLDEN
                if unit(mix(state)) >= keep[v]:
                    continue
            tokens[n] = v
            begins[n] = begin
            numbers[n] = (first_row + r) * length + c
            n += 1
        for j in range(begin, n):
            ends[j] = n
    return n


@kernel
def flatten_sessions(
    items: AnyArray, offsets: AnyArray, order: AnyArray, keep: AnyArray, seed: np.uint64,
    tokens: AnyArray, begins: AnyArray, ends: AnyArray, numbers: AnyArray,
) -> int:  # fmt: skip
    """Write the sessions named in order int64[*] one after another, as `flatten_walks` does."""
    n = 0
    for r in range(len(order)):
        begin = n
        state = row_state(seed, order[r])
        for c in range(offsets[order[r]], offsets[order[r] + 1]):
            v = items[c]
            if len(keep) > 0:
                state += GOLDEN
                if unit(mix(state)) >= keep[v]:
                    continue
            tokens[n] = v
            begins[n] = begin
            numbers[n] = c
            n += 1
        for j in range(begin, n):
            ends[j] = n
    return n


@parallel_kernel
def input_vectors(
    part_offsets: AnyArray, part_rows: AnyArray, part_slots: AnyArray, part_scales: AnyArray,
    rows: AnyArray, logits: AnyArray, prior: AnyArray, weighted: bool, most_parts: int,
    vectors: AnyArray, weights: AnyArray,
) -> None:  # fmt: skip
    """Fill vectors float32[V, d] = H_v and weights float32[V, n+1] = its softmax weights, no dropout."""
    size = rows.shape[1]
    for v in prange(len(vectors)):
        first = part_offsets[v]
        parts = part_offsets[v + 1] - first
        part_weights = np.empty((1, most_parts), np.float32)
        alpha = np.empty((1, weights.shape[1]), np.float32)
        weigh_parts(v, first, parts, part_slots, part_scales, logits, prior, weighted, 0.0, 0.0,
                    np.uint64(0), alpha, part_weights, 0)  # fmt: skip
        for s in range(weights.shape[1]):
            weights[v, s] = alpha[0, s]
        for c in range(size):
            vectors[v, c] = np.float32(0.0)
        for e in range(parts):
            if part_weights[0, e] != 0:
                add_row(vectors, v, part_weights[0, e], rows, part_rows[first + e], size)
