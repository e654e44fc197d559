"""What every store of histories keeps to: one suite over memory, SQLite and Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.model import UserStore
from cowalk.online import Histories, History, MemoryHistories, RedisHistories, SQLiteHistories, open_histories
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings

Make = Callable[..., Histories]
KINDS = ["memory", "sqlite", "redis"]
NUMBER = count()
T = 1_790_000_000_000_000  # microseconds; a day in 2026


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Gives a new, empty store of one kind at every call."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""

    with ExitStack() as open_stores:

        def of_kind(**options: Any) -> Histories:
            store: Histories
            if request.param == "memory":
                store = MemoryHistories(**options)
            elif request.param == "sqlite":
                store = SQLiteHistories(tmp_path / f"{next(NUMBER)}.db", **options)
            else:  # the whole suite is slow under load, and a busy machine is no failure
                store = RedisHistories(f"{url}?name=n{next(NUMBER)}", timeout=20, **options)
            open_stores.enter_context(closing(store))
            return store

        yield of_kind


def test_a_history_comes_back_as_it_was_given(make: Make) -> None:
    store = make()
    assert store.get("nobody") == History([], [])
    assert store.add("a", "shoe", T)
    assert store.add("a", 7, T + 1)
    assert store.add("a", "7 sins: 한국\n\0", T + 1)
    assert store.get("a") == History(["shoe", 7, "7 sins: 한국\n\0"], [T, T + 1, T + 1])
    assert store.add("b", -(2**63), -5)
    assert store.add("b", "", 0)
    assert store.get("b") == History([-(2**63), ""], [-5, 0])


def test_a_late_event_stands_where_its_time_says(make: Make) -> None:
    store = make()
    for item, at in [("c", 30), ("a", 10), ("b", 20), ("b2", 20), ("a0", 10), ("d", 30)]:
        store.add("u", item, at)
    assert store.get("u") == History(["a", "a0", "b", "b2", "c", "d"], [10, 10, 20, 20, 30, 30])


def test_only_the_latest_are_kept(make: Make) -> None:
    store = make(keep=3)
    store.extend(("u", n, n) for n in range(10))
    assert store.get("u") == History([7, 8, 9], [7, 8, 9])
    assert store.add("u", "too old", 6)
    assert store.get("u") == History([7, 8, 9], [7, 8, 9])
    assert store.add("u", "late", 8)
    assert store.get("u") == History([8, "late", 9], [8, 8, 9])


def test_repeats_count_only_if_asked(make: Make) -> None:
    once, often = make(), make(repeats=True)
    events = [("u", "5", 1), ("u", 5, 2), ("u", 6, 3), ("u", 5, 4), ("u", 5, 0)]
    assert once.extend(events) == 3
    assert once.get("u") == History(["5", 6, 5], [1, 3, 4])
    assert often.extend(events) == 5
    assert often.get("u") == History([5, "5", 5, 6, 5], [0, 1, 2, 3, 4])


def test_without_a_time_an_event_is_the_newest(make: Make) -> None:
    store = make()
    before = time.time_ns() // 1000
    store.add("u", 1)
    store.add("u", 2)
    found = store.get("u")
    assert found.items == [1, 2]
    assert before <= found.times[0] <= found.times[1] <= time.time_ns() // 1000
    ahead = found.times[1] + 3_600_000_000  # a clock that went back, or another machine's
    store.add("u", 3, ahead)
    store.add("u", 4)
    assert store.get("u").items == [1, 2, 3, 4]
    assert store.get("u").times[-1] == ahead


def test_times_may_be_dates(make: Make) -> None:
    store = make()
    store.add("u", 1, "1970-01-01T00:00:01")
    store.add("u", 2, datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))
    assert store.get("u").times == [1_000_000, 2_000_000]


def test_users_are_texts_and_many_come_in_one_call(make: Make) -> None:
    store = make()
    store.extend([(5, "x", 1), ("5", "y", 2), ("5:x y", "z", 1), ("日本", "w", 1)])
    found = store.get_many([5, "nobody", "5:x y", "日本", "5"])
    assert [one.items for one in found] == [["x", "y"], [], ["z"], ["w"], ["x", "y"]]
    assert store.get_many([]) == []
    assert store.extend([]) == 0


def test_more_than_one_trip_holds(make: Make) -> None:
    store = make(keep=2)
    assert store.extend((n % 1500, n, n) for n in range(4500)) == 4500
    found = store.get_many(range(1500))
    assert all(one == History([n + 1500, n + 3000], [n + 1500, n + 3000]) for n, one in enumerate(found))


def test_what_is_given_out_is_a_copy(make: Make) -> None:
    store = make()
    store.add("u", 1, 1)
    store.get("u").items.append(2)
    assert store.get("u").items == [1]


def test_forgetting(make: Make) -> None:
    store = make()
    store.add("u", 1, 1)
    assert store.forget("u")
    assert not store.forget("u")
    assert store.get("u") == History([], [])


def test_expiry(make: Make) -> None:
    store = make(expiry=0.5)
    store.add("old", 1, 1)
    store.add("still there", 1, 1)
    time.sleep(0.3)
    store.add("still there", 2, 2)
    time.sleep(0.3)
    assert store.get("old") == History([], [])
    assert store.get("still there").items == [1, 2]
    store.add("old", 9, 9)
    assert store.get("old").items == [9]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (("u", None, 1), "item None is no id"),
        ((True, 1, 1), "user True is no id"),
        (("u", 1.5, 1), r"item 1\.5 is no id"),
        (("u", 2**63, 1), "64 bits"),
        (("u", "\ud800", 1), "no valid Unicode"),
        (("u", "x" * 2000, 1), "2,000 bytes"),
        (("u", 1, "yesterday"), "cannot be read"),
        (("u", 1, T * 1000), "nanoseconds"),
    ],
)
def test_what_is_no_event_is_told_and_nothing_is_written(
    make: Make, event: tuple[Any, Any, Any], words: str
) -> None:
    store = make()
    with pytest.raises(cw.UsageError, match=words):
        store.extend([("u", "good", 1), event])
    assert store.get("u") == History([], [])


@pytest.mark.parametrize("options", [{"keep": 0}, {"keep": 10**6}, {"expiry": 0.0}])
def test_bounds_are_checked(make: Make, options: dict[str, Any]) -> None:
    with pytest.raises(cw.UsageError, match=r"keep is|expiry is"):
        make(**options)


def test_threads_lose_nothing(make: Make) -> None:
    store = make()

    def write(number: int) -> None:
        for n in range(25):
            store.add("u", f"{number}:{n}", n)
            store.get_many(["u", "v"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get("u")
    assert sorted(found.items) == sorted(f"{number}:{n}" for number in range(4) for n in range(25))
    assert found.times == sorted(found.times)


EVENT = st.tuples(st.sampled_from(["a", "b c", "日"]), st.integers(0, 7), st.integers(-3, 12))
EVENTS = given(st.lists(EVENT, max_size=40), st.integers(1, 6), st.booleans(), st.booleans())
HARD = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)  # fmt: skip


def kept(events: list[tuple[str, int, int | None]], keep: int, repeats: bool) -> tuple[list[bool], dict]:
    """What counts, and (items, times) by user: put where its time says, never twice on the newest item."""
    counted, users = [], {}
    for number, (user, item, when) in enumerate(events):
        before = users.get(user, [])
        counted.append(repeats or not before or before[-1][1] != item)
        if counted[-1]:
            at = number if when is None else when
            users[user] = sorted([*before, (at, item)], key=lambda event: event[0])[-keep:]
    return counted, {u: ([i for _, i in found], [t for t, _ in found]) for u, found in users.items()}


@EVENTS
@HARD
def test_every_store_equals_the_rule_one_by_one_and_in_one_call(
    make: Make, events: list[tuple[str, int, int]], keep: int, repeats: bool, timed: bool
) -> None:
    single, at_once = make(keep=keep, repeats=repeats), make(keep=keep, repeats=repeats)
    asked = [(user, item, at if timed else None) for user, item, at in events]
    counted, wanted = kept(asked, keep, repeats)
    assert [single.add(*event) for event in asked] == counted
    assert at_once.extend(asked) == sum(counted)
    for user, (items, times) in wanted.items():
        for found in (single.get(user), at_once.get(user)):
            assert found.items == items
            if timed:
                assert found.times == times


@EVENTS
@HARD
def test_of_events_that_come_in_order_every_store_keeps_what_the_user_store_keeps(
    make: Make, events: list[tuple[str, int, int]], keep: int, repeats: bool, timed: bool
) -> None:
    """A late event may part an event from its repeat: the user store sees that, the others are simpler."""
    vocab = cw.Vocab.of(list(range(8)))
    rows = np.eye(8, dtype=np.float32)
    asked = RecommendSettings(history=1, cooccurrence_history=1)
    twin = UserStore(Recommender(rows, rows, vocab.counts, None, asked), vocab, keep=keep, repeats=repeats)
    store = make(keep=keep, repeats=repeats)
    in_order = sorted(events, key=lambda event: event[2])
    given_ = [(user, item, at if timed else None) for user, item, at in in_order]
    assert [store.add(*event) for event in given_] == [twin.update(*event) for event in given_]
    for user in twin.users:
        held, found = twin.histories([user]), store.get(user)
        assert found.items == held.items.tolist()
        if timed:
            assert found.times == held.times.tolist()


def test_stores_by_name(tmp_path: Path, redis_url: str) -> None:
    for name in ("memory", f"sqlite:{tmp_path / 'h.db'}", redis_url):
        with closing(open_histories(name, keep=2)) as store:
            store.extend(("u", n, n) for n in range(3))
            assert store.get("u").items == [1, 2]
    for name in ("sqlite", "sqlite:", "memcached://x", "", "redis"):
        with pytest.raises(cw.UsageError, match="give memory, sqlite:PATH or redis"):
            open_histories(name)
