"""Examples: histories end before their target, splits do not leak, batches are equal by seed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import DataError, ModelError, UsageError
from cowalk.examples import (
    Batches,
    Examples,
    check_no_leak,
    labelled_examples,
    last_examples,
    next_item_examples,
    one_per_user,
    rated_examples,
    split_by_time,
    split_by_user,
)
from cowalk.kernels import examples as kernels
from cowalk.prepare import sessionize
from cowalk.prepare.settings import SessionSettings
from cowalk.tables import Events, Vocab
from reference import examples as twin


def events_of(runs: list[list[int]], weights: list[float] | None = None, items: int = 10) -> Events:
    """Users with these items, one event a second, the users' clocks interleaved."""
    lengths = [len(run) for run in runs]
    flat = np.array([item for run in runs for item in run], dtype=np.int32)
    times = np.concatenate([np.arange(n) * 1_000_000 + u for u, n in enumerate(lengths)])
    w = np.ones(len(flat)) if weights is None else np.array(weights)
    return Events(
        np.repeat(np.arange(len(runs), dtype=np.int32), lengths), flat, times.astype(np.int64),
        w.astype(np.float32), Vocab.of(range(100, 100 + items)), Vocab.of(range(len(runs))),
    )  # fmt: skip


LOG = events_of([[0, 1, 2, 3], [4, 5], [6], [1, 2, 1, 7, 8]])


def random_log(seed: int, users: int = 40, items: int = 30) -> Events:
    rng = np.random.default_rng(seed)
    return events_of(
        [rng.integers(0, items, rng.integers(1, 12)).tolist() for _ in range(users)], None, items
    )


def test_next_items_have_strictly_earlier_histories() -> None:
    found = next_item_examples(LOG)
    told = [
        (int(u), found.history(e).tolist(), int(t))
        for e, (u, t) in enumerate(zip(found.users, found.targets, strict=True))
    ]
    assert told == [
        (0, [0], 1), (0, [0, 1], 2), (0, [0, 1, 2], 3), (1, [4], 5),
        (3, [1], 2), (3, [1, 2], 1), (3, [1, 2, 1], 7), (3, [1, 2, 1, 7], 8),
    ]  # fmt: skip
    assert (found.labels == 1).all()
    assert found.times.tolist()[:3] == [1_000_000, 2_000_000, 3_000_000]


def test_a_fixed_number_per_user() -> None:
    log = random_log(1)
    found = next_item_examples(log, per_user=2, seed=3)
    counts = np.bincount(found.owners, minlength=40)
    wanted = np.minimum(2, np.diff(log.owner_offsets) - 1)
    assert counts.tolist() == wanted.tolist()
    again, other = next_item_examples(log, per_user=2, seed=3), next_item_examples(log, per_user=2, seed=4)
    assert np.array_equal(found.places, again.places)
    assert not np.array_equal(found.places, other.places)


def test_sessions_of_a_user_make_one_history() -> None:
    sessions, _ = sessionize(LOG, SessionSettings(by="window", window_minutes=2 / 60))
    assert len(sessions) > 4
    found = next_item_examples(sessions, LOG.item_vocab)
    wanted = next_item_examples(LOG)
    assert np.array_equal(found.targets, wanted.targets)
    assert [found.history(e).tolist() for e in range(8)] == [wanted.history(e).tolist() for e in range(8)]
    with pytest.raises(UsageError, match="vocab="):
        next_item_examples(sessions)


@pytest.mark.parametrize("sampler", ["uniform", "count"])
def test_negatives_share_the_history_and_are_never_the_target(sampler: str) -> None:
    found = labelled_examples(random_log(2), negatives=3, sampler=sampler, seed=1)
    rows = np.arange(len(found)).reshape(-1, 4)
    assert (found.labels.reshape(-1, 4) == [1, 0, 0, 0]).all()
    assert (found.stops[rows] == found.stops[rows[:, :1]]).all()
    targets = found.targets.reshape(-1, 4)
    assert (targets[:, 1:] != targets[:, :1]).all()
    assert (found.places.reshape(-1, 4)[:, 1:] == -1).all()
    assert "3 a positive" in found.about["negatives"]


def test_known_items_are_no_negatives_when_asked() -> None:
    log = random_log(3)
    found = labelled_examples(log, exclude_known=True)
    known = set(zip(log.users.tolist(), log.items.tolist(), strict=True))
    false = found.labels == 0
    drawn = list(zip(found.users[false].tolist(), found.targets[false].tolist(), strict=True))
    assert not known & set(drawn)
    everything = events_of([[0, 1, 2, 0, 1, 2]], items=3)
    with pytest.raises(DataError, match="exclude_known=False"):
        labelled_examples(everything, exclude_known=True)


