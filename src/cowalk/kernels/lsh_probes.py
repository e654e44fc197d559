"""Multi-probe: which buckets to look into next, the likeliest first, over all tables by one heap.

Lv, Josephson, Wang, Charikar, Li 2007, section 4.4. A table's 2k steps are a function and a direction each;
step j crosses a side that lies sqrt(z[j]) widths away, z rises, and steps j and 2k - 1 - j are the two
directions of one function. A set of steps is a mask of 2k <= 64 bits, its cost the sum of its z. The next
set is the cheapest in the heap; from it come `shift` (its last step moved one on) and `expand` (one step
more). A set with both directions of a function is not looked into, and not expanded: all that comes of
expanding it would hold both as well.

The heap holds cost << 32 | node, a node being a set: costs are whole numbers, z in units of 2**-26.
"""

import numpy as np

from cowalk.kernels.flags import inline_kernel

ONE = np.uint64(1)
ZERO = np.uint64(0)
S32 = np.uint64(32)
NODE = np.uint64(0xFFFFFFFF)
UNIT = np.float32(1 << 26)  # k <= 32 steps of at most 1, and one more in a set not looked into: below 2**32


@inline_kernel
def sort_steps(places, multipliers, table, order, near, z, moves):
    """Fill z and moves [table, 2k] by rising distance; moves: what a step adds to the bucket's sum.

    order: int32[k], near: float32[k]: the functions by their distance to the nearer side, and that distance.
    """
    k = multipliers.shape[1]
    for i in range(k):
        place = places[table * k + i]
        below = place - np.floor(place)
        gap = min(below, np.float32(1.0) - below)
        at = i
        while at > 0 and near[at - 1] > gap:  # insertion: k is small
            near[at] = near[at - 1]
            order[at] = order[at - 1]
            at -= 1
        near[at] = gap
        order[at] = i
    for j in range(k):
        place = places[table * k + order[j]]
        up = multipliers[table, order[j]]
        down = ZERO - up
        below_is_near = place - np.floor(place) <= np.float32(0.5)
        far = np.float32(1.0) - near[j]
        moves[table, j] = down if below_is_near else up
        moves[table, 2 * k - 1 - j] = up if below_is_near else down
        z[table, j] = np.uint64(near[j] * near[j] * UNIT)
        z[table, 2 * k - 1 - j] = np.uint64(far * far * UNIT)


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
def begin(z, moves, base, heap, sums, masks, homes):
    """Put the nearest step of every table into the heap; gives its size. homes: table * 64 + last step."""
    for table in range(len(base)):
        heap[table] = (z[table, 0] << S32) | np.uint64(table)
        sums[table] = base[table] + moves[table, 0]
        masks[table] = ONE
        homes[table] = table * 64
        rise(heap, table)
    return len(base)


@inline_kernel
def top_of(heap):
    """The cheapest node."""
    return np.int64(heap[0] & NODE)


@inline_kernel
def holds_both(mask, last, steps):
    """Whether the set's last step goes against another of its steps."""
    return last * 2 >= steps and (mask >> np.uint64(steps - 1 - last)) & ONE == ONE


@inline_kernel
def advance(z, moves, heap, sums, masks, homes, size, nodes):
    """Take the top away and put in what comes of it; gives the sizes of the heap and of the nodes now.

    What was on top must have been read before: its node is used again.
    """
    steps = z.shape[1]
    node = top_of(heap)
    cost = heap[0] >> S32
    table = homes[node] // 64
    last = homes[node] % 64
    if last + 1 == steps:
        size -= 1
        heap[0] = heap[size]
        sink(heap, size)
        return size, nodes
    mask = masks[node]
    total = sums[node]
    after = last + 1
    bit = ONE << np.uint64(after)
    heap[0] = ((cost - z[table, last] + z[table, after]) << S32) | np.uint64(node)  # shift
    sums[node] = total - moves[table, last] + moves[table, after]
    masks[node] = (mask ^ (ONE << np.uint64(last))) | bit
    homes[node] = table * 64 + after
    sink(heap, size)
    if not holds_both(mask, last, steps):
        heap[size] = ((cost + z[table, after]) << S32) | np.uint64(nodes)  # expand
        sums[nodes] = total + moves[table, after]
        masks[nodes] = mask | bit
        homes[nodes] = table * 64 + after
        rise(heap, size)
        return size + 1, nodes + 1
    return size, nodes
