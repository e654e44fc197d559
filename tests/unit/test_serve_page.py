"""The page's routes: its files under a strict policy, and the map in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cowalk as cw
from cowalk.maps import make_map
from cowalk.serve import create_app
from cowalk.serve.page_data import captions, colours_of, telling_values
from cowalk.tables import Field
from serve_world import Client, asking


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


@pytest.fixture(scope="module")
def client(shop_model: Path) -> Iterator[Client]:
    with asking(create_app(shop_model, beside=shop_model)) as made:
        yield made


def field(values: list[list[str]], kind: str = "multi") -> Field:
    """A field of these values by item, labels in the order of first sight."""
    labels = list(dict.fromkeys(value for row in values for value in row))
    codes = [sorted(labels.index(value) for value in row) for row in values]
    offsets = np.cumsum([0, *map(len, codes)]).astype(np.int64)
    flat = np.array([code for row in codes for code in row], dtype=np.int32)
    edges = np.arange(len(labels) - 1, dtype=np.float64) if kind == "numeric" else None
    return Field("f", kind, offsets, flat, np.array(labels, dtype=np.dtypes.StringDType()), edges)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/static/page.css", "/static/icon.svg"])
def test_files_come_packed_or_plain_and_only_once(client: Client, path: str) -> None:
    found = client.get(path)
    assert found.status_code == 200
    assert found.headers["content-encoding"] == "gzip"
    assert found.headers["content-security-policy"].startswith("default-src 'self';")
    assert found.headers["x-content-type-options"] == "nosniff"
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == found.content
    again = client.get(path, headers={"if-none-match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["built-from.txt", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "page", "page.js/x"]
)
def test_no_other_file_is_sent(client: Client, name: str) -> None:
    found = client.get(f"/static/{name}")
    assert found.status_code == 404
    assert set(found.json()) <= {"error", "field"}


def test_the_map_tells_places_counts_and_groups_in_the_order_of_ids(client: Client, model: cw.Model) -> None:
    about = client.get("/map/about").json()
    raw = client.get("/map").content
    ids = client.get("/map/ids").json()["ids"]
    assert raw[:8] == b"CWMAP1\0\0"
    size, groups = np.frombuffer(raw, "<u4", 2, 8)
    assert (size, groups) == (len(model.vocab), len(about["clusters"]))
    assert len(raw) == 16 + 13 * size
    wanted = make_map(np.asarray(model.learned.vectors), "pca", model.recipe.seed)
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4", 2 * size, 16).reshape(-1, 2), wanted.places)
    np.testing.assert_array_equal(np.frombuffer(raw, "<u4", size, 16 + 8 * size), model.vocab.counts)
    np.testing.assert_array_equal(np.frombuffer(raw, "u1", size, 16 + 12 * size), wanted.clusters)
    assert ids == model.vocab.ids.tolist()
    assert (about["items"], about["map"], about["beside"]) == (size, "pca", True)
    assert client.get("/beside/map/about").json()["beside"] is False


def test_a_map_that_the_folder_holds_is_the_one_that_is_sent(model: cw.Model) -> None:
    drawn = make_map(np.asarray(model.learned.vectors), "pca", 1, clusters=4)
    drawn = replace(drawn, places=drawn.places / 2, method="umap")
    with asking(create_app(replace(model, map=drawn))) as client:
        raw, about = client.get("/map").content, client.get("/map/about").json()
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4", 240, 16).reshape(-1, 2), drawn.places)
    assert about["map"] == "umap"
    assert len(about["clusters"]) == drawn.clusters.max() + 1


def test_a_field_is_one_code_an_item(client: Client, model: cw.Model) -> None:
    assert model.side_info is not None
    told = {one["name"]: one for one in client.get("/map/about").json()["fields"]}
    assert list(told) == model.side_info.names
    for name in ("category", "price"):
        codes = np.frombuffer(client.get(f"/map/fields/{name}").content, "<u2")
        raw = model.side_info[name]
        for row in range(len(model.vocab)):
            held = {str(raw.labels[c]) for c in raw.codes[raw.offsets[row] : raw.offsets[row + 1]]}
            shown = {told[name]["values"][codes[row] - 1]} if codes[row] else set()
            assert shown == held  # one value each
        assert np.bincount(codes)[1:].tolist() == told[name]["counts"][: codes.max()]
    assert told["category"]["counts"] == sorted(told["category"]["counts"], reverse=True)
    assert told["price"]["values"] == [str(label) for label in model.side_info["price"].labels]
    assert client.get("/map/fields/colour").status_code == 404
    assert "category" in client.get("/map/fields/colour").json()["error"]


def test_an_item_of_several_values_counts_by_the_one_that_most_hold() -> None:
    found = colours_of(field([["red"], ["blue", "red"], [], ["blue"], ["red", "green"]]))
    assert found.values == ["red", "blue", "green"]
    assert found.codes.tolist() == [1, 1, 0, 2, 1]
    assert found.counts == [3, 1, 0]
    ordered = colours_of(field([["9"], ["1"], ["1"]], "numeric"))
    assert (ordered.values, ordered.codes.tolist()) == (["9", "1"], [1, 2, 2])


def test_a_group_is_called_by_what_tells_it_from_the_others() -> None:
    values = [["all", "bag"], ["all", "bag"], ["all", "cup"], ["all", "7"]]
    groups = np.array([0, 0, 1, 2], dtype=np.int32)
    found = telling_values(field(values), groups, 3)
    # bag: share 1 in the group, 1/2 everywhere; "all" tells nothing; a bare number is no name
    assert found[0] == (pytest.approx(np.log(2)), "bag")
    assert found[1] == (pytest.approx(np.log(4)), "cup")
    assert found[2] == (0.0, "")


def test_where_there_are_no_names_values_stand_for_them() -> None:
    fields = [field([["a"], [], ["b", "c"]]), field([["1"], ["2"], ["3"]]), field([["x"], ["y"], ["b"]])]
    assert captions(fields, 3) == ["a, x", "y", "b, c"]


def test_a_new_item_lies_among_its_neighbours(client: Client, model: cw.Model) -> None:
    near = model.similar({"category": "category-01"}, 8)
    found = client.post("/map/place", {"items": near.ids, "scores": near.scores}).json()["place"]
    raw = client.get("/map").content
    places = np.frombuffer(raw, "<f4", 240, 16).reshape(-1, 2)[model.vocab.find(near.ids)]
    assert (places.min(axis=0) - 1e-6 <= found).all()
    assert (found <= places.max(axis=0) + 1e-6).all()
    for body, words in (
        ({"items": near.ids, "scores": [1.0]}, "1 for 8"),
        ({"items": ["nobody"], "scores": [1.0]}, "none of them"),
        ({"items": [], "scores": []}, "items"),
        ({"items": ["a"] * 101, "scores": [1.0] * 101}, "items"),
    ):
        answer = client.post("/map/place", body)
        assert answer.status_code == 422
        assert words in answer.json()["error"]


def test_ids_and_names_are_packed_json(client: Client, model: cw.Model) -> None:
    found = client.get("/map/ids", headers={"accept-encoding": "gzip"})
    assert found.headers["content-encoding"] == "gzip"
    told = found.json()
    assert len(told["names"]) == len(model.vocab)
    assert client.get("/map/ids", headers={"if-none-match": found.headers["etag"]}).status_code == 304
