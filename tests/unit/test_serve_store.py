"""Histories of the service: whichever store keeps them, and what happens while it is away."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import cowalk as cw
from cowalk.errors import StoreAwayError
from cowalk.online import History, MemoryHistories, open_histories
from cowalk.serve import create_app
from serve_world import asking
from servers import RedisServer


class Flaky(MemoryHistories):
    """A store that can be taken away."""

    away = False

    def get_many(self, users: Sequence[str | int]) -> list[History]:
        if self.away:
            raise StoreAwayError("the store went away")
        return super().get_many(users)

    def extend(self, events):  # type: ignore[no-untyped-def]
        if self.away:
            raise StoreAwayError("the store went away")
        return super().extend(events)


def test_away_is_degraded_and_it_comes_back(shop_model: Path) -> None:
    store, model = Flaky(), cw.load(shop_model)
    one, two = (str(name) for name in model.vocab.ids[:2])
    with asking(create_app(shop_model, histories=store)) as client:
        client.post("/events", {"user": "u", "item": one})
        store.away = True
        answer = client.post("/recommend", {"user": "u", "history": [two], "k": 5}).json()
        assert answer["items"] == model.recommend([two], 5).ids
        assert answer["why"]["degraded"]
        assert answer["why"]["by"] == "history"
        answer = client.post("/recommend", {"user": "u", "k": 5}).json()
        assert answer["why"]["by"] == "popularity"
        assert "does not answer" in answer["why"]["notes"][0]
        lost = client.post("/events", {"user": "u", "item": two}).json()
        assert (lost["counted"], lost["degraded"]) == (0, True)
        assert client.get("/ready").json()["degraded"] is True
        text = client.get("/metrics").text
        assert "cowalk_degraded 1.0" in text
        assert "cowalk_degraded_answers_total 2.0" in text
        assert 'cowalk_events_total{outcome="lost"} 1.0' in text
        store.away = False
        answer = client.post("/recommend", {"user": "u", "k": 5}).json()
        assert answer["items"] == model.recommend([one], 5).ids
        assert not answer["why"]["degraded"]
        assert client.get("/ready").json()["degraded"] is False


def test_the_store_is_asked_though_nobody_asks(shop_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cowalk.serve.store.PING", 0.01)
    store = Flaky()
    with asking(create_app(shop_model, histories=store)) as client:
        for away in (True, False, True):
            store.away, until = away, time.monotonic() + 20
            while client.get("/ready").json()["degraded"] is not away:
                assert time.monotonic() < until
                client.run(asyncio.sleep(0.01))


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_every_store_gives_the_same_answers(
    kind: str, shop_model: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    names = {"memory": "memory", "sqlite": f"sqlite:{tmp_path / 'h.db'}"}
    store = open_histories(names.get(kind) or request.getfixturevalue("redis_url"), repeats=True)
    model = cw.load(shop_model)
    clicks = [str(name) for name in model.vocab.ids[[5, 5, 2, 40]]]
    with asking(create_app(shop_model, histories=store)) as client:
        for at, item in enumerate(clicks):
            assert client.post("/events", {"user": "u", "item": item, "time": at}).json()["counted"] == 1
        answer = client.post("/recommend", {"user": "u", "k": 9}).json()
        assert answer["items"] == model.recommend(clicks[1:], 9).ids
        assert answer["why"]["by"] == "user"


def test_redis_may_stop_and_start(shop_model: Path, tmp_path: Path) -> None:
    server, model = RedisServer(tmp_path), cw.load(shop_model)
    one = str(model.vocab.ids[0])
    try:
        with asking(create_app(shop_model, histories=open_histories(server.url))) as client:
            assert client.post("/events", {"user": "u", "item": one}).json()["counted"] == 1
            server.kill()
            for _ in range(20):
                answer = client.post("/recommend", {"user": "u", "history": [one], "k": 5})
                assert answer.status_code == 200
                assert answer.json()["why"]["degraded"]
                assert client.post("/events", {"user": "u", "item": one}).status_code == 200
            server.start()
            degraded, tries = True, 0
            while degraded:
                degraded = client.post("/events", {"user": "u", "item": one}).json()["degraded"]
                tries += 1
                assert tries < 2000
            assert client.post("/recommend", {"user": "u", "k": 5}).json()["why"]["by"] == "user"
    finally:
        server.kill()
