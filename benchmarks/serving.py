"""The service under load: requests a second beside a bare endpoint, what each option costs, swaps under load.

Both run as one worker process; wrk asks from a second one over loopback, turn by turn in several rounds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

import cowalk as cw
from common import HERE, parser, record, say, scratch, table
from serving_model import PLAIN, SERVED, VECTORS_ALONE, folder_of

K, HISTORY, CONNECTIONS = 100, 20, 16
SWAPS = 10
PROCESSES: dict[str, int] = {}  # by address
ONE = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LUA = """
local bodies, n = {}, 0
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
request = function()
  n = n % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[n])
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
COSTS: dict[str, dict[str, Any]] = {
    "with a filter": {"where": True},
    "with diversity": {"diversity": 0.3},
    "with three interests": {"interests": 3},
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[str]:
    """The address of a server that was started and answers; killed with the block."""
    served = subprocess.Popen(
        command, env=os.environ | ONE | environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 600
        while not _answers(f"http://127.0.0.1:{port}/health"):
            if served.poll() is not None or time.monotonic() > until:
                sys.exit(f"did not start: {' '.join(command)}")
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port}/recommend"
        PROCESSES[address] = served.pid
        yield address
    finally:
        served.kill()
        served.wait()


def cpu_seconds(address: str) -> float:
    """CPU time that the server at this address has used so far."""
    fields = Path(f"/proc/{PROCESSES[address]}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answers(address: str) -> bool:
    """Whether there is an answer, of whatever kind: a port may be open before there is one."""
    try:
        urlopen(address, timeout=30).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def service(folder: Path, port: int, *more: str) -> list[str]:
    """The command that serves a model folder."""
    return [sys.executable, "-m", "cowalk", "serve", str(folder), "--port", str(port), *more]


def bodies(folder: Path, to: Path, count: int = 2000, **more: Any) -> Path:
    """A file of requests, one a line: 20 ids drawn from the neighbours of one item, as a visit is."""
    model = cw.load(folder)
    rng = np.random.default_rng(0)
    ids = model.vocab.ids
    with to.open("w", encoding="utf-8") as file:
        for row in rng.integers(0, len(ids), count).tolist():
            near = model.lists.ids[model.lists.offsets[row] : model.lists.offsets[row + 1]]
            visit = rng.choice(near if len(near) else np.arange(len(ids)), HISTORY)
            body = {"history": [str(name) for name in ids[visit]], "k": K, **more}
            if body.pop("where", None):
                field = model.side_info["category"]
                code = field.codes[field.offsets[row]]
                body["where"] = {"category": str(field.labels[code])}
            if body.pop("user", None):
                body["user"] = f"u{row}"
            file.write(json.dumps(body) + "\n")
    return to


def load(address: str, asked: Path, seconds: float, script: Path) -> dict[str, float]:
    """What wrk tells after so many seconds."""
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds:g}s",
        "--timeout",
        "30s",
        "-s",
        str(script),
        address,
    ]
    out = subprocess.run(
        command, env=os.environ | {"BODIES": str(asked)}, capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(out.stdout.strip().splitlines()[-1])
    return {"rate": told["requests"] / told["seconds"], **told}


def rounds(
    one: dict[str, tuple[str, Path]], times: int, seconds: float, script: Path
) -> dict[str, dict[str, float]]:
    """Medians over the rounds, in which all take their turn."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in one}
    for address, asked in one.values():
        load(address, asked, min(seconds, 2), script)  # warm
    for number in range(times):
        for name, (address, asked) in one.items():
            before = cpu_seconds(address)
            told = load(address, asked, seconds, script)
            told["cpu"] = 1e6 * (cpu_seconds(address) - before) / max(told["requests"], 1)
            found[name].append(told)
            say(f"round {number + 1}, {name}: {found[name][-1]['rate']:.0f}/s")
    return {
        name: {key: float(median(part[key] for part in parts)) for key in ("rate", "p50", "p99", "cpu")}
        | {"failed": float(sum(part["failed"] for part in parts))}
        for name, parts in found.items()
    }


def recall(address: str, asked: Path, model: cw.Model, exclude: bool, count: int = 100) -> float:
    """The share of the true answers that an endpoint gives, over the first requests."""
    shares = []
    for line in asked.read_text(encoding="utf-8").splitlines()[:count]:
        request = Request(address, line.encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            given = {str(item) for item in json.load(answer)["items"]}
        true = model.recommend(json.loads(line)["history"], K, exclude_seen=exclude, exact=True).ids
        shares.append(len(given & {str(item) for item in true}) / len(true))
    return float(np.mean(shares))


def beside_the_bare_one(shop: str, space: Path, times: int, seconds: float, workers: int) -> dict[str, Any]:
    """The service and the bare endpoint on the same question; then each option on its own."""
    folder = folder_of(shop, "plain", PLAIN, "ivf", workers)
    model, script = cw.load(folder), space / "ask.lua"
    script.write_text(LUA)
    np.save(space / "vectors.npy", np.asarray(model.learned.vectors))
    (space / "ids.txt").write_text("\n".join(map(str, model.vocab.ids.tolist())), encoding="utf-8")
    plain = bodies(folder, space / "plain.jsonl")
    ours, bare = free_port(), free_port()
    peer = [
        sys.executable,
        str(HERE / "peers/bare_endpoint.py"),
        str(space / "vectors.npy"),
        str(space / "ids.txt"),
        str(bare),
    ]
    with running(service(folder, ours), ours) as mine, running(peer, bare) as other:
        found = rounds({"bare endpoint": (other, plain), "cowalk": (mine, plain)}, times, seconds, script)
        costs = {
            name: (mine, bodies(folder, space / f"{at}.jsonl", **more))
            for at, (name, more) in enumerate(COSTS.items())
        }
        found |= rounds(costs, times, seconds, script)
        found["bare endpoint"]["recall"] = recall(other, plain, model, False)
        found["cowalk"]["recall"] = recall(mine, plain, model, True)
    for name, label, settings in (("context rows and popularity", "vectors", VECTORS_ALONE),
                                  ("and the second channel", "served", SERVED)):  # fmt: skip
        other_folder, port = folder_of(shop, label, settings, "ivf", workers), free_port()
        with running(service(other_folder, port), port) as mine:
            found |= rounds({name: (mine, plain)}, times, seconds, script)
    return found


def swaps(shop: str, space: Path, workers: int) -> dict[str, float]:
    """Ten new versions under full load: requests that failed, p99, and how long a swap takes."""
    base, folder = folder_of(shop, "plain", PLAIN, "ivf", workers), space / "swapped"
    model = cw.load(base)
    model.save(folder)
    asked, script, port = bodies(folder, space / "swap.jsonl", 500), space / "ask.lua", free_port()
    script.write_text(LUA)
    took, told = [], {}
    with running(service(folder, port, "--watch", "0.1"), port) as mine:
        seconds = 5.0
        ready = mine.replace("/recommend", "/ready")

        def keep_asking() -> None:
            while not stop.is_set():
                part = load(mine, asked, seconds, script)
                for key in ("requests", "failed"):
                    told[key] = told.get(key, 0) + part[key]
                told["p99"] = max(told.get("p99", 0), part["p99"])

        stop = threading.Event()
        asker = threading.Thread(target=keep_asking)
        asker.start()
        for number in range(SWAPS):
            name, began = model.save(folder).name, time.perf_counter()
            while name not in _get(ready):
                time.sleep(0.02)
            took.append(time.perf_counter() - began)
            say(f"swap {number + 1}: {took[-1]:.1f} s")
        stop.set()
        asker.join()
    return {**told, "swaps": SWAPS, "seconds of a swap": float(median(took))}


def store_away(shop: str, space: Path, workers: int) -> dict[str, float]:
    """Redis is killed and started again under load: requests that failed, and that it is used again."""
    from redis_here import start

    folder = folder_of(shop, "plain", PLAIN, "ivf", workers)
    asked, script, port = (
        bodies(folder, space / "users.jsonl", 500, user=True),
        space / "ask.lua",
        free_port(),
    )
    script.write_text(LUA)
    at = free_port()
    server = start(at)
    store = f"redis://127.0.0.1:{at}/0"
    try:
        with running(service(folder, port, "--histories", store), port) as mine:
            told: dict[str, float] = {}
            ready = mine.replace("/recommend", "/ready")
            asker = threading.Thread(target=lambda: told.update(load(mine, asked, 12, script)))
            asker.start()
            time.sleep(3)
            server.kill()
            server.wait()
            time.sleep(3)
            away = '"degraded":true' in _get(ready)
            server = start(at)
            asker.join()
            back = '"degraded":false' in _get(ready)
    finally:
        server.kill()
        server.wait()
    return {**told, "told that it is away": float(away), "back": float(back)}


def _get(address: str) -> str:
    with urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def main() -> None:
    """Measure and record."""
    options = parser(__doc__ or "").parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: install it (Debian: apt-get install wrk)")
    shop, times, seconds = ("shop-20k", 1, 2.0) if options.quick else ("shop-200k", 3, 8.0)
    with scratch() as space:
        found = beside_the_bare_one(shop, space, times, seconds, options.workers)
        swapped = swaps(shop, space, options.workers)
        away = store_away(shop, space, options.workers)
    rows = [(name, f"{one['rate']:.0f}", f"{one['p50']:.2f}", f"{one['p99']:.2f}",
             f"{one['cpu']:.0f}", f"{one['failed']:.0f}")
            for name, one in found.items()]  # fmt: skip
    print(table(("", "requests/s", "p50 ms", "p99 ms", "CPU us", "failed"), rows))
    print(f"of the bare endpoint's rate: {found['cowalk']['rate'] / found['bare endpoint']['rate']:.2f}")
    print(f"{SWAPS} swaps: {swapped}")
    print(f"Redis stopped and started: {away}")
    settings = {
        "shop": shop,
        "k": K,
        "history": HISTORY,
        "connections": CONNECTIONS,
        "rounds": times,
        "seconds": seconds,
    }
    wrk = re.search(
        r"wrk (\S+)", subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    )
    peers = {"wrk": wrk[1] if wrk else "?"}
    record(
        "serving",
        settings,
        {"answers": found, "swaps": swapped, "redis": away},
        quick=options.quick,
        peers=peers,
    )


if __name__ == "__main__":
    main()
