"""Publishing: a reader has one whole version at every moment, whoever is killed; old ones are swept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

import cowalk as cw
from cowalk.cli.run import run
from cowalk.online import OnlineVectors, RedisHistories, current_version, fetch_model, publish, redis_publish
from cowalk.online.redis_link import REST
from cowalk.online.redis_publish import Writer

NURSERY = Path(__file__).parents[1] / "nursery.py"
WIDE = 16  # the model asks with two sets of rows of 8 side by side; items have the first set's
USERS = cw.Vectors(cw.Vocab.of(["ann", "bob"]), np.full((2, WIDE), 3, np.float32))
SLOW = 20.0  # seconds: under load an answer may take long, and that is not what is tested here


@pytest.fixture(scope="module")
def models(shop_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and one whose every vector is the other's with a minus."""
    model = cw.load(shop_model)
    folder = tmp_path_factory.mktemp("models") / "minus"
    learned = replace(model.learned, vectors=-np.asarray(model.learned.vectors))
    replace(model, learned=learned).save(folder)
    return shop_model, folder


@pytest.fixture
def online(redis_url: str) -> Iterator[OnlineVectors]:
    with closing(OnlineVectors(redis_url, timeout=SLOW)) as vectors:
        yield vectors


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as found:
        yield found


def versions_held(client: redis.Redis) -> set[str]:
    """Every version of which there is a key."""
    names = [key.decode().split(":") for key in client.keys("cowalk:model:*")]
    return {name[2] for name in names if len(name) == 4 and name[2] != "history"}


def test_what_is_published_is_read(
    models: tuple[Path, Path], redis_url: str, online: OnlineVectors, tmp_path: Path
) -> None:
    model = cw.load(models[0])
    told: list[tuple[str, float | None]] = []
    done = publish(models[0], redis_url, users=USERS, progress=lambda *at: told.append(at))
    assert (done.items, done.users, done.swept) == (len(model.vocab), 2, ())
    assert current_version(redis_url) == done.version == online.version()
    assert told[-1] == ("publishing users", 1.0)
    ids = list(model.vocab.ids.tolist())
    asked = [ids[3], "nobody knows it", ids[0]]
    found = online.read(asked, ["bob", "eve"])
    np.testing.assert_array_equal(found.items[[0, 2]], model.vectors[[ids[3], ids[0]]])
    assert np.isnan(found.items[1]).all()
    np.testing.assert_array_equal(found.users[0], np.full(WIDE, 3))
    assert np.isnan(found.users[1]).all()
    assert found.items.dtype == np.float32
    np.testing.assert_array_equal(online.items(ids), model.vectors.array)
    assert online.items([]).shape == (0, 8)
    fetched = fetch_model(redis_url, tmp_path / "replica")
    assert fetched.name == done.version
    there = cw.load(tmp_path / "replica", verify=True)
    assert there.manifest == model.manifest
    assert there.recommend(ids[:3], 10).ids == model.recommend(ids[:3], 10).ids


def test_many_ids_come_in_one_read(redis_url: str, online: OnlineVectors, models: tuple[Path, Path]) -> None:
    """More than Lua unpacks at once."""
    publish(models[0], redis_url)
    ids = cw.load(models[0]).vocab.ids.tolist()
    asked = [ids[n % len(ids)] for n in range(12_345)]
    rows = online.items(asked)
    np.testing.assert_array_equal(rows, np.resize(online.items(ids), rows.shape))


def test_histories_come_with_the_vectors_of_their_items(
    redis_url: str, online: OnlineVectors, models: tuple[Path, Path]
) -> None:
    done = publish(models[0], redis_url, users=USERS)
    model = cw.load(models[0])
    ids = model.vocab.ids.tolist()
    with closing(RedisHistories(redis_url, timeout=SLOW)) as histories:
        histories.extend([("ann", ids[5], 1), ("ann", "unknown", 2), ("ann", ids[1], 3)])
    found = online.read([ids[0]], ["ann"], ["ann", "nobody"])
    assert found.version == done.version
    assert found.histories[0] == ([ids[5], "unknown", ids[1]], [1, 2, 3])
    np.testing.assert_array_equal(found.history_vectors[0][[0, 2]], model.vectors[[ids[5], ids[1]]])
    assert np.isnan(found.history_vectors[0][1]).all()
    assert found.histories[1] == ([], [])
    assert found.history_vectors[1].shape == (0, 8)


