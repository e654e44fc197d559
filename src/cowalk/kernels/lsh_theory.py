"""How likely a row at a given distance is among the candidates, by the chances of each bucket looked into."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel, kernel, parallel_kernel, prange
from cowalk.kernels.lsh_probes import advance, begin, end_choices, line_choices, put_in_order, top_of
from cowalk.types import AnyArray

ONE = np.uint64(1)
HALF = 0.7071067811865476
LEAST = 1e-300


@inline_kernel
def below(x):
    """Chance that a standard normal number is less than x."""
    return 0.5 * (1.0 + math.erf(x * HALF))


@kernel
def line_chances(places: AnyArray, reaches: AnyArray, costs: AnyArray, chances: AnyArray) -> None:
    """Fill costs uint64[F, 3] and chances float64[F, 3, U] of functions of one line each.

    A query falls at places[f] on the line of function f, in widths; a row at distance width / reaches[u]
    makes each of its choices with these chances: its place differs by a normal number of deviation 1 / reach.
    """
    steps = np.empty_like(costs)
    for f in range(len(places)):
        line_choices(places[f], costs, steps, f)
        inside = places[f] - math.floor(places[f])
        for u in range(len(reaches)):
            for c in range(3):
                low = np.float64(np.int64(steps[f, c])) - inside
                chances[f, c, u] = below((low + 1.0) * reaches[u]) - below(low * reaches[u])


@inline_kernel
def end_chance(places, f, i, sign, cosine, spread, nodes, weights):
    """Chance that a row falls to one end of line i, seen from the query's places on all lines.

    Its own place is cosine * place + spread * g, g normal, and so are those on the other lines, which have to
    be smaller: the mean over g, by Gauss and Hermite's rule, of the product of their chances.
    """
    total = 0.0
    for n in range(len(nodes)):
        reach = sign * cosine * places[f, i] + spread * nodes[n]
        chance = weights[n] if reach > 0.0 else 0.0
        for j in range(places.shape[1]):
            if j != i and chance > 0.0:
                at = cosine * places[f, j]
                chance *= below((reach - at) / spread) - below((-reach - at) / spread)
        total += chance
    return total


@parallel_kernel
def end_chances(
    places: AnyArray, cosines: AnyArray, nodes: AnyArray, weights: AnyArray,
    costs: AnyArray, chances: AnyArray,
) -> None:  # fmt: skip
    """Fill costs uint64[F, C] and chances float64[F, C, U] of functions of m lines; places: float32[F, m].

    A query of length 1 falls at places[f] on normal lines; a row of length 1 at cosines[u] from it makes each
    of the C choices with these chances. nodes, weights: a quadrature under the normal density.
    """
    lines = places.shape[1]
    choices = costs.shape[1]
    for f in prange(len(places)):
        near = np.empty(choices, np.float32)
        ends = np.empty(choices, np.int32)
        steps = np.empty((1, choices), np.uint64)
        mine = np.empty((1, choices), np.uint64)
        end_choices(places[f], 0, lines, np.float32(1.0), near, ends, mine, steps, 0)
        for c in range(choices):
            costs[f, c] = mine[0, c]
            i = np.int64(ends[c]) % lines
            sign = 1.0 if ends[c] < lines else -1.0
            for u in range(len(cosines)):
                spread = math.sqrt(max(1.0 - cosines[u] * cosines[u], 1e-12))
                chances[f, c, u] = end_chance(places, f, i, sign, cosines[u], spread, nodes, weights)


@inline_kernel
def add_bucket(word, bits, table, order, chances, stay, inside):
    """inside[table, u] += the chance that a row at distance u lies in the bucket of these choices.

    word: the choice of the function at place j of the order, in bits j * bits and on.
    """
    for u in range(inside.shape[1]):
        chance = stay[table, u]
        rest = word
        j = 0
        while rest != 0:
            c = np.int64(rest & ((ONE << bits) - ONE))
            if c > 0:
                f = order[table, j]
                chance *= chances[f, c, u] / max(chances[f, 0, u], LEAST)
            rest >>= bits
            j += 1
        inside[table, u] += chance


@inline_kernel
def put_found(inside, found, draw, check):
    """found[draw, check, u] = the chance of being in a bucket looked into in any table."""
    for u in range(inside.shape[1]):
        missed = 1.0
        for table in range(inside.shape[0]):
            missed *= min(max(1.0 - inside[table, u], 0.0), 1.0)
        found[draw, check, u] = 1.0 - missed


@parallel_kernel
def chances_found(
    costs: AnyArray, chances: AnyArray, picks: AnyArray, checks: AnyArray, found: AnyArray
) -> None:
    """Fill found float64[D, N, U]: the chance that a row at distance u is a candidate after checks[n] probes.

    Draw d is a query in tables of functions picks[d] int32[L, k], whose choices cost costs[f] uint64[C] and
    are made by such a row with chances[f] float64[C, U]. checks: int64[N], rising. The functions agree
    independently, so every bucket's chance is a product, and buckets of a table exclude one another.
    """
    for draw in prange(len(picks)):
        tables, k = picks.shape[1], picks.shape[2]
        choices, points = costs.shape[1], chances.shape[2]
        bits = np.uint64(2 if choices <= 4 else 4)
        mine = np.empty((tables * k, choices), np.uint64)
        own = np.empty((tables * k, choices, points), np.float64)
        moves = np.empty((tables * k, choices), np.uint64)
        order = np.empty((tables, k), np.int32)
        stay = np.ones((tables, points), np.float64)
        base = np.zeros(tables, np.uint64)
        room = tables + 2 * checks[-1] + 2
        heap = np.empty(room, np.uint64)
        sums = np.empty(room, np.uint64)
        spots = np.empty(room, np.int32)
        for table in range(tables):
            for i in range(k):
                f = picks[draw, table, i]
                mine[table * k + i] = costs[f]
                own[table * k + i] = chances[f]
                for u in range(points):
                    stay[table, u] *= max(chances[f, 0, u], LEAST)
            put_in_order(mine, table, k, order)
            for j in range(k):
                for c in range(choices):
                    moves[order[table, j], c] = np.uint64(c) << (np.uint64(j) * bits)
        inside = stay.copy()
        size = begin(mine, moves, order, base, heap, sums, spots)
        nodes = size
        looked = 0
        for check in range(len(checks)):
            while size > 0 and looked < checks[check]:
                node = top_of(heap)
                looked += 1
                add_bucket(sums[node], bits, spots[node] >> 12, order, own, stay, inside)
                size, nodes = advance(mine, moves, order, heap, sums, spots, size, nodes)
            put_found(inside, found, draw, check)
