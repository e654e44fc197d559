"""Slow twin of kernels/hema.py in float64: Eq. 12 as a formula, its gradient written out, Adam row by row."""

import numpy as np

from reference.rng import Draws, below


def log_uniform(bits, n):
    """Rank by the inverse of its distribution function; no kernel."""
    u = (bits >> 11) * 2.0**-53
    return min(int(np.exp(u * np.log(n + 1.0))) - 1, n - 1)


class Example:
    """One position with its draws taken: item, contexts, negatives, other items; no kernel."""

    def __init__(self, at, stream, layout, drawn, alpha):
        def bare(v):
            return layout.offsets[v + 1] - layout.offsets[v] < 2

        self.v = int(stream.tokens[at])
        draws, n = Draws(drawn.seed, stream.numbers[at]), len(drawn.ranked)
        low, high = max(stream.begins[at], at - drawn.window), min(stream.ends[at], at + drawn.window + 1)
        self.contexts = [int(stream.tokens[j]) for j in range(low, high) if j != at]
        drawn_items = [
            int(drawn.ranked[log_uniform(draws.bits(), n)])
            for _ in range(len(self.contexts) * drawn.negative)
        ]
        self.negatives = [u for u in drawn_items if u not in self.contexts]
        others = [int(drawn.ranked[below(draws.bits(), n)]) for _ in range(drawn.sets)]
        self.structural = alpha != 0 and not bare(self.v)
        self.others = [u for u in others if self.structural and u != self.v and not bare(u)]


def numbers(v, layout, table, width):
    """float64[D]: (w_1 e_1, w_2 e_2, ...) of item v; no kernel."""
    out = np.zeros(width)
    for e in range(layout.offsets[v], layout.offsets[v + 1]):
        left, size, start = layout.lefts[e], layout.sizes[e], layout.starts[layout.rows[e]]
        out[left : left + size] += layout.weights[e] * table[start : start + size]
    return out


def losses(example, layout, tables):
    """(pair loss, structural loss) of one position, Eqs. 7 and 11; no kernel."""
    m, a = tables.transfer.shape
    x = numbers(example.v, layout, tables.ids, m + a)

    def cost(score, label):
        return np.logaddexp(0, -score if label else score)

    pairs = sum(cost(x @ numbers(u, layout, tables.contexts, m + a), True) for u in example.contexts)
    pairs += sum(cost(x @ numbers(u, layout, tables.contexts, m + a), False) for u in example.negatives)
    if not example.structural:
        return pairs, 0.0
    fit = cost(x[:m] @ tables.transfer @ x[m:], True)
    for u in example.others:
        fit += cost(x[:m] @ tables.transfer @ numbers(u, layout, tables.ids, m + a)[m:], False)
    return pairs, fit


def objective(examples, layout, tables, alpha, beta):
    """Eq. 12 with its sign turned: mean over positions, and beta |M|^2; no kernel."""
    told = [losses(one, layout, tables) for one in examples]
    mean = sum(pairs + alpha * fit for pairs, fit in told) / len(told)
    return mean + beta * (tables.transfer**2).sum()


def spread(v, layout, grads, marks, slope, first=0):
    """Give d loss / d numbers of item v to its rows from part `first` on; no kernel."""
    for e in range(layout.offsets[v] + first, layout.offsets[v + 1]):
        left, size, start = layout.lefts[e], layout.sizes[e], layout.starts[layout.rows[e]]
        grads[start : start + size] += layout.weights[e] * slope[left : left + size]
        marks.add(int(layout.rows[e]))


def gradients(examples, layout, tables, alpha, beta):
    """(d/d ids, d/d contexts, d/d transfer, rows of ids that are touched, rows of contexts); no kernel."""
    m, a = tables.transfer.shape
    d_ids, d_contexts = np.zeros_like(tables.ids), np.zeros_like(tables.contexts)
    d_transfer, of_ids, of_contexts = np.zeros((m, a)), set(), set()
    for one in examples:
        x = numbers(one.v, layout, tables.ids, m + a)
        slope = np.zeros(m + a)
        for u, y in [(u, 1) for u in one.contexts] + [(u, 0) for u in one.negatives]:
            z = numbers(u, layout, tables.contexts, m + a)
            g = 1 / (1 + np.exp(-(x @ z))) - y
            slope += g * z
            spread(u, layout, d_contexts, of_contexts, g * x)
        if one.structural:
            pull = tables.transfer.T @ x[:m]
            for u, y in [(one.v, 1)] + [(u, 0) for u in one.others]:
                other = numbers(u, layout, tables.ids, m + a)[m:]
                g = alpha * (1 / (1 + np.exp(-(pull @ other))) - y)
                slope[:m] += g * tables.transfer @ other
                d_transfer += g * np.outer(x[:m], other)
                spread(u, layout, d_ids, of_ids, np.concatenate([np.zeros(m), g * pull]), first=1)
        spread(one.v, layout, d_ids, of_ids, slope)
    n = len(examples)
    return d_ids / n, d_contexts / n, d_transfer / n + 2 * beta * tables.transfer, of_ids, of_contexts


def adam(values, first, second, grad, taken, step, epsilon, decay):
    """One step, in place; no kernel."""
    first[...] = 0.9 * first + 0.1 * grad
    second[...] = 0.999 * second + 0.001 * grad**2
    moved = first / (1 - 0.9**taken) / (np.sqrt(second / (1 - 0.999**taken)) + epsilon)
    values -= step * (moved + decay * values)


def learn_batches(stream, layout, tables, moments, drawn, how, end, ids, contexts, room, workers, totals):
    count, batch = len(stream.tokens), len(room.centres)
    size_of = {int(row): int(size) for row, size in zip(layout.rows, layout.sizes, strict=True)}
    for begin in range(0, count, batch):
        step = how.step * (1 - (1 - end) * begin / count)
        stop = min(begin + batch, count)
        examples = [Example(at, stream, layout, drawn, how.alpha) for at in range(begin, stop)]
        for one in examples:
            totals += *losses(one, layout, tables), len(one.contexts), 1
        d_ids, d_contexts, d_transfer, of_ids, of_contexts = gradients(
            examples, layout, tables, how.alpha, how.beta
        )
        for table, first, second, steps, grad, touched in (
            (tables.ids, moments.ids_1, moments.ids_2, moments.id_steps, d_ids, of_ids),
            (tables.contexts, moments.contexts_1, moments.contexts_2, moments.context_steps, d_contexts,
             of_contexts),
        ):  # fmt: skip
            for row in touched:
                here = slice(layout.starts[row], layout.starts[row] + size_of[row])
                steps[row] += 1
                pace = layout.paces[row]
                adam(table[here], first[here], second[here], grad[here], steps[row], step * pace,
                     how.epsilon, how.decay / pace)  # fmt: skip
        moments.batches[0] += 1
        if tables.transfer.size and how.alpha > 0:
            adam(tables.transfer, moments.transfer_1, moments.transfer_2, d_transfer, moments.batches[0],
                 step, how.epsilon, 0.0)  # fmt: skip
