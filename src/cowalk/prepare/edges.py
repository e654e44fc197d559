"""A ready graph instead of a log: an edge list, a networkx graph or a scipy matrix -> ItemGraph and Vocab."""

from __future__ import annotations

from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.columns import Typed, check_weights, id_column, number_column
from cowalk.prepare.database import Database, database
from cowalk.prepare.graph import graph_of_edges
from cowalk.prepare.sources import Loaded, label_of, load
from cowalk.prepare.vocabulary import frequent_first, renumber
from cowalk.tables.graph import ItemGraph
from cowalk.tables.vocab import Id, Vocab, as_ids
from cowalk.types import AnyArray, Floats, Ids


def read_edges(
    source: Any,
    *,
    source_column: str = "src",
    target_column: str = "dst",
    weight_column: str | None = "weight",
    undirected: bool = False,
    memory_limit: str | int = "4GB",
    workers: int | None = None,
) -> tuple[ItemGraph, Vocab]:
    """The directed graph of an edge list and its vocabulary, the items on most rows first, ties by id.

    undirected: each row is an undirected edge, to be walked both ways; the weights of the rows u v and v u
    are then summed. A count is the number of rows that an item stands on, as either end. Rows of the same
    edge are summed; without a column called `weight` every row weighs 1. DataError names the first row whose
    weight is not finite and above 0 or whose end has no id.
    """
    label = label_of(source)
    wanted = [source_column, target_column, *([weight_column] if weight_column else [])]
    with database(label, memory_limit, workers) as db:
        loaded = load(db, source, wanted, optional=["weight"])
        n = _store_edges(db, loaded, source_column, target_column, weight_column)
        if n == 0:
            raise DataError(f"{label}: the graph has no edges: the table has no rows")
        db.run("codes", target="node_ids", column="id", source="ends", condition="1 = 1")
        db.run("edges")
        src, dst, weights = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.float32)
        db.arrays("coded", {"src": src, "dst": dst, "weight": weights})
        ids = db.ids("node_ids")
    _check_float32(weights)
    counts = (np.bincount(src, minlength=len(ids)) + np.bincount(dst, minlength=len(ids))).astype(np.int64)
    ranked = frequent_first(ids, counts)
    number = renumber(len(ids), ranked)
    edges = (number[src], number[dst], weights)
    graph = graph_of_edges(*(both_ways(*edges) if undirected else edges), len(ids))
    return graph, Vocab(ids[ranked], counts[ranked])


def both_ways(src: Ids, dst: Ids, weights: Floats) -> tuple[Ids, Ids, Floats]:
    """The edges and their reverses; a loop stands once."""
    back = src != dst
    return (
        np.concatenate([src, dst[back]]),
        np.concatenate([dst, src[back]]),
        np.concatenate([weights, weights[back]]),
    )


def as_undirected(graph: ItemGraph) -> ItemGraph:
    """The graph with every edge's reverse added; the weights of u -> v and v -> u are summed."""
    return graph_of_edges(*both_ways(graph.sources(), graph.targets, graph.weights), len(graph))


def _store_edges(db: Database, loaded: Loaded, source: str, target: str, weight: str | None) -> int:
    """The views `edges` and `ends` over checked rows; their number."""
    ends = [id_column(db, loaded, source), id_column(db, loaded, target)]
    if len({end.kind for end in ends}) > 1:
        ends = [Typed(f"CAST({end.sql} AS VARCHAR)", "VARCHAR") for end in ends]
    for column, end in zip((source, target), ends, strict=True):
        bad = db.rows(f"SELECT rowid FROM {loaded.table} WHERE {end.sql} IS NULL ORDER BY rowid LIMIT 1")
        if bad:
            raise DataError(
                f"column {column!r}: no id ({loaded.place(int(str(bad[0][0])))}); an edge needs both ends"
            )
    value = "1"
    if weight is not None and weight in loaded.columns:
        typed = number_column(db, loaded, weight)
        message = check_weights(db, loaded, weight, typed, zero_is_bad=True)
        if message:
            raise DataError(message)
        value = typed.sql
    db.connection.execute(
        f"CREATE VIEW edges AS SELECT rowid AS seq, {ends[0].sql} AS src, {ends[1].sql} AS dst, "
        f"CAST({value} AS REAL) AS weight FROM {loaded.table}"
    )
    db.connection.execute(
        "CREATE VIEW ends AS SELECT src AS id FROM edges UNION ALL SELECT dst AS id FROM edges"
    )
    return db.count(loaded.table)


