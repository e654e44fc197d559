"""How likely a row at a given distance is among the candidates, by the chances of each bucket looked into."""

import math

import numpy as np

from cowalk.kernels.flags import inline_kernel, parallel_kernel, prange
from cowalk.kernels.lsh_probes import ONE, advance, begin, holds_both, sort_steps, top_of
from cowalk.types import AnyArray


@inline_kernel
def between(low, high, reach):
    """Chance that a normal number of deviation 1 / reach falls in [low, high)."""
    half = 0.7071067811865476 * reach
    return 0.5 * (math.erf(high * half) - math.erf(low * half))


@inline_kernel
def fill_chances(gap, reach, table, j, steps, u, stay, ratios):
    """One function whose nearer side lies `gap` widths away: stay[table, u] *= its chance to agree; ratios:
    the chances of its two steps over that.
    """
    agree = max(between(-gap, 1.0 - gap, reach), 1e-300)
    stay[table, u] *= agree
    ratios[table, j, u] = between(-1.0 - gap, -gap, reach) / agree
    ratios[table, steps - 1 - j, u] = between(1.0 - gap, 2.0 - gap, reach) / agree


@inline_kernel
def add_set(mask, last, table, stay, ratios, inside):
    """inside[table, u] += the chance that a row at distance u lies in the bucket of the set of steps."""
    for u in range(inside.shape[1]):
        chance = stay[table, u]
        for j in range(last + 1):
            if (mask >> np.uint64(j)) & ONE == ONE:
                chance *= ratios[table, j, u]
        inside[table, u] += chance


@inline_kernel
def put_found(inside, found, draw, check):
    """found[draw, check, u] = the chance of being in a bucket looked into in any table."""
    for u in range(inside.shape[1]):
        missed = 1.0
        for table in range(inside.shape[0]):
            missed *= max(1.0 - inside[table, u], 0.0)
        found[draw, check, u] = 1.0 - missed


@parallel_kernel
def chances(places: AnyArray, tables: int, reaches: AnyArray, checks: AnyArray, found: AnyArray) -> None:
    """Fill found float64[D, C, U]: the chance that a row at distance width / reaches[u] is a candidate.

    Row d of places float32[D, L * k] is a query: where it falls on each line, in widths. checks int64[C],
    rising: the number of probes after which the chance is read. Given where the query falls, the bucket ids
    of a row at distance u differ by independent normal numbers, so every bucket's chance is a product, and
    buckets of a table exclude one another: nothing is drawn but the places.
    """
    for draw in prange(len(places)):
        lines = places.shape[1]
        k = lines // tables
        multipliers = np.ones((tables, k), np.uint64)
        order = np.empty(k, np.int32)
        near = np.empty(k, np.float32)
        z = np.empty((tables, 2 * k), np.uint64)
        moves = np.empty((tables, 2 * k), np.uint64)
        base = np.zeros(tables, np.uint64)
        stay = np.ones((tables, len(reaches)), np.float64)
        ratios = np.empty((tables, 2 * k, len(reaches)), np.float64)
        room = tables + checks[-1] + 1
        heap = np.empty(room, np.uint64)
        sums = np.empty(room, np.uint64)
        masks = np.empty(room, np.uint64)
        homes = np.empty(room, np.int32)
        for table in range(tables):
            sort_steps(places[draw], multipliers, table, order, near, z, moves)
            for j in range(k):
                for u in range(len(reaches)):
                    fill_chances(near[j], reaches[u], table, j, 2 * k, u, stay, ratios)
        inside = stay.copy()
        size = begin(z, moves, base, heap, sums, masks, homes)
        nodes = size
        looked = 0
        for check in range(len(checks)):
            while size > 0 and looked < checks[check]:
                node = top_of(heap)
                last = homes[node] % 64
                if not holds_both(masks[node], last, 2 * k):
                    looked += 1
                    add_set(masks[node], last, homes[node] // 64, stay, ratios, inside)
                size, nodes = advance(z, moves, heap, sums, masks, homes, size, nodes)
            put_found(inside, found, draw, check)
