"""The online store: reads by size, histories a second, publishing, and 50 publishers killed.

Everything is on one machine over loopback; a network adds its round trip to every read and write of Redis.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import redis

import cowalk as cw
from common import parser, record, say, scratch, table
from cowalk.model import Model
from cowalk.online import (
    Histories,
    MemoryHistories,
    OnlineVectors,
    RedisHistories,
    SQLiteHistories,
    fetch_model,
    publish,
)
from redis_here import redis_here

SIZES = (1, 20, 100, 500)
LONG = 20  # events of a user
TIMEOUT = 60.0  # seconds: a busy machine must not end the run


def model_of(items: int, dimension: int, sign: float) -> Model:
    """A model of random vectors; `sign` tells one from another."""
    rows = np.random.default_rng(1).normal(size=(items, dimension)).astype(np.float32)
    vocab = cw.Vocab(np.arange(items) * 7 + 1_000_000, np.arange(items, 0, -1))
    ones = np.ones((items, 1), np.float32)
    learned = cw.Learned(vocab.fingerprint, sign * rows, rows, rows, (), ones, (), (0.5,))
    return Model(cw.load_recipe("bge", {"learn.vector_size": dimension}), vocab, learned)


def percentiles(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """p50 and p99 of the call, in microseconds, after a tenth of the rounds to warm up."""
    taken = []
    for _ in range(rounds + rounds // 10):
        began = time.perf_counter_ns()
        call()
        taken.append((time.perf_counter_ns() - began) / 1000)
    p50, p99 = np.percentile(taken[rounds // 10 :], [50, 99])
    return float(p50), float(p99)


def reads(url: str, items: int, rounds: int) -> list[dict[str, Any]]:
    """Vectors by id: one request each, beside a plain MGET of the same values."""
    chance = np.random.default_rng(2)
    ids = [str(int(n) * 7 + 1_000_000) for n in chance.permutation(items)[: max(SIZES)]]
    out = []
    with closing(OnlineVectors(url, timeout=TIMEOUT)) as vectors, redis.Redis.from_url(url) as client:
        rows = vectors.items(ids)
        client.mset({f"plain:{name}": row.tobytes() for name, row in zip(ids, rows, strict=True)})
        for size in SIZES:
            some = ids[:size]
            keys = [f"plain:{name}" for name in some]

            def plain(keys: list[str] = keys) -> object:
                return np.frombuffer(b"".join(client.mget(keys)), np.float32)

            def ours(some: list[str] = some) -> object:
                return vectors.items(some)

            p50, p99 = percentiles(ours, rounds)
            plain50, plain99 = percentiles(plain, rounds)
            out.append({"vectors": size, "p50": p50, "p99": p99, "plain p50": plain50, "plain p99": plain99})
            say(f"{size} vectors: p50 {p50:.0f} us, p99 {p99:.0f} us; MGET {plain50:.0f}, {plain99:.0f}")
    return out


def histories(store: Histories, users: int, rounds: int) -> dict[str, float]:
    """Adds and gets a second, one by one, and users a second in calls of 100."""
    store.extend((user, n, n) for n in range(LONG) for user in range(users))
    chance = random.Random(3)
    order = [chance.randrange(users) for _ in range(rounds)]
    began = time.perf_counter()
    for n, user in enumerate(order):
        store.add(user, n, LONG + n)
    adds = rounds / (time.perf_counter() - began)
    began = time.perf_counter()
    for user in order:
        store.get(user)
    gets = rounds / (time.perf_counter() - began)
    began = time.perf_counter()
    for start in range(0, rounds, 100):
        store.get_many(order[start : start + 100])
    many = rounds / (time.perf_counter() - began)
    return {"adds": adds, "gets": gets, "gets of 100": many}


def stores(url: str, folder: Path, users: int, rounds: int) -> dict[str, dict[str, float]]:
    """The same for each kind of store."""
    kinds: dict[str, Callable[[], Histories]] = {
        "memory": lambda: MemoryHistories(keep=LONG),
        "sqlite": lambda: SQLiteHistories(folder / "histories.db", keep=LONG),
        "redis": lambda: RedisHistories(f"{url}?name=histories", keep=LONG, timeout=TIMEOUT),
    }
    out = {}
    for name, make in kinds.items():
        with closing(make()) as store:
            out[name] = histories(store, users, rounds)
        say(f"{name}: " + ", ".join(f"{what} {rate:,.0f}/s" for what, rate in out[name].items()))
    return out


def publishing(url: str, model: Path, folder: Path) -> dict[str, float]:
    """Seconds to publish to Redis and to a folder, and to fetch; slowest read of 20 vectors meanwhile."""
    done = publish(model, url)
    to_folder = publish(model, folder / "copy")
    began = time.perf_counter()
    fetch_model(url, folder / "fetched")
    fetched = time.perf_counter() - began
    say(f"published {done.bytes / 1e6:.0f} MB in {done.seconds:.1f} s, fetched in {fetched:.1f} s")
    return {
        "MB": done.bytes / 1e6, "redis": done.seconds, "folder": to_folder.seconds, "fetched": fetched
    }  # fmt: skip


def while_publishing(url: str, model: Path, items: int) -> dict[str, float]:
    """Reads of 20 vectors while another process publishes the same model once more."""
    ids = [str(n * 7 + 1_000_000) for n in range(0, items, items // 20)][:20]
    child = os.fork()
    if child == 0:
        publish(model, url)
        os._exit(0)
    taken = []
    with closing(OnlineVectors(url, timeout=TIMEOUT)) as vectors:
        while os.waitpid(child, os.WNOHANG)[0] == 0:
            began = time.perf_counter_ns()
            vectors.items(ids)
            taken.append((time.perf_counter_ns() - began) / 1000)
    p50, p99 = np.percentile(taken, [50, 99])
    return {"reads": len(taken), "p50": float(p50), "p99": float(p99), "longest": max(taken)}


def killed(
    target: str, models: list[Path], kills: int, longest: float, whole: Callable[[], bool]
) -> dict[str, int]:
    """Publishers to `target`, killed at random moments; after each kill a reader looks."""
    chance, out = random.Random(4), {"kills": 0, "whole": 0}
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            while True:
                for model in models:
                    publish(model, target)
        time.sleep(chance.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        out["kills"] += 1
        out["whole"] += whole()
    say(f"{target}: {out['whole']} of {out['kills']} times one whole version")
    return out


def kills(url: str, folder: Path, items: int, count: int) -> dict[str, dict[str, int]]:
    """Both targets; a version is whole if its checksums hold and all vectors are of one of the two models."""
    models = [folder / name for name in ("plus", "minus")]
    made = [model_of(items, 32, sign) for sign in (1.0, -1.0)]
    for model, path in zip(made, models, strict=True):
        model.save(path)
    rows = np.asarray(made[0].vectors.array)
    ids = made[0].vocab.ids.tolist()
    target, replica, name = folder / "target", folder / "replica", f"{url}?name=kills"
    longest = 2 * max(publish(models[0], where).seconds for where in (target, name))

    def one_of_both(found: Any) -> bool:
        return bool(np.array_equal(found, rows) or np.array_equal(found, -rows))

    def folder_whole() -> bool:
        return one_of_both(cw.load(target, verify=True).vectors.array)

    def redis_whole() -> bool:
        with closing(OnlineVectors(name, timeout=TIMEOUT)) as vectors:
            values = one_of_both(vectors.items(ids))
        fetch_model(name, replica)
        return values and one_of_both(cw.load(replica, verify=True).vectors.array)

    return {
        "redis": killed(name, models, count, longest, redis_whole),
        "folder": killed(str(target), models, count, longest, folder_whole),
    }


def main() -> None:
    """Measure, print, record."""
    asked = parser("Reads, histories, publishing and kills of the online store.").parse_args()
    items, dimension = (5_000, 16) if asked.quick else (200_000, 128)
    rounds, count = (200, 4) if asked.quick else (5_000, 50)
    with redis_here() as url, scratch() as folder:
        # first: children that are forked must not find threads of an engine in their parent
        killing = kills(url, folder, 2_000 if asked.quick else 20_000, count)
        model_of(items, dimension, 1.0).save(folder / "model")
        beside = publishing(url, folder / "model", folder)
        figures = {
            "kills": killing,
            "publishing": beside,
            "reads": reads(url, items, rounds),
            "while publishing": while_publishing(url, folder / "model", items),
            "histories": stores(url, folder, rounds // 5, rounds),
        }
        with redis.Redis.from_url(url) as client:
            version = client.info("server")["redis_version"]
    print(table(("vectors", "p50 us", "p99 us"), [(r["vectors"], f"{r['p50']:.0f}", f"{r['p99']:.0f}")
                                                  for r in figures["reads"]]))  # fmt: skip
    settings = {"items": items, "dimension": dimension, "rounds": rounds, "history": LONG}
    record("online", settings, figures, quick=asked.quick, peers={"redis": version})


if __name__ == "__main__":
    main()
