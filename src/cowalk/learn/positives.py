"""Known positives: which items are contexts of which in the data, and how often."""

from __future__ import annotations

import numpy as np

from cowalk.prepare.graph import graph_of_edges
from cowalk.tables import ItemGraph, Sessions
from cowalk.types import AnyArray, Floats, Ids

LOT = 1 << 22  # pairs that are held before they are merged


def context_graph(
    source: Sessions | ItemGraph, items: int, window: int | None, symmetric: bool, bought: bool = False
) -> ItemGraph:
    """Each item's contexts in the data: v -> u with the number of pairs, or the weight of the edges.

    Of sessions: all u at most `window` places after v (None = anywhere in the session; symmetric = also
    before), and with `bought` what v's session bought, wherever v stands. Of a graph: the targets of v's
    edges (symmetric = also the sources). An item is no context of itself.
    """
    one_way = source if isinstance(source, ItemGraph) else _of_sessions(source, items, window)
    if bought and isinstance(source, Sessions) and source.bought is not None:
        goals = np.repeat(source.bought, np.diff(source.offsets)).astype(np.int32)
        one_way = _merged(one_way, [(source.items[goals >= 0], goals[goals >= 0])])
    src, dst, weights = one_way.sources(), one_way.targets, one_way.weights
    other = src != dst
    src, dst, weights = src[other], dst[other], weights[other]
    if symmetric:
        src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
        weights = np.tile(weights, 2)
    return graph_of_edges(src, dst, weights, items)


def _of_sessions(sessions: Sessions, items: int, window: int | None) -> ItemGraph:
    """The pairs of all distances up to the window, merged LOT by LOT so that few are held at once."""
    lengths = np.diff(sessions.offsets)
    ends = np.repeat(sessions.offsets[1:], lengths)
    first = np.arange(len(ends))
    found = graph_of_edges(*_no_edges(), items)
    waiting: list[tuple[Ids, Ids]] = []
    held = 0
    for distance in range(1, int(lengths.max(initial=0)) if window is None else window + 1):
        first = first[first + distance < ends[first]]
        if not len(first):
            break
        waiting.append((sessions.items[first], sessions.items[first + distance]))
        held += len(first)
        if held > LOT:
            found, waiting, held = _merged(found, waiting), [], 0
    return _merged(found, waiting)


def _merged(found: ItemGraph, pairs: list[tuple[Ids, Ids]]) -> ItemGraph:
    """The graph with these pairs added, each of weight 1."""
    src = np.concatenate([found.sources(), *(src for src, _ in pairs)])
    dst = np.concatenate([found.targets, *(dst for _, dst in pairs)])
    ones = np.ones(len(src) - found.edges, dtype=np.float32)
    return graph_of_edges(src, dst, np.concatenate([found.weights, ones]), len(found))


def _no_edges() -> tuple[Ids, Ids, Floats]:
    none: AnyArray = np.empty(0, dtype=np.int32)
    return none, none, np.empty(0, dtype=np.float32)
