"""What `rank fit` holds out: nothing of it is seen in training, and `rank evaluate` finds it again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop, simulate_ctr
from cowalk.errors import DataError, UsageError
from cowalk.examples import Examples, with_negatives
from cowalk.prepare import read_events
from cowalk.rank import RankModel
from cowalk.rank.inputs import Making
from cowalk.rank.pretrain import shown_sequences
from cowalk.tables import Events

torch.set_num_threads(1)
SMALL = ["--set", "epochs=1", "--set", "vector_size=3", "--set", "hidden=[4]", "--workers", "1"]
MAKINGS = [
    Making(per_user=3, last=6, seed=2),
    Making(sampler="count", negatives=2, per_user=3, last=6, seed=2),
    Making("one-per-user", seed=2),
]


@pytest.fixture(scope="module")
def events(shop: SimulatedShop) -> Events:
    return read_events(shop.events)[0]


@pytest.mark.parametrize("making", MAKINGS)
def test_by_time_the_future_changes_nothing_in_training(making: Making, events: Events) -> None:
    train, test = making.split(events, 0.3, "time")
    assert train.times.max() < test.times.min()
    assert abs(len(test) / (len(train) + len(test)) - 0.3) < 0.05
    late = events.times >= test.times.min()
    turned = events.items.copy()
    turned[late] = (turned[late] + 1) % len(events.item_vocab)
    again, _ = making.split(replace(events, items=turned), 0.3, "time")
    for name in ("owners", "stops", "targets", "labels", "times", "places"):
        np.testing.assert_array_equal(getattr(again, name), getattr(train, name))
    for with_targets in (False, True):
        one, two = (shown_sequences(part, with_targets=with_targets) for part in (train, again))
        np.testing.assert_array_equal(one.items, two.items)
        assert one.times is not None
        assert one.times.max() < test.times.min()
    assert np.isin(train.targets, train.sequences.items).all()  # negatives too are items that training shows


@pytest.mark.parametrize("by", ["user", "time"])
def test_histories_hold_what_came_before_their_moment(by: str, events: Events) -> None:
    for part in MAKINGS[0].split(events, 0.3, by):  # type: ignore[arg-type]
        stream = part.stream
        assert stream.times is not None
        newest = stream.times[part.stops[part.lengths > 0] - 1]
        assert (newest <= part.times[part.lengths > 0]).all()
        clicked = part.labels > 0
        assert (part.places[clicked] == part.stops[clicked]).all()  # the target's event ends its history


def test_by_user_counts_are_those_of_training(events: Events) -> None:
    making = MAKINGS[1]
    train, test = making.split(events, 0.3)
    assert not set(train.users) & set(test.users)
    mine = set(train.sequences.items.tolist())
    assert set(train.targets.tolist()) <= mine
    assert train.about["split"]["by"] == "user"
    assert train.about["options"] == {"made": "all", "negatives": 2, "sampler": "count", "per_user": 3}
    with pytest.raises(UsageError, match="by user or by time, not by 'row'"):
        making.split(events, 0.3, "row")  # type: ignore[arg-type]


def test_negatives_among_some_items(events: Events) -> None:
    train, _ = MAKINGS[2].split(events, 0.3)
    clicked = train.select(train.labels > 0)
    few = np.array([3, 5, 8], dtype=np.int32)
    made = with_negatives(clicked, 2, seed=1, among=few)
    drawn = made.targets[made.labels == 0]
    assert set(drawn.tolist()) == {3, 5, 8}
    assert "uniform over 3 items" in made.about["negatives"]
    with pytest.raises(DataError, match="none is left beside the target"):
        with_negatives(clicked, among=few[:1])


def told_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str]:
    """The JSON of a command and what it says beside."""
    assert run([*arguments, "--json"]) == 0
    both = capsys.readouterr()
    return json.loads(both.out), both.err


@pytest.mark.parametrize("split", ["user", "time"])
def test_evaluate_finds_what_fit_held_out(
    split: str, shop: SimulatedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "rank")
    asked = ["--events", str(shop.events), "--per-user", "2"]
    held = ["--test-share", "0.3", "--split", split]
    fitted, _ = told_of(["rank", "fit", "mlp", *asked, *held, "--seed", "5", "--out", out, *SMALL], capsys)
    found, notes = told_of(["rank", "evaluate", out, *asked, *held], capsys)
    assert found[out] == fitted["test"]
    assert notes == ""
    if split == "time":  # what lies after training is the same here
        later, _ = told_of(["rank", "evaluate", out, *asked, "--split", "time"], capsys)
        assert later == found
        _, notes = told_of(["rank", "evaluate", out, *asked, *held[2:], "--test-share", "0.6"], capsys)
        assert "begins before the newest example that the model was trained on" in notes
    else:
        _, notes = told_of(["rank", "evaluate", out, *asked, *held, "--seed", "6"], capsys)
        assert "may have been trained on these users" in notes


def test_tables_are_split_by_user_where_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(simulate_ctr(1500, out=tmp_path / "c.parquet", sizes=(4, 6), pairs=1, rate=0.4).path)
    out, held = str(tmp_path / "lr"), ["--table", source, "--test-share", "0.3"]
    fitted, _ = told_of(["rank", "fit", "lr", *held, "--group", "user", "--out", out, *SMALL], capsys)
    found, _ = told_of(["rank", "evaluate", out, *held], capsys)
    assert found[out] == fitted["test"]
    by_row, _ = told_of(["rank", "evaluate", out, *held, "--split", "row"], capsys)
    assert by_row[out]["rows"] == 450  # type: ignore[index]
    assert found[out]["rows"] != 450  # type: ignore[index]
    other = str(tmp_path / "other")
    plain = ["rank", "fit", "lr", "--table", source, "--without", "user", "--out", other, "-q", *SMALL]
    assert run(plain) == 0
    both, _ = told_of(["rank", "evaluate", out, *held, "--beside", other], capsys)  # by the first's users
    assert both[other]["rows"] == found[out]["rows"]  # type: ignore[index]


def test_a_failed_fit_leaves_nothing_and_an_interrupted_one_goes_on(
    shop: SimulatedShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rank"
    asked = ["rank", "fit", "mlp", "--events", str(shop.events), "--per-user", "1", "--out", str(out), *SMALL]

    def stop(error: BaseException) -> None:
        def save(model: RankModel, folder: Path) -> None:
            raise error

        monkeypatch.setattr(RankModel, "save", save)

    stop(DataError("no room"))
    assert run(asked) == 3
    assert capsys.readouterr().err == "cowalk: no room\n"
    assert not out.exists()
    stop(KeyboardInterrupt())
    assert run(asked) == 130
    assert [path.name for path in out.iterdir()] == [".work"]
    monkeypatch.undo()
    seen: list[Examples] = []
    monkeypatch.setattr("cowalk.nn.ctr.history.HistoryNetwork.loss", lambda *a: seen.append(a))
    assert run(asked) == 0, "it goes on after its last epoch, so nothing is trained"
    assert not seen
    assert sorted(path.name for path in out.iterdir()) == ["current", "versions"]
