"""Slow twin of kernels/lsh_search.py: buckets as lists, every set of steps sorted, scores in float64."""

import math

import numpy as np

from reference.lsh import key_of, places_of, total_of
from reference.lsh_probes import choices_of, probe_order
from reference.topk import best, put

LOW = 0xFFFFFFFF


def bucket(entries, table, ids, multipliers):
    """The rows of the bucket; no kernel."""
    key = key_of(total_of(ids, multipliers[table]))
    return [int(e) & LOW for e in entries[table].tolist() if int(e) >> 32 == key]


def buckets_in_order(known, multipliers):
    """(table, ids) of the own buckets, then of the probes; no kernel."""
    tables, k = multipliers.shape
    for t in range(tables):
        yield t, [choices[0][1] for choices in known[t * k : (t + 1) * k]]
    for _, t, chosen in probe_order(known, tables):
        mine = known[t * k : (t + 1) * k]
        yield t, [choices[c][1] for choices, c in zip(mine, chosen, strict=True)]


def gap_of(a, b):
    """Bits in which two sketches differ; no kernel."""
    return sum((int(x) ^ int(y)).bit_count() for x, y in zip(a, b, strict=True))


def answer(query, scale, vectors, l2, lines, buckets, sides, blocked, loose, most, k):
    """({row: score}, work) of one query; no kernel."""
    directions, shifts, each, choices, multipliers = lines
    probes, candidates, scored = most
    dead = {row for row in range(len(vectors)) if int(blocked[row // 64]) >> (row % 64) & 1}
    pool = [int(row) for row in loose if int(row) not in dead]
    places = places_of(query, scale, 0.0, directions, shifts)
    known = choices_of(places, each, choices) if len(multipliers) else []
    read = 0
    if not len(multipliers):
        pool = [row for row in range(len(vectors)) if row not in dead]
    for table, ids in buckets_in_order(known, multipliers):
        if read >= len(multipliers) and (read - len(multipliers) >= probes or len(pool) >= candidates):
            break
        read += 1
        pool += [
            row for row in bucket(buckets, table, ids, multipliers) if row not in pool and row not in dead
        ]
    sketch = np.zeros((1, sides[2].shape[1]), np.uint64)
    on = places_of(query, scale, 0.0, sides[0], sides[1]) >= 0
    for word in range(sketch.shape[1]):
        sketch[0, word] = sum(1 << i for i, side in enumerate(on[64 * word : 64 * (word + 1)]) if side)
    gaps = {row: gap_of(sketch[0], sides[2][row]) for row in pool}
    widest = sorted(gaps.values())[scored - 1] if 0 < scored < len(pool) else math.inf
    kept = {}
    for row in pool:
        if gaps[row] <= widest:
            x, y = query.astype(float), vectors[row].astype(float)
            kept[row] = -math.sqrt(((x - y) ** 2).sum()) if l2 else float(x @ y)
    return kept, (len(kept), len(pool), read)


def search(
    queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers, entries, directory, bits,
    sides, side_shifts, sketches, blocked, loose, probes, candidates, scored, ids, scores, work,
):  # fmt: skip
    for q, query in enumerate(queries):
        kept, work[q] = answer(
            query, scales[q], vectors, l2, (directions, shifts, lines, choices, multipliers), entries,
            (sides, side_shifts, sketches), blocked, loose, (probes, candidates, scored), ids.shape[1],
        )  # fmt: skip
        put(ids, scores, q, best(kept, ids.shape[1]))


def search_many(
    queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers, entries, directory, bits,
    sides, side_shifts, sketches, blocked, loose, probes, candidates, scored, workers, ids, scores, work,
):  # fmt: skip
    search(
        queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers, entries, directory,
        bits, sides, side_shifts, sketches, blocked, loose, probes, candidates, scored, ids, scores, work,
    )  # fmt: skip
