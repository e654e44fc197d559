"""Every route of the service, and that it answers item by item what the model answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.serve import create_app
from serve_world import Client, asking

HISTORIES = [[3, 7], [11], [0, 5, 9, 30, 31, 80, 2], [4, 4, 8]]
WISHES: list[dict[str, Any]] = [
    {},
    {"k": 30, "exclude_seen": True},
    {"diversity": 0.6},
    {"interests": 3, "k": 12},
    {"where": {"price": {"max": 5}}},
    {"where": {"category": ["category-1", "category-2"]}, "diversity": 0.2, "k": 7},
    {"explain": True, "k": 4},
]


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


@pytest.fixture(scope="module")
def client(shop_model: Path) -> Iterator[Client]:
    with asking(create_app(shop_model)) as made:
        yield made


def ids(model: cw.Model, rows: list[int]) -> list[str]:
    return [str(name) for name in model.vocab.ids[rows]]


def same(answer: dict[str, Any], wanted: cw.model.Answer) -> None:
    assert answer["items"] == wanted.ids
    np.testing.assert_allclose(answer["scores"], wanted.scores, rtol=1e-6)
    assert answer["why"]["score"] == wanted.score
    assert answer["why"]["unknown"] == list(wanted.unknown)


@pytest.mark.parametrize("wish", WISHES, ids=str)
def test_recommend_is_the_models(client: Client, model: cw.Model, wish: dict[str, Any]) -> None:
    for history in HISTORIES:
        answer = client.post("/recommend", {"history": ids(model, history), **wish}).json()
        wanted = model.recommend(ids(model, history), **({"k": 10} | wish))
        same(answer, wanted)
        assert answer["why"]["by"] == "history"
        assert answer["why"]["model"] == client.get("/version").json()["model"]
        if wish.get("explain"):
            assert answer["reasons"] == [list(hit.reasons) for hit in wanted]


def settled(model: cw.Model, **changes: Any) -> cw.Model:
    return replace(model, recipe=model.recipe.changed({f"recommend.{k}": v for k, v in changes.items()}))


@pytest.mark.parametrize(
    "changes",
    [
        {"cooccurrence": 0.0},
        {"vector": 0.0},
        {"score": "HH", "popularity": 0.0},
        {"interests": 2, "history": 20},
    ],
    ids=str,
)
def test_recommend_is_the_models_by_any_settings(model: cw.Model, changes: dict[str, Any]) -> None:
    other = settled(model, **changes)
    with asking(create_app(other)) as client:
        for history in HISTORIES:
            answer = client.post("/recommend", {"history": ids(model, history), "k": 9}).json()
            same(answer, other.recommend(ids(model, history), k=9))


@pytest.mark.usefixtures("few_choices")
@pytest.mark.parametrize("kind", ["exact", "ivf", "hnsw", "lsh"])
def test_recommend_is_the_models_through_an_index(
    model: cw.Model, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the index itself loses neighbours: so few items would else be looked through."""
    indexed = model.with_index(kind)
    monkeypatch.setattr("cowalk.recall.base.few_enough", lambda *_: False)
    with asking(create_app(indexed)) as client:
        for wish in WISHES:
            for history in HISTORIES:
                answer = client.post("/recommend", {"history": ids(model, history), "k": 5, **wish}).json()
                same(answer, indexed.recommend(ids(model, history), **({"k": 5} | wish)))
        answer = client.get(f"/similar/{ids(model, [6])[0]}?k=8").json()
        same(answer, indexed.similar(ids(model, [6])[0], 8))


