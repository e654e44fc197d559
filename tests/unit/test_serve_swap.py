"""Hot swap: a new version answers at once, requests in flight finish, a broken version is refused."""

import asyncio
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import cowalk as cw
from cowalk.errors import ModelError, StoreAwayError
from cowalk.kernels.flags import may_run_at_once
from cowalk.serve import create_app
from cowalk.serve.options import ServeSettings
from cowalk.serve.sources import FolderSource
from serve_world import Client, asking, publish

ADMIN = {"x-admin-token": "open"}
SETTINGS = ServeSettings(admin_token="open", watch_seconds=0)  # type: ignore[arg-type]


@pytest.fixture
def folder(shop_model: Path, tmp_path: Path) -> Path:
    cw.load(shop_model).save(tmp_path / "m")
    return tmp_path / "m"


def version(client: Client) -> str:
    return str(client.get("/version").json()["model"])


def spoil(folder: Path) -> str:
    """Publish a version whose vectors are cut short, as a copy that broke off leaves it."""
    name = publish(cw.load(folder), folder)
    path = folder / "versions" / name / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    return name


def test_a_reload_swaps_and_a_broken_version_is_refused(folder: Path) -> None:
    with asking(create_app(folder, settings=SETTINGS)) as client:
        first = version(client)
        assert client.post("/admin/reload", headers=ADMIN).json() == {"outcome": "unchanged", "model": first}
        second = publish(cw.load(folder), folder)
        assert version(client) == first
        assert client.post("/admin/reload", headers=ADMIN).json() == {"outcome": "swapped", "model": second}
        assert version(client) == second
        third = spoil(folder)
        refused = client.post("/admin/reload", headers=ADMIN)
        assert refused.status_code == 409
        assert "truncated" in refused.json()["error"]
        assert version(client) == second
        ready = client.get("/ready").json()
        assert ready["ready"]
        assert third in ready["refused"]
        assert client.post("/recommend", {"history": ["item-0000001"]}).json()["why"]["model"] == second
        fourth = publish(cw.load(folder / "versions" / second), folder)
        assert client.post("/admin/reload", headers=ADMIN).json()["model"] == fourth
        assert client.get("/ready").json()["refused"] is None
        text = client.get("/metrics").text
        assert 'cowalk_swaps_total{outcome="swapped"} 2.0' in text
        assert 'cowalk_swaps_total{outcome="refused"} 1.0' in text
        assert f'cowalk_model{{version="{fourth}"}} 1.0' in text
        assert first not in text


@pytest.mark.parametrize("spoiled", ["gone", "foreign", "newer"])
def test_whatever_stands_in_the_folder_the_old_one_goes_on(folder: Path, spoiled: str) -> None:
    with asking(create_app(folder, settings=SETTINGS)) as client:
        before = version(client)
        if spoiled == "gone":
            shutil.rmtree(folder)
        else:
            name = publish(cw.load(folder), folder)
            text = '{"kind": "other"}' if spoiled == "foreign" else '{"kind": "cowalk model", "format": 99}'
            (folder / "versions" / name / "manifest.json").write_text(text)
        assert client.post("/admin/reload", headers=ADMIN).status_code == 409
        assert version(client) == before
        assert client.post("/recommend", {"history": ["item-0000001"]}).json()["items"]


def test_a_version_that_cannot_answer_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded whole, but asking it fails: that is seen before it takes the old one's place."""
    with asking(create_app(folder, settings=SETTINGS)) as client:
        before = version(client)
        publish(cw.load(folder), folder)

        def fail(*_: object) -> None:
            raise ZeroDivisionError("no")

        monkeypatch.setattr("cowalk.serve.state.ask", fail)
        refused = client.post("/admin/reload", headers=ADMIN)
        assert refused.status_code == 409
        assert "ZeroDivisionError" in refused.json()["error"]
        assert version(client) == before


def test_a_model_that_is_broken_at_the_start_is_an_error(folder: Path) -> None:
    spoil(folder)
    with pytest.raises(ModelError, match="truncated"):
        create_app(folder)
    with pytest.raises(ModelError, match="no such model"):
        create_app(folder / "nowhere")


def test_the_folder_is_watched(folder: Path) -> None:
    settings = ServeSettings(watch_seconds=0.05)
    with asking(create_app(folder, settings=settings)) as client:
        broken = spoil(folder)
        wait_until(client, lambda: broken in str(client.app.state.service.refused))
        swaps = client.get("/metrics").text.count('cowalk_swaps_total{outcome="refused"} 1.0')
        client.run(asyncio.sleep(0.2))  # it is not tried again and again
        assert swaps == client.get("/metrics").text.count('cowalk_swaps_total{outcome="refused"} 1.0') == 1
        whole = sorted((folder / "versions").iterdir())[0]
        new = publish(cw.load(whole), folder)
        wait_until(client, lambda: client.app.state.service.state.version == new)
        assert version(client) == new