def test_one_item_leaves_no_negative() -> None:
    with pytest.raises(DataError, match=r"the catalogue has 1 item.*a log of at least two items"):
        labelled_examples(events_of([[0, 0, 0]], items=1))
    with pytest.raises(DataError, match=r"all events are of one item.*use sampler=uniform"):
        labelled_examples(events_of([[0, 0, 0]], items=2), sampler="count")


def test_negatives_by_count_follow_the_counts() -> None:
    log = events_of([[0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0]] * 200, items=5)
    found = labelled_examples(log, sampler="count", negatives=2)
    false = found.targets[
        (found.labels == 0) & np.isin(np.arange(len(found)) // 3, np.flatnonzero(found.targets[::3] == 3))
    ]
    share = np.bincount(false, minlength=5) / len(false)  # of targets 3, which is never drawn itself
    assert share[4] == 0
    assert abs(share[0] - 9 / 11) < 4 * np.sqrt(9 / 11 * 2 / 11 / len(false))


def test_one_pair_per_user() -> None:
    found = one_per_user(LOG, min_history=1)
    assert found.users.tolist() == [0, 0, 1, 1, 3, 3]
    assert found.targets[::2].tolist() == [3, 5, 8]
    assert found.history(4).tolist() == [1, 2, 1, 7]


def test_ratings_by_written_arithmetic() -> None:
    log = events_of([[0, 1, 2, 3, 4]], [5, 2, 3, 4, 1])
    found = rated_examples(log, threshold=3)
    told = [
        (found.history(e).tolist(), int(found.targets[e]), float(found.labels[e])) for e in range(len(found))
    ]
    assert told == [([0], 1, 0), ([0], 2, 0), ([0, 2], 3, 1), ([0, 2, 3], 4, 0)]
    with pytest.raises(DataError, match=r"read\.weight_column"):
        rated_examples(LOG)


def test_a_history_with_its_own_target_is_refused() -> None:
    found = next_item_examples(LOG)
    with pytest.raises(DataError, match="holds its own target 101"):
        replace(found, stops=found.stops + np.int64([1, 0, 0, 0, 0, 0, 0, 0]))
    with pytest.raises(DataError, match="labels must be 0 or 1"):
        replace(found, labels=np.full(8, 4.0, np.float32))
    with pytest.raises(DataError, match="beyond the events of its owner"):
        replace(found, stops=np.zeros(8, np.int64), places=np.full(8, -1))


def test_sequences_show_no_more_than_the_examples() -> None:
    found = next_item_examples(LOG).select(np.array([0, 4, 5]))
    shown = found.sequences
    runs = [shown.items[a:b].tolist() for a, b in zip(shown.offsets[:-1], shown.offsets[1:], strict=True)]
    assert runs == [[0, 1], [1, 2, 1]]
    assert shown.users.tolist() == [0, 3]
    assert found.counts.tolist() == [1, 3, 1, 0, 0, 0, 0, 0, 0, 0]


@given(st.integers(0, 50), st.floats(0.2, 0.8))
@settings(deadline=None, max_examples=20)
def test_splits_do_not_leak(seed: int, share: float) -> None:
    examples = labelled_examples(random_log(seed), seed=seed)
    train, test = split_by_user(examples, share, seed)
    assert not set(train.users) & set(test.users)
    assert len(train) + len(test) == len(examples)
    train, test = split_by_time(examples, share)
    assert train.times.max() < test.times.min()
    used = [train.stream.times[stop - 1] for stop in train.stops]
    assert max(used) < test.times.min()


def test_leaks_are_told() -> None:
    examples = next_item_examples(random_log(5))
    train, test = split_by_time(examples, 0.5)
    with pytest.raises(DataError, match="leak: the target of training example 1 "):
        check_no_leak(test, train, by="time")
    with pytest.raises(DataError, match="users stand in training and in test"):
        check_no_leak(train, test, by="user")
    late = replace(train, stops=train.stream.offsets[train.owners + 1], places=np.full(len(train), -1))
    with pytest.raises(DataError, match="leak: the history of training example"):
        check_no_leak(late, test, by="time")
    other = replace(train, stream=replace(train.stream))  # another stream of the same users
    with pytest.raises(DataError, match="users stand in training"):
        check_no_leak(other, test, by="user")
    with pytest.raises(DataError, match="leaves one side empty"):
        split_by_time(examples, "2020-01-01")


def test_a_moment_may_be_given_in_any_form() -> None:
    examples = next_item_examples(random_log(5))
    moment = int(np.median(examples.times))
    wanted = len(split_by_time(examples, moment)[0])
    at = datetime(1970, 1, 1) + timedelta(microseconds=moment)
    ahead = at.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=2)))
    for form in (at, ahead, at.isoformat() + "Z", ahead.isoformat(), np.datetime64(at), float(moment)):
        assert len(split_by_time(examples, form)[0]) == wanted
    for odd in ("soon", "NaT", np.datetime64("NaT")):
        with pytest.raises(UsageError, match="cannot be read; give microseconds, a datetime or ISO text"):
            split_by_time(examples, odd)
    with pytest.raises(UsageError, match=r"a share of 1\.5 cannot train"):
        split_by_time(examples, 1.5)


