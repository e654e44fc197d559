"""The OpenAPI description is whole, and whatever follows from it makes no server error."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from cowalk.serve import create_app
from cowalk.serve.options import ServeSettings
from serve_world import asking

OPEN = ServeSettings(admin_token="open")  # type: ignore[arg-type]
PATHS = {
    "/recommend", "/similar/{item}", "/embed", "/embed/several", "/events", "/items", "/item/{item}",
    "/health", "/ready", "/version", "/metrics", "/admin/reload",
}  # fmt: skip


def refs(value: Any) -> set[str]:
    """Names of all schemas that are pointed at."""
    return set(re.findall(r"#/components/schemas/(\w+)", str(value)))


def test_the_description_is_whole(shop_model: Path) -> None:
    with asking(create_app(shop_model, settings=OPEN)) as client:
        told = client.get("/openapi.json").json()
        assert told == client.app.openapi()
    assert set(told["paths"]) >= PATHS
    assert refs(told) <= set(told["components"]["schemas"])
    names = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(set(names)) == len(names)
    for methods in told["paths"].values():
        for one in methods.values():
            assert one["description"]
            assert "200" in one["responses"]
    recommend = told["paths"]["/recommend"]["post"]
    assert recommend["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Recommend"
    }
    assert set(recommend["responses"]) >= {"200", "400", "413", "415", "422"}
    k = told["components"]["schemas"]["Recommend"]["properties"]["k"]
    assert "'maximum': 1000" in str(k)
    closed = create_app(shop_model, settings=ServeSettings(api_key="x"))  # type: ignore[arg-type]
    assert "/admin/reload" not in closed.openapi()["paths"]
    assert closed.openapi()["security"] == [{"key": []}]


def test_whatever_follows_from_the_description_is_answered(shop_model: Path) -> None:
    """Requests that fit the description, and such that do not: never a 5xx, and answers as described."""
    import schemathesis
    from schemathesis.checks import CHECKS

    with asking(create_app(shop_model, settings=OPEN)) as client:
        schema = schemathesis.openapi.from_dict(client.app.openapi())
        for found in schema.get_all_operations():
            operation = found.ok()
            ask_all(client, operation, CHECKS)


def ask_all(client: Any, operation: Any, checks: Any) -> None:
    from schemathesis import GenerationMode
    from schemathesis.core.transport import Response

    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    wanted = [checks.get_one(name) for name in ("not_a_server_error", "response_schema_conformance")]

    @given(operation.as_strategy(generation_mode=modes[0]) | operation.as_strategy(generation_mode=modes[1]))
    @settings(
        max_examples=15, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case: Any) -> None:
        named = case.as_transport_kwargs()
        named.pop("cookies", None)
        if isinstance(named.get("data"), bytes | str):
            named["content"] = named.pop("data")
        method, url = named.pop("method"), named.pop("url")
        try:
            answer = client.run(client.http.request(method, url, **named))
        except httpx.InvalidURL:  # longer than this client sends
            reject()
        assert answer.status_code < 500, answer.text
        case.validate_response(Response.from_any(answer), checks=wanted)

    ask()


IDS = st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none())
VALUES = st.recursive(
    IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = [
    "history",
    "user",
    "k",
    "times",
    "where",
    "exclude_seen",
    "diversity",
    "interests",
    "cold",
    "explain",
]


@pytest.fixture(scope="module")
def client(shop_model: Path) -> Any:
    with asking(create_app(shop_model)) as made:
        yield made


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_any_json_at_all_is_answered(client: Any, body: dict[str, Any]) -> None:
    import json

    content = json.dumps(body, allow_nan=True).encode()
    answer = client.post("/recommend", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 422), answer.text
