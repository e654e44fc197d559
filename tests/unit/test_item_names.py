"""What people call the items: read, kept, shown and searched, and never learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.errors import ModelError, UsageError
from cowalk.model.item_names import ItemNames
from cowalk.prepare import SideSettings, read_items
from cowalk.serve import create_app
from serve_world import asking

TINY: dict[str, Any] = {"vector_size": 8, "trials": 0, "num_walks": 3, "workers": 2, "learn__block": 256}
TABLE = pd.DataFrame(
    {"item_id": ["a", "b", "c"], "title": [" Red\nlantern ", None, "Blue mug"], "sku": ["x1", "x2", "x2"]}
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=8))
def test_names_come_back_by_row(names: list[str]) -> None:
    kept = ItemNames.of(names)
    if not any(names):
        assert kept is None
        return
    assert kept is not None
    assert [kept[row] for row in range(len(kept))] == kept.all() == names
    back = ItemNames.opened({"text": kept.text, "offsets": kept.offsets}, len(names))
    assert back.all() == names


@pytest.mark.parametrize(
    "offsets", [[0, 1], [0, 1, 1, 3, 3], [0, 2, 1, 3], [1, 1, 2, 3], [0, 1, 2, 4]], ids=str
)
def test_names_of_another_model_are_refused(offsets: list[int]) -> None:
    arrays = {"text": np.frombuffer(b"abc", np.uint8), "offsets": np.array(offsets, np.int64)}
    with pytest.raises(ModelError, match="a name for each of 3 items"):
        ItemNames.opened(arrays, 3)


def test_the_column_of_names_is_found_or_told() -> None:
    found = read_items(TABLE)
    assert found.names is not None
    assert found.names.tolist() == ["Red lantern", "", "Blue mug"]
    other = read_items(TABLE, SideSettings(name_column="sku"))
    assert other.names is not None
    assert other.names.tolist() == ["x1", "x2", "x2"]
    assert [field.name for field in other.fields] == ["title"]  # a name is not learned,
    asked = SideSettings(name_column="sku", fields={"sku": "categorical"})
    assert [field.name for field in read_items(TABLE, asked).fields] == ["title", "sku"]  # unless it is told
    assert read_items(TABLE[["item_id", "sku"]]).names is None
    with pytest.raises(UsageError, match="no field 'label'; the fields are title, sku"):
        read_items(TABLE, SideSettings(name_column="label"))


@pytest.fixture(scope="module")
def named(shop: SimulatedShop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """The shop with a title for each item, a fifth of it without: the folder of a model, and the table."""
    items = pd.read_parquet(shop.items)
    items["title"] = [f"No. {number} Thing" if number % 5 else None for number in range(len(items))]
    events = pd.read_parquet(shop.events)
    events = events[events.item_id != items.item_id[7]]  # nobody has clicked it
    folder = tmp_path_factory.mktemp("named") / "m"
    cw.fit(events, items=items, **TINY).save(folder)
    return folder, items


def test_the_model_says_what_its_items_are_called(
    named: tuple[Path, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, items = named
    model, called = cw.load(folder), dict(zip(items.item_id, items.title.fillna(""), strict=True))
    assert "title" not in model.learned.field_names
    first = str(model.vocab.ids[0])
    for answer in (model.similar(first, 20), model.recommend([first], 20)):
        assert [hit.name for hit in answer] == [called[str(hit.id)] for hit in answer]
        assert any(hit.name for hit in answer)
        assert "Thing" in str(answer)
    cold = model.recommend([first], 200, on_unknown="cold")
    assert {str(hit.id): hit.name for hit in cold if hit.cold} == {items.item_id[7]: "No. 7 Thing"}
    assert run(["similar", str(folder), first, "-k", "5"]) == 0
    head, *rows = capsys.readouterr().out.strip().splitlines()[1:]
    assert head.split("\t") == ["id", "score", "name"]
    assert all(called[row.split("\t")[0]] == row.split("\t")[2] for row in rows)


def test_the_service_finds_items_by_name(named: tuple[Path, pd.DataFrame]) -> None:
    folder, items = named
    with asking(create_app(folder)) as client:
        page = client.get("/items", params={"q": "no. 12 thing"}).json()["items"]
        assert [(one["id"], one["name"]) for one in page] == [(items.item_id[12], "No. 12 Thing")]
        cold = client.get("/items", params={"q": "No. 7 t"}).json()["items"]
        assert [one["id"] for one in cold] == [items.item_id[7]]
        assert client.get(f"/item/{items.item_id[12]}").json()["name"] == "No. 12 Thing"
        told = client.get("/map/ids").json()
        assert "No. 12 Thing" in told["names"]


def test_an_update_keeps_names_and_takes_new_ones(
    named: tuple[Path, pd.DataFrame], shop: SimulatedShop
) -> None:
    folder, items = named
    events = pd.read_parquet(shop.events)
    events["timestamp"] = events["timestamp"] + pd.Timedelta(days=400)
    fresh = pd.concat([items.iloc[[0, 5]], items.iloc[[1]].assign(item_id="brand-new")])
    fresh["title"] = ["Renamed", None, "A new one"]
    part = pd.concat([events.iloc[:500], events.iloc[:20].assign(item_id="brand-new")])
    new = cw.update(cw.load(folder), part, items=fresh, max_drift=2.0, update__judged=0.0)
    names = new.names_by_id
    assert names["brand-new"] == "A new one"
    assert names[items.item_id[0]] == "Renamed"
    assert names[items.item_id[12]] == "No. 12 Thing"
    assert new.names is not None
    assert len(new.names) == len(new.vocab) + (0 if new.cold_vocab is None else len(new.cold_vocab))
