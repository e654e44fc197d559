"""Redis away, restarted, closed to us, full, or used by others: one clear line, and it comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import redis

import cowalk as cw
from cowalk.online import OnlineVectors, RedisHistories
from cowalk.online.redis_link import REST, Link, is_redis, place_of
from servers import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test alone, which may be stopped."""
    found = RedisServer(tmp_path, "--requirepass", "secret", "--maxmemory", "8mb")
    yield found
    found.kill()


def with_password(server: RedisServer, password: str = "secret") -> str:
    return server.url.replace("redis://", f"redis://:{password}@")


def test_redis_away_and_back(server: RedisServer) -> None:
    with closing(RedisHistories(with_password(server), timeout=20)) as store:
        store.add("u", 1, 1)
        server.kill()
        with pytest.raises(cw.StoreAwayError, match="connection refused") as told:
            store.get("u")
        assert "secret" not in str(told.value)
        server.start()
        time.sleep(REST + 0.1)
        assert store.get("u").items == []  # the server kept nothing: it has no disk
        assert store.add("u", 2, 2)  # and knows no script either
        assert store.get("u").items == [2]


def test_a_server_that_was_restarted_between_two_calls_is_not_noticed(server: RedisServer) -> None:
    with closing(RedisHistories(with_password(server), timeout=20)) as store:
        assert store.add("u", 1, 1)
        server.kill()
        server.start()
        assert store.add("u", 2, 2)


def test_a_server_that_hangs_costs_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts, and never says a word
        url = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        with closing(RedisHistories(url, timeout=0.2)) as store:
            began = time.monotonic()
            with pytest.raises(cw.StoreAwayError, match="does not answer in time"):
                store.get("u")
            first = time.monotonic() - began
            assert first >= 0.2
            for _ in range(100):
                with pytest.raises(cw.StoreAwayError, match="does not answer in time"):
                    store.get("u")
            assert time.monotonic() - began - first < 0.2
            time.sleep(REST)
            began = time.monotonic()
            with pytest.raises(cw.StoreAwayError, match="does not answer in time"):
                store.get("u")
            assert time.monotonic() - began >= 0.2  # it was asked again


@pytest.mark.parametrize("password", ["", "wrong"])
def test_not_let_in(server: RedisServer, password: str) -> None:
    url = with_password(server, password) if password else server.url
    with closing(RedisHistories(url, timeout=20)) as store:
        with pytest.raises(cw.StoreAwayError, match=r"not let in .*redis://user:password@host") as told:
            store.get("u")
        assert "wrong@" not in str(told.value)


def test_out_of_memory(server: RedisServer) -> None:
    with closing(RedisHistories(with_password(server), keep=5000, timeout=20)) as store:
        store.add("before", "kept", 1)
        much = [(f"u{n % 50}", "x" * 900 + str(n), n) for n in range(20_000)]
        with pytest.raises(cw.StoreAwayError, match="out of memory; raise its maxmemory"):
            store.extend(much)
        assert store.get("before").items == ["kept"]


def test_values_of_another_program(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("cowalk:model:history:u", "a text")
        client.rpush("cowalk:model:history:v", b"\xff\xfe")
        client.rpush("cowalk:model:history:w", "12 iabc")
    with closing(RedisHistories(redis_url, timeout=20)) as store:
        for call in (lambda: store.get("u"), lambda: store.add("u", 1), lambda: store.get_many(["a", "u"])):
            with pytest.raises(cw.StoreAwayError, match=r"cowalk:model hold values of another .*\?name=shop"):
                call()
        for user in "vw":
            with pytest.raises(cw.StoreAwayError, match="did not write"):
                store.get(user)
        assert store.get("a").items == []


def test_a_database_that_is_not_there(redis_server: RedisServer) -> None:
    with (
        closing(RedisHistories(redis_server.url.replace("/0", "/99"), timeout=20)) as store,
        pytest.raises(cw.StoreAwayError, match="out of range"),
    ):
        store.get("u")


def test_threads_share_one_store(redis_url: str) -> None:
    with closing(RedisHistories(redis_url, timeout=20)) as store:
        threads = [
            threading.Thread(target=lambda n=n: [store.add(f"u{n}", m, m) for m in range(30)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.items for one in store.get_many([f"u{n}" for n in range(4)])] == [list(range(30))] * 4


@pytest.mark.parametrize(
    "url",
    ["http://h", "redis://h:port/0", "redis://h/0?name=a b", "redis://h/0?name=", "redis://h/x", "redis",
     "redis://u:p@h/0?name=a/b", "redis://h/0?colour=red"],
)  # fmt: skip
def test_urls_that_are_off(url: str) -> None:
    with pytest.raises(cw.UsageError) as told:
        Link(url)
    assert ":p@" not in str(told.value)


def test_urls() -> None:
    assert place_of("redis://h:1/2?name=shop") == ("redis://h:1/2", "shop")
    assert place_of("redis://h").name == "model"
    assert place_of("redis://h/0?name=a&socket_timeout=3").url == "redis://h/0?socket_timeout=3"
    assert is_redis("rediss://h")
    assert not is_redis("redis")
    assert not is_redis("C:\\models")


def test_every_question_is_one_trip(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trip is one packet of commands, whose answers are then read."""
    trips = 0
    send = redis.connection.Connection.send_packed_command

    def counted(self: redis.connection.Connection, *args: object, **names: object) -> None:
        nonlocal trips
        trips += 1
        send(self, *args, **names)

    with (
        closing(RedisHistories(redis_url, timeout=20)) as store,
        closing(OnlineVectors(redis_url)) as vectors,
    ):
        store.extend(("u", n, n) for n in range(9))
        with redis.Redis.from_url(redis_url) as client:
            client.set("cowalk:model:current", "v")
            client.hset("cowalk:model:v:told", mapping={"dimension": 1, "user_dimension": 1})
            client.hset("cowalk:model:v:items", "5", b"\0\0\0\0")
        vectors.read(["5"], [], ["u"])  # now the version and the script are known
        monkeypatch.setattr(redis.connection.Connection, "send_packed_command", counted)
        calls = [
            lambda: store.add("u", 9, 0),
            lambda: store.extend((f"u{n}", n, n) for n in range(500)),
            lambda: store.get("u"),
            lambda: store.get_many(["u", "v", "u1"]),
            lambda: vectors.read(["5", "6"], ["u", "v"], ["u", "v", "u1"]),
        ]
        for number, call in enumerate(calls, start=1):
            call()
            assert trips == number
        found = vectors.read(["5", "6"], ["u"], ["u", "u1"])
        assert found.items[0] == 0
        assert np.isnan(found.items[1])
        assert found.histories[0].items == [0, 9, *range(1, 9)]
        assert np.isnan(found.history_vectors[0][:, 0]).tolist() == [n != 5 for n in found.histories[0].items]
