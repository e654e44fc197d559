"""Slow twins of kernels/skipgram.py in float64: loss as a formula, gradients written out, row after row."""

import numpy as np

from reference.rng import Draws, below

LOW_32 = 2**32 - 1


def alphas(slots_here, logits, prior, how, slots, draws=None):
    """float64[slots], the weight of each slot, 0 where missing or (with draws) dropped; no kernel."""
    kept = sorted(set(slots_here.tolist()))
    if draws is not None and (how.drop_own > 0 or how.drop_field > 0):
        drawn = [s for s in kept if draws.unit() >= (how.drop_own if s == 0 else how.drop_field)]
        kept = drawn or kept
    return softmax(kept, logits, prior, how, slots)


def softmax(kept, logits, prior, how, slots):
    """float64[slots]: softmax of the logits (own row plus prior) over the kept slots, or equal; no kernel."""
    alpha = np.zeros(slots)
    x = (
        np.array([logits[s] + (prior if s == 0 else 0.0) for s in kept])
        if how.weighted
        else np.zeros(len(kept))
    )
    alpha[kept] = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    return alpha


def targets_of(stream, at, draw, draws):
    """(contexts, negatives) drawn for one position; no kernel."""
    reach = 1 + below(draws.bits(), draw.window) if draw.shrink else draw.window
    low = at + 1 if draw.forward else max(stream.begins[at], at - reach)
    contexts = [int(stream.tokens[j]) for j in range(low, min(stream.ends[at], at + reach + 1)) if j != at]
    negatives = []
    for _ in range(draw.negative * (len(contexts) if draw.per_pair else 1) if contexts else 0):
        bits = draws.bits()
        slot = below(bits, len(draw.threshold))
        u = slot if (bits & LOW_32) <= int(draw.threshold[slot]) else int(draw.alias[slot])
        if u not in contexts:
            negatives.append(u)
    return contexts, negatives


class Position:
    """One position with its draws taken: its loss as a function of what is learned; no kernel."""

    def __init__(self, at, stream, parts, draw, how, slots):
        self.v = int(stream.tokens[at])
        mine = slice(parts.offsets[self.v], parts.offsets[self.v + 1])
        self.rows, self.slots = parts.rows[mine], parts.slots[mine]
        self.scales, self.prior = parts.scales[mine].astype(np.float64), float(parts.prior[self.v])
        self.how, self.n_slots = how, slots
        draws = Draws(draw.seed, stream.numbers[at])
        self.kept = np.flatnonzero(alphas(self.slots, np.zeros(slots), 0.0, how, slots, draws))
        self.contexts, negatives = targets_of(stream, at, draw, draws)
        self.targets = self.contexts + negatives
        self.labels = np.array([1.0] * len(self.contexts) + [0.0] * len(negatives))

    def alpha(self, logits):
        """float64[slots], the weights with these logits [V, slots] and this position's dropout."""
        return softmax(
            self.kept, logits[self.v] if self.how.weighted else None, self.prior, self.how, self.n_slots
        )

    def hidden(self, rows, logits):
        """H_v = sum over parts of alpha[slot] * scale * row."""
        return (self.alpha(logits)[self.slots] * self.scales) @ rows[self.rows]

    def loss(self, rows, contexts, logits):
        """-log sigmoid(H.Z) over contexts, -log sigmoid(-H.Z) over negatives."""
        x = contexts[self.targets] @ self.hidden(rows, logits)
        return float(np.logaddexp(0, np.where(self.labels == 1, -x, x)).sum())

    def gradients(self, rows, contexts, logits):
        """(dL/dH, g of each target, dL/da_v), Wang et al. 2018, Eqs. 8-10, all at these values."""
        alpha, h, z = self.alpha(logits), self.hidden(rows, logits), contexts[self.targets]
        g = 1 / (1 + np.exp(-(z @ h))) - self.labels
        grad_h = g @ z
        slot_rows = np.zeros((self.n_slots, len(h)))
        for row, slot, scale in zip(self.rows, self.slots, self.scales, strict=True):
            slot_rows[slot] += scale * rows[row]
        return grad_h, g, alpha * ((slot_rows - h) @ grad_h)


def move(table, squares, held, row, step, gradient, square, adagrad):
    """One step of one row that is not held; `square` is what Adagrad adds to the row's sum; no kernel."""
    if len(held) and held[row]:
        return
    if adagrad:
        squares[row] += square
        step = step / np.sqrt(squares[row] + 1e-20)
    table[row] -= step * gradient


def take_steps(position, old, table, steps, left):
    """All steps of one position, with gradients at the old values (rows, contexts, logits); no kernel."""
    items, size = table.contexts.shape
    grad_h, g, slopes = position.gradients(*old)
    h, alpha = position.hidden(old[0], old[2]), position.alpha(old[2])
    for u, error in zip(position.targets, g, strict=True):
        square = error**2 * (h @ h) / size
        step = steps.contexts * left
        held = steps.held_contexts
        move(table.contexts, table.context_squares, held, u, step, error * h, square, steps.adagrad)
    for row, slot, scale in zip(position.rows, position.slots, position.scales, strict=True):
        x = alpha[slot] * scale
        if x:
            step = (steps.own if row < items else steps.fields) * left
            square = x * x * (grad_h @ grad_h) / size
            held = steps.held_rows
            move(table.rows, table.row_squares, held, row, step, x * grad_h, square, steps.adagrad)
    if position.how.weighted:
        square = (slopes @ slopes) / len(slopes)
        held, step = steps.held_logits, steps.logits * left
        move(table.logits, table.logit_squares, held, position.v, step, slopes, square, steps.adagrad)


def learn_blocks(stream, parts, table, draw, how, steps, end, room, workers, totals):
    count, block, slots = len(stream.tokens), len(room.losses), room.alpha.shape[1]
    for start in range(0, count, block):
        old = table.rows.copy(), table.contexts.copy(), table.logits.copy()
        left = 1 - (1 - end) * start / count
        for at in range(start, min(start + block, count)):
            position = Position(at, stream, parts, draw, how, slots)
            if position.targets:
                totals += position.loss(*old), len(position.contexts)
                take_steps(position, old, table, steps, left)


def learn_lockfree(stream, parts, table, draw, how, steps, end, room, workers, totals):
    assert workers == 1, "with more workers the order of the steps is not defined"
    for at in range(len(stream.tokens)):
        now = table.rows.copy(), table.contexts.copy(), table.logits.copy()
        position = Position(at, stream, parts, draw, how, room.alpha.shape[1])
        if position.targets:
            totals += position.loss(*now), len(position.contexts)
            take_steps(position, now, table, steps, 1 - (1 - end) * at / len(stream.tokens))


def input_vectors(parts, table, how, room, workers, vectors, weights):
    slots = weights.shape[1]
    for v in range(len(vectors)):
        mine = slice(parts.offsets[v], parts.offsets[v + 1])
        here = parts.slots[mine]
        logits = table.logits[v] if how.weighted else None
        weights[v] = alphas(here, logits, parts.prior[v], how, slots)
        vectors[v] = (weights[v][here] * parts.scales[mine]) @ table.rows[parts.rows[mine]]
