"""Slow twins of kernels/skipgram.py in float64: loss as a formula, gradients written out, row after row."""

import numpy as np

from reference.negatives import Sight, adversarial, popular, sampled
from reference.rng import Draws, below

TREE, ALL = 1, 2


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


def contexts_of(stream, at, draw, draws):
    """[(item, weight of the pair)] drawn for one position; no kernel."""
    places, share = places_of(stream, at, draw, draws)
    found = [(int(stream.tokens[j]), share * pair_weight(stream, at, j, draw)) for j in places]
    if len(draw.bought):
        bought = int(draw.bought[stream.numbers[at]])
        if bought >= 0 and bought != stream.tokens[at]:
            found.append((bought, 1.0))
    return found


def places_of(stream, at, draw, draws):
    """(places in the stream, factor of their weights): the window, or a sample of the set; no kernel."""
    if not draw.bound:
        reach = 1 + below(draws.bits(), draw.window) if draw.shrink else draw.window
        low = at + 1 if draw.forward else max(stream.begins[at], at - reach)
        return [j for j in range(low, min(stream.ends[at], at + reach + 1)) if j != at], 1.0
    others = [j for j in range(stream.begins[at], stream.ends[at]) if j != at]
    if len(others) <= draw.bound:
        return others, 1.0
    chosen = []
    for last in range(len(others) - draw.bound, len(others)):
        t = below(draws.bits(), last + 1)
        chosen.append(others[last] if others[t] in chosen else others[t])
    return chosen, len(others) / draw.bound if draw.reweigh else 1.0


def pair_weight(stream, at, j, draw):
    """Event weight of the context times exp(-time between / scale); no kernel."""
    weight, here, there = 1.0, stream.numbers[at], stream.numbers[j]
    if len(draw.event_weights):
        weight *= float(draw.event_weights[there])
    if draw.time_scale:
        weight *= np.exp(-abs(int(draw.times[here]) - int(draw.times[there])) / draw.time_scale)
    return weight


def targets_of(contexts, draw, draws, rows, sight):
    """[(output row, label, weight)] of a position that foretells these contexts; no kernel."""
    if draw.objective == TREE:
        paths = [(u, w, slice(draw.path_offsets[u], draw.path_offsets[u + 1])) for u, w in contexts]
        return [
            (int(node), 1.0 - float(bit), w)
            for _, w, path in paths
            for node, bit in zip(draw.path_nodes[path], draw.path_bits[path], strict=True)
        ]
    if draw.objective == ALL:
        return [(u, 0.0, 1.0) for u in range(rows)] if contexts else []
    found = [(u, 1.0, w) for u, w in contexts]
    if not contexts:
        return found
    mean, positives = sum(w for _, w in contexts) / len(contexts), [u for u, _ in contexts]
    for w in [w for _, w in contexts] if draw.per_pair else [mean]:
        for _ in range(draw.negative):
            u = popular(draw, draws) if draw.plain else sampled(positives, draw, draws, sight)
            if u >= 0 and u not in positives:
                found.append((u, 0.0, w))
    if draw.temperature > 0:
        return found[: len(contexts)] + adversarial(found[len(contexts) :], draw.temperature, sight)
    return found


