"""Res-embedding: the graph, the three mixings and their gradients, against the slow twin."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import sessions_of

from cowalk.errors import DataError, UsageError
from cowalk.nn.attributes import ItemsWithAttributes
from cowalk.nn.interest_graph import InterestGraph, interest_graph
from cowalk.nn.residual import ResidualEmbedding
from reference import residual as twin

torch.set_num_threads(1)
SEQUENCES = [[0, 1, 2, 1, 3], [3, 0, 1], [4, 2, 0, 3], [5]]  # item 5 never stands beside another, 6 nowhere
N = 7


def dense(graph: InterestGraph) -> np.ndarray:
    z = np.zeros((len(graph), len(graph)))
    for i, (near, counts) in enumerate(zip(graph.neighbors, graph.counts, strict=True)):
        for j, count in zip(near, counts, strict=True):
            if j >= 0:
                z[i, j] = count
    return z


def layer_of(mixing: str, **more: object) -> tuple[ResidualEmbedding, np.ndarray]:
    graph = interest_graph(sessions_of(SEQUENCES), N, neighbors=2)
    torch.manual_seed(0)
    layer = ResidualEmbedding(graph, 3, mixing, **more).double()  # type: ignore[arg-type]
    with torch.no_grad():
        layer.base.normal_(std=0.8)
        layer.residual.normal_(std=0.3)
    return layer, dense(graph)


def twin_of(layer: ResidualEmbedding, z: np.ndarray, mixing: str) -> np.ndarray:
    base, rest = layer.base.detach().numpy(), layer.residual.detach().numpy()[:N]
    return twin.embedding(z, base, rest, mixing)


def test_the_graph_by_written_arithmetic() -> None:
    graph = interest_graph(sessions_of([[0, 1, 0, 2]]), 3, window=2, neighbors=2)
    # 0 beside 1 twice, 0 beside 2 once at distance 1; 1 and 2 at distance 2; 0 beside itself does not count
    np.testing.assert_array_equal(graph.neighbors, [[1, 2], [0, 2], [0, 1]])
    np.testing.assert_array_equal(graph.counts, [[2, 1], [2, 1], [1, 1]])
    one = interest_graph(sessions_of([[0, 1, 0, 2]]), 3, window=2, neighbors=1)
    np.testing.assert_array_equal(one.neighbors, [[1], [0], [0]])  # cut: 0 is a neighbour of 2, not 2 of 0


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=8), min_size=1, max_size=6), st.integers(1, 3)
)
@settings(deadline=None, max_examples=30)
def test_the_graph_equals_the_twin(sequences: list[list[int]], most: int) -> None:
    z = twin.cut_graph(sequences, N, 2, most)
    if not z.any():
        with pytest.raises(DataError, match="no edges"):
            interest_graph(sessions_of(sequences), N, neighbors=most)
        return
    np.testing.assert_array_equal(dense(interest_graph(sessions_of(sequences), N, neighbors=most)), z)


@pytest.mark.parametrize("mixing", ["avg", "gcn", "att"])
def test_vectors_equal_the_twin(mixing: str) -> None:
    layer, z = layer_of(mixing)
    expected = twin_of(layer, z, mixing)
    rows = torch.tensor([[0, 3, 3], [6, 5, 1]])
    found = layer(rows).detach().numpy()
    np.testing.assert_allclose(found, expected[rows.numpy()], atol=1e-6)  # gcn's shares are float32
    unknown = layer(torch.tensor([-1, N])).detach().numpy()
    mean = layer.base.detach().numpy().mean(axis=0) + layer.residual.detach().numpy()[N]
    np.testing.assert_allclose(unknown, [mean, mean], atol=1e-12)


@pytest.mark.parametrize("mixing", ["avg", "gcn", "att"])
def test_gradients_equal_finite_differences_of_the_twin(mixing: str) -> None:
    layer, z = layer_of(mixing)
    rows, pull = torch.tensor([0, 1, 1, 4]), torch.randn(4, 3, dtype=torch.float64)
    (layer(rows) * pull).sum().backward()

    def loss(base: np.ndarray, rest: np.ndarray) -> float:
        return float((twin.embedding(z, base, rest, mixing)[rows.numpy()] * pull.numpy()).sum())

    base, rest = layer.base.detach().numpy(), layer.residual.detach().numpy()[:N]
    assert layer.base.grad is not None
    assert layer.residual.grad is not None
    step = 1e-6
    for i in range(N):
        for k in range(3):
            nudge = np.zeros_like(base)
            nudge[i, k] = step
            slope = (loss(base + nudge, rest) - loss(base - nudge, rest)) / (2 * step)
            assert layer.base.grad[i, k].item() == pytest.approx(slope, abs=2e-6)
            slope = (loss(base, rest + nudge) - loss(base, rest - nudge)) / (2 * step)
            assert layer.residual.grad[i, k].item() == pytest.approx(slope, abs=2e-6)


def test_attention_flows_through_the_own_base_too() -> None:
    layer, z = layer_of("att")
    layer(torch.tensor([0])).sum().backward()
    assert layer.base.grad is not None
    moved = set(torch.nonzero(layer.base.grad.abs().sum(dim=1)).ravel().tolist())
    assert moved == {0, *np.flatnonzero(z[0]).tolist()}


def test_only_the_residual_is_penalised() -> None:
    layer, _ = layer_of("gcn", penalty=0.5)
    rest = layer.residual.detach().numpy()
    told = layer.penalty(torch.tensor([[2, 2], [3, -1]]))
    assert told.item() == pytest.approx(0.5 * (rest[[2, 3, N]] ** 2).sum())
    told.backward()
    assert layer.base.grad is None
    whole, _ = layer_of("gcn", penalty=0.5, over="table")
    assert whole.penalty(torch.tensor([2])).item() == pytest.approx(0.5 * (rest**2).sum())
    with pytest.raises(UsageError, match="batch or table"):
        layer_of("gcn", over="rows")


def test_the_unknown_item_settles_on_the_mean() -> None:
    layer, _ = layer_of("avg")
    layer.settle()
    mean = layer.base.detach().mean(dim=0) + layer.residual.detach()[:N].mean(dim=0)
    torch.testing.assert_close(layer(torch.tensor([-1]))[0].detach(), mean)
    assert layer.table().shape == (N, 3)


def test_bad_graphs_are_told() -> None:
    with pytest.raises(DataError, match="its own neighbour"):
        InterestGraph(np.array([[0]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))
    with pytest.raises(DataError, match="outside the vocabulary"):
        InterestGraph(np.array([[1]], dtype=np.int32), np.ones((1, 1), dtype=np.float32))
    graph = interest_graph(sessions_of(SEQUENCES), N)
    assert graph.isolated == 2
    with pytest.raises(UsageError, match="avg, gcn or att"):
        graph.weights("mean")  # type: ignore[arg-type]


def test_two_threads_give_equal_gradients_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    graph = interest_graph(sessions_of(rng.integers(0, 300, (60, 40)).tolist()), 300)
    torch.manual_seed(0)
    inner = ResidualEmbedding(graph, 16, "att")
    layer = ItemsWithAttributes(inner, [rng.integers(0, 9, (300, 3))], [9], 8)
    rows = torch.from_numpy(rng.integers(-1, 300, 60_000))
    pull = torch.randn(60_000, 24)

    def gradients() -> list[torch.Tensor]:
        layer.zero_grad()
        ((layer(rows) * pull).sum() + layer.penalty(rows)).backward()
        return [p.grad.clone() for p in layer.parameters() if p.grad is not None]

    torch.set_num_threads(2)
    try:
        first = gradients()
        assert len(first) == 3
        for _ in range(6):
            assert all(torch.equal(a, b) for a, b in zip(first, gradients(), strict=True))
    finally:
        torch.set_num_threads(1)
