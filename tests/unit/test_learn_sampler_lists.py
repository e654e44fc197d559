"""The lists that negatives are drawn from: kernels against their slow twins, weights against arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import field_of, graph_of, random_graph, sessions_of

from cowalk.kernels import alias as alias_kernels
from cowalk.kernels import negative_lists as kernels
from cowalk.learn.positives import context_graph
from cowalk.learn.sampler_lists import (
    Ground,
    Lists,
    log_uniform_weights,
    nearest_lists,
    one_list,
    second_lists,
    value_lists,
)
from cowalk.tables import ItemGraph
from reference import negative_lists as twin
from reference.alias import masses

NOTHING = np.zeros(0, dtype=np.int32)


def ground_with(items: int, known: dict[int, list[int]] | None = None) -> Ground:
    rows = [sorted((known or {}).get(v, [])) for v in range(items)]
    offsets = np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)
    flat = np.array([u for row in rows for u in row], dtype=np.int32)
    return Ground(offsets, flat, np.full(items, 1 / items))


def chances(lists: Lists, v: int) -> np.ndarray:
    """float64[V], the chance of each item in a draw of v, before anything is masked."""
    keys = lists.keys[lists.key_offsets[v] : lists.key_offsets[v + 1]]
    out = np.zeros(len(lists.key_offsets) - 1)
    for key in keys:
        records = lists.records[lists.offsets[key] : lists.offsets[key + 1]]
        slot = {int(item): place for place, item in enumerate(records[:, 1])}
        local = np.array([slot[int(item)] for item in records[:, 2]])
        out[records[:, 1]] += masses(records[:, 0], local) / len(keys)
    return out


def known_of(graph: ItemGraph) -> tuple[np.ndarray, np.ndarray]:
    return graph.offsets, graph.targets


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 20))
@settings(deadline=None, max_examples=25)
def test_nearest_rows_equal_the_twin(seed: int, width: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(-3, 4, (items, 4)).astype(np.float32)  # ties
    candidates = np.flatnonzero(rng.random(items) < 0.7).astype(np.int32)
    offsets, known = known_of(random_graph(items, seed, share=0.2))
    found = np.empty((items, width), np.int32), np.empty((items, width), np.float32)
    wanted = np.empty_like(found[0]), np.empty_like(found[1])
    kernels.nearest_rows(rows, candidates, offsets, known, *found)
    twin.nearest_rows(rows, candidates, offsets, known, *wanted)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("broad", [1, 3, 2048])
def test_second_neighbors_equal_the_twin(workers: int, broad: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_graph(30, seed=workers, share=0.12)
    shares = np.empty(graph.edges, dtype=np.float32)
    alias_kernels.edge_shares(graph.offsets, graph.weights, shares)
    found = np.empty((30, 6), np.int32), np.empty((30, 6), np.float32)
    wanted = np.empty_like(found[0]), np.empty_like(found[1])
    run = kernels.second_neighbors
    if broad != kernels.BROAD:  # compiled with its own constant, so the Python of it
        run = run.py_func
        monkeypatch.setattr(kernels, "BROAD", broad)
        monkeypatch.setattr(kernels, "prange", range)
        monkeypatch.setattr(twin, "BROAD", broad)
    run(graph.offsets, graph.targets, shares, workers, *found)
    twin.second_neighbors(graph.offsets, graph.targets, shares, workers, *wanted)
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5)
    assert (found[0] >= 0).any()


@given(st.integers(0, 10_000), st.booleans())
@settings(deadline=None, max_examples=25)
def test_usable_lists_equal_the_twin(seed: int, alone: bool) -> None:
    rng = np.random.default_rng(seed)
    members, known = random_graph(9, seed, share=0.2), random_graph(9, seed + 1, share=0.7)
    counts = rng.integers(0, 3, 9)
    key_offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
    keys = rng.integers(0, 9, key_offsets[-1]).astype(np.int32)
    found, wanted = (np.zeros(len(keys), dtype=bool) for _ in range(2))
    for module, out in ((kernels, found), (twin, wanted)):
        module.usable_lists(
            key_offsets, keys, members.offsets, members.targets, known.offsets, known.targets, alone, out
        )
    np.testing.assert_array_equal(found, wanted)


def test_one_list_holds_the_weights() -> None:
    weights = np.array([5.0, 0.0, 1.0, 2.0])
    lists = one_list(weights, False, ground_with(4))
    for v in range(4):
        np.testing.assert_allclose(chances(lists, v), weights / 8, atol=1e-6)
    assert lists.hottest == pytest.approx(5 / 8, rel=1e-6)


def test_log_uniform_is_the_one_of_tensorflow() -> None:
    """Counts 5, 0, 9, 5: ranks 1, -, 0, 2; P(r) = log((r + 2) / (r + 1)) / log(3 + 1)."""
    weights = log_uniform_weights(np.array([5, 0, 9, 5]))
    share = np.array([np.log(3 / 2), 0, np.log(2), np.log(4 / 3)]) / np.log(4)
    np.testing.assert_allclose(weights / weights.sum(), share, rtol=1e-12)
    assert weights.sum() == pytest.approx(np.log(4))


def test_items_of_one_value_are_drawn_by_weight_and_each_value_alike() -> None:
    """Item 0 has values a and b: half the draws are of a's items (0, 1, 2), half of b's (0, 3)."""
    field = field_of("tag", [[0, 1], [0], [0], [1], [2], []], size=3)
    lists = value_lists(field, np.array([1.0, 2.0, 5.0, 3.0, 1.0, 1.0]), ground_with(6))
    want = (np.array([1, 2, 5, 0, 0, 0]) / 8 + np.array([1, 0, 0, 3, 0, 0]) / 4) / 2
    np.testing.assert_allclose(chances(lists, 0), want, atol=1e-6)
    np.testing.assert_allclose(chances(lists, 3), np.array([1, 0, 0, 3, 0, 0]) / 4, atol=1e-6)
    np.testing.assert_array_equal(lists.empty, [False, False, False, False, True, True])


def test_a_value_whose_items_are_all_masked_is_none() -> None:
    field = field_of("tag", [[0, 1], [0], [0], [1]], size=2)
    lists = value_lists(field, np.ones(4), ground_with(4, {0: [3], 1: [0, 2]}))
    np.testing.assert_allclose(chances(lists, 0), np.array([1, 1, 1, 0]) / 3, atol=1e-6)
    np.testing.assert_array_equal(lists.empty, [False, True, False, False])


def test_items_that_do_not_occur_are_not_drawn() -> None:
    field = field_of("tag", [[0], [0], [0]])
    lists = value_lists(field, np.array([1.0, 0.0, 1.0]), ground_with(3))
    assert chances(lists, 0)[1] == 0


def test_second_neighbors_share_a_neighbor_and_are_none() -> None:
    """0 - 1 - 2 - 3 in a row: two steps from 0 is 2, from 1 is 3; 3 has 1, and no one else."""
    line = graph_of([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    lists = second_lists(line, 3, ground_with(4))
    for v, u in enumerate([2, 3, 0, 1]):
        np.testing.assert_allclose(chances(lists, v), np.eye(4)[u], atol=1e-6)


def test_nearest_skips_the_nearest_and_the_known() -> None:
    """Angles 0, 1, 2, ... degrees: nearest to 0 are 1, 2, 3, ...; 2 is known, 1 is skipped."""
    angles = np.radians(np.arange(8))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 7
    rng = np.random.default_rng(0)
    lists = nearest_lists(vectors, 2, 1, ground_with(8, {0: [2]}), rng)
    np.testing.assert_allclose(chances(lists, 0), np.array([0, 0, 0, 1, 1, 0, 0, 0]) / 2, atol=1e-6)


def test_of_many_items_a_random_part_are_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cowalk.learn.sampler_lists.MOST", 5)
    vectors = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    drawn = [
        nearest_lists(vectors, 4, 0, ground_with(40), np.random.default_rng(s)).records for s in (1, 1, 2)
    ]
    assert len(np.unique(drawn[0][:, 1])) == 5
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert set(drawn[0][:, 1]) != set(drawn[2][:, 1])


PAIRS = [[0, 1, 2, 0], [3, 1]]


def dense(graph: ItemGraph) -> np.ndarray:
    out = np.zeros((len(graph), len(graph)), dtype=int)
    out[graph.sources(), graph.targets] = graph.weights
    return out


@pytest.mark.parametrize("window", [1, 2, None])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("lot", [0, 3, 1 << 22])
def test_contexts_of_sessions_are_pairs_within_the_window(
    window: int | None, symmetric: bool, lot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cowalk.learn.positives.LOT", lot)
    wanted = np.zeros((5, 5), dtype=int)
    for row in PAIRS:
        for i, v in enumerate(row):
            for j, u in enumerate(row):
                near = window is None or abs(i - j) <= window
                if u != v and near and (symmetric or j > i):
                    wanted[v, u] += 1
    np.testing.assert_array_equal(dense(context_graph(sessions_of(PAIRS), 5, window, symmetric)), wanted)


def test_contexts_of_a_graph_are_its_edges() -> None:
    graph = graph_of([[1, 2, 0], [0, 0, 3], [0, 1, 0]])
    np.testing.assert_array_equal(dense(context_graph(graph, 3, 5, False)), [[0, 2, 0], [0, 0, 3], [0, 1, 0]])
    np.testing.assert_array_equal(dense(context_graph(graph, 3, 5, True)), [[0, 2, 0], [2, 0, 4], [0, 4, 0]])


def test_what_a_session_bought_is_a_context_of_all_its_items() -> None:
    log = replace(sessions_of([[0, 1, 2, 3], [1, 4]]), bought=np.array([3, -1], dtype=np.int32))
    wanted = np.zeros((5, 5))
    for v, u in ((0, 1), (1, 2), (2, 3), (1, 4)):
        wanted[v, u] += 1
    np.testing.assert_array_equal(dense(context_graph(log, 5, 1, False)), wanted)
    wanted[[0, 1, 2], 3] += 1
    np.testing.assert_array_equal(dense(context_graph(log, 5, 1, False, bought=True)), wanted)