def test_the_quick_way_gives_the_same_answers(shop_model: Path, model: cw.Model) -> None:
    from cowalk.serve.options import ServeSettings
    from cowalk.serve.quick import Quick

    app = create_app(shop_model, settings=ServeSettings(api_key="sesame"))  # type: ignore[arg-type]
    with asking(app) as client:
        around = Client(Quick(app), client.runner)  # type: ignore[arg-type]
        key = {"x-api-key": "sesame"}
        wish = {"history": ids(model, [3, 7]), "k": 5}
        for one in (client, around):
            assert "needs its API key" in one.post("/recommend", wish).json()["error"]
            wrong = one.post("/recommend", wish, headers={"authorization": "Bearer open"})
            assert (wrong.status_code, "not the API key" in wrong.text) == (401, True)
            same(one.post("/recommend", wish, headers=key).json(), model.recommend(wish["history"], 5))
            assert one.get(f"/item/{wish['history'][0]}", headers=key).status_code == 200
            assert one.get("/recommend", headers=key).status_code == 405
            assert one.get("/nowhere", headers=key).status_code == 404
            assert one.get("/items", params={"limit": 2}, headers=key).json()["more"]
            assert one.get("/map/about", headers=key).json()["beside"] is False
        client.run(around.http.aclose())
        text = client.get("/metrics", headers=key).text
        assert 'cowalk_request_seconds_count{route="/recommend",status="200"} 2.0' in text
        assert 'cowalk_request_seconds_count{route="other",status="401"} 4.0' in text


def test_what_is_not_known_is_told(client: Client, model: cw.Model) -> None:
    known = ids(model, [5])
    answer = client.post("/recommend", {"history": ["x", *known, 99], "k": 4}).json()
    assert answer["items"] == model.recommend(known, k=4).ids
    assert answer["why"]["unknown"] == ["x", 99]
    assert answer["why"]["coverage"] == pytest.approx(1 / 3)
    where = {"category": "category-1"}
    for body in ({"history": ["x"]}, {"history": []}, {"user": "nobody"}):
        answer = client.post("/recommend", {**body, "k": 4, "where": where}).json()
        wanted = model.recommend(["x"], 4, on_unknown="skip", fallback="popularity", where=where)
        assert answer["items"] == wanted.ids
        assert answer["why"]["by"] == "popularity"
        assert answer["why"]["coverage"] == 0
        assert any("most popular" in note for note in answer["why"]["notes"])
    answer = client.post("/recommend", {"history": known, "where": {"category": "none such"}}).json()
    assert answer["items"] == []
    assert "none such" in answer["why"]["notes"][0]


def test_events_change_the_next_answer(client: Client, model: cw.Model) -> None:
    user, clicks = "u-7", ids(model, [3, 3, 9, 40])
    for n, item in enumerate(clicks):
        taken = client.post("/events", {"user": user, "item": item, "time": 10 + n}).json()
        assert taken == {"counted": 1, "unknown": [], "degraded": False, "notes": []}
        answer = client.post("/recommend", {"user": user, "k": 6}).json()
        seen = clicks[: n + 1] if n == 0 else clicks[1 : n + 1]  # repeats are dropped, as in the log
        same(answer, model.recommend(seen, k=6))
        assert answer["why"]["by"] == "user"
    store = model.user_store()
    store.extend([user] * 4, clicks, [10, 11, 12, 13])
    assert answer["items"] == store.recommend(user, 6).ids
    late = client.post("/events", [{"user": user, "item": "new"}, {"user": 5, "item": clicks[0]}]).json()
    assert (late["counted"], late["unknown"]) == (2, ["new"])
    assert client.post("/recommend", {"user": "5", "k": 3}).json()["why"]["by"] == "user"
    both = client.post("/recommend", {"user": "nobody", "history": clicks, "k": 3}).json()
    assert both["items"] == model.recommend(clicks, k=3).ids
    assert both["why"]["notes"] == ["the user is not known"]


def test_ages_come_from_the_store(model: cw.Model) -> None:
    aged = settled(model, half_life=2.0, history=5)
    day = 86_400_000_000
    with asking(create_app(aged)) as client:
        clicks = ids(model, [3, 9, 40])
        for at, item in enumerate(clicks):
            client.post("/events", {"user": "u", "item": item, "time": at * at * day})
        times = [0, day, 4 * day]
        same(client.post("/recommend", {"user": "u"}).json(), aged.recommend(clicks, times=times))
        same(client.post("/recommend", {"history": clicks, "times": times}).json(),
             aged.recommend(clicks, times=times))  # fmt: skip
        assert client.post("/recommend", {"history": clicks}).json()["field"] == "times"
        assert client.post("/recommend", {"history": clicks, "times": [3, 2, 1]}).json()["field"] == "times"


