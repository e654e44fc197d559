"""Huffman trees over counts, and the way from the root to each item."""

import numpy as np

from cowalk.kernels.flags import kernel
from cowalk.types import AnyArray


@kernel
def huffman_tree(
    counts: AnyArray, order: AnyArray, parents: AnyArray, bits: AnyArray, depths: AnyArray
) -> None:
    """Fill parents int32, bits uint8 and depths int32 of the 2V - 1 nodes: V items, then V - 1 inner ones.

    order: the items from the rarest on. An inner node stands behind its children, so the root is the last; it
    is its own parent. Of equal counts an item is taken before an inner node, and the lower one first. By two
    queues (van Leeuwen 1976).
    """
    items = len(counts)
    sums = np.zeros(2 * items - 1, np.int64)
    leaf, inner = 0, items
    for node in range(items, 2 * items - 1):
        for bit in range(2):
            if leaf < items and (inner >= node or counts[order[leaf]] <= sums[inner]):
                child, count = order[leaf], counts[order[leaf]]
                leaf += 1
            else:
                child, count = inner, sums[inner]
                inner += 1
            sums[node] += count
            parents[child] = node
            bits[child] = bit
    root = 2 * items - 2
    parents[root], bits[root], depths[root] = root, 0, 0
    for node in range(root - 1, -1, -1):
        depths[node] = depths[parents[node]] + 1


@kernel
def tree_paths(
    parents: AnyArray, bits: AnyArray, offsets: AnyArray, nodes: AnyArray, path_bits: AnyArray
) -> None:
    """Fill nodes int32 and path_bits uint8 at offsets[v]:offsets[v+1]: the inner nodes from the root down to
    item v, numbered from 0, and at each which child is taken.
    """
    items = len(offsets) - 1
    for v in range(items):
        node = v
        for e in range(offsets[v + 1] - 1, offsets[v] - 1, -1):
            nodes[e] = parents[node] - items
            path_bits[e] = bits[node]
            node = parents[node]
