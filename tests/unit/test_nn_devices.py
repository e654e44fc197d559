"""Several devices: two processes come to the weights of one; what goes wrong in them is one line here."""

import os
import pickle
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from devices_world import Small, epoch, figure
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

import cowalk as cw
from cowalk.errors import DivergedError, UsageError
from cowalk.examples import labelled_examples
from cowalk.nn.batches import Loader
from cowalk.nn.devices import several
from cowalk.nn.processes import Relay, told_by_processes
from cowalk.nn.train import train
from cowalk.prepare.click_settings import ClickSettings
from cowalk.settings import load_recipe
from cowalk.tables import Sessions, Vocab
from cowalk.train_settings import TrainSettings

SLOW = TrainSettings(epochs=3, learning_rate=0.05, accelerator="cpu", optimizer="sgd", sparse=True)


def test_two_processes_come_to_the_weights_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Small(), Small()
    wanted = train(one, partial(epoch, 16, tmp_path, one), SLOW, figure=partial(figure, one))
    told: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = dict(os.environ)
    try:
        found = train(
            two, partial(epoch, 8, tmp_path, two), SLOW.model_copy(update={"devices": 2}), workers=2,
            figure=partial(figure, two), progress=lambda share, words: told.append(words),
            checkpoint=tmp_path / "kept",
        )  # fmt: skip
    except OSError as error:
        pytest.skip(f"processes cannot be started here: {error}")
    assert found.losses[-1] < 0.5 * found.losses[0]
    assert np.allclose(found.losses, wanted.losses, rtol=1e-5)
    assert np.allclose(found.figures, wanted.figures, rtol=1e-5)
    assert found.best == wanted.best
    assert np.abs(two.all() - one.all()).max() < 1e-5
    begun = [np.load(tmp_path / f"{rank} of epoch 2.npy") for rank in range(2)]
    assert np.array_equal(*begun)
    assert not np.array_equal(begun[0], Small().all())
    assert [words.split()[1] for words in told] == ["1", "2", "3"]
    # What was kept by two processes is what one goes on from, or ends with.
    again = Small()
    assert train(again, partial(epoch, 8, tmp_path, again), SLOW, checkpoint=tmp_path / "kept") == found
    assert np.array_equal(again.all(), two.all())
    assert dict(os.environ) == environment
    assert not list(tmp_path.glob("cowalk-*"))


def test_how_many_devices() -> None:
    assert not several(TrainSettings())
    assert several(TrainSettings(devices=2))
    assert not several(TrainSettings(devices="auto", accelerator="cpu"))
    for wrong in (0, "two"):
        with pytest.raises(UsageError, match=r"setting train\.devices = .*: input should be a whole number"):
            load_recipe("two-tower", {"train.devices": wrong})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(UsageError, match=r"train\.accelerator=gpu, .*no such device .*accelerator=auto"):
        train(Small(), list, TrainSettings(epochs=1, accelerator="gpu"))
    with pytest.raises(UsageError, match=r"train\.precision=16-mixed needs a GPU; use bf16-mixed, or 32"):
        train(Small(), list, TrainSettings(epochs=1, precision="16-mixed"))


def test_what_cannot_be_sent_is_told(tmp_path: Path) -> None:
    two = TrainSettings(epochs=1, accelerator="cpu", devices=2)
    with pytest.raises(UsageError, match=r"several devices are processes of their own, .* cannot be sent"):
        train(Small(), lambda number: [], two)
    with pytest.raises(UsageError, match=r"train\.strategy=ddp runs the whole script once per device"):
        train(Small(), list, two.model_copy(update={"strategy": "ddp"}), checkpoint=tmp_path)


def test_errors_of_a_process_come_back_as_they_are() -> None:
    trace = "Traceback ...\n  File ...\ncowalk.errors.DivergedError: training diverged in epoch 1\n"
    with pytest.raises(DivergedError, match=r"^training diverged in epoch 1$"), told_by_processes():
        raise ProcessRaisedException(trace, 0, 1)
    with pytest.raises(ProcessRaisedException), told_by_processes():
        raise ProcessRaisedException("Traceback ...\nZeroDivisionError: division by zero", 0, 1)
    with pytest.raises(UsageError, match='if __name__ == "__main__"'), told_by_processes():
        raise ProcessExitedException("process 1 terminated with exit code 1", 1, 1, 1)
    with pytest.raises(TypeError), told_by_processes():
        raise TypeError("no words of sending")


def test_progress_of_another_process_is_heard() -> None:
    told: list[tuple[float, str]] = []
    relay = Relay()
    with relay.heard(lambda share, words: told.append((share, words))):
        relay(0.5, "half")
        relay(1.0, "whole")
    assert told == [(0.5, "half"), (1.0, "whole")]


def test_too_few_batches_for_the_devices_are_told() -> None:
    with pytest.raises(UsageError, match=r"an epoch has 1 batches, too few for 2 devices: lower"):
        Loader([{"n": np.zeros(1)}], 0, 2)


@pytest.mark.parametrize("kind", ["history", "table"])
def test_what_ranking_trains_can_be_sent(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sent: list[bytes] = []

    def keep(network: Any, epoch: Any, settings: Any, *, figure: Any, **_: Any) -> None:
        sent.append(pickle.dumps((network, epoch, figure)))
        raise KeyboardInterrupt

    items, owners = np.arange(600) % 7, np.arange(600) // 6
    if kind == "history":
        users, zeros = np.arange(100, dtype=np.int32), np.zeros(100, dtype=np.int64)
        sessions = Sessions(
            items.astype(np.int32), np.arange(101) * 6, users, zeros, np.ones(600, np.float32)
        )
        data: Any = labelled_examples(sessions, Vocab(np.arange(7), np.bincount(items)), seed=1)
    else:
        path = tmp_path / "clicks.csv"
        rows = [f"{item},{owner},{item % 2}" for item, owner in zip(items, owners, strict=True)]
        path.write_text("item,owner,label\n" + "\n".join(rows))
        data = cw.read_clicks(path, ClickSettings(label_column="label"))
    monkeypatch.setattr("cowalk.rank.run.train", keep)
    with pytest.raises(KeyboardInterrupt):
        cw.rank.fit(data, "mlp", vector_size=4, hidden=(4,), train__accelerator="cpu")
    network, epoch, figure = pickle.loads(sent[0])
    assert "labels" in next(iter(epoch(0)))
    before = figure()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(1.0)
    assert figure() != before  # the figure is of the network that came with it
