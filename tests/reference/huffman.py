"""Slow twins of kernels/huffman.py: a heap of (count, inner or not, order), and the way up from each item."""

import heapq


def huffman_tree(counts, order, parents, bits, depths):
    items = len(counts)
    heap = [(int(counts[v]), 0, place, int(v)) for place, v in enumerate(order)]
    heapq.heapify(heap)
    for node in range(items, 2 * items - 1):
        total = 0
        for bit in range(2):
            count, _, _, child = heapq.heappop(heap)
            parents[child], bits[child] = node, bit
            total += count
        heapq.heappush(heap, (total, 1, node, node))
    root = 2 * items - 2
    parents[root], bits[root] = root, 0
    for node in range(2 * items - 1):
        depths[node], up = 0, node
        while up != root:
            depths[node], up = depths[node] + 1, parents[up]


def tree_paths(parents, bits, offsets, nodes, path_bits):
    items = len(offsets) - 1
    for v in range(items):
        way, node = [], v
        while parents[node] != node:
            way.append((parents[node] - items, bits[node]))
            node = parents[node]
        for e, (inner, bit) in zip(range(offsets[v], offsets[v + 1]), reversed(way), strict=True):
            nodes[e], path_bits[e] = inner, bit
