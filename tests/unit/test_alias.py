"""Alias tables hold exactly the weights' shares."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import random_graph

from cowalk.kernels import alias as kernels
from reference import alias as twin

WEIGHTS = st.lists(st.floats(0, 1e6) | st.floats(1e-6, 1.0), min_size=1, max_size=40).filter(
    lambda w: sum(w) > 1e-6
)


@given(WEIGHTS)
@settings(deadline=None)
def test_slot_masses_sum_to_the_weights(weights: list[float]) -> None:
    array = np.array(weights)
    threshold, alias = np.empty(len(array), np.uint32), np.empty(len(array), np.int32)
    kernels.alias_table(array, threshold, alias)
    np.testing.assert_allclose(twin.masses(threshold, alias), array / array.sum(), atol=1e-6)


@given(WEIGHTS)
def test_the_twin_holds_them_too(weights: list[float]) -> None:
    threshold, alias = np.empty(len(weights), np.int64), np.empty(len(weights), np.int64)
    twin.alias_table(weights, threshold, alias)
    np.testing.assert_allclose(twin.masses(threshold, alias), np.array(weights) / sum(weights), atol=1e-6)


def test_edge_records_hold_the_shares_of_every_row() -> None:
    graph = random_graph(12, seed=3)
    records, shares = np.empty((graph.edges, 3), np.uint32), np.empty(graph.edges, np.float32)
    kernels.edge_records(graph.offsets, graph.targets, graph.weights, records)
    kernels.edge_shares(graph.offsets, graph.weights, shares)
    slow, slow_shares = np.empty_like(records), np.empty_like(shares)
    twin.edge_records(graph.offsets, graph.targets, graph.weights, slow)
    twin.edge_shares(graph.offsets, graph.weights, slow_shares)
    np.testing.assert_array_equal(records[:, 1], slow[:, 1])
    np.testing.assert_allclose(shares, slow_shares, rtol=1e-6)
    for v in range(len(graph)):
        row = slice(graph.offsets[v], graph.offsets[v + 1])
        for table in (records[row], slow[row]):
            alias = np.searchsorted(graph.targets[row], table[:, 2])
            masses = twin.masses(table[:, 0], alias) if len(table) else np.empty(0)
            np.testing.assert_allclose(masses, shares[row], atol=1e-6)
