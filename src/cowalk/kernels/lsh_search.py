"""The search of an LSH index: buckets, then sketches, then exact scores of those that are left."""

import numpy as np

from cowalk.kernels.bits import ones
from cowalk.kernels.flags import inline_kernel, inline_with_arrays, kernel, parallel_kernel, prange
from cowalk.kernels.lsh import bucket_sum, key_of, project, put_bits
from cowalk.kernels.lsh_probes import advance, begin, fill_choices, put_in_order, top_of
from cowalk.kernels.rerank import product, square
from cowalk.kernels.rng import S32
from cowalk.kernels.topk import clear, close, offer
from cowalk.types import AnyArray

LOW_ROW = np.uint64(0xFFFFFFFF)
ONE = np.uint64(1)
IN_WORD = np.uint64(63)
FEW = 8  # entries that are read one by one
AHEAD = (
    16  # buckets that are looked up before the first of them is read, so that memory serves several at a time
)


@inline_kernel
def take(row, seen, pool, found):
    """Put the row into the pool unless it was seen; gives how many are in it."""
    word = row >> 6
    place = np.uint64(row) & IN_WORD
    known = np.int64((seen[word] >> place) & ONE)
    seen[word] |= ONE << place
    pool[found] = row  # without a branch, which would be foretold badly; the pool has a place to spare
    return found + 1 - known


@inline_kernel
def take_all(rows, blocked, pool):
    """Put all rows that may answer into the pool; gives how many."""
    found = 0
    for word in range(len(blocked)):
        first = word * 64
        last = min(first + 64, rows)
        if blocked[word] == 0:  # the common case, without a look at each bit
            for row in range(first, last):
                pool[found + row - first] = row
            found += last - first
            continue
        for row in range(first, last):
            if (blocked[word] >> np.uint64(row - first)) & ONE == 0:
                pool[found] = row
                found += 1
    return found


@inline_kernel
def compare(sketch, sketches, pool, found, gaps, counts):
    """gaps[i] = the bits in which row i of the pool differs by its sketch; counts them by number of bits."""
    for at in range(found):
        row = np.int64(pool[at])
        gap = np.uint64(0)
        for i in range(sketches.shape[1]):
            gap += ones(sketch[0, i] ^ sketches[row, i])
        gaps[at] = gap
    counts[:] = 0
    for at in range(found):
        counts[np.int64(gaps[at])] += 1


@inline_kernel
def slot_of(key, bits):
    """Where the directory tells of a key's entries."""
    return np.int64(key >> np.uint64(32 - bits))


@inline_kernel
def take_bucket(entries, table, key, low, high, seen, pool, found):
    """Take the rows of one bucket, whose entries lie within low .. high; gives how many are in the pool."""
    end = high
    while high - low > FEW:
        middle = (low + high) // 2
        if entries[table, middle] >> S32 < key:
            low = middle + 1
        else:
            high = middle
    while low < end:
        entry = entries[table, low]
        if entry >> S32 > key:
            break
        if entry >> S32 == key:
            row = np.int64(entry & LOW_ROW)
            found = take(row, seen, pool, found)
        low += 1
    return found


@inline_kernel
def look_further(
    entries, directory, bits, costs, moves, order, base, heap, sums, spots, keys, inside, lows, highs,
    seen, pool, found, probes, candidates,
):  # fmt: skip
    """Take the rows of further buckets, the likeliest first; gives the size of the pool and the buckets read.

    keys, inside, lows, highs: [AHEAD], scratch.
    """
    looked = 0
    size = begin(costs, moves, order, base, heap, sums, spots)
    nodes = size
    while size > 0 and looked < probes and found < candidates:
        waiting = 0
        while waiting < len(keys) and size > 0 and looked + waiting < probes:
            node = top_of(heap)
            table = spots[node] >> 12
            slot = slot_of(key_of(sums[node]), bits)
            keys[waiting] = key_of(sums[node])
            inside[waiting] = table
            lows[waiting] = directory[table, slot]
            highs[waiting] = directory[table, slot + 1]
            waiting += 1
            size, nodes = advance(costs, moves, order, heap, sums, spots, size, nodes)
        for at in range(waiting):
            if found < candidates:
                looked += 1
                found = take_bucket(entries, inside[at], keys[at], lows[at], highs[at], seen, pool, found)
    return found, looked


@inline_kernel
def likeness(queries, q, vectors, row, l2):
    """The inner product, or the squared distance, negated."""
    return -square(queries, q, vectors, row) if l2 else product(queries, q, vectors, row)


@inline_kernel
def widest(counts, found, most):
    """The largest gap that is scored: up to it lie at least `most` rows of the pool, or all."""
    if most <= 0 or most >= found:
        return len(counts)
    gap = 0
    total = counts[0]
    while total < most:
        gap += 1
        total += counts[gap]
    return gap


@inline_kernel
def score_pool(queries, q, vectors, l2, pool, gaps, found, widest_gap, ids, scores):
    """Keep the best of the pool, those further by their sketch left out; gives how many were scored."""
    k = ids.shape[1]
    scored = np.int64(0)
    for at in range(found):  # gathered without a branch first: then several rows are on their way at a time
        pool[scored] = pool[at]
        scored += np.int64(gaps[at] <= widest_gap)
    for at in range(scored):
        row = np.int64(pool[at])
        score = likeness(queries, q, vectors, row, l2)
        if score >= scores[q, 0]:
            offer(ids, scores, q, k, row, score)
    close(ids, scores, q, k, len(vectors))
    if l2:
        for j in range(k):
            scores[q, j] = -np.sqrt(-scores[q, j])
    return scored