def looked_up(x, labels):
    """word2vec's table of sigmoids: EXP_TABLE[int((x + 6) * (1000 / 6 / 2))] in whole numbers; no kernel."""
    cells = np.arange(1000)
    table = 1 / (1 + np.exp(-(cells / 1000 * 2 - 1) * 6))
    inside = np.abs(x) < 6
    found = table[np.where(inside, np.float32(x + 6) * np.float32(1000 // 6 // 2), 0).astype(int)]
    return np.where(inside, found, labels)


def left_at(end, at, draw, count):
    """What is left of the steps at a place; no kernel."""
    return 1 - (1 - end) * (at - at % draw.stair) / count


class Input:
    """An item's parts with a position's dropout: its vector as a function of what is learned; no kernel."""

    def __init__(self, v, parts, how, slots, draws):
        self.v, self.how, self.n_slots = v, how, slots
        mine = slice(parts.offsets[v], parts.offsets[v + 1])
        self.rows, self.slots = parts.rows[mine], parts.slots[mine]
        self.scales, self.prior = parts.scales[mine].astype(np.float64), float(parts.prior[v])
        self.kept = np.flatnonzero(alphas(self.slots, np.zeros(slots), 0.0, how, slots, draws))

    def alpha(self, logits):
        """float64[slots], the weights with these logits [V, slots] and this position's dropout."""
        return softmax(
            self.kept, logits[self.v] if self.how.weighted else None, self.prior, self.how, self.n_slots
        )

    def shares(self, logits):
        """float64[parts]: what each row is multiplied with."""
        return self.alpha(logits)[self.slots] * self.scales

    def hidden(self, rows, logits):
        """H_v = sum over parts of alpha[slot] * scale * row."""
        return self.shares(logits) @ rows[self.rows]


class Position:
    """One position with its draws taken: its loss as a function of what is learned; no kernel."""

    def __init__(self, at, stream, parts, draw, how, slots, now=None):
        """now: the table as it stands, which some samplers of negatives look at."""
        self.v, self.how, self.n_slots = int(stream.tokens[at]), how, slots
        self.over_all, self.looked_up = draw.objective == ALL, draw.looked_up
        draws = Draws(draw.seed, stream.numbers[at])
        if draw.cbow:
            window = contexts_of(stream, at, draw, draws)
            total = sum(w for _, w in window)
            window = window if total > 0 else []
            self.inputs = [(Input(u, parts, how, slots, draws), w / total) for u, w in window]
            self.contexts = [(self.v, 1.0)] if window else []
        else:
            self.inputs = [(Input(self.v, parts, how, slots, draws), 1.0)]
            self.contexts = contexts_of(stream, at, draw, draws)
        self.back = len(self.inputs) if draw.undivided else 1
        self.weight = sum(w for _, w in self.contexts)
        self.sight = None if now is None else Sight(self.v, self.hidden(now.rows, now.logits), now)
        found = targets_of(self.contexts, draw, draws, len(parts.offsets) - 1, self.sight)
        self.targets = [u for u, _, _ in found]
        self.labels, self.weights = (np.array([t[c] for t in found]) for c in (1, 2))

    def hidden(self, rows, logits):
        """The input vector."""
        return sum(share * one.hidden(rows, logits) for one, share in self.inputs)

    def loss(self, rows, contexts, logits):
        """-log sigmoid(H.Z) at label 1, -log sigmoid(-H.Z) at 0, weighted; or -log softmax of contexts."""
        h = self.hidden(rows, logits)
        if self.over_all:
            x = contexts @ h
            return float(sum(w * (np.logaddexp.reduce(x) - x[u]) for u, w in self.contexts))
        x = contexts[self.targets] @ h
        return float(self.weights @ np.logaddexp(0, np.where(self.labels == 1, -x, x)))

    def errors(self, h, contexts):
        """float64, dL/d score of each target."""
        x = contexts[self.targets] @ h
        if not self.over_all:
            told = looked_up(x, self.labels) if self.looked_up else 1 / (1 + np.exp(-x))
            return self.weights * (told - self.labels)
        g = self.weight * np.exp(x - np.logaddexp.reduce(x))
        for u, w in self.contexts:
            g[u] -= w
        return g

    def gradients(self, rows, contexts, logits):
        """(dL/dH, dL/d score of each target, dL/da_v), Wang et al. 2018, Eqs. 8-10, all at these values."""
        h, z = self.hidden(rows, logits), contexts[self.targets]
        g = self.errors(h, contexts)
        grad_h = g @ z
        if not self.how.weighted:
            return grad_h, g, np.zeros(self.n_slots)
        one = self.inputs[0][0]
        slot_rows = np.zeros((self.n_slots, len(h)))
        for row, slot, scale in zip(one.rows, one.slots, one.scales, strict=True):
            slot_rows[slot] += scale * rows[row]
        return grad_h, g, one.alpha(logits) * ((slot_rows - h) @ grad_h)


def move(table, squares, held, row, step, gradient, square, adagrad):
    """One step of one row that is not held; `square` is what Adagrad adds to the row's sum; no kernel."""
    if held is not None and held[row]:
        return
    if adagrad:
        squares[row] += square
        step = step / np.sqrt(squares[row] + 1e-20)
    table[row] -= step * gradient


def take_steps(position, old, table, steps, left, items):
    """All steps of one position, with gradients at the old values (rows, contexts, logits); no kernel."""
    size = table.contexts.shape[1]
    grad_h, g, slopes = position.gradients(*old)
    h = position.hidden(old[0], old[2])
    for u, error in zip(position.targets, g, strict=True):
        square = error**2 * (h @ h) / size
        step = steps.contexts * left
        held = steps.held_contexts if steps.holding else None
        move(table.contexts, table.context_squares, held, u, step, error * h, square, steps.adagrad)
    grad_h = grad_h * position.back
    for one, share in position.inputs:
        for row, x in zip(one.rows, share * one.shares(old[2]), strict=True):
            if x:
                step = (steps.own if row < items else steps.fields) * left
                square = x * x * (grad_h @ grad_h) / size
                held = steps.held_rows if steps.holding else None
                move(table.rows, table.row_squares, held, row, step, x * grad_h, square, steps.adagrad)
    if position.how.weighted:
        square = (slopes @ slopes) / len(slopes)
        held, step = steps.held_logits if steps.holding else None, steps.logits * left
        move(table.logits, table.logit_squares, held, position.v, step, slopes, square, steps.adagrad)


def copied(table):
    """The table as it is now; no kernel."""
    return type(table)(*(array.copy() for array in table))


def learn_blocks(stream, parts, table, draw, how, steps, end, room, workers, totals):
    count, block, slots = len(stream.tokens), len(room.losses), room.alpha.shape[1]
    for start in range(0, count, block):
        old = copied(table)
        left = left_at(end, start, draw, count)
        for at in range(start, min(start + block, count)):
            position = Position(at, stream, parts, draw, how, slots, old)
            if position.targets:
                totals += position.loss(*old[:3]), position.weight
                take_steps(position, old[:3], table, steps, left, len(parts.offsets) - 1)
                position.sight.take(table, draw.generator_step * left)


def learn_lockfree(stream, parts, table, draw, how, steps, end, room, workers, totals):
    assert workers == 1, "with more workers the order of the steps is not defined"
    for at in range(len(stream.tokens)):
        now = copied(table)
        position = Position(at, stream, parts, draw, how, room.alpha.shape[1], now)
        if position.targets:
            totals += position.loss(*now[:3]), position.weight
            left = left_at(end, at, draw, len(stream.tokens))
            take_steps(position, now[:3], table, steps, left, len(parts.offsets) - 1)
            position.sight.take(table, draw.generator_step * left)


class Pair(Position):
    """An item that foretells another one, with negatives of its own; no kernel."""

    def __init__(self, v, context, draws, parts, draw, how, slots, now):
        self.v, self.how, self.n_slots, self.over_all, self.back = v, how, slots, False, 1
        self.looked_up = draw.looked_up
        self.inputs = [(Input(v, parts, how, slots, draws), 1.0)]
        self.contexts, self.weight = [context], context[1]
        self.sight = Sight(v, self.hidden(now.rows, now.logits), now)
        found = targets_of(self.contexts, draw, draws, len(parts.offsets) - 1, self.sight)
        self.targets = [u for u, _, _ in found]
        self.labels, self.weights = (np.array([t[c] for t in found]) for c in (1, 2))


def learn_pairs(stream, parts, table, draw, how, steps, end, room, workers, totals):
    for at in range(len(stream.tokens)):
        draws, left = Draws(draw.seed, stream.numbers[at]), left_at(end, at, draw, len(stream.tokens))
        for u, weight in contexts_of(stream, at, draw, draws):
            now, v = copied(table), int(stream.tokens[at])
            source, goal = (v, u) if draw.forward or len(draw.bought) else (u, v)
            pair = Pair(source, (goal, weight), draws, parts, draw, how, room.alpha.shape[1], now)
            totals += pair.loss(*now[:3]), pair.weight
            take_steps(pair, now[:3], table, steps, left, len(parts.offsets) - 1)


def input_vectors(parts, table, how, room, workers, vectors, weights):
    slots = weights.shape[1]
    for v in range(len(vectors)):
        mine = slice(parts.offsets[v], parts.offsets[v + 1])
        here = parts.slots[mine]
        logits = table.logits[v] if how.weighted else None
        weights[v] = alphas(here, logits, parts.prior[v], how, slots)
        vectors[v] = (weights[v][here] * parts.scales[mine]) @ table.rows[parts.rows[mine]]
