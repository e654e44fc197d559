"""What is wrong with a request is told in one line, with the field; never a server error."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cowalk as cw
from cowalk.errors import UsageError
from cowalk.serve import create_app
from cowalk.serve.options import ServeSettings
from serve_world import Client, asking

ITEM = "item-0000001"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(shop_model: Path) -> Iterator[Client]:
    settings = ServeSettings(max_body=2000, body_seconds=0.2)
    with asking(create_app(shop_model, settings=settings)) as made:
        yield made


BODIES: list[tuple[str, Any, int, str, str]] = [
    ("/recommend", {}, 422, "history", "history, or a user"),
    ("/recommend", {"history": ITEM}, 422, "history", "array"),
    ("/recommend", {"history": [1.5]}, 422, "history[0]", "str"),
    ("/recommend", {"history": [""]}, 422, "history[0]", ">= 1"),
    ("/recommend", {"history": [2**70]}, 422, "history[0]", "<="),
    ("/recommend", {"history": ["x"] * 1001}, 413, "", "too long"),
    ("/recommend", {"history": [ITEM], "k": 0}, 422, "k", ">= 1"),
    ("/recommend", {"history": [ITEM], "k": 121}, 422, "k", "120 items of the catalogue"),
    ("/recommend", {"history": [ITEM], "k": 100000}, 422, "k", "<= 1000"),
    ("/recommend", {"history": [ITEM], "k": "many"}, 422, "k", "int"),
    ("/recommend", {"history": [ITEM], "k": True}, 422, "k", "int"),
    ("/recommend", {"history": [ITEM], "diversity": 1.5}, 422, "diversity", "<= 1"),
    ("/recommend", {"history": [ITEM], "interests": 0}, 422, "interests", ">= 1"),
    ("/recommend", {"history": [ITEM], "where": {"colour": 1}}, 422, "where", "category"),
    ("/recommend", {"history": [ITEM], "where": {"price": "dear"}}, 422, "where", "dear"),
    ("/recommend", {"history": [ITEM], "where": {"price": {"min": 2, "max": 1}}}, 422, "where", "above"),
    ("/recommend", {"history": [ITEM], "where": {"category": {"min": 2}}}, 422, "where", "numeric"),
    ("/recommend", {"history": [ITEM], "where": {"category": [[1]]}}, 422, "where[...][0]", ""),
    ("/recommend", {"history": [ITEM], "times": [1, 2]}, 422, "times", "1 ids but 2 times"),
    ("/recommend", {"history": [ITEM], "times": ["noon"]}, 422, "times", "noon"),
    ("/recommend", {"history": [ITEM], "colour": "red"}, 422, "colour", "colour"),
    ("/recommend", [1], 422, "", "object"),
    ("/events", {"user": "u"}, 422, "item", "item"),
    ("/events", {"user": "u", "item": ITEM, "time": "noon"}, 422, "time", "noon"),
    ("/events", {"user": "u", "item": ITEM, "time": 2**60}, 422, "time", "<="),
    ("/events", [], 422, "", ">= 1"),
    ("/embed", {}, 422, "attributes", "attributes"),
    ("/embed", {"attributes": {"colour": "red"}}, 422, "attributes", "colour"),
    ("/embed", {"attributes": {"price": "dear"}}, 422, "attributes", "dear"),
    ("/embed", {"attributes": {"price": 1}, "k": 500}, 422, "k", "catalogue"),
    ("/embed", {"attributes": {"price": 1}, "method": "guess"}, 422, "method", "guess"),
    ("/embed", {"attributes": {"price": 1}, "method": "transfer"}, 422, "method", "transfer"),
    ("/embed/several", {"items": []}, 422, "items", ">= 1"),
]


@pytest.mark.parametrize(
    ("path", "body", "status", "field", "told"), BODIES, ids=lambda value: str(value)[:60]
)
def test_a_wrong_body(client: Client, path: str, body: Any, status: int, field: str, told: str) -> None:
    answer = client.post(path, body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("field", "") == field
    assert told in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


QUERIES = [
    ("/similar/nope", 404, "item", "'nope'"),
    ("/item/nope", 404, "item", "'nope'"),
    (f"/similar/{ITEM}?k=0", 422, "k", ">= 1"),
    (f"/similar/{ITEM}?k=999", 422, "k", "catalogue"),
    (f"/similar/{ITEM}?k=ten", 422, "k", "int"),
    (f"/similar/{ITEM}?metric=cos", 422, "metric", "cos"),
    (f"/similar/{ITEM}?where=x", 422, "where", "JSON"),
    (f"/similar/{ITEM}?where=[1]", 422, "where", "object"),
    (f'/similar/{ITEM}?where={{"colour":1}}', 422, "where", "colour"),
    (f"/similar/{ITEM}?colour=1", 422, "colour", "colour"),
    ("/items?limit=0", 422, "limit", ">= 1"),
    ("/items?offset=-1", 422, "offset", ">= 0"),
    ("/items?q=%ff", 400, "", "query string"),
    ("/nowhere", 404, "", "/docs"),
    ("/../../etc/passwd", 404, "", "/docs"),
    ("/static/..%2f..%2fpyproject.toml", 404, "", ""),
    ("/recommend", 405, "", "method"),
    ("/admin/reload", 404, "", "/docs"),
]


@pytest.mark.parametrize(("path", "status", "field", "told"), QUERIES)
def test_a_wrong_question(client: Client, path: str, status: int, field: str, told: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json().get("field", "") == field
    assert told in answer.json()["error"]
    assert "passwd" not in answer.text


@pytest.mark.parametrize(
    ("content", "headers", "status", "told"),
    [
        (b"{", JSON, 400, "truncated"),
        (b"", JSON, 400, "truncated"),
        (b'{"history": ["\xff"]}', JSON, 400, "JSON"),
        (b'{"history": ["\\ud800"]}', JSON, 400, "JSON"),
        (b'{"history": [], "k": NaN}', JSON, 400, "JSON"),
        (b'{"where": ' + b"[" * 1000, JSON, 422, ""),
        (b'{"history": []}', {"content-type": "text/plain"}, 415, "Content-Type"),
        (b"history=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "Content-Type"),
        (b" " * 2001, JSON, 413, "2,000 bytes"),
    ],
)
def test_what_is_no_json(
    client: Client, content: bytes, headers: dict[str, str], status: int, told: str
) -> None:
    answer = client.post("/recommend", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert told in answer.json()["error"]


HEADERS = [(b"content-type", b"application/json")]


def test_a_body_that_does_not_end_is_cut_off(client: Client) -> None:
    sent = 0

    async def endless() -> dict[str, Any]:
        nonlocal sent
        sent += 500
        return {"type": "http.request", "body": b" " * 500, "more_body": True}

    assert client.raw("POST", "/recommend", HEADERS, endless) == 413
    assert sent <= 3000


def test_a_length_that_is_told_is_enough(client: Client) -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("nothing had to be read")

    assert client.raw("POST", "/recommend", [*HEADERS, (b"content-length", b"3000")], never) == 413


def test_a_slow_client_is_cut_off(client: Client) -> None:
    async def slow() -> dict[str, Any]:
        await asyncio.sleep(30)
        raise AssertionError

    assert client.raw("POST", "/recommend", HEADERS, slow) == 408


def test_slow_clients_cost_nobody_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty bodies end only when another request has been answered."""
    service = client.app.state.service
    monkeypatch.setattr(service, "settings", service.settings.model_copy(update={"body_seconds": 30.0}))

    async def both() -> set[int]:
        answered = asyncio.Event()

        async def trickle() -> Any:
            yield b"{"
            await answered.wait()
            yield b"}"

        stuck = asyncio.gather(
            *(client.http.post("/recommend", content=trickle(), headers=JSON) for _ in range(50))
        )
        await asyncio.sleep(0)
        assert (await client.http.get("/health")).status_code == 200
        assert not stuck.done()
        answered.set()
        return {answer.status_code for answer in await stuck}

    assert client.run(both()) == {422}


