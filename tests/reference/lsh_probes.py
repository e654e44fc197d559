"""Multi-probe written out: every set of steps of every table, sorted by score. kernels/lsh_probes.py has no
public kernel; search and theory are compared by these.
"""

import math
from itertools import product


def sets_of_table(places):
    """[(score, steps)] of one table, the likeliest first: a step -1, 0 or 1 for each function."""
    found = []
    for steps in product((-1, 0, 1), repeat=len(places)):
        score = 0.0
        for place, step in zip(places, steps, strict=True):
            below = place - math.floor(place)
            score += {-1: below**2, 0: 0.0, 1: (1 - below) ** 2}[step]
        if any(steps):
            found.append((score, steps))
    return sorted(found)


def probe_order(places, tables):
    """[(score, table, steps)] over all tables by one order: what one heap over all tables gives."""
    k = len(places) // tables
    return sorted(
        (score, table, steps)
        for table in range(tables)
        for score, steps in sets_of_table(places[table * k : (table + 1) * k])
    )
