"""Drawing negatives, slowly: a help for the twin of learning; no kernels, as the fast ones are inlined."""

from itertools import accumulate

import numpy as np

from reference.rng import below

LOW_32 = 2**32 - 1
DIRECT, HARDEST, GENERATOR = 0, 1, 2
REDRAWS = 64


class Sight:
    """What samplers see at one position: its item, its vector, the table; and what the generator drew."""

    def __init__(self, v, h, table):
        self.v, self.h, self.table = v, h, table
        self.pools, self.slopes, self.rewards = [], [], []

    def scores(self, items):
        """H.Z of each of these items."""
        return np.asarray(self.table.contexts, dtype=np.float64)[items] @ self.h

    def generated(self, pool, x):
        """The item that the number x in [0, 1) draws from the pool by softmax(a.b)."""
        scores = self.table.generator_outputs[pool] @ self.table.generator_inputs[self.v]
        p = np.exp(scores - scores.max())
        p /= p.sum()
        at = next((j for j, edge in enumerate(accumulate(p)) if x < edge), len(pool) - 1)
        reward = self.scores(pool)[at]
        self.pools.append(pool)
        self.slopes.append((reward - self.table.generator_means[self.v]) * ((np.arange(len(pool)) == at) - p))
        self.rewards.append(reward)
        return pool[at]

    def gradients(self):
        """[(item u, d expected reward / d b_u)] by the draws, and d expected reward / d a_v."""
        a, b = self.table.generator_inputs[self.v], self.table.generator_outputs
        pairs = [
            pair for both in zip(self.pools, self.slopes, strict=True) for pair in zip(*both, strict=True)
        ]
        return [(u, slope * a) for u, slope in pairs], sum(slope * b[u] for u, slope in pairs)

    def take(self, table, step):
        """Step the generator's rows of `table` upwards, by Adagrad."""
        if not self.rewards:
            return
        of_outputs, of_input = self.gradients()
        inputs, outputs = table.generator_input_squares, table.generator_output_squares
        for u, slope in of_outputs:
            climb(table.generator_outputs, outputs, u, step, slope)
        climb(table.generator_inputs, inputs, self.v, step, of_input)
        table.generator_means[self.v] += 0.1 * (np.mean(self.rewards) - table.generator_means[self.v])


def climb(rows, squares, row, step, slope):
    """One step of one row upwards."""
    squares[row] += (slope @ slope) / len(slope)
    rows[row] += step / np.sqrt(squares[row] + 1e-20) * slope


def popular(draw, draws):
    """An item by the alias table of popularity."""
    bits = draws.bits()
    slot = below(bits, len(draw.threshold))
    return slot if (bits & LOW_32) <= int(draw.threshold[slot]) else int(draw.alias[slot])


def listed(s, v, draw, draws):
    """An item of sampler s for item v, -1 where it finds none."""
    at = s * (len(draw.known_offsets) - 1) + v
    keys = draw.keys[draw.key_offsets[at] : draw.key_offsets[at + 1]]
    if len(keys) == 0:
        return -1
    row = keys[below(draws.bits(), len(keys))] if len(keys) > 1 else keys[0]
    records = draw.records[draw.list_offsets[row] : draw.list_offsets[row + 1]]
    barred = set(draw.known[draw.known_offsets[v] : draw.known_offsets[v + 1]].tolist())
    barred |= {v} if draw.alone[s] else set()
    for _ in range(REDRAWS):
        bits = draws.bits()
        threshold, item, other = (int(x) for x in records[below(bits, len(records))])
        u = item if (bits & LOW_32) <= threshold else other
        if u not in barred:
            return u
    return -1


def sampled(positives, draw, draws, sight):
    """One negative by the mixture, -1 where there is none."""
    s = 0
    if len(draw.kinds) > 1:
        x = draws.unit()
        while s < len(draw.kinds) - 1 and x >= draw.cumulative[s]:
            s += 1
    if draw.kinds[s] == DIRECT:
        return listed(s, sight.v, draw, draws)
    drawn = [listed(s, sight.v, draw, draws) for _ in range(draw.pool)]
    pool = [u for u in drawn if u >= 0 and u not in positives]
    if not pool:
        return -1
    if draw.kinds[s] == HARDEST:
        return pool[int(np.argmax(sight.scores(pool)))]
    return sight.generated(pool, draws.unit())


def adversarial(negatives, temperature, sight):
    """The negatives [(item, label, weight)], weighted by their number times softmax(temperature * score)."""
    if not negatives:
        return []
    x = temperature * sight.scores([u for u, _, _ in negatives])
    p = np.exp(x - x.max())
    factors = len(x) * p / p.sum()
    return [(u, label, w * factor) for (u, label, w), factor in zip(negatives, factors, strict=True)]