@pytest.mark.parametrize("metric", [None, "dot", "l2", "context", "attributes"])
def test_similar_is_the_models(client: Client, model: cw.Model, metric: str | None) -> None:
    item = ids(model, [6])[0]
    params = {"k": 8, "explain": True} | ({} if metric is None else {"metric": metric})
    answer = client.get(f"/similar/{item}", params=params).json()
    wanted = model.similar(item, 8, metric, explain=True)  # type: ignore[arg-type]
    same(answer, wanted)
    assert answer["reasons"] == [list(hit.reasons) for hit in wanted]
    where = '{"price": {"max": 5}}'
    answer = client.get(f"/similar/{item}", params={"k": 8, "where": where}).json()
    same(answer, model.similar(item, 8, where={"price": {"max": 5}}))


def test_embed_is_the_models(client: Client, model: cw.Model) -> None:
    attributes = {"category": "category-1", "price": 2.5, "brand": "never"}
    answer = client.post("/embed", {"attributes": attributes, "k": 5}).json()
    np.testing.assert_allclose(answer["vector"], model.cold_items([attributes]).vectors[0], rtol=1e-6)
    wanted = model.similar(attributes, 5)
    assert answer["items"] == wanted.ids
    assert answer["unknown"] == {"brand": ["never"]}
    assert any("never" in note for note in answer["why"]["notes"])
    several = client.post("/embed/several", {"items": [attributes, {"price": 1}], "k": 0}).json()["answers"]
    assert several[0]["vector"] == answer["vector"]
    assert several[1]["items"] == []
    mean = client.post("/embed", {"attributes": attributes, "method": "mean", "k": 5}).json()
    assert mean["items"] == model.similar(attributes, 5, method="mean").ids
    assert mean["scores"] != answer["scores"]
    np.testing.assert_allclose(mean["vector"], model.cold_items([attributes], "mean").vectors[0], rtol=1e-6)


def test_items_are_found_page_by_page(client: Client, model: cw.Model) -> None:
    ranked = [str(model.vocab.ids[row]) for row in model.vocab.by_count]
    for query in ("", "item-00001", "ITEM-0000110", "1"):
        wanted = [name for name in ranked if query.lower() in name]
        got, more = [], True
        while more:
            page = client.get("/items", params={"q": query, "limit": 7, "offset": len(got)}).json()
            got += [one["id"] for one in page["items"]]
            more = page["more"]
        assert got == wanted
    assert client.get("/items?q=zzz").json() == {"items": [], "more": False}
    assert client.get("/items?limit=1").json()["items"][0]["count"] == int(model.vocab.counts.max())


def test_what_is_known_of_an_item(client: Client, model: cw.Model) -> None:
    item = ids(model, [6])[0]
    known = client.get(f"/item/{item}").json()
    assert known["count"] == int(model.vocab.counts[6])
    assert known["rank"] == int((model.vocab.counts > model.vocab.counts[6]).sum()) + 1
    assert sum(known["weights"].values()) == pytest.approx(1, abs=1e-5)
    assert model.side_info is not None
    for field in model.side_info.fields:
        codes = field.codes[field.offsets[6] : field.offsets[7]]
        assert known["attributes"].get(field.name, []) == [str(label) for label in field.labels[codes]]


def test_an_id_of_any_letters_is_found(tmp_path: Path) -> None:
    odd = ["a/b", "<img src=x onerror=alert(1)>", "../../etc/passwd", "ü%20?&#", "c d"]
    log = "user_id,item_id,timestamp\n" + "".join(
        f'u{u},"{odd[(u + n) % 5]}",2020-01-01 01:{u:02d}:0{n}\n' for u in range(20) for n in range(4)
    )
    (tmp_path / "log.csv").write_text(log)
    model = cw.fit(tmp_path / "log.csv", vector_size=4, trials=0)
    with asking(create_app(model)) as client:
        from urllib.parse import quote

        for item in odd:
            known = client.get(f"/item/{quote(item, safe='')}")
            assert known.json()["id"] == item
            assert known.headers["content-type"] == "application/json"
            assert (
                client.get(f"/similar/{quote(item, safe='')}?k=3").json()["items"]
                == model.similar(item, 3).ids
            )
            assert client.get("/items", params={"q": item[:3]}).json()["items"]