@inline_with_arrays
def answer(
    first, step, queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers,
    entries, directory, bits, sides, side_shifts, sketches, blocked, loose, probes, candidates, scored,
    ids, scores, work,
):  # fmt: skip
    """Answer queries first, first + step, ...; see `search`."""
    tables, k = multipliers.shape
    places = np.empty(len(shifts), np.float32)
    side_places = np.empty(len(side_shifts), np.float32)
    sketch = np.empty((1, sketches.shape[1]), np.uint64)
    seen = np.empty_like(blocked)
    pool = np.empty(len(vectors) + 1, np.int32)
    gaps = np.empty(len(vectors), np.int16)
    counts = np.empty(len(side_shifts) + 1, np.int64)
    near = np.empty(choices, np.float32)
    ends = np.empty(choices, np.int32)
    costs = np.empty((tables * k, choices), np.uint64)
    moves = np.empty((tables * k, choices), np.uint64)
    order = np.empty((tables, k), np.int32)
    base = np.empty(tables, np.uint64)
    room = tables + 2 * probes + 2  # each bucket looked into brings two more
    heap = np.empty(room, np.uint64)
    sums = np.empty(room, np.uint64)
    spots = np.empty(room, np.int32)
    keys = np.empty(AHEAD, np.uint64)
    inside = np.empty(AHEAD, np.int64)
    lows = np.empty(AHEAD, np.int64)
    highs = np.empty(AHEAD, np.int64)
    for q in range(first, len(queries), step):
        seen[:] = blocked
        clear(ids, scores, q, ids.shape[1], len(vectors))
        project(queries, q, scales[q], np.float32(0.0), directions, shifts, places)
        project(queries, q, scales[q], np.float32(0.0), sides, side_shifts, side_places)
        put_bits(side_places, sketch, 0)
        found = 0
        for at in range(len(loose)):
            found = take(np.int64(loose[at]), seen, pool, found)
        if tables == 0:
            found = take_all(len(vectors), blocked, pool)
        for table in range(tables):
            base[table] = bucket_sum(places, lines, multipliers, table)
            key = key_of(base[table])
            low, high = directory[table, slot_of(key, bits)], directory[table, slot_of(key, bits) + 1]
            found = take_bucket(entries, table, key, np.int64(low), np.int64(high), seen, pool, found)
        looked = 0
        if probes > 0 and found < candidates:
            fill_choices(places, lines, near, ends, costs, moves)
            for f in range(tables * k):
                for c in range(choices):
                    moves[f, c] *= multipliers[f // k, f % k]
            for table in range(tables):
                put_in_order(costs, table, k, order)
            found, looked = look_further(
                entries, directory, bits, costs, moves, order, base, heap, sums, spots, keys, inside, lows,
                highs, seen, pool, found, probes, candidates,
            )  # fmt: skip
        compare(sketch, sketches, pool, found, gaps, counts)
        gap = widest(counts, found, scored)
        work[q, 0] = score_pool(queries, q, vectors, l2, pool, gaps, found, gap, ids, scores)
        work[q, 1] = found
        work[q, 2] = tables + looked
    return 0


@kernel
def search(
    queries: AnyArray, scales: AnyArray, vectors: AnyArray, l2: bool,
    directions: AnyArray, shifts: AnyArray, lines: int, choices: int, multipliers: AnyArray,
    entries: AnyArray, directory: AnyArray, bits: int,
    sides: AnyArray, side_shifts: AnyArray, sketches: AnyArray, blocked: AnyArray, loose: AnyArray,
    probes: int, candidates: int, scored: int, ids: AnyArray, scores: AnyArray, work: AnyArray,
) -> None:  # fmt: skip
    """Fill ids and scores [Q, k] with the best rows found.

    Candidates are the loose rows, then each table's own bucket, then at most `probes` others, the likeliest
    first, until there are `candidates` (counted after each bucket); without a table all rows are. At least
    `scored` of them are scored, those whose sketches differ in the fewest bits (all of the last number of
    bits); 0 = all.
    blocked: uint64[ceil(N / 64)], a bit for each row that may not answer. scales: float32[Q], what a query is
    multiplied by before hashing. lines of a function, and the choices that probing has of it: see
    `lsh_probes`. work: int64[Q, 3], rows scored, candidates, buckets read.
    """
    answer(
        0, 1, queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers,
        entries, directory, bits, sides, side_shifts, sketches, blocked, loose, probes, candidates, scored,
        ids, scores, work,
    )  # fmt: skip


@parallel_kernel
def search_many(
    queries: AnyArray, scales: AnyArray, vectors: AnyArray, l2: bool,
    directions: AnyArray, shifts: AnyArray, lines: int, choices: int, multipliers: AnyArray,
    entries: AnyArray, directory: AnyArray, bits: int,
    sides: AnyArray, side_shifts: AnyArray, sketches: AnyArray, blocked: AnyArray, loose: AnyArray,
    probes: int, candidates: int, scored: int, workers: int,
    ids: AnyArray, scores: AnyArray, work: AnyArray,
) -> None:  # fmt: skip
    """As `search`, the queries spread over the workers."""
    for worker in prange(workers):
        answer(
            worker, workers, queries, scales, vectors, l2, directions, shifts, lines, choices, multipliers,
            entries, directory, bits, sides, side_shifts, sketches, blocked, loose, probes, candidates,
            scored, ids, scores, work,
        )  # fmt: skip
