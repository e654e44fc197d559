"""Walks take every step with its exact chance, and are the same however they are made."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import TWO_THREADS, graph_of, random_graph
from scipy.stats import chi2

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.learn import WalkSettings
from cowalk.tables import ItemGraph
from cowalk.walk import Walker, walk_blocks
from reference import walk as twin

# 0 -> 1 is one way, 2 and 3 point at each other, 4 has a loop and a single way out beside it; weights differ.
SMALL = graph_of(
    [
        [0.0, 3.0, 1.0, 0.0, 0.5],
        [0.0, 0.0, 2.0, 1.0, 0.0],
        [4.0, 0.0, 0.0, 1.0, 1.5],
        [0.0, 1.0, 5.0, 0.0, 0.0],
        [2.0, 0.0, 0.0, 0.0, 1.0],
    ]
)
SECOND_ORDER = [(0.25, 4.0), (4.0, 0.25), (1.0, 2.0), (0.1, 0.5), (2.0, 1.0)]


def walks_of(graph: ItemGraph, seed: int = 0, workers: int | None = None, **names: float) -> np.ndarray:
    blocks = walk_blocks(graph, WalkSettings.model_validate(names), seed=seed, workers=workers)
    return np.concatenate([block.nodes for block in blocks])


def chi_square(counts: dict[tuple[int, ...], Counter], chances: object) -> tuple[float, int]:
    """Sum and degrees of freedom over all states; a step of chance 0 may not occur."""
    total, freedom = 0.0, 0
    for state, seen in counts.items():
        expected = chances(*state) * seen.total()
        found = np.array([seen[x] for x in range(len(expected))])
        assert (found[expected == 0] == 0).all(), f"a step that cannot be, from {state}"
        assert expected[expected > 0].min() > 5
        total += float(((found - expected)[expected > 0] ** 2 / expected[expected > 0]).sum())
        freedom += int((expected > 0).sum()) - 1
    return total, freedom


@pytest.mark.parametrize(("p", "q"), SECOND_ORDER)
def test_second_order_steps_have_their_exact_chances(p: float, q: float) -> None:
    walks = walks_of(SMALL, num_walks=4000, walk_length=12, p=p, q=q)
    seen: dict[tuple[int, ...], Counter] = {}
    for t, v, x in zip(walks[:, :-2].ravel(), walks[:, 1:-1].ravel(), walks[:, 2:].ravel(), strict=True):
        seen.setdefault((int(t), int(v)), Counter())[int(x)] += 1
    total, freedom = chi_square(seen, lambda t, v: twin.step_chances(SMALL, t, v, p, q))
    assert freedom > 10
    assert chi2.sf(total, freedom) > 1e-4


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.25, 4.0)])
def test_the_first_step_goes_by_weight(p: float, q: float) -> None:
    walks = walks_of(SMALL, num_walks=4000, walk_length=2, p=p, q=q)
    seen: dict[tuple[int, ...], Counter] = {}
    for v, x in walks.tolist():
        seen.setdefault((v, v), Counter())[x] += 1
    total, freedom = chi_square(seen, lambda _, v: twin.step_chances(SMALL, v, v, 1, 1))
    assert chi2.sf(total, freedom) > 1e-4


def test_weights_count_when_p_and_q_are_1() -> None:
    walks = walks_of(SMALL, num_walks=4000, walk_length=12)
    seen: dict[tuple[int, ...], Counter] = {}
    for v, x in zip(walks[:, :-1].ravel(), walks[:, 1:].ravel(), strict=True):
        seen.setdefault((int(v), int(v)), Counter())[int(x)] += 1
    total, freedom = chi_square(seen, lambda _, v: twin.step_chances(SMALL, v, v, 1, 1))
    assert chi2.sf(total, freedom) > 1e-4


def test_a_small_p_does_not_invent_a_return_edge() -> None:
    ring = graph_of(np.roll(np.eye(5), 1, axis=1) + 0.5 * np.roll(np.eye(5), 2, axis=1))  # v -> v+1, v+2
    walks = walks_of(ring, num_walks=200, walk_length=10, p=0.001, q=1.0)
    assert set(((walks[:, 1:] - walks[:, :-1]) % 5).ravel()) == {1, 2}


def test_a_single_way_out_is_taken() -> None:
    ring = graph_of(np.roll(np.eye(6), 1, axis=1))
    walks = walks_of(ring, num_walks=3, walk_length=9, p=0.25, q=4)
    np.testing.assert_array_equal(walks, (walks[:, :1] + np.arange(9)) % 6)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4)])
def test_a_dead_end_ends_the_walk(p: float, q: float) -> None:
    chain = graph_of([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    walks = walks_of(chain, num_walks=1, walk_length=4, p=p, q=q)
    ends = {0: [0, 1, 2, -1], 1: [1, 2, -1, -1], 2: [2, -1, -1, -1]}
    assert sorted(walks.tolist()) == [ends[v] for v in range(3)]


def test_a_walk_has_walk_length_nodes_and_every_node_starts_num_walks_of_them() -> None:
    settings = WalkSettings(num_walks=3, walk_length=7)
    graph = random_graph(9, seed=1)
    for epoch in range(2):
        nodes = np.concatenate([w.nodes for w in walk_blocks(graph, settings, epoch=epoch, block=4)])
        assert nodes.shape == (27, 7)
        np.testing.assert_array_equal(np.bincount(nodes[:, 0]), 3)


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), *SECOND_ORDER])
def test_walks_equal_the_slow_twin(p: float, q: float) -> None:
    graph = random_graph(15, seed=5, share=0.25)
    walker = Walker(graph, WalkSettings(num_walks=4, walk_length=8, p=p, q=q), seed=3)
    fast = walker.block(11, 40).nodes
    slow, starts = np.empty_like(fast), fast[:, 0]
    seed = seeds.stream(3, "walk steps")
    if (p, q) == (1.0, 1.0):
        twin.first_order(graph.offsets, walker._records, starts, seed, 11, slow)
    else:
        twin.second_order(
            graph.offsets, graph.targets, walker._shares, walker._records, starts, seed, 11, p, q, slow
        )
    np.testing.assert_array_equal(fast, slow)


@given(st.integers(1, 200), st.sampled_from([(1.0, 1.0), (0.25, 4.0)]))
@settings(deadline=None, max_examples=20)
def test_blocks_of_any_size_give_the_same_walks(block: int, pq: tuple[float, float]) -> None:
    settings = WalkSettings(num_walks=5, walk_length=6, p=pq[0], q=pq[1])
    graph = random_graph(20, seed=2)
    whole = next(walk_blocks(graph, settings, seed=1, epoch=1)).nodes
    blocks = list(walk_blocks(graph, settings, seed=1, epoch=1, block=block))
    assert max(len(b) for b in blocks) <= block
    np.testing.assert_array_equal(np.concatenate([b.nodes for b in blocks]), whole)
    assert [b.first_row for b in blocks] == list(range(100, 200, block))


@pytest.mark.skipif(not TWO_THREADS, reason="needs two threads (NUMBA_NUM_THREADS=2 or two cores)")
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4)])
def test_one_and_two_threads_give_the_same_walks(p: float, q: float) -> None:
    graph = random_graph(50, seed=4, share=0.1)
    one, two = (walks_of(graph, workers=n, num_walks=20, walk_length=10, p=p, q=q) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_seed_and_epoch_make_other_walks() -> None:
    settings = WalkSettings(num_walks=2, walk_length=10)
    graph = random_graph(10, seed=0, share=0.6)
    made = [next(walk_blocks(graph, settings, seed=s, epoch=e)).nodes for s, e in [(0, 0), (1, 0), (0, 1)]]
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_a_graph_without_edges_is_told() -> None:
    with pytest.raises(DataError, match="no edges"):
        walks_of(graph_of(np.zeros((3, 3))))
