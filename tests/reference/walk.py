"""Slow twins of kernels/walk.py: walk after walk, neighbours as sets; and the exact chances of a step."""

from itertools import pairwise

import numpy as np

from reference.rng import Draws, below

LOW_32 = 2**32 - 1


def draw_edge(records, start, degree, bits):
    threshold, kept, other = records[start + below(bits, degree)].tolist()
    return kept if (bits & LOW_32) <= threshold else other


def first_order(offsets, records, starts, seed, first_row, out):
    out[:] = -1
    for row, start in enumerate(starts):
        draws, v = Draws(seed, first_row + row), int(start)
        for step in range(out.shape[1]):
            out[row, step] = v
            degree = int(offsets[v + 1] - offsets[v])
            if degree == 0:
                break
            if step + 1 < out.shape[1]:
                v = draw_edge(records, int(offsets[v]), degree, draws.bits())


def second_order(offsets, targets, shares, records, starts, seed, first_row, p, q, out):
    near = [set(targets[a:b].tolist()) for a, b in pairwise(offsets)]
    out[:] = -1
    for row, start in enumerate(starts):
        draws, before, v = Draws(seed, first_row + row), None, int(start)
        for step in range(out.shape[1]):
            out[row, step] = v
            first, degree = int(offsets[v]), int(offsets[v + 1] - offsets[v])
            if degree == 0:
                break
            if step + 1 < out.shape[1]:
                edge = dict(
                    zip(targets[first : first + degree].tolist(), range(first, first + degree), strict=True)
                )
                share = shares[edge[before]] if before in edge else 0.0
                if before is None or degree == 1:
                    x = draw_edge(records, first, degree, draws.bits())
                else:
                    x = _rejection(records, first, degree, before, near[before], share, p, q, draws)
                before, v = v, x


def _rejection(records, first, degree, t, near_t, share_back, p, q, draws):
    """A step from t over v: what 1/p has above the bound max(1, 1/q) is drawn first, the rest is proposed."""
    top = max(1.0, 1 / q)
    over = max(1 / p - top, 0.0) / top * share_back
    extra = over / (1 + over)
    draws.bits()  # the kernel's first draw serves first steps and single ways out only
    while True:
        u = draws.unit()
        if u < extra:
            return t
        u = (u - extra) / (1 - extra)
        x = draw_edge(records, first, degree, draws.bits())
        alpha = 1 / p if x == t else 1.0 if x in near_t else 1 / q
        if u < alpha / top:
            return x


def step_chances(graph, t, v, p, q):
    """float64[V], the exact chances of the step after t -> v (Grover & Leskovec 2016, 3.2.2); no kernel."""
    chances = np.zeros(len(graph))
    near_t = graph.targets[graph.offsets[t] : graph.offsets[t + 1]]
    for e in range(graph.offsets[v], graph.offsets[v + 1]):
        x = graph.targets[e]
        alpha = 1 / p if x == t else 1.0 if x in near_t else 1 / q
        chances[x] = alpha * graph.weights[e]
    return chances / max(chances.sum(), 1e-300)