def test_cold_items_answer_where_they_are_asked_for(tmp_path: Path) -> None:
    events = "user_id,item_id,timestamp\n" + "".join(
        f"u{u},i{(u + n) % 6},2020-01-01 01:{u:02d}:0{n}\n" for u in range(30) for n in range(5)
    )
    (tmp_path / "log.csv").write_text(events)
    rows = "".join(f"i{i},c{i % 3},Lamp {i % 2}\n" for i in range(6)) + "new,c1,Lamp 1\n"
    (tmp_path / "items.csv").write_text("item_id,color,name\n" + rows)
    model = cw.fit(tmp_path / "log.csv", items=tmp_path / "items.csv", vector_size=4, trials=0, cold__lift=20)
    with asking(create_app(model)) as client:
        warm = client.post("/recommend", {"history": ["i1"], "k": 6}).json()
        assert "new" not in warm["items"]
        cold = client.post("/recommend", {"history": ["i1"], "k": 7, "cold": True}).json()
        assert cold["items"] == model.recommend(["i1"], 7, on_unknown="cold").ids
        assert "new" in cold["items"]
        assert (
            client.get("/similar/new?k=3").json()["items"] == model.similar("new", 3, on_unknown="cold").ids
        )
        assert client.get("/item/new").json()["cold"] is True
        found = client.get("/items?q=lamp 1").json()["items"]
        assert sorted(one["id"] for one in found) == ["i1", "i3", "i5", "new"]
        assert found[-1] == {"id": "new", "count": 0, "name": "Lamp 1", "cold": True}


def test_status_and_documents(client: Client, model: cw.Model) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    ready = client.get("/ready").json()
    assert (ready["ready"], ready["degraded"], ready["refused"]) == (True, False, None)
    version = client.get("/version").json()
    assert (version["items"], version["vector_size"]) == (120, 8)
    assert version["fingerprint"] == model.vocab.fingerprint
    docs = client.get("/docs")
    assert "/recommend" in docs.text
    assert "http://" not in docs.text.replace("http://service", "")
    assert "<script" not in docs.text
    assert "default-src 'none'" in docs.headers["content-security-policy"]


def counted(client: Client, name: str) -> float:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_metrics_count(client: Client, model: cw.Model) -> None:
    names = ["cowalk_ids_total", "cowalk_unknown_ids_total", 'cowalk_fallbacks_total{by="popularity"}']
    names += ['cowalk_request_seconds_count{route="/recommend",status="200"}', "cowalk_events_total"]
    names += ['cowalk_request_seconds_count{route="/recommend",status="422"}']
    before = [counted(client, name) for name in names]
    client.post("/recommend", {"history": [*ids(model, [1, 2]), "x"]})
    client.post("/recommend", {"history": ["x"]})
    client.post("/recommend", {"history": ["x"], "k": 0})
    client.post("/events", {"user": "m", "item": "x"})
    after = [counted(client, name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [4, 2, 1, 2, 1, 1]
    assert counted(client, "cowalk_model_items") == 120
    text = client.get("/metrics").text
    assert f'cowalk_model{{version="{client.get("/version").json()["model"]}"}} 1.0' in text


def test_a_second_model_stands_beside(shop_model: Path, model: cw.Model) -> None:
    other = settled(model, cooccurrence=0.0)
    history = ids(model, [3, 7])
    with asking(create_app(shop_model, beside=other)) as client:
        client.post("/events", {"user": "u", "item": history[0]})
        same(client.post("/recommend", {"history": history}).json(), model.recommend(history))
        same(client.post("/beside/recommend", {"history": history}).json(), other.recommend(history))
        same(client.post("/beside/recommend", {"user": "u"}).json(), other.recommend(history[:1]))
        text = client.get("/metrics").text
        assert 'route="/beside/recommend",status="200"} 2.0' in text
        assert 'route="/recommend",status="200"} 1.0' in text