def wait_until(client: Client, true: Any) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        client.run(asyncio.sleep(0.02))


def test_requests_in_flight_finish_on_the_version_they_began_with(folder: Path) -> None:
    """While requests run without a pause the version changes; each answer is whole and of one version."""
    with asking(create_app(folder, settings=SETTINGS)) as client:
        model = cw.load(folder)
        wish = {"history": [str(model.vocab.ids[3])], "k": 20}
        wanted = model.recommend(wish["history"], 20)
        seen: set[str] = set()

        async def load(stop: asyncio.Event) -> int:
            count = 0
            while not stop.is_set():
                answer = await client.http.post("/recommend", json=wish)
                assert answer.status_code == 200
                told = answer.json()
                assert told["items"] == wanted.ids
                seen.add(told["why"]["model"])
                count += 1
                await asyncio.sleep(0)
            return count

        async def swap() -> list[str]:
            stop, versions = asyncio.Event(), []
            askers = [asyncio.create_task(load(stop)) for _ in range(4)]
            for _ in range(3):
                versions.append(await asyncio.to_thread(publish, model, folder))
                done = await client.http.post("/admin/reload", headers=ADMIN)
                assert done.json()["model"] == versions[-1]
                await asyncio.sleep(0.05)
            stop.set()
            assert all([await asker for asker in askers])
            return versions

        assert set(client.run(swap())) <= seen


def test_a_folder_that_changes_while_it_is_read_tells_what_was_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read loses its version to a newer one: the last is read whole, or nothing is."""
    source, swept = FolderSource(folder), []

    def losing(path: Path) -> cw.Model:
        if len(swept) < losses:
            swept.append(path.name)
            publish(cw.load(path), folder)
            shutil.rmtree(path)
        return cw.load(path)

    monkeypatch.setattr("cowalk.serve.sources.load", losing)
    losses = 2
    model, name = source.load()
    assert name == source.version() not in swept
    assert model.manifest == cw.load(folder).manifest
    losses = 9
    with pytest.raises(ModelError, match="versions go faster than they are read"):
        source.load()


class Shaky:
    """A source in a store that goes away while a version comes, and hangs."""

    def __init__(self, model: cw.Model) -> None:
        self.model, self.name, self.away, self.hang = model, "1", 0, threading.Event()
        self.hang.set()

    def version(self) -> str:
        assert self.hang.wait(20)
        return self.name

    def load(self) -> tuple[cw.Model, str]:
        if self.away:
            self.away -= 1
            raise StoreAwayError("the store went away")
        return self.model, self.name


def test_a_version_that_came_while_the_store_went_away_is_tried_again(shop_model: Path) -> None:
    source = Shaky(cw.load(shop_model))
    with asking(create_app(source, settings=ServeSettings(watch_seconds=0.02))) as client:
        source.away, source.name = 2, "2"
        wait_until(client, lambda: client.app.state.service.state.version == "2")
        assert client.get("/ready").json()["refused"] is None
        assert 'cowalk_swaps_total{outcome="refused"} 2.0' in client.get("/metrics").text
        client.app.state.service.refused = "version 3: gone again, and back to 2"
        wait_until(client, lambda: client.app.state.service.refused is None)


def test_a_source_that_hangs_holds_up_nobody(shop_model: Path) -> None:
    source = Shaky(cw.load(shop_model))
    with asking(create_app(source, settings=ServeSettings(watch_seconds=0.02))) as client:
        source.hang.clear()
        client.run(asyncio.sleep(0.1))
        began = time.monotonic()
        assert client.get("/health").status_code == 200
        assert time.monotonic() - began < 10
        source.hang.set()


def test_reasons_hold_up_nobody(shop_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While reasons are looked for, another request is answered: here they wait for it."""
    answered = threading.Event()

    def slow(*_: object) -> tuple[str]:
        assert answered.wait(10)
        return ("because",)

    monkeypatch.setattr("cowalk.serve.routes.recommend.reasons_of_history", slow)
    with asking(create_app(shop_model)) as client:
        item = str(cw.load(shop_model).vocab.ids[0])
        if not may_run_at_once():
            pytest.skip("numba's own pool of threads: everything is answered on one thread")

        async def both() -> Any:
            wish = {"history": [item], "k": 2, "explain": True}
            first = asyncio.create_task(client.http.post("/recommend", json=wish))
            await asyncio.sleep(0.05)
            assert (await client.http.get("/health")).status_code == 200
            answered.set()
            return await first

        assert client.run(both()).json()["reasons"] == [["because"], ["because"]]
