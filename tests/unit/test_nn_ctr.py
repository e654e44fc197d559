"""Ranking networks against slow twins: LR, FM, FNN, MLP, PNN, DIN; gradients, penalties, masks."""

import numpy as np
import pytest
import torch
from torch import nn

from cowalk.errors import UsageError
from cowalk.nn.ctr.deep import DeepTable
from cowalk.nn.ctr.fnn import FNN
from cowalk.nn.ctr.history import HistoryNetwork
from cowalk.nn.ctr.linear import FactorizationMachine, LogisticRegression, pairs
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.nn.items import PlainItems
from reference import ranking as twin

torch.set_num_threads(1)
SIZES = [3, 4]
CODES = np.array([[0, 3], [2, 1], [1, 1]])
NUMBERS = np.array([[0.5], [-1.0], [2.0]])
LABELS = [1, 0, 1]
TABLE = {
    "codes": torch.from_numpy(CODES.astype(np.int32)),
    "numbers": torch.from_numpy(NUMBERS),
    "labels": torch.tensor(LABELS),
}
HISTORIES = [[2, 0], [4], []]
PAST = {
    "history": torch.tensor([[-1, 2, 0], [-1, -1, 4], [-1, -1, -1]], dtype=torch.int32),
    "targets": torch.tensor([1, 4, -1], dtype=torch.int32),
    "labels": torch.tensor(LABELS),
}


def fresh(network: ClickNetwork) -> ClickNetwork:
    """The network in doubles, every parameter random, so that none hides behind a 0."""
    torch.manual_seed(1)
    network = network.double().eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.7)
    return network


def layers_of(tower: nn.Sequential) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (one.weight.detach().numpy(), one.bias.detach().numpy())
        for one in tower
        if isinstance(one, nn.Linear)
    ]


def looked_up(table: np.ndarray, row: int) -> list[np.ndarray]:
    """Rows of a FieldTable for one row of CODES and NUMBERS: 3 + 4 codes, then the number."""
    first, second = CODES[row]
    return [table[first], table[3 + second], table[7] * NUMBERS[row, 0]]


def machine_parts(fm: FactorizationMachine, row: int) -> tuple[float, list[float], list[np.ndarray]]:
    weights = looked_up(fm.weights.rows.weight.detach().numpy(), row)
    factors = looked_up(fm.factors.rows.weight.detach().numpy(), row)
    return fm.bias.item(), [float(w[0]) for w in weights], factors


def test_logistic_regression_and_factorization_machine() -> None:
    lr, fm = fresh(LogisticRegression(SIZES, 1)), fresh(FactorizationMachine(SIZES, 1, size=3))
    assert isinstance(lr, LogisticRegression)
    assert isinstance(fm, FactorizationMachine)
    weights = lr.weights.rows.weight.detach().numpy()
    for row in range(3):
        plain = lr.bias.item() + sum(float(w[0]) for w in looked_up(weights, row))
        assert lr(TABLE)[row].item() == pytest.approx(plain)
        assert fm(TABLE)[row].item() == pytest.approx(twin.machine(*machine_parts(fm, row)))


def test_pairs_in_linear_time_equal_the_double_sum() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 7, 4))
    slow = [sum(row[i] @ row[j] for i in range(7) for j in range(i + 1, 7)) for row in rows]
    np.testing.assert_allclose(pairs(torch.from_numpy(rows)).numpy(), slow, rtol=1e-12)


def test_fnn_begins_with_the_machine() -> None:
    fm = FactorizationMachine(SIZES, 1, size=3)
    net = fresh(FNN(fm, hidden=(5, 4), dropout=0.5))
    assert isinstance(net, FNN)
    for row in range(3):
        logit = twin.fnn(*machine_parts(fm, row), layers_of(net.tower))
        assert net(TABLE)[row].item() == pytest.approx(logit)
    net.loss(TABLE).backward()
    assert fm.factors.rows.weight.grad is not None  # fine-tuned
    still = FNN(FactorizationMachine(SIZES, 1, size=3), frozen=True)
    still.double().loss(TABLE).backward()
    assert still.machine.factors.rows.weight.grad is None
    with pytest.raises(UsageError, match="above 0, or freeze"):
        FNN(fm, rate=0.0).groups()


@pytest.mark.parametrize("products", [False, True])
def test_towers_over_a_table(products: bool) -> None:
    net = fresh(DeepTable(SIZES, 1, size=2, hidden=(4,), products=products))
    assert isinstance(net, DeepTable)
    table = net.fields.rows.weight.detach().numpy()
    for row in range(3):
        a, b, c = looked_up(table, row)
        given = np.concatenate([a, b, c, [a @ b, a @ c, b @ c] if products else []])
        assert net(TABLE)[row].item() == pytest.approx(twin.tower(given, layers_of(net.tower), "relu"))


def history_net(base: str, **more: object) -> HistoryNetwork:
    net = fresh(HistoryNetwork(PlainItems(5, 2), base, hidden=(4, 3), **more))  # type: ignore[arg-type]
    assert isinstance(net, HistoryNetwork)
    return net


