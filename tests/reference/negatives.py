"""Drawing negatives, slowly: a help for the twin of learning; no kernels, as the fast ones are inlined."""

from itertools import accumulate

import numpy as np

from reference.rng import below

LOW_32 = 2**32 - 1
DIRECT, HARDEST, GENERATOR = 0, 1, 2
REDRAWS = 32


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


def pool_of(s, v, contexts, draw, draws):
    """The candidates of a sampler that chooses: draws that are no contexts."""
    drawn = [listed(s, v, draw, draws) for _ in range(draw.pool)]
    return [u for u in drawn if u >= 0 and u not in contexts]


class Lesson:
    """What the generator drew at one position, and what its rows learn from it, in float64."""

    def __init__(self, v, table):
        self.v, self.table = v, table
        self.pools, self.slopes, self.rewards = [], [], []
        self.a = table.generator_inputs[v].copy() if len(table.generator_inputs) else np.zeros(0)

    def drawn(self, pool, x, h, contexts_table):
        """The item that the number x in [0, 1) draws from the pool by softmax(a.b)."""
        scores = table_rows(self.table.generator_outputs, pool) @ self.a
        p = np.exp(scores - scores.max())
        p /= p.sum()
        at = next((j for j, edge in enumerate(accumulate(p)) if x < edge), len(pool) - 1)
        reward = float(h @ contexts_table[pool[at]])
        self.pools.append(pool)
        self.slopes.append((reward - self.table.generator_means[self.v]) * ((np.arange(len(pool)) == at) - p))
        self.rewards.append(reward)
        return pool[at]

    def gradient(self):
        """d expected reward / d a_v, by the draws."""
        outputs = self.table.generator_outputs
        parts = [s @ table_rows(outputs, pool) for s, pool in zip(self.slopes, self.pools, strict=True)]
        return np.sum(parts, axis=0)

    def take(self, table, step, old):
        """Step the generator's rows, by slopes and rows at the old values."""
        if not self.rewards:
            return
        size, grad = len(self.a), old
        for pool, slopes in zip(self.pools, self.slopes, strict=True):
            for u, slope in zip(pool, slopes, strict=True):
                table.generator_output_squares[u] += slope**2 * (self.a @ self.a) / size
                rate = step / np.sqrt(table.generator_output_squares[u] + 1e-20)
                table.generator_outputs[u] += rate * slope * self.a
        v = self.v
        table.generator_means[v] += 0.1 * (np.mean(self.rewards) - table.generator_means[v])
        table.generator_input_squares[v] += (grad @ grad) / size
        table.generator_inputs[v] += step / np.sqrt(table.generator_input_squares[v] + 1e-20) * grad


def table_rows(table, rows):
    """The rows of a table in float64."""
    return np.asarray(table, dtype=np.float64)[rows]


def sampled(v, contexts, draw, draws, h, contexts_table, lesson):
    """One negative of item v by the mixture, -1 where there is none."""
    s = 0
    if len(draw.kinds) > 1:
        x = draws.unit()
        while s < len(draw.kinds) - 1 and x >= draw.cumulative[s]:
            s += 1
    if draw.kinds[s] == DIRECT:
        u = listed(s, v, draw, draws)
        return -1 if u in contexts else u
    pool = pool_of(s, v, contexts, draw, draws)
    if not pool:
        return -1
    if draw.kinds[s] == HARDEST:
        scores = table_rows(contexts_table, pool) @ h
        return pool[int(np.argmax(scores))]
    return lesson.drawn(pool, draws.unit(), h, contexts_table)


def adversarial(scores, temperature):
    """What negatives weigh: their number times softmax(temperature * score)."""
    p = np.exp(temperature * (scores - scores.max()))
    return len(scores) * p / p.sum()
