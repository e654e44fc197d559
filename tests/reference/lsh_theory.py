"""Slow twin of kernels/lsh_theory.py: every set of steps written out, its chance a product of normal ones."""

import math
from statistics import NormalDist

from reference.lsh_probes import probe_order

PHI = NormalDist().cdf


def chance_of(place, step, reach):
    """That a row falls `step` buckets beside the query's on one line; no kernel."""
    below = place - math.floor(place)
    return PHI((step + 1 - below) * reach) - PHI((step - below) * reach)


def chances(places, tables, reaches, checks, found):
    for d, row in enumerate(places.tolist()):
        k = len(row) // tables
        order = probe_order(row, tables)
        for u, reach in enumerate(reaches):
            for c, check in enumerate(checks):
                inside = [
                    math.prod(chance_of(p, 0, reach) for p in row[t * k : (t + 1) * k]) for t in range(tables)
                ]
                for _, table, steps in order[:check]:
                    mine = row[table * k : (table + 1) * k]
                    inside[table] += math.prod(
                        chance_of(p, s, reach) for p, s in zip(mine, steps, strict=True)
                    )
                found[d, c, u] = 1 - math.prod(1 - i for i in inside)