def test_users_are_put_under_the_version_that_they_were_made_of(
    redis_url: str, online: OnlineVectors, models: tuple[Path, Path]
) -> None:
    with pytest.raises(cw.StoreAwayError, match="`cowalk publish` puts one"):
        online.put_users(USERS)
    first = publish(models[0], redis_url).version
    many = cw.Vectors(
        cw.Vocab.of(list(range(2500))), np.tile(np.arange(2500, dtype=np.float32)[:, None], WIDE)
    )
    assert online.put_users(many) == first
    np.testing.assert_array_equal(online.users([2400, "7"]), many[[2400, 7]])
    second = publish(models[1], redis_url).version
    assert np.isnan(online.users([7])).all()
    assert online.put_users(many, second) == second
    publish(models[0], redis_url, keep=1)
    with pytest.raises(cw.UsageError, match=f"version {second} is not published"):
        online.put_users(many, second)
    wrong = cw.Vectors(cw.Vocab.of(["a"]), np.ones((1, 5), np.float32))
    with pytest.raises(cw.UsageError, match=r"5 dimensions, version .* has 16"):
        online.put_users(wrong)
    with pytest.raises(cw.UsageError, match=r"5 dimensions, the model's 16"):
        publish(models[0], redis_url, users=wrong)


def test_users_that_the_model_learned_go_with_it(
    redis_url: str, online: OnlineVectors, models: tuple[Path, Path], tmp_path: Path
) -> None:
    model = cw.load(models[0])
    rows = np.arange(3 * WIDE, dtype=np.float32).reshape(3, WIDE)
    learned = replace(model.learned, extra={"users": rows})
    replace(model, learned=learned, user_vocab=cw.Vocab.of([7, 8, 9])).save(tmp_path / "m")
    assert publish(tmp_path / "m", redis_url).users == 3
    np.testing.assert_array_equal(online.users([9, "7"]), rows[[2, 0]])


def test_ids_that_are_no_text_are_unknown(
    redis_url: str, online: OnlineVectors, models: tuple[Path, Path]
) -> None:
    publish(models[0], redis_url)
    assert np.isnan(online.items(["\ud800", "", "\0"])).all()


def test_old_versions_are_swept(redis_url: str, client: redis.Redis, models: tuple[Path, Path]) -> None:
    made = [publish(models[n % 2], redis_url, users=USERS, keep=3) for n in range(5)]
    names = [one.version for one in made]
    assert [list(one.swept) for one in made] == [[], [], [], names[:1], names[1:2]]
    assert versions_held(client) == set(names[2:])
    assert publish(models[0], redis_url, keep=1).swept == tuple(names[2:])
    assert len(versions_held(client)) == 1
    assert all(client.ttl(key) == -1 for key in client.keys("*"))


def test_two_names_do_not_touch_each_other(redis_url: str, models: tuple[Path, Path]) -> None:
    one, two = (publish(model, f"{redis_url}?name={name}") for model, name in zip(models, "ab", strict=True))
    assert current_version(f"{redis_url}?name=a") == one.version
    assert current_version(f"{redis_url}?name=b") == two.version
    assert current_version(redis_url) is None


class StoppedError(Exception):
    """Stands for whatever ends a publisher."""