def test_context_is_of_finite_numbers() -> None:
    examples = next_item_examples(random_log(5))
    age = np.ones((len(examples), 2))
    age[3, 1] = np.nan
    with pytest.raises(DataError, match=r"context 'age' holds nan \(example 4\)"):
        examples.with_context(age=age)
    with pytest.raises(DataError, match="context 'device' holds something else than numbers"):
        examples.with_context(device=["phone"] * len(examples))


@pytest.mark.parametrize("make", [next_item_examples, last_examples])
def test_a_log_of_short_histories_is_told(make: Callable[..., Examples]) -> None:
    with pytest.raises(DataError, match="no event has 99 earlier ones of its user"):
        make(random_log(5), min_history=99)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8), st.integers(1, 9))
@settings(deadline=None, max_examples=40)
def test_gathered_histories_equal_the_twin(slices: list[tuple[int, int]], last: int) -> None:
    items = np.arange(100, 120, dtype=np.int32)
    starts = np.array([min(pair) for pair in slices], dtype=np.int64)
    stops = np.array([max(pair) for pair in slices], dtype=np.int64)
    outs = [np.empty((len(slices), last), np.int32) for _ in range(2)]
    lengths = [np.empty(len(slices), np.int32) for _ in range(2)]
    kernels.gather_histories(items, starts, stops, outs[0], lengths[0])
    twin.gather_histories(items, starts, stops, outs[1], lengths[1])
    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(lengths[0], lengths[1])


def test_batches_hold_every_example_once_and_are_equal_by_seed() -> None:
    examples = next_item_examples(random_log(7)).with_context(
        age=np.arange(len(next_item_examples(random_log(7))))
    )
    batches = list(Batches(examples, 16, seed=1, epoch=2, last=4))
    rows = np.concatenate([batch["rows"] for batch in batches])
    assert len(batches) == len(Batches(examples, 16))
    assert sorted(rows.tolist()) == list(range(len(examples)))
    assert all(batch["history"].shape[1] == 4 for batch in batches)
    first = batches[0]
    for b, row in enumerate(first["rows"]):
        wanted = examples.history(row)[-4:].tolist()
        assert first["history"][b].tolist() == [-1] * (4 - len(wanted)) + wanted
        assert first["targets"][b] == examples.targets[row]
        assert first["age"][b] == row
    again = list(Batches(examples, 16, seed=1, epoch=2, last=4))
    assert all(np.array_equal(a["rows"], b["rows"]) for a, b in zip(batches, again, strict=True))
    assert not np.array_equal(first["rows"], next(iter(Batches(examples, 16, seed=1, epoch=3)))["rows"])
    assert len(list(Batches(examples, 16, whole=True))) == len(examples) // 16


def test_saved_examples_come_back_mapped(tmp_path: Path) -> None:
    examples = labelled_examples(random_log(8))
    examples = examples.with_context(hour=np.arange(len(examples)) % 24)
    examples.save(tmp_path / "kept")
    found = Examples.open(tmp_path / "kept")
    assert found.about == examples.about
    assert not found.targets.flags.writeable  # a map of the file, not a copy
    one, two = next(iter(Batches(examples, 32))), next(iter(Batches(found, 32)))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    examples.save(tmp_path / "kept")  # again over itself
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    with pytest.raises(UsageError, match="holds other files"):
        examples.save(tmp_path / "other")
    data = (tmp_path / "kept" / "arrays.safetensors").read_bytes()
    (tmp_path / "kept" / "arrays.safetensors").write_bytes(data[:-5])
    with pytest.raises(ModelError, match="truncated"):
        Examples.open(tmp_path / "kept")
    with pytest.raises(ModelError, match="holds no examples"):
        Examples.open(tmp_path / "nowhere")


def test_bad_calls_are_told() -> None:
    with pytest.raises(UsageError, match="per_user"):
        next_item_examples(LOG, per_user=0)
    with pytest.raises(UsageError, match="sampler is 'hot'"):
        labelled_examples(LOG, sampler="hot")
    with pytest.raises(DataError, match="no event has 9 earlier"):
        rated_examples(events_of([[0, 1]], [3, 4]), min_history=9)
    with pytest.raises(UsageError, match="between 0 and 1"):
        split_by_user(next_item_examples(LOG), 1.5)
    with pytest.raises(UsageError, match="at least 1"):
        Batches(next_item_examples(LOG), 0)
