"""What tests share: real data where there are any, and a tiny simulated shop with a model of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import cowalk as cw
from cowalk.datasets import SimulatedShop, simulate
from servers import RedisServer

TINY = {"vector_size": 8, "trials": 3, "num_walks": 5, "workers": 2, "learn__block": 256}


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of COWALK_DATA; the test skips without it, on CI it fails where that is no folder."""
    named = os.environ.get("COWALK_DATA")
    if named and Path(named).is_dir():
        return Path(named)
    if os.environ.get("CI") and named:
        pytest.fail(f"COWALK_DATA is {named}, which is not a folder")
    pytest.skip("real data are not here: set COWALK_DATA to their folder")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SimulatedShop:
    """120 items, 4,000 events, four fields and a price."""
    folder = tmp_path_factory.mktemp("shop")
    return simulate(120, 4000, out=folder, seed=3, price=True, string_ids=True)


@pytest.fixture(scope="session")
def shop_model(shop: SimulatedShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of the shop; not to be changed."""
    folder = tmp_path_factory.mktemp("model") / "model"
    cw.fit(str(shop.events), items=str(shop.items), out=folder, **TINY)
    return folder


@pytest.fixture
def few_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few settings of LSH to choose from, so that a test that tunes one takes little time."""
    monkeypatch.setattr("cowalk.recall.lsh.costs.LINES", (8,))
    monkeypatch.setattr("cowalk.recall.lsh.costs.ENDS", (1, 2))
    monkeypatch.setattr("cowalk.recall.lsh.costs.FUNCTIONS", (4, 8, 12))
    monkeypatch.setattr("cowalk.recall.lsh.costs.TABLES", (1, 4))
    monkeypatch.setattr("cowalk.recall.lsh.costs.WIDTHS", (2.0, 3.5))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server that all tests of a process share; not to be stopped."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis."""
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url