def unit_of(net: HistoryNetwork) -> object:
    if net.attention is None:
        return None
    first, slope, second = net.attention.layers
    return (*[(first.weight.detach().numpy(), first.bias.detach().numpy())], slope.weight.item(),
            (second.weight.detach().numpy(), second.bias.detach().numpy()))  # fmt: skip


def twin_logits(net: HistoryNetwork, table: np.ndarray, context: list[tuple[float, ...]]) -> list[float]:
    targets = PAST["targets"].tolist()
    return [
        twin.history_logit(
            table[targets[row]], [table[i] for i in HISTORIES[row]], net.base, layers_of(net.tower),
            unit_of(net), context[row],
        )
        for row in range(3)
    ]  # fmt: skip


@pytest.mark.parametrize("base", ["mlp", "pnn", "din"])
def test_networks_over_a_history(base: str) -> None:
    """Padding counts nothing, an empty history is a zero vector, and target -1 is the unknown row."""
    net = history_net(base, context={"age": 1, "place": 2})
    age, place = torch.tensor([0.5, 1.0, -1.0]), torch.tensor([[1.0, 0], [0, 1], [2, 2]])
    context = [(0.5, 1, 0), (1, 0, 1), (-1, 2, 2)]
    table = net.items.rows.weight.detach().numpy()
    found = net({**PAST, "age": age, "place": place})
    np.testing.assert_allclose(found.detach().numpy(), twin_logits(net, table, context), rtol=1e-9)


@pytest.mark.parametrize("base", ["pnn", "din"])
def test_gradients_of_the_loss_equal_finite_differences(base: str) -> None:
    net = history_net(base)
    loss = net.loss(PAST)
    loss.backward()
    table = net.items.rows.weight.detach().numpy().copy()
    none: list[tuple[float, ...]] = [(), (), ()]
    assert loss.item() == pytest.approx(twin.cross_entropy(twin_logits(net, table, none), LABELS))
    grad, step = net.items.rows.weight.grad, 1e-6
    assert grad is not None
    for i in range(6):
        for k in range(2):
            both = []
            for sign in (1, -1):
                moved = table.copy()
                moved[i, k] += sign * step
                both.append(twin.cross_entropy(twin_logits(net, moved, none), LABELS))
            assert grad[i, k].item() == pytest.approx((both[0] - both[1]) / (2 * step), abs=1e-7)


def test_penalties() -> None:
    items = PlainItems(5, 2, l2=0.1)
    net = HistoryNetwork(items, "mlp")
    rows = items.rows.weight.detach()[[0, 1, 2, 4, 5]]  # targets 1, 4, unknown; history 2, 0, 4
    assert net.penalty(PAST).item() == pytest.approx(0.1 * rows.square().sum().item())
    fm = FactorizationMachine(SIZES, 1, size=3, l2=0.5)
    parts = [machine_parts(fm, row) for row in range(3)]
    total = sum(sum(w * w for w in weights) + sum(v @ v for v in factors) for _, weights, factors in parts)
    assert fm.penalty({**TABLE, "numbers": TABLE["numbers"].float()}).item() == pytest.approx(
        0.5 * total / 3, rel=1e-5
    )
    assert FNN(fm, frozen=True).penalty(TABLE).item() == 0


def test_networks_begin_at_the_click_rate() -> None:
    made = [
        LogisticRegression(SIZES, 1),
        FactorizationMachine(SIZES, 1, 2),
        FNN(FactorizationMachine(SIZES, 1, 2)),
    ]
    for net in (*made, DeepTable(SIZES, 1, 2), HistoryNetwork(PlainItems(5, 2))):
        net.begin_at(0.2)
        assert torch.sigmoid(net.output_bias).item() == pytest.approx(0.2)


def test_weights_of_rows_count() -> None:
    net = history_net("mlp")
    twice = {name: value[[0, 0, 1]] for name, value in PAST.items()}
    weighted = {name: value[:2] for name, value in PAST.items()} | {"weights": torch.tensor([2.0, 1.0])}
    assert net.loss(weighted).item() == pytest.approx(net.loss(twice).item() * 3 / 2)


def test_rows_learn_at_a_rate_of_their_own_and_sparsely() -> None:
    net = HistoryNetwork(PlainItems(5, 2, sparse=True), "din", rate=0.5)
    rest, rows = net.groups()
    assert rows["lr"] == 0.5
    assert "lr" not in rest
    every = [*rest["params"], *rows["params"]]  # type: ignore[misc]
    assert len(every) == len(list(net.parameters()))
    assert [t is net.items.rows.weight for t in net.sparse_tables()] == [True]
    net.loss(PAST).backward()
    assert net.items.rows.weight.grad.is_sparse
    with pytest.raises(UsageError, match="mlp, pnn or din"):
        HistoryNetwork(PlainItems(5, 2), "dien")  # type: ignore[arg-type]
