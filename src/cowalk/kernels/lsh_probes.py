"""Multi-probe: which buckets to look into next, the likeliest first, over all tables by one heap.

Lv, Josephson, Wang, Charikar, Li 2007, section 4.4; Andoni, Indyk, Laarhoven, Razenshteyn, Schmidt 2015,
section 5. A bucket is a choice for each function of its table. Choice 0 is the query's own, further ones cost
more: by one line the stretches beside it, at the squared distance to the side crossed; by several lines the
other ends, at the squared difference of the query's places along them. A bucket's cost is the sum over the
functions. These are taken by the cost of their choice 1, the cheapest first, and every bucket comes from one
that costs no more: by its last changed function's next choice (`shift`), by choice 1 of the function after
(`expand`), or, where it holds choice 1, by handing that on to the function after (`swap`).

The heap holds cost << 32 | node, a node being a bucket: costs are whole numbers in units of 2**-26.
"""

import numpy as np

from cowalk.kernels.flags import inline_kernel

ZERO = np.uint64(0)
S32 = np.uint64(32)
NODE = np.uint64(0xFFFFFFFF)
UNIT = np.float32(1 << 26)  # at most 32 functions, each of cost 1 or less: below 2**32
NARROW = np.float32(1 / 64)  # ends differ by less than 8 deviations


@inline_kernel
def line_choices(place, costs, steps, f):
    """costs, steps [f, 3]: of one line: its own stretch, the one across the nearer side, across the other.

    steps: what is added to the bucket id, modulo 2**64.
    """
    below = place - np.floor(place)
    gap = min(below, np.float32(1.0) - below)
    far = np.float32(1.0) - gap
    up = np.uint64(1)
    down = ZERO - up
    costs[f, 0] = ZERO
    steps[f, 0] = ZERO
    costs[f, 1] = np.uint64(gap * gap * UNIT)
    steps[f, 1] = down if below <= np.float32(0.5) else up
    costs[f, 2] = np.uint64(far * far * UNIT)
    steps[f, 2] = up if below <= np.float32(0.5) else down


@inline_kernel
def end_choices(places, first, lines, length, near, ends, costs, steps, f):
    """costs, steps [f, C]: of the lines from `first` on: the C ends that the query lies furthest along.

    length: of the query, in deviations of a place. near: float32[C], ends: int32[C], scratch.
    """
    choices = costs.shape[1]
    kept = 0
    for end in range(2 * lines):
        i = end // 2
        place = places[first + i] if end % 2 == 0 else -places[first + i]
        if kept < choices:
            kept += 1
        elif place <= near[choices - 1]:
            continue
        at = kept - 1
        while at > 0 and near[at - 1] < place:
            near[at] = near[at - 1]
            ends[at] = ends[at - 1]
            at -= 1
        near[at] = place
        ends[at] = i if end % 2 == 0 else lines + i
    for c in range(choices):
        gap = (near[0] - near[c]) / length
        costs[f, c] = np.uint64(min(gap * gap * NARROW, np.float32(1.0)) * UNIT)
        steps[f, c] = np.uint64(np.int64(ends[c] - ends[0]))


@inline_kernel
def fill_choices(places, lines, near, ends, costs, steps):
    """Choices [L * k, C] of all functions of a query."""
    length = np.float32(1.0)
    if lines > 1:
        total = np.float32(0.0)
        for i in range(len(places)):
            total += places[i] * places[i]
        length = max(np.sqrt(total / np.float32(len(places))), np.float32(1e-20))
    for f in range(len(costs)):
        if lines == 1:
            line_choices(places[f], costs, steps, f)
        else:
            end_choices(places, f * lines, lines, length, near, ends, costs, steps, f)


@inline_kernel
def put_in_order(costs, table, k, order):
    """order[table, :]: the table's functions by the cost of their choice 1, ties by the lower."""
    for i in range(k):
        f = table * k + i
        at = i
        while at > 0 and costs[order[table, at - 1], 1] > costs[f, 1]:  # insertion: k is small
            order[table, at] = order[table, at - 1]
            at -= 1
        order[table, at] = f


@inline_kernel
def rise(heap, at):
    """Restore the heap upwards from place `at`."""
    value = heap[at]
    while at > 0:
        parent = (at - 1) // 2
        if heap[parent] <= value:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = value


@inline_kernel
def sink(heap, size):
    """Restore the heap downwards from its top."""
    value = heap[0]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if value <= heap[child]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value


@inline_kernel
def put(heap, sums, spots, size, nodes, cost, total, spot):
    """Put a new node into the heap."""
    heap[size] = (cost << S32) | np.uint64(nodes)
    sums[nodes] = total
    spots[nodes] = spot
    rise(heap, size)


@inline_kernel
def begin(costs, moves, order, base, heap, sums, spots):
    """Put the cheapest bucket beside the own one of every table into the heap; gives its size.

    moves: uint64[L * k, C], what a choice adds to the table's sum; base: uint64[L], the own buckets' sums.
    spots: table * 4096 + place of the last changed function in `order` * 64 + its choice.
    """
    for table in range(len(base)):
        f = order[table, 0]
        put(heap, sums, spots, table, table, costs[f, 1], base[table] + moves[f, 1], table * 4096 + 1)
    return len(base)


@inline_kernel
def top_of(heap):
    """The cheapest node."""
    return np.int64(heap[0] & NODE)


@inline_kernel
def advance(costs, moves, order, heap, sums, spots, size, nodes):
    """Take the top away and put in what comes of it; gives the sizes of the heap and of the nodes now.

    What was on top must have been read before: its node is used again. Two nodes more at most.
    """
    node = top_of(heap)
    cost = heap[0] >> S32
    total = sums[node]
    spot = spots[node]
    table = spot >> 12
    place = (spot >> 6) & 63
    choice = spot & 63
    f = order[table, place]
    if choice + 1 < costs.shape[1]:
        heap[0] = ((cost - costs[f, choice] + costs[f, choice + 1]) << S32) | np.uint64(node)  # shift
        sums[node] = total - moves[f, choice] + moves[f, choice + 1]
        spots[node] = spot + 1
    else:
        size -= 1
        heap[0] = heap[size]
    sink(heap, size)
    if place + 1 < order.shape[1]:
        after = order[table, place + 1]
        fresh = table * 4096 + (place + 1) * 64 + 1
        dearer = cost + costs[after, 1]
        more = total + moves[after, 1]
        put(heap, sums, spots, size, nodes, dearer, more, fresh)  # expand
        size += 1
        nodes += 1
        if choice == 1:
            put(heap, sums, spots, size, nodes, dearer - costs[f, 1], more - moves[f, 1], fresh)  # swap
            size += 1
            nodes += 1
    return size, nodes