def graph_from_scipy(matrix: Any, ids: list[Id] | AnyArray | None = None) -> tuple[ItemGraph, Vocab]:
    """The graph whose edge i -> j weighs matrix[i, j], and the vocabulary of `ids` (0..V-1 where not given),
    in order.

    A count is the number of stored entries of the item's row and column. Entries of one place are summed.
    UsageError where the matrix is not a square sparse one or `ids` does not fit; DataError names the first
    entry that is off.
    """
    if not hasattr(matrix, "tocoo"):
        raise UsageError(f"graph_from_scipy takes a scipy sparse matrix, got {type(matrix).__name__}")
    entries = matrix.tocoo()
    if len(entries.shape) != 2 or entries.shape[0] != entries.shape[1]:
        raise UsageError(f"a graph needs a square matrix, got {entries.shape}")
    n = int(entries.shape[0])
    named: AnyArray = np.arange(n, dtype=np.int64) if ids is None else as_ids(ids)
    if len(named) != n:
        raise UsageError(f"{len(named)} ids for a matrix of {n} rows")
    return _graph(entries.row, entries.col, np.asarray(entries.data, dtype=np.float64), named)


def graph_from_networkx(graph: Any, weight: str = "weight") -> tuple[ItemGraph, Vocab]:
    """The graph of a networkx graph and the vocabulary of its nodes in their order; undirected edges go both
    ways.

    The edge attribute `weight` counts, 1 where an edge has none; parallel edges are summed. Nodes that are
    neither text nor whole numbers are named by their text.
    """
    if not hasattr(graph, "is_directed"):
        raise UsageError(f"graph_from_networkx takes a networkx graph, got {type(graph).__name__}")
    nodes = list(graph.nodes)
    place = {node: i for i, node in enumerate(nodes)}
    found = [
        (place[u], place[v], 1.0 if w is None else w) for u, v, w in graph.edges(data=weight, default=1.0)
    ]
    if not graph.is_directed():
        found = [one for u, v, w in found for one in ([(u, v, w), (v, u, w)] if u != v else [(u, v, w)])]
    try:
        weights = np.array([w for _, _, w in found], dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"an edge attribute {weight!r} is not a number") from None
    ends = np.array([(u, v) for u, v, _ in found], dtype=np.int32).reshape(-1, 2)
    return _graph(ends[:, 0], ends[:, 1], weights, as_ids(nodes))


def _graph(src: AnyArray, dst: AnyArray, weights: AnyArray, ids: AnyArray) -> tuple[ItemGraph, Vocab]:
    """The graph and vocabulary of checked edges in the row order of `ids`."""
    if len(src) == 0:
        raise DataError("the graph has no edges")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(bad):
        e = int(bad[0])
        ends = f"{ids[src[e]]} -> {ids[dst[e]]}"
        raise DataError(
            f"edge {ends} (entry {e + 1:,}): weight {weights[e]}; weights must be finite and above 0"
        )
    small = weights.astype(np.float32)
    _check_float32(small)
    src, dst = src.astype(np.int32), dst.astype(np.int32)
    counts = (np.bincount(src, minlength=len(ids)) + np.bincount(dst, minlength=len(ids))).astype(np.int64)
    return graph_of_edges(_contiguous(src), _contiguous(dst), small, len(ids)), Vocab(ids, counts)


def _contiguous(array: Ids) -> Ids:
    return np.ascontiguousarray(array)


def _check_float32(weights: Floats) -> None:
    """DataError where a weight that was fine in float64 is 0 or infinite in float32."""
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(bad):
        raise DataError(
            f"the weight of edge {int(bad[0]) + 1:,} is too small or too large; scale the weights"
        )
