"""Splits of examples by user or by time, and the check that nothing of the test part is in training."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples.table import Examples
from cowalk.seeds import generator
from cowalk.types import Offsets

By = Literal["user", "time"]


def split_by_user(examples: Examples, share: float = 0.2, seed: int = 0) -> tuple[Examples, Examples]:
    """Training and test examples; a seeded `share` of the owners is test with all their examples."""
    if not 0 < share < 1:
        raise UsageError(f"the share of test users must lie between 0 and 1, got {share}")
    owners = np.unique(examples.owners)
    k = round(share * len(owners))
    if k == 0 or k == len(owners):
        raise DataError(f"cannot split {len(owners):,} users at {share:.0%}: one side would be empty")
    drawn = generator(seed, "examples/split by user").choice(owners, size=k, replace=False)
    test = np.isin(examples.owners, drawn)
    parts = examples.select(~test), examples.select(test)
    check_no_leak(*parts, by="user")
    return parts


Moment = int | float | str | datetime | np.datetime64


def split_by_time(examples: Examples, at: Moment) -> tuple[Examples, Examples]:
    """Training examples before the moment `at`, test examples from it on.

    at: microseconds, a datetime or ISO text (UTC where no zone is named), or a share between 0 and 1 of the
    examples that train; equal times are never parted.
    """
    moment = _moment(examples, at)
    test = examples.times >= moment
    if test.all() or not test.any():
        side = "after" if test.all() else "before"
        raise DataError(f"a split at {_date(moment)} leaves one side empty: all examples lie {side} it")
    parts = examples.select(~test), examples.select(test)
    check_no_leak(*parts, by="time")
    return parts


def _moment(examples: Examples, at: Moment) -> int:
    if examples.stream.times is None:
        raise UsageError(
            "a split by time needs times, and this log has none; use split_by_user (--split user)"
        )
    if isinstance(at, float) and 0 < at < 1:
        return int(np.partition(examples.times, int(at * len(examples)))[int(at * len(examples))])
    if isinstance(at, float) and not at.is_integer():
        raise UsageError(f"a share of {at} cannot train; give one between 0 and 1, or a moment")
    return _micros(at)


def _micros(at: Moment) -> int:
    """A moment in microseconds."""
    if isinstance(at, int | float | np.integer):
        return int(at)
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        found = np.array(moment, dtype="datetime64[us]")
    except (ValueError, TypeError):
        found = np.array("NaT", dtype="datetime64[us]")
    if np.isnat(found):
        raise UsageError(f"time {at!r} cannot be read; give microseconds, a datetime or ISO text")
    return int(found.astype(np.int64))


def held_out(examples: Examples, most: int, seed: int = 0) -> tuple[Examples, Examples | None]:
    """Training examples, and the last one of up to `most` owners drawn, at most a tenth of all examples.

    The event of a last example is in no other history, so training does not show it. None where too few
    examples are there to hold any out.
    """
    _, last = np.unique(examples.owners[::-1], return_index=True)
    last = len(examples) - 1 - last
    k = min(most, len(last), len(examples) // 10)
    if k == 0:
        return examples, None
    test = np.zeros(len(examples), dtype=bool)
    test[generator(seed, "examples/held out").choice(last, size=k, replace=False)] = True
    return examples.select(~test), examples.select(test)


def check_no_leak(train: Examples, test: Examples, by: By) -> None:
    """DataError where training shows something of the test part.

    by user: an owner, or a known user, stands on both sides. by time: a training target, or an event of a
    training history, is not earlier than every test target.
    """
    if by == "user":
        _check_users(train, test)
    elif by == "time":
        _check_times(train, test)
    else:
        raise UsageError(f"by is {by!r}; it must be user or time")


def _check_users(train: Examples, test: Examples) -> None:
    both = np.zeros(0, dtype=np.int32)
    if train.stream is test.stream:
        both = np.intersect1d(train.owners, test.owners)
    elif train.user_vocab is not None and test.user_vocab is not None:
        known = train.user_vocab.ids[np.unique(train.users[train.users >= 0])]
        both = np.intersect1d(test.user_vocab.find(known), np.unique(test.users[test.users >= 0]))
    if len(both):
        raise DataError(
            f"leak: {len(both):,} users stand in training and in test; split by user, or judge by time"
        )


def _check_times(train: Examples, test: Examples) -> None:
    if train.stream.times is None or test.stream.times is None:
        raise UsageError("a leak by time can be checked only where the log has times")
    first = int(test.times.min())
    for what, times in (("target", train.times), ("history", _newest(train))):
        late = np.flatnonzero(times >= first)
        if len(late):
            raise DataError(
                f"leak: the {what} of training example {late[0] + 1:,} reaches {_date(int(times[late[0]]))}, "
                f"and the test part begins {_date(first)}; split by time before examples are made"
            )


def _newest(examples: Examples) -> Offsets:
    """int64[E]: the time of each history's newest event; the least number where it is empty."""
    assert examples.stream.times is not None
    out: Offsets = np.full(len(examples), np.iinfo(np.int64).min)
    has = examples.lengths > 0
    out[has] = examples.stream.times[examples.stops[has] - 1]
    return out


def _date(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[s]")) + "Z"
