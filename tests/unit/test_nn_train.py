"""Training: best weights, early stop, checkpoints, sparse tables, interruption; the loader."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cowalk.errors import DivergedError, ModelError, UsageError
from cowalk.nn.batches import Loader, tensors
from cowalk.nn.ctr.history import HistoryNetwork
from cowalk.nn.groups import optimizers
from cowalk.nn.interest_graph import InterestGraph
from cowalk.nn.items import PlainItems
from cowalk.nn.residual import ResidualEmbedding
from cowalk.nn.steps import optimizers_of
from cowalk.nn.train import train
from cowalk.train_settings import TrainSettings

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype(np.float32)
Y = (X @ [1, 2, 3]).astype(np.float32)
CODES = RNG.integers(0, 10, 64)
FAST = {"learning_rate": 0.05, "accelerator": "cpu"}


class Small(nn.Module):
    def __init__(self, sparse: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.linear, self.table = nn.Linear(3, 1), nn.Embedding(10, 1, sparse=sparse)

    def sparse_tables(self) -> list[nn.Parameter]:
        return [self.table.weight]

    def loss(self, batch: dict[str, Any]) -> Tensor:
        found = self.linear(batch["x"])[:, 0] + self.table(batch["codes"])[:, 0]
        return ((found - batch["y"]) ** 2).mean()


def epoch(number: int) -> list[dict[str, Any]]:
    order = np.random.default_rng(number).permutation(64).reshape(4, 16)
    return [{"x": X[rows], "y": Y[rows], "codes": CODES[rows]} for rows in order]


def test_it_learns_and_is_equal_by_seed() -> None:
    one, two = Small(), Small()
    found = train(one, epoch, TrainSettings(epochs=8, **FAST), seed=5)
    again = train(two, epoch, TrainSettings(epochs=8, **FAST), seed=5)
    assert found.losses == again.losses
    assert found.losses[-1] < 0.5 * found.losses[0]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_the_best_epoch_is_kept_and_training_stops_early() -> None:
    network, figures, seen = Small(), iter([0.1, 0.5, 0.4, 0.3, 0.9]), []

    def figure() -> float:
        seen.append(network.linear.weight.detach().clone())
        return next(figures)

    told: list[str] = []
    trace = train(
        network, epoch, TrainSettings(epochs=9, patience=2, **FAST), figure=figure,
        progress=lambda share, words: told.append(words),
    )  # fmt: skip
    assert (trace.figures, trace.best, trace.stopped) == ([0.1, 0.5, 0.4, 0.3], 1, True)
    assert torch.equal(network.linear.weight, seen[1])
    assert told[1].startswith("epoch 2 loss ")
    assert told[1].endswith("figure 0.5000")


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    s = TrainSettings(epochs=4, **FAST)
    whole, broken, resumed = Small(), Small(), Small()
    wanted = train(whole, epoch, s)

    def breaks(number: int) -> list[dict[str, Any]]:
        if number == 2:
            raise KeyboardInterrupt
        return epoch(number)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(broken, breaks, s, checkpoint=tmp_path, identity="one")
    assert signal.getsignal(signal.SIGINT) == before
    found = train(resumed, epoch, s, checkpoint=tmp_path, identity="one")
    assert found.losses == wanted.losses
    assert torch.equal(resumed.linear.weight, whole.linear.weight)
    done = Small()
    assert train(done, breaks, s, checkpoint=tmp_path, identity="one").losses == wanted.losses
    assert torch.equal(done.linear.weight, whole.linear.weight)


class Dropping(Small):
    def loss(self, batch: dict[str, Any]) -> Tensor:
        dropped = nn.functional.dropout(batch["x"], 0.5, self.training)
        return super().loss({**batch, "x": dropped})


def test_a_resumed_run_drops_what_a_whole_run_drops(tmp_path: Path) -> None:
    s = TrainSettings(epochs=3, **FAST)
    whole, resumed = Dropping(), Dropping()
    wanted = train(whole, epoch, s, seed=4)

    def breaks(number: int) -> list[dict[str, Any]]:
        if number == 1:
            raise KeyboardInterrupt
        return epoch(number)

    with pytest.raises(KeyboardInterrupt):
        train(Dropping(), breaks, s, seed=4, checkpoint=tmp_path)
    assert train(resumed, epoch, s, seed=4, checkpoint=tmp_path).losses == wanted.losses
    assert torch.equal(resumed.linear.weight, whole.linear.weight)
    assert train(Dropping(), epoch, s, seed=5).losses != wanted.losses


@pytest.mark.parametrize("over", [True, False])
def test_a_checkpoint_that_does_not_fit_is_told(tmp_path: Path, over: bool) -> None:
    def breaks(number: int) -> list[dict[str, Any]]:
        if number == 1 and not over:
            raise KeyboardInterrupt
        return epoch(number)

    s = TrainSettings(epochs=2, **FAST)
    try:
        train(Small(), breaks, s, checkpoint=tmp_path)
    except KeyboardInterrupt:
        assert not over
    other = Small()
    other.table = nn.Embedding(11, 1)
    with pytest.raises(ModelError, match=r"epoch\.ckpt: does not fit the network .*remove it to begin again"):
        train(other, epoch, s, checkpoint=tmp_path)


def test_sparse_rows_keep_the_rate_of_their_group() -> None:
    s = TrainSettings(sparse=True, **FAST)
    made = optimizers_of(HistoryNetwork(PlainItems(5, 4, sparse=True), "din", (4,), rate=0.5), s)
    assert [group["lr"] for one in made for group in one.param_groups] == [0.05, 0.5]


def decays(made: list[torch.optim.Optimizer]) -> dict[int, float]:
    groups = [group for one in made for group in one.param_groups]
    return {id(p): group.get("weight_decay", 0.0) for group in groups for p in group["params"]}


@pytest.mark.parametrize("sparse", [True, False])
def test_rows_have_no_weight_decay_by_one_rule(sparse: bool) -> None:
    network = Small(sparse)
    s = TrainSettings(sparse=sparse, weight_decay=0.1, **FAST)
    wanted = {id(p): 0.1 for p in network.linear.parameters()} | {id(network.table.weight): 0.0}
    assert decays(optimizers_of(network, s)) == wanted
    assert decays(optimizers(network, 0.05, weight_decay=0.1)) == wanted


def test_tables_that_are_no_embeddings_are_rows_too() -> None:
    near = np.array([[1], [0]], dtype=np.int32)
    items = ResidualEmbedding(InterestGraph(near, np.ones((2, 1), dtype=np.float32)), 4)
    told = decays(optimizers_of(HistoryNetwork(items, "mlp", (4,)), TrainSettings(weight_decay=0.1, **FAST)))
    assert told[id(items.base)] == told[id(items.residual)] == 0.0
    assert set(told.values()) == {0.0, 0.1}


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    train(Small(), epoch, TrainSettings(epochs=1, **FAST), checkpoint=tmp_path, identity="one")
    with pytest.raises(ModelError, match="a checkpoint of another model"):
        train(Small(), epoch, TrainSettings(epochs=1, **FAST), checkpoint=tmp_path, identity="two")
    (tmp_path / "epoch.ckpt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="remove it to begin again"):
        train(Small(), epoch, TrainSettings(epochs=1, **FAST), checkpoint=tmp_path, identity="one")


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_sparse_tables_have_an_optimizer_of_their_own(optimizer: str) -> None:
    s = TrainSettings(epochs=3, sparse=True, optimizer=optimizer, **FAST)
    network = Small(sparse=True)
    assert len(optimizers_of(network, s)) == 2
    assert len(optimizers_of(network, s.model_copy(update={"sparse": False}))) == 1
    trace = train(network, epoch, s)
    assert trace.losses[-1] < trace.losses[0]


def test_a_run_that_diverges_is_told() -> None:
    with pytest.raises(DivergedError, match=r"lower train\.learning_rate"):
        train(Small(), epoch, TrainSettings(epochs=9, optimizer="sgd", learning_rate=1e6, accelerator="cpu"))
    with pytest.raises(UsageError, match="has no loss"):
        train(nn.Linear(1, 1), epoch)


def test_losses_are_written_as_csv(tmp_path: Path) -> None:
    s = TrainSettings(epochs=2, logger="csv", log_folder=str(tmp_path / "logs"), **FAST)
    train(Small(), epoch, s, figure=lambda: 0.5)
    lines = next((tmp_path / "logs").rglob("metrics.csv")).read_text().splitlines()
    assert set(lines[0].split(",")) == {"figure", "loss", "step"}
    assert len(lines) == 3


def test_tensors_share_memory_and_devices_share_batches() -> None:
    array = np.zeros(3, dtype=np.float32)
    tensors({"a": array})["a"][1] = 5
    assert array[1] == 5
    array.flags.writeable = False
    tensors({"a": array})["a"][1] = 7  # a copy: a map of a file may not be written
    assert array[1] == 5
    batches = [{"n": np.array([n])} for n in range(7)]
    parts = [[int(batch["n"]) for batch in Loader(batches, rank, 3)] for rank in range(3)]
    assert parts == [[0, 3], [1, 4], [2, 5]]
