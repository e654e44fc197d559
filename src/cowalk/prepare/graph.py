"""Sessions -> ItemGraph: transitions bucketed by source, each row sorted and merged."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.kernels.pairs import (
    close_rows,
    count_transitions,
    merge_counts,
    merge_sums,
    scatter_edges,
    scatter_transitions,
)
from cowalk.prepare.content import content_edges
from cowalk.prepare.settings import GraphSettings
from cowalk.tables.graph import ItemGraph
from cowalk.tables.sessions import Sessions
from cowalk.tables.side_info import SideInfo
from cowalk.types import Floats, Ids, Offsets

NO_WEIGHTS = np.empty(0, dtype=np.float32)


def item_graph(
    sessions: Sessions, n_items: int, settings: GraphSettings | None = None, side_info: SideInfo | None = None
) -> ItemGraph:
    """The directed graph of consecutive items: weight = number of transitions, or the sum of later events'
    weights.

    With content_fields each item also gets edges to items that share a value (`content_edges`); in the
    symmetric form these too are mirrored. Equal input gives equal bits. UsageError where content is asked for
    without side information; DataError where no edge comes out. Source: EGES section 2.2 (the item graph).
    """
    settings = settings or GraphSettings()
    graph = _transitions(sessions, n_items, settings)
    if settings.content_fields and settings.content_strength > 0:
        if side_info is None:
            raise UsageError("content edges need side information: give an items table")
        graph = _with_content(graph, side_info, settings)
    if graph.edges == 0:
        raise DataError(
            "the graph has no edges: "
            f"no two different items follow one another in any of {len(sessions):,} sessions"
        )
    return graph


def _transitions(sessions: Sessions, n: int, settings: GraphSettings) -> ItemGraph:
    """The graph of the log alone."""
    counts = np.zeros(n, dtype=np.int64)
    count_transitions(sessions.items, sessions.offsets, settings.self_loops, settings.symmetric, counts)
    offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    targets = np.empty(offsets[-1], dtype=np.int32)
    weights = np.empty(offsets[-1] if settings.weighted else 0, dtype=np.float32)
    scatter_transitions(
        sessions.items,
        sessions.weights if settings.weighted else NO_WEIGHTS,
        sessions.offsets,
        settings.self_loops,
        settings.symmetric,
        offsets[:-1].copy(),
        targets,
        weights,
    )
    return _merged(offsets, targets, weights if settings.weighted else None)


def _merged(offsets: Offsets, targets: Ids, weights: Floats | None) -> ItemGraph:
    """The graph of bucketed edges; both arrays are used up, so that no second copy stands beside them."""
    lengths = np.empty(len(offsets) - 1, dtype=np.int64)
    if weights is None:
        weights = np.empty(len(targets), dtype=np.float32)
        merge_counts(offsets, targets, weights, lengths)
    else:
        merge_sums(offsets, targets, weights, lengths)
    closed = np.empty(len(offsets), dtype=np.int64)
    close_rows(offsets, lengths, targets, weights, closed)
    targets.resize(closed[-1], refcheck=False)  # gives the tail back in place
    weights.resize(closed[-1], refcheck=False)
    return ItemGraph(closed, targets, weights)


def graph_of_edges(src: Ids, dst: Ids, weights: Floats, n: int) -> ItemGraph:
    """The graph of n nodes with these edges; weights of equal edges are summed in the order they come in."""
    offsets = np.append(0, np.cumsum(np.bincount(src, minlength=n))).astype(np.int64)
    targets = np.empty(len(src), dtype=np.int32)
    gathered = np.empty(len(src), dtype=np.float32)
    scatter_edges(src, dst, weights, offsets[:-1].copy(), targets, gathered)
    return _merged(offsets, targets, gathered)


def _with_content(graph: ItemGraph, side_info: SideInfo, settings: GraphSettings) -> ItemGraph:
    """The graph and the content edges together, at the chosen strength."""
    src, dst, shares = content_edges(side_info, settings.content_fields, settings.content_neighbors)
    sources = graph.sources()
    # Items that the log never left say nothing about how strong a log edge is.
    leaving = int(np.count_nonzero(np.diff(graph.offsets)))
    mean = float(graph.weights.sum(dtype=np.float64)) / leaving if leaving else 1.0
    weights = (shares * (settings.content_strength * mean)).astype(np.float32)
    if settings.symmetric:
        src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
        weights = np.tile(weights / np.float32(2), 2)
    return graph_of_edges(
        np.concatenate([sources, src]),
        np.concatenate([graph.targets, dst]),
        np.concatenate([graph.weights, weights]),
        len(graph),
    )