def test_a_client_that_goes_away_is_no_error(client: Client) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert client.raw("POST", "/recommend", HEADERS, gone) == 0
    text = client.get("/metrics").text
    assert 'cowalk_request_seconds_count{route="/recommend",status="499"} 1.0' in text
    assert 'status="500"' not in text


def test_a_model_without_attributes_says_so(tmp_path: Path) -> None:
    log = "user_id,item_id\n" + "".join(f"u{u},{(u + n) % 5}\n" for u in range(20) for n in range(4))
    (tmp_path / "log.csv").write_text(log)
    model = cw.fit(tmp_path / "log.csv", vector_size=4, trials=0, read__time_column=None)
    with asking(create_app(model)) as client:
        assert (
            client.post("/recommend", {"history": ["1", 2], "k": 3}).json()["items"]
            == model.recommend([1, 2], 3).ids
        )
        for path, body in (
            ("/embed", {"attributes": {"a": 1}}), ("/recommend", {"history": [1], "where": {"a": 1}})
        ):  # fmt: skip
            answer = client.post(path, body)
            assert answer.status_code == 422
            assert "--items" in answer.json()["error"]
    with pytest.raises(UsageError, match="no field 'title'"):
        create_app(model, settings=ServeSettings(name_field="title"))


KEYED = ServeSettings(api_key="sesame", admin_token="open")  # type: ignore[arg-type]


def test_no_route_answers_without_the_key(shop_model: Path) -> None:
    import base64

    basic = base64.b64encode(b"anyone:sesame").decode()
    with asking(create_app(shop_model, settings=KEYED)) as client:
        paths = ["/health", "/metrics", "/docs", "/openapi.json", "/items", "/nowhere", "/", "/beside/health"]
        for path in paths:
            for headers in (
                {},
                {"x-api-key": "sesam"},
                {"authorization": "Bearer x"},
                {"authorization": "Basic !"},
            ):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 401
                assert "API key" in answer.json()["error"]
        assert client.post("/recommend", {"history": []}).status_code == 401
        for headers in (
            {"x-api-key": "sesame"}, {"authorization": "Bearer sesame"}, {"authorization": f"Basic {basic}"}
        ):  # fmt: skip
            assert client.get("/health", headers=headers).status_code == 200
        key = {"x-api-key": "sesame"}
        assert client.post("/admin/reload", headers=key).status_code == 403
        assert client.post("/admin/reload", headers=key | {"x-admin-token": "opem"}).status_code == 403
        done = client.post("/admin/reload", headers=key | {"x-admin-token": "open"})
        assert done.json()["outcome"] == "unchanged"
        assert "sesame" not in client.get("/metrics", headers=key).text + repr(KEYED)


def test_a_defect_is_one_line_and_told_in_the_log(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("cowalk.serve.routes.recommend.ask", broken)
    answer = client.post("/recommend", {"history": [ITEM]})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret words" in caplog.text
