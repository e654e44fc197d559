"""`cowalk serve` as a process: its first line, what keeps it from starting, and swaps under load."""

import re
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.serve.process import own_store
from serve_world import process, publish
from servers import free_port

SWAPS = 5  # benchmarks/serving.py makes ten, under more load


@pytest.fixture
def folder(shop_model: Path, tmp_path: Path) -> Path:
    cw.load(shop_model).save(tmp_path / "m")
    return tmp_path / "m"


def test_swaps_under_load_fail_no_request(folder: Path) -> None:
    model = cw.load(folder)
    wish = {"history": [str(model.vocab.ids[3])], "k": 20}
    wanted = model.recommend(wish["history"], 20).ids
    stop, counts, versions = threading.Event(), [0, 0], set()

    def ask(address: str, at: int) -> None:
        with httpx.Client(base_url=address) as client:
            while not stop.is_set():
                answer = client.post("/recommend", json=wish)
                assert answer.status_code == 200, answer.text
                assert answer.json()["items"] == wanted
                versions.add(answer.json()["why"]["model"])
                counts[at] += 1

    with process(str(folder), "--watch", "0.1") as (address, served):
        askers = [threading.Thread(target=ask, args=(address, at)) for at in range(2)]
        for asker in askers:
            asker.start()
        try:
            for _ in range(SWAPS):
                new, until = publish(model, folder), time.monotonic() + 60
                while httpx.get(f"{address}/version").json()["model"] != new:
                    assert time.monotonic() < until
                    time.sleep(0.02)
        finally:
            stop.set()
            for asker in askers:
                asker.join()
        text = httpx.get(f"{address}/metrics").text
        assert f'cowalk_swaps_total{{outcome="swapped"}} {SWAPS}.0' in text
        assert 'route="/recommend",status="200"' in text
        assert not re.search(r'route="/recommend",status="[^2]', text)
        served.send_signal(signal.SIGINT)
        assert served.wait(timeout=30) in (0, 130)
    assert min(counts) > 10
    assert len(versions) >= SWAPS


def test_a_model_out_of_redis_leaves_no_folder_behind(folder: Path, tmp_path: Path, redis_url: str) -> None:
    name = cw.publish(folder, redis_url).version
    (tmp_path / "held").mkdir()
    with process(redis_url, TMPDIR=str(tmp_path / "held")) as (address, served):
        assert len(list((tmp_path / "held").iterdir())) == 1
        asks_for_more = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                         "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        answer = httpx.get(f"{address}/version", headers=asks_for_more)
        assert (answer.status_code, answer.json()["model"]) == (200, name)
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=30) == 128 + signal.SIGTERM
        assert list((tmp_path / "held").iterdir()) == []


def test_where_events_are_kept_unless_told(shop_model: Path, tmp_path: Path) -> None:
    assert own_store("redis://host/0?name=shop") == "redis://host/0?name=shop"
    assert own_store(str(shop_model)) == f"sqlite:{shop_model}/histories.db"
    assert own_store(str(tmp_path)) == "memory"  # no model: told when it is read


def test_events_outlive_the_process(folder: Path) -> None:
    item = str(cw.load(folder).vocab.ids[3])
    with process(str(folder), "--histories", own_store(str(folder))) as (address, _):
        assert httpx.post(f"{address}/events", json={"user": "ann", "item": item}).json()["counted"] == 1
    with process(str(folder), "--histories", own_store(str(folder))) as (address, _):
        answer = httpx.post(f"{address}/recommend", json={"user": "ann", "k": 5}).json()
    assert answer["items"] == cw.load(folder).recommend([item], 5).ids
    cw.load(folder).save(folder)  # the file stands beside the versions and hinders none


def test_secrets_come_from_the_environment(folder: Path) -> None:
    words = [str(folder), "--api-key-env", "KEY", "--admin-token-env", "TOKEN", "--histories"]
    words.append(f"sqlite:{folder.parent / 'h.db'}")
    with process(*words, KEY="sesame", TOKEN="open") as (address, _):
        key = {"x-api-key": "sesame"}
        assert httpx.get(f"{address}/health").status_code == 401
        assert httpx.get(f"{address}/health", headers=key).status_code == 200
        done = httpx.post(f"{address}/admin/reload", headers=key | {"x-admin-token": "open"})
        assert done.json()["outcome"] == "unchanged"
        answer = httpx.post(f"{address}/events", headers=key, json={"user": "u", "item": "item-0000001"})
        assert answer.json()["counted"] == 1
        assert address.startswith("http://127.0.0.1:")
    with process(*words, KEY="sesame", TOKEN="open") as (address, _):
        answer = httpx.post(f"{address}/recommend", headers=key, json={"user": "u", "k": 3})
        assert answer.json()["why"]["by"] == "user"


def test_what_keeps_it_from_starting_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    spoiled = tmp_path / "spoiled"
    name = publish(cw.load(folder), spoiled)
    path = spoiled / "versions" / name / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "text.db").write_text("no database, but a text of some length")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        cases = [
            ([str(folder), "--port", port], 2, f"port {port} is taken"),
            ([str(folder), "--port", "0", "--host", "203.0.113.7"], 2, "--host 203.0.113.7"),
            ([str(folder), "--port", "0", "--host", "no such host"], 2, "--host"),
            ([str(tmp_path / "none"), "--port", "0"], 3, "no such model folder"),
            ([str(spoiled), "--port", "0"], 3, "truncated"),
            ([str(folder), "--port", "0", "--histories", f"redis://127.0.0.1:{free_port()}/0"], 3, "refused"),
            ([f"redis://127.0.0.1:{free_port()}/0", "--port", "0"], 3, "refused"),
            ([str(folder), "--port", "0", "--histories", "disk"], 2, "sqlite:PATH"),
            ([str(folder), "--port", "0", "--histories", f"sqlite:{tmp_path / 'text.db'}"], 3, "text.db"),
            ([str(folder), "--port", "0", "--api-key-env", "EMPTY"], 2, "EMPTY"),
            ([str(folder), "--port", "0", "--name-field", "title"], 2, "title"),
            ([str(folder), "--port", "0", "--beside", str(tmp_path / "none")], 3, "no such model folder"),
        ]
        for words, code, told in cases:
            assert run(["serve", *words]) == code, words
            out, err = capsys.readouterr()
            assert out == ""
            assert len(err.strip().splitlines()) == 1, err
            assert told in err
