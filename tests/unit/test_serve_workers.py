"""Several processes on one port: what they share, and that one of them may end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.serve.metrics import Metrics
from cowalk.serve.share import Share
from serve_world import process, publish


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def counted(text: bytes | str, line: str) -> float:
    """The value of one line of metrics."""
    found = re.search(rf"^{re.escape(line)} (\S+)$", text if isinstance(text, str) else text.decode(), re.M)
    assert found is not None, line
    return float(found[1])


def test_figures_of_several_are_put_together() -> None:
    """Sums of counters and buckets, the largest of gauges; who ended counts on, but is not degraded."""
    one, two, gone = Metrics(), Metrics(), Metrics()
    for at, metrics in enumerate((one, two, gone), start=1):
        metrics.took("/recommend", 200, 0.003)
        metrics.ids.inc(at)
        metrics.answers(f"v{at}", 100 * at, 5.0)
    two.took("/similar", 404, 0.2)
    gone.degraded.set(1)
    text = one.text([(two.samples(), True), (gone.samples(), False)])
    assert counted(text, 'cowalk_request_seconds_count{route="/recommend",status="200"}') == 3
    assert counted(text, 'cowalk_request_seconds_bucket{le="0.005",route="/recommend",status="200"}') == 3
    assert counted(text, 'cowalk_request_seconds_bucket{le="0.002",route="/recommend",status="200"}') == 0
    assert counted(text, 'cowalk_request_seconds_count{route="/similar",status="404"}') == 1
    assert counted(text, "cowalk_ids_total") == 6
    assert counted(text, "cowalk_model_items") == 200
    assert counted(text, "cowalk_degraded") == 0
    assert counted(text, 'cowalk_model{version="v2"}') == 1
    assert b"v3" not in text
    assert one.text() == one.text(())


def test_a_share_is_read_by_the_others(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.ids.inc(4)
    Share(tmp_path).tell("model", metrics)
    script = (
        "import sys; from pathlib import Path; from cowalk.serve.share import Share; "
        "found = list(Share(Path(sys.argv[1])).others('model')); "
        "print(found[0][0]['cowalk_ids'][0][2], found[0][1], len(found))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["4.0", "True", "1"]
    assert list(Share(tmp_path).others("model")) == []  # its own are not others'
    first = Share(tmp_path).called_reload("model")
    word = Share(tmp_path).call_reload("model")
    assert first == b"" != word == Share(tmp_path).called_reload("model")
    assert Share(tmp_path).called_reload("beside") == b""
    assert Share(tmp_path, parent=os.getppid()).orphaned is False
    assert Share(tmp_path, parent=-1).orphaned


def test_several_answer_on_one_port(shop_model: Path, tmp_path: Path) -> None:
    """Events are everybody's, figures are added up, a reload reaches all, one that is killed comes again."""
    folder = tmp_path / "m"
    first = publish(cw.load(shop_model), folder)
    words = ["--workers", "2", "--watch", "0", "--admin-token-env", "TOKEN"]
    store = f"sqlite:{tmp_path / 'h.db'}"
    with process(str(folder), *words, "--histories", store, TOKEN="open") as (address, served):
        item = str(cw.load(folder).vocab.ids[3])
        assert httpx.post(f"{address}/events", json={"user": "u", "item": item}).json()["counted"] == 1
        for _ in range(10):
            answer = httpx.post(f"{address}/recommend", json={"user": "u", "k": 3}).json()
            assert (answer["why"]["by"], answer["why"]["model"]) == ("user", first)
        line = 'cowalk_request_seconds_count{route="/recommend",status="200"}'
        until(lambda: counted(httpx.get(f"{address}/metrics").text, line) == 10)
        second = publish(cw.load(folder), folder)
        done = httpx.post(f"{address}/admin/reload", headers={"x-admin-token": "open"})
        assert done.json() == {"outcome": "swapped", "model": second}
        swaps = 'cowalk_swaps_total{outcome="swapped"}'
        until(lambda: counted(httpx.get(f"{address}/metrics").text, swaps) == 2)
        mine = children(served.pid)
        assert len(mine) == 2
        os.kill(mine[0], signal.SIGKILL)
        until(lambda: len(children(served.pid)) == 2 and mine[0] not in children(served.pid))
        for _ in range(10):
            assert httpx.get(f"{address}/version").json()["model"] == second
        assert counted(httpx.get(f"{address}/metrics").text, line) == 10
        last = children(served.pid)
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=60) == 128 + signal.SIGTERM
        assert not any(Path(f"/proc/{one}").exists() for one in last)


def children(process_id: int) -> list[int]:
    """Processes that this one started and that run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if int(parent) == process_id and state != "Z":
            found.append(int(status.parent.name))
    return sorted(found)


def test_what_keeps_several_from_starting_is_told_once(
    shop_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["serve", str(shop_model), "--port", "0", "--workers", "2"]
    assert run([*words, "--histories", "memory"]) == 2
    assert "give --histories sqlite:PATH or redis://" in capfd.readouterr().err
    (tmp_path / "text.db").write_text("no database, but a text of some length")
    assert run([*words, "--histories", f"sqlite:{tmp_path / 'text.db'}"]) == 3
    told = capfd.readouterr().err
    assert "text.db" in told
    assert len(told.strip().splitlines()) == 1
