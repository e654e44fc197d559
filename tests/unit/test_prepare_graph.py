"""The item graph: kernels against slow twins, weights by hand, content edges, health, ready graphs."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import DataError, UsageError
from cowalk.kernels import pairs
from cowalk.prepare import (
    GraphSettings,
    as_undirected,
    graph_from_networkx,
    graph_from_scipy,
    graph_health,
    graph_of_edges,
    hold_out_edges,
    item_graph,
    read_edges,
)
from cowalk.tables import Field, ItemGraph, Sessions, SideInfo
from reference import pairs as slow_pairs
from reference import prepare as slow

SEQUENCES = st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=8), min_size=1, max_size=8)
EDGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 9)), min_size=1, max_size=40)


def sessions_of(sequences, weights=None):
    items = np.array([item for one in sequences for item in one], dtype=np.int32)
    offsets = np.cumsum([0] + [len(one) for one in sequences]).astype(np.int64)
    zeros = np.zeros(len(sequences), dtype=np.int64)
    weights = np.ones(len(items)) if weights is None else weights
    return Sessions(items, offsets, zeros.astype(np.int32), zeros, np.asarray(weights, dtype=np.float32))


def graph_of(edges, n=7):
    src, dst, weights = (np.array(column) for column in zip(*edges, strict=True))
    return graph_of_edges(src.astype(np.int32), dst.astype(np.int32), weights.astype(np.float32), n)


@settings(max_examples=50, deadline=None)
@given(SEQUENCES, st.booleans(), st.booleans(), st.booleans())
def test_kernels_of_transitions_equal_their_slow_twins(sequences, loops, symmetric, weighted):
    cut = sessions_of(sequences)
    given_weights = np.arange(1, len(cut.items) + 1, dtype=np.float32)
    results = []
    for module in (pairs, slow_pairs):
        counts = np.zeros(7, dtype=np.int64)
        module.count_transitions(cut.items, cut.offsets, loops, symmetric, counts)
        offsets = np.append(0, np.cumsum(counts))
        targets, weights = np.empty(offsets[-1], np.int32), np.zeros(offsets[-1], np.float32)
        event_weights = given_weights if weighted else given_weights[:0]
        module.scatter_transitions(
            cut.items, event_weights, cut.offsets, loops, symmetric, offsets[:-1].copy(), targets, weights
        )
        scattered = (targets.copy(), weights.copy())
        lengths, closed = np.empty(7, np.int64), np.empty(8, np.int64)
        (module.merge_sums if weighted else module.merge_counts)(offsets, targets, weights, lengths)
        module.close_rows(offsets, lengths, targets, weights, closed)
        results.append([*scattered, lengths, closed, targets[: closed[-1]], weights[: closed[-1]]])
    for fast, wanted in zip(*results, strict=True):
        assert np.array_equal(fast, wanted)


@settings(max_examples=50, deadline=None)
@given(EDGES)
def test_kernels_on_edges_equal_their_slow_twins(edges):
    graph = graph_of(edges)
    wanted = np.zeros((7, 7))
    for u, v, w in edges:
        wanted[u, v] += w
    assert np.array_equal(slow.dense(graph), wanted)
    for name in ("weak_components", "count_reciprocal"):
        found = getattr(pairs, name)(graph.offsets, graph.targets)
        assert np.array_equal(found, getattr(slow_pairs, name)(graph.offsets, graph.targets))
    src, dst, w = (np.array(column, dtype=np.int32) for column in zip(*edges, strict=True))
    at = np.append(0, np.cumsum(np.bincount(src, minlength=7)))[:-1]
    rows = [(np.empty(len(src), np.int32), np.empty(len(src), np.float32)) for _ in range(2)]
    for module, (targets, weights) in zip((pairs, slow_pairs), rows, strict=True):
        module.scatter_edges(src, dst, w.astype(np.float32), at.copy(), targets, weights)
    assert np.array_equal(rows[0], rows[1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-100, 100), min_size=1, max_size=20), st.integers(1, 50))
def test_kernels_of_cuts_equal_their_slow_twins(times, size):
    ranked = np.sort(np.array(times, dtype=np.int64))
    for name in ("mark_gaps", "mark_windows"):
        marks = [np.zeros(len(ranked), dtype=bool) for _ in range(2)]
        getattr(pairs, name)(ranked, size, marks[0])
        getattr(slow_pairs, name)(ranked, size, marks[1])
        assert np.array_equal(*marks)


def test_weights_are_counts_of_transitions_or_sums_of_the_later_event():
    cut = sessions_of([[0, 1, 1, 2], [0, 1], [2, 0]], weights=[1, 2, 4, 8, 16, 32, 64, 128])
    assert slow.dense(item_graph(cut, 3)).tolist() == [[0, 2, 0], [0, 0, 1], [1, 0, 0]]
    assert slow.dense(item_graph(cut, 3, GraphSettings(self_loops=True)))[1, 1] == 1
    assert slow.dense(item_graph(cut, 3, GraphSettings(symmetric=True))).tolist() == [
        [0, 2, 1],
        [2, 0, 1],
        [1, 1, 0],
    ]
    weighted = item_graph(cut, 3, GraphSettings(weighted=True))
    assert slow.dense(weighted).tolist() == [[0, 2 + 32, 0], [0, 0, 8], [128, 0, 0]]


def test_a_log_without_transitions_has_no_graph():
    with pytest.raises(DataError, match="no edges"):
        item_graph(sessions_of([[0], [1, 1]]), 2)


def side_of(values, n_values, name="tag"):
    """SideInfo of one multi field from a list of value codes by item."""
    offsets = np.cumsum([0] + [len(one) for one in values]).astype(np.int64)
    codes = np.array([code for one in values for code in sorted(one)], dtype=np.int32)
    return SideInfo(
        "f", (Field(name, "multi", offsets, codes, np.array([f"v{i}" for i in range(n_values)])),)
    )


def test_content_edges_join_items_that_share_a_value_at_the_chosen_strength():
    values = [[i % 3] if i % 5 else [i % 3, 3] for i in range(60)] + [[], [4]]
    side = side_of(values, 5)
    cut = sessions_of([[0, 1, 2, 3], [0, 1], [60, 61]])
    alone = slow.dense(item_graph(cut, 62))
    setting = GraphSettings(content_fields=("tag",), content_strength=0.5, content_neighbors=4)
    graph = item_graph(cut, 62, setting, side)
    added = slow.dense(graph) - alone
    mean = alone.sum() / np.count_nonzero(alone.sum(axis=1))
    assert added.sum(axis=1)[:60] == pytest.approx(0.5 * mean, rel=1e-5)
    assert added[60:].sum() == pytest.approx(0)  # no value, or a value that nobody shares
    for u, v in zip(*np.nonzero(added > 1e-6), strict=True):
        assert set(values[u]) & set(values[v])
    assert np.count_nonzero(added > 1e-6, axis=1).max() <= 4
    assert np.count_nonzero(added > 1e-6, axis=0).max() <= 8  # rings make no hubs
    again = item_graph(cut, 62, setting, side)
    assert np.array_equal(graph.targets, again.targets)
    assert np.array_equal(graph.weights, again.weights)
    both = slow.dense(item_graph(cut, 62, setting.model_copy(update={"symmetric": True}), side))
    assert np.allclose(both, both.T)
    with pytest.raises(UsageError, match="items table"):
        item_graph(cut, 62, setting)


def test_content_edges_alone_can_make_a_graph_and_stay_linear():
    n = 3000
    side = side_of([[0]] * n, 1)
    setting = GraphSettings(content_fields=("tag",), content_strength=1, content_neighbors=8)
    graph = item_graph(sessions_of([[0]]), n, setting, side)
    assert graph.edges == 8 * n
    assert np.bincount(graph.targets).max() == 8
    assert graph.weights.sum() == pytest.approx(n, rel=1e-5)


def test_health_by_hand():
    graph = graph_of([(0, 1, 3), (1, 0, 1), (1, 2, 1), (3, 4, 5), (5, 5, 1)], n=7)
    health = graph_health(graph, hubs=1)
    assert (health.nodes, health.edges, health.components) == (7, 5, 2)
    assert health.largest_share == 3 / 7
    assert (health.dead_ends, health.isolated) == (
        2,
        2,
    )  # 2 and 4 lead nowhere; 5 (a loop aside) and 6 stand alone
    assert health.reciprocity == 2 / 4
    hub = {one.row: one for one in health.hubs}
    assert set(hub) == {3, 4}
    assert (hub[4].in_degree, hub[4].in_share, hub[3].out_share) == (1, 5 / 11, 5 / 11)
    assert len(health.lines()) == 5 + 2
    assert health.to_json()["hubs"][0]["row"] in (3, 4)


def test_an_edge_list_reads_from_files_and_tables_and_sums_equal_rows(tmp_path):
    table = pd.DataFrame({"src": ["a", "b", "a"], "dst": ["b", "c", "b"], "weight": [1, 2.5, 3]})
    table.to_csv(tmp_path / "e.csv", index=False)
    for source in (table, tmp_path / "e.csv"):
        graph, vocab = read_edges(source)
        assert vocab.ids.tolist() == ["b", "a", "c"]
        assert vocab.counts.tolist() == [3, 2, 1]
        assert slow.dense(graph).tolist() == [[0, 0, 2.5], [4, 0, 0], [0, 0, 0]]
    plain, _ = read_edges(table.rename(columns={"weight": "w"}))
    assert plain.weights.tolist() == [1.0, 2.0]
    _, vocab = read_edges(pd.DataFrame({"src": [1, 2], "dst": ["x", "1"]}))
    assert vocab.ids.tolist() == ["1", "2", "x"]


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf, None, 1e-60])
def test_an_edge_whose_weight_is_off_is_named(weight):
    table = pd.DataFrame({"src": ["a", "b"], "dst": ["b", "c"], "weight": [1.0, weight]})
    with pytest.raises(DataError, match=r"row 2|edge 2"):
        read_edges(table)


def test_edge_lists_that_are_off_get_one_clear_line():
    with pytest.raises(DataError, match="no column 'dst'"):
        read_edges(pd.DataFrame({"src": [1]}))
    with pytest.raises(DataError, match="no edges"):
        read_edges(pd.DataFrame({"src": pd.Series([], dtype=int), "dst": pd.Series([], dtype=int)}))
    with pytest.raises(DataError, match=r"column 'dst': no id .*row 2"):
        read_edges(pd.DataFrame({"src": [1, 2], "dst": [2, None]}))
    with pytest.raises(DataError, match="no column 'w'"):
        read_edges(pd.DataFrame({"src": [1], "dst": [2]}), weight_column="w")


def test_graphs_of_networkx_and_scipy():
    graph, vocab = graph_from_networkx(nx.karate_club_graph())
    table = nx.to_numpy_array(nx.karate_club_graph())
    assert np.allclose(slow.dense(graph), table)
    assert vocab.ids.tolist() == list(range(34))
    directed = nx.MultiDiGraph([("x", "y", {"weight": 2}), ("x", "y", {"weight": 3}), ("y", 5)])
    graph, vocab = graph_from_networkx(directed)
    assert vocab.ids.tolist() == ["x", "y", "5"]
    assert slow.dense(graph).tolist() == [[0, 5, 0], [0, 0, 1], [0, 0, 0]]
    matrix = sp.random(20, 20, 0.2, random_state=1, format="csr")
    graph, vocab = graph_from_scipy(matrix, [f"i{k}" for k in range(20)])
    assert np.allclose(slow.dense(graph), matrix.toarray())
    assert vocab.ids[3] == "i3"
    twice = sp.coo_matrix(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 2))
    assert graph_from_scipy(twice)[0].weights.tolist() == [3.0]


def test_graphs_that_are_off_get_one_clear_line():
    with pytest.raises(DataError, match=r"edge 0 -> 1 .*weight -1"):
        graph_from_scipy(sp.coo_matrix(([-1.0], ([0], [1])), shape=(2, 2)))
    with pytest.raises(UsageError, match="square"):
        graph_from_scipy(sp.coo_matrix((2, 3)))
    with pytest.raises(UsageError, match="ids"):
        graph_from_scipy(sp.eye(2), ["a"])
    with pytest.raises(DataError, match="no edges"):
        graph_from_networkx(nx.empty_graph(3))
    with pytest.raises(DataError, match="not a number"):
        graph_from_networkx(nx.Graph([(1, 2, {"weight": "x"})]))
    with pytest.raises(UsageError, match="networkx"):
        graph_from_networkx([])


@settings(max_examples=40, deadline=None)
@given(EDGES, st.integers(0, 5))
def test_held_out_pairs_are_gone_in_both_directions(edges, seed):
    graph = graph_of(edges)
    table = slow.dense(graph)
    pairs_there = {(min(u, v), max(u, v)) for u, v, _ in edges if u != v}
    if round(len(pairs_there) / 3) == 0:
        with pytest.raises(DataError, match="hold out"):
            hold_out_edges(graph, seed=seed)
        return
    split = hold_out_edges(graph, seed=seed)
    held = {tuple(pair) for pair in split.positives.tolist()}
    assert held <= pairs_there
    assert len(held) == len(split.positives) == round(len(pairs_there) / 3)
    for u, v in held:
        table[u, v] = table[v, u] = 0
    assert np.array_equal(slow.dense(split.train), table)
    again = hold_out_edges(graph, seed=seed)
    assert np.array_equal(split.positives, again.positives)
    assert isinstance(split.train, ItemGraph)


def test_undirected_edges_go_both_ways_and_loops_once():
    frame = pd.DataFrame(
        {"src": ["a", "b", "c", "c"], "dst": ["b", "a", "a", "c"], "weight": [1.0, 2.0, 4.0, 8.0]}
    )
    graph, vocab = read_edges(frame, undirected=True)
    directed, _ = read_edges(frame)
    names = vocab.ids.tolist()
    edges = {
        (names[u], names[v]): float(w)
        for u, v, w in zip(graph.sources(), graph.targets, graph.weights, strict=True)
    }
    wanted = {("a", "b"): 3, ("b", "a"): 3, ("a", "c"): 4, ("c", "a"): 4, ("c", "c"): 8}
    assert edges == wanted
    again = as_undirected(directed)
    assert [again.offsets.tolist(), again.targets.tolist(), again.weights.tolist()] == [
        graph.offsets.tolist(), graph.targets.tolist(), graph.weights.tolist()
    ]  # fmt: skip
