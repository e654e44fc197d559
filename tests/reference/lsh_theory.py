"""Slow twin of kernels/lsh_theory.py: every bucket written out, its chance a product of normal ones."""

import math
from statistics import NormalDist

import numpy as np

from reference.lsh_probes import end_choices, line_choices, probe_order

PHI = NormalDist().cdf
DENSITY = NormalDist().pdf


def line_chances(places, reaches, costs, chances):
    for f, place in enumerate(places.tolist()):
        below = place - math.floor(place)
        for c, (cost, at) in enumerate(line_choices(place)):
            costs[f, c] = int(cost * 2**26)
            low = at - math.floor(place) - below
            for u, reach in enumerate(reaches):
                chances[f, c, u] = PHI((low + 1) * reach) - PHI(low * reach)


def end_chances(places, cosines, nodes, weights, costs, chances):
    """The integral over the row's own place, by a fine sum."""
    lines = places.shape[1]
    for f, row in enumerate(places.tolist()):
        for c, (cost, end) in enumerate(end_choices(row, 1.0, costs.shape[1])):
            costs[f, c] = int(cost * 2**26)
            line, sign = end % lines, 1 if end < lines else -1
            for u, cosine in enumerate(cosines):
                spread = math.sqrt(1 - cosine**2)
                total = 0.0
                for at in np.arange(0.0025, 8, 0.005):
                    chance = DENSITY((at - sign * cosine * row[line]) / spread) / spread * 0.005
                    for j in range(lines):
                        if j != line:
                            mean = cosine * row[j]
                            chance *= PHI((at - mean) / spread) - PHI((-at - mean) / spread)
                    total += chance
                chances[f, c, u] = total


def chances_found(costs, chances, picks, checks, found):
    for d, functions in enumerate(picks):
        tables, k = functions.shape
        known = [[(int(cost), c) for c, cost in enumerate(costs[f])] for f in functions.ravel()]
        order = probe_order(known, tables)
        own = [[(0, t, (0,) * k)] for t in range(tables)]
        for n, check in enumerate(checks):
            for u in range(chances.shape[2]):
                missed = 1.0
                for t in range(tables):
                    inside = sum(
                        math.prod(chances[f, c, u] for f, c in zip(functions[t], chosen, strict=True))
                        for _, table, chosen in [*own[t], *order[:check]]
                        if table == t
                    )
                    missed *= 1 - inside
                found[d, n, u] = 1 - missed
