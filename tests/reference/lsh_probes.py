"""Multi-probe written out: every bucket of every table, sorted by cost. kernels/lsh_probes.py has no public
kernel; search and theory are compared by these.
"""

import math
from itertools import product


def line_choices(place):
    """[(cost, id)] of one line: its own stretch, then the two beside it by their distance."""
    here = math.floor(place)
    below = place - here
    return [(0.0, here), *sorted([(below**2, here - 1), ((1 - below) ** 2, here + 1)])]


def end_choices(places, length, choices):
    """[(cost, id)] of several lines: the ends furthest along, by the squared gap to the furthest."""
    ends = [*places, *(-p for p in places)]
    order = sorted(range(len(ends)), key=lambda end: -ends[end])[:choices]
    return [(min(((ends[order[0]] - ends[e]) / length) ** 2 / 64, 1.0), e) for e in order]


def choices_of(places, lines, choices):
    """The choices of each function of a query."""
    if lines == 1:
        return [line_choices(place) for place in places]
    length = math.sqrt(sum(p * p for p in places) / len(places)) or 1.0
    groups = [list(places[at : at + lines]) for at in range(0, len(places), lines)]
    return [end_choices(group, length, choices) for group in groups]


def sets_of_table(known):
    """[(cost, choices)] of one table but for its own bucket, the likeliest first."""
    found = [
        (sum(choices[c][0] for choices, c in zip(known, chosen, strict=True)), chosen)
        for chosen in product(*(range(len(choices)) for choices in known))
    ]
    return sorted(found)[1:]


def probe_order(known, tables):
    """[(cost, table, choices)] over all tables by one order: what one heap over all tables gives."""
    k = len(known) // max(tables, 1)
    return sorted(
        (cost, table, chosen)
        for table in range(tables)
        for cost, chosen in sets_of_table(known[table * k : (table + 1) * k])
    )