def test_an_interrupted_publish_changes_nothing_and_leaves_nothing(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(models[0], redis_url).version
    before = sorted(client.keys("*"))

    def stop(words: str, share: float | None) -> None:
        if share is not None and share > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        publish(models[1], redis_url, progress=stop)
    assert sorted(client.keys("*")) == before
    with monkeypatch.context() as patch:  # killed: no one cleans up
        patch.setattr(Writer, "drop", lambda self: None)
        patch.setattr(redis_publish, "LEASE", 0.3)
        with pytest.raises(StoppedError):
            publish(models[1], redis_url, progress=stop)
        assert len(versions_held(client)) == 2
    time.sleep(0.5)
    assert sorted(client.keys("*")) == before
    assert current_version(redis_url) == first


def test_a_publish_that_was_held_up_too_long_is_refused(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_publish, "LEASE", 0.2)
    with pytest.raises(cw.StoreAwayError, match="no longer whole"):
        publish(models[0], redis_url, progress=lambda words, share: time.sleep(0.5 * (share == 1)))
    assert current_version(redis_url) is None
    assert versions_held(client) == set()


def test_a_switch_whose_answer_was_lost_holds(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The switch is sent once more, or what was written is dropped: the version stays whole either way."""
    publish(models[0], redis_url)
    switch = Writer.switch
    monkeypatch.setattr(Writer, "switch", lambda self, keep: (switch(self, keep), switch(self, keep))[0])
    second = publish(models[1], redis_url).version
    assert client.lrange("cowalk:model:versions", 0, -1)[1:] == [second.encode()]

    def lost(self: Writer, keep: int) -> list[str]:
        switch(self, keep)
        raise cw.StoreAwayError("no answer")

    monkeypatch.setattr(Writer, "switch", lost)
    with pytest.raises(cw.StoreAwayError, match="no answer"):
        publish(models[0], redis_url)
    with closing(OnlineVectors(redis_url)) as vectors:
        assert vectors.version() not in (None, second)


def test_readers_never_see_a_mix(redis_url: str, models: tuple[Path, Path]) -> None:
    """Item vectors and user vectors of one read have one sign, while versions switch all the time."""
    plus = cw.load(models[0]).vectors
    ids = plus.vocab.ids.tolist()
    publish(models[0], redis_url, users=USERS)
    seen: dict[str, int] = {}
    wrong: list[str] = []
    stop = threading.Event()

    def look() -> None:
        with closing(OnlineVectors(redis_url, timeout=SLOW)) as vectors:
            while not stop.is_set():
                found = vectors.read(ids, ["ann", "bob"])
                sign = np.sign(found.users[0, 0])
                if not np.array_equal(found.items, sign * plus.array) or (found.users != 3 * sign).any():
                    wrong.append(found.version)
                seen[found.version] = int(sign)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    minus = cw.Vectors(USERS.vocab, -USERS.array)
    for n in range(8):
        publish(models[(n + 1) % 2], redis_url, users=(minus, USERS)[n % 2], keep=1)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) > 3
    assert set(seen.values()) == {-1, 1}


def after_kills(models: tuple[Path, Path], target: str, kills: int, look: Any) -> None:
    """Kill publishers to `target` at random moments; look after every kill."""
    command = [sys.executable, str(NURSERY), *map(str, models), target, str(kills), "0.4"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for _ in range(kills):
            assert nursery.stdout.readline() == "killed\n"
            look()
            nursery.stdin.write("\n")
            nursery.stdin.flush()
    assert nursery.returncode == 0


def test_kill_9_while_publishing_to_redis(
    redis_url: str, online: OnlineVectors, models: tuple[Path, Path], tmp_path: Path
) -> None:
    plus = np.asarray(cw.load(models[0]).vectors.array)
    ids = cw.load(models[0]).vocab.ids.tolist()
    publish(models[0], redis_url)

    def look() -> None:
        found = online.items(ids)
        assert np.array_equal(found, plus) or np.array_equal(found, -plus)
        fetch_model(redis_url, tmp_path / "replica")
        there = np.asarray(cw.load(tmp_path / "replica", verify=True).vectors.array)
        assert np.array_equal(there, plus) or np.array_equal(there, -plus)

    after_kills(models, redis_url, 6, look)
    publish(models[1], redis_url)
    np.testing.assert_array_equal(online.items(ids), -plus)


def test_kill_9_while_publishing_to_a_folder(models: tuple[Path, Path], tmp_path: Path) -> None:
    plus = np.asarray(cw.load(models[0]).vectors.array)
    target = tmp_path / "replica"
    publish(models[0], target)

    def look() -> None:
        there = np.asarray(cw.load(target, verify=True).vectors.array)
        assert np.array_equal(there, plus) or np.array_equal(there, -plus)

    after_kills(models, str(target), 6, look)
    publish(models[1], target)
    assert sorted(path.name for path in target.iterdir()) == ["current", "versions"]
    assert len(list((target / "versions").iterdir())) == 2
    np.testing.assert_array_equal(cw.load(target).vectors.array, -plus)


def test_fetching_again_takes_what_is_there(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], tmp_path: Path
) -> None:
    target = tmp_path / "replica"
    version = publish(models[0], redis_url).version
    path = fetch_model(redis_url, target)
    key = f"cowalk:model:{version}:files"
    parts = client.hgetall(key)
    client.hdel(key, *[field for field in parts if not field.startswith(b"manifest")])
    assert fetch_model(redis_url, target) == path  # nothing was asked for again
    client.hset(key, mapping=parts)
    (path / "vocab.parquet").write_bytes(b"damaged")
    assert fetch_model(redis_url, target) == path
    cw.load(target, verify=True)


def test_damage_in_redis_is_refused_and_the_old_model_stays(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], tmp_path: Path
) -> None:
    target = tmp_path / "replica"
    old = fetch_model(redis_url, target) if publish(models[0], redis_url) else None
    version = publish(models[1], redis_url).version
    key = f"cowalk:model:{version}:files"
    manifest = json.loads(client.hget(key, "manifest.json/0") or b"")
    evil = manifest | {"files": {"../../evil": {"size": 3, "blake2b": ""}}}
    damages = [
        ("vectors.safetensors/0", b"x" * manifest["files"]["vectors.safetensors"]["size"], "checksum"),
        ("vocab.parquet/0", b"short", "truncated"),
        ("manifest.json/0", json.dumps(evil).encode(), "manifest is damaged"),
        ("manifest.json/0", b"[" * 100_000, "manifest is damaged"),
        ("manifest.json/0", json.dumps(manifest | {"seed": 5}).encode(), "was changed after"),
    ]
    for field, value, words in damages:
        good = client.hget(key, field)
        client.hset(key, field, value)
        with pytest.raises(cw.ModelError, match=f"Redis at .*{words}.*publish again"):
            fetch_model(redis_url, target)
        client.hset(key, field, good)
        assert (target / "current").resolve() == old
    assert not (tmp_path / "evil").exists()
    client.hdel(key, "vocab.parquet/0")
    with pytest.raises(cw.StoreAwayError, match="versions go faster"):
        fetch_model(redis_url, target)
    assert (target / "current").resolve() == old


def test_what_cannot_be_published(
    redis_url: str, client: redis.Redis, models: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(cw.ModelError, match="no such model folder"):
        publish(tmp_path / "none", redis_url)
    publish(models[0], tmp_path / "copy")
    (tmp_path / "copy" / "current" / "vocab.parquet").write_bytes(b"x")
    for target in (redis_url, tmp_path / "other"):
        with pytest.raises(cw.ModelError, match="truncated"):
            publish(tmp_path / "copy", target)
    assert client.keys("*") == []
    assert not (tmp_path / "other").exists()
    with pytest.raises(cw.UsageError, match="own folder"):
        publish(models[0], models[0])
    with pytest.raises(cw.UsageError, match="give a folder, or redis://"):
        publish(models[0], "http://127.0.0.1/")
    with pytest.raises(cw.UsageError, match="no Redis URL"):  # told before the model is looked for
        publish(tmp_path / "none", "redis://127.0.0.1:x/0")
    with pytest.raises(cw.UsageError, match="keep is 0"):
        publish(models[0], redis_url, keep=0)
    with pytest.raises(cw.UsageError, match="for Redis"):
        publish(models[0], tmp_path / "other", users=USERS)
    with pytest.raises(cw.StoreAwayError, match="holds no model under the name 'model'"):
        fetch_model(redis_url, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary").write_text("")
    with pytest.raises(cw.UsageError, match="holds other files"):
        fetch_model(redis_url, tmp_path / "full")


def test_a_version_that_redis_threw_out_is_told(
    redis_url: str, client: redis.Redis, online: OnlineVectors, models: tuple[Path, Path]
) -> None:
    with pytest.raises(cw.StoreAwayError, match="holds no model"):
        online.items(["a"])
    version = publish(models[0], redis_url).version
    client.delete(f"cowalk:model:{version}:items")
    with pytest.raises(cw.StoreAwayError, match="is not whole; set maxmemory-policy noeviction"):
        online.items(["a"])
    publish(models[0], redis_url)
    client.set("cowalk:model:current", b"\xff somebody else's")
    with pytest.raises(cw.StoreAwayError, match="is not whole"):
        online.items(["a"])
    client.delete("cowalk:model:current")
    client.rpush("cowalk:model:current", "x")
    time.sleep(REST)
    with pytest.raises(cw.StoreAwayError, match="values of another program"):
        online.items(["a"])
    with pytest.raises(cw.StoreAwayError, match="values of another program"):
        current_version(redis_url)


def test_the_command(
    redis_url: str, models: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    USERS.save(tmp_path / "users.parquet")
    code = run(["publish", str(models[0]), "--to", redis_url, "--users", str(tmp_path / "users.parquet")])
    assert code == 0
    said = capsys.readouterr().err
    assert f"version {current_version(redis_url)} is current" in said
    assert "120 items, 2 users" in said
    assert run(["publish", str(models[0]), "--to", redis_url, "--keep", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == current_version(redis_url)
    assert len(told["swept"]) == 1
    assert run(["publish", str(models[0]), "--to", str(tmp_path / "there")]) == 0
    assert "120 items" in capsys.readouterr().err
    assert run(["publish", str(models[0]), "--to", "redis://127.0.0.1:1/0"]) == 3
    assert "connection refused" in capsys.readouterr().err
    assert run(["publish", str(models[0]), "--to", "redis://127.0.0.1:x/0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
