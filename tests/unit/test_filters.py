"""Filters by side information against a loop over the items, and what a model answers under them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.cli.run import run
from cowalk.errors import UsageError
from cowalk.model import filters as room
from cowalk.model.filters import Filters
from cowalk.prepare import SideSettings, encode_side_info
from cowalk.tables import Catalogue, RawField, SideInfo
from cowalk.tables.vocab import STRING, Vocab

PRICES = [1.0, 2.5, 2.5, np.nan, 8.0, 9.0, 20.0, 3.0]
COLORS = [["red"], ["red", "blue"], [], ["blue"], ["green"], ["red"], ["blue", "green"], ["true"]]


@pytest.fixture(scope="module")
def info() -> SideInfo:
    labels = sorted({color for row in COLORS for color in row})
    offsets = np.append(0, np.cumsum([len(row) for row in COLORS])).astype(np.int64)
    codes = np.array([labels.index(color) for row in COLORS for color in row], dtype=np.int32)
    fields = (
        RawField("color", "multi", np.array(labels, dtype=STRING), offsets, codes),
        RawField("price", "numeric", numbers=np.array(PRICES)),
        RawField("look", "dense", vectors=np.eye(8, 3, dtype=np.float32)),
    )
    ids = Vocab.of([f"i{i}" for i in range(8)])
    return encode_side_info(Catalogue(ids, fields), ids)


COLOR = st.sampled_from(["red", "blue", "green", "true", "pink"])


@given(st.lists(COLOR, min_size=1, max_size=3))
@settings(deadline=None, max_examples=40)
def test_any_of_the_values(info: SideInfo, wanted: list[str]) -> None:
    found = Filters(info)({"color": wanted})
    assert found.mask.tolist() == [bool(set(row) & set(wanted)) for row in COLORS]
    assert bool(found.notes) == ("pink" in wanted)
    assert Filters(info)({"color": wanted[0]}).mask.tolist() == [wanted[0] in row for row in COLORS]


def test_every_field_must_match_and_null_is_no_value(info: SideInfo) -> None:
    asked = Filters(info)
    assert np.flatnonzero(asked({"color": "red", "price": {"max": 2.5}}).mask).tolist() == [0, 1]
    assert np.flatnonzero(asked({"color": None}).mask).tolist() == [2]
    assert np.flatnonzero(asked({"price": None}).mask).tolist() == [3]
    assert np.flatnonzero(asked({"color": True}).mask).tolist() == [7]
    assert asked({"look": None}).mask.tolist() == [False] * 8
    assert asked({}).mask.all()
    assert not asked({"color": "pink"}).mask.any()


PRICE = st.sampled_from([0.0, 1.0, 1.5, 2.5, 3.0, 8.0, 19.0, 20.0, 30.0])


@given(PRICE, PRICE)
@settings(deadline=None, max_examples=60)
def test_a_range_holds_every_item_within_it(info: SideInfo, one: float, two: float) -> None:
    low, high = sorted((one, two))
    mask = Filters(info)({"price": {"min": low, "max": high}}).mask
    for price, inside in zip(PRICES, mask.tolist(), strict=True):
        assert inside or not low <= price <= high
        assert not (np.isnan(price) and inside)


def test_a_range_that_cuts_a_bucket_says_what_matches() -> None:
    """Four buckets of 1..8: 1-3, 3-5, 5-7, 7-8; the model keeps no numbers."""
    ids = Vocab.of([f"i{i}" for i in range(8)])
    catalogue = Catalogue(ids, (RawField("price", "numeric", numbers=np.arange(1.0, 9.0)),))
    info = encode_side_info(catalogue, ids, SideSettings(buckets=4))
    assert info["price"].labels.tolist() == ["1-3", "3-5", "5-7", "7-8"]

    def asked(wanted: Any) -> tuple[list[int], tuple[str, ...]]:
        found = Filters(info)({"price": wanted})
        return np.flatnonzero(found.mask).tolist(), found.notes

    assert asked({"min": 5}) == ([4, 5, 6, 7], ())
    assert asked("3-5") == ([2, 3], ())
    told = "filter: price is kept in ranges, and all items of {} match"
    assert asked({"min": 4, "max": 5.5}) == ([2, 3, 4, 5], (told.format("3-5, 5-7"),))
    assert asked({"max": 2}) == ([0, 1], (told.format("1-3"),))
    assert asked(6) == ([4, 5], (told.format("5-7"),))
    assert asked([6, "7-8"]) == ([4, 5, 6, 7], (told.format("5-7"),))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"colour": "red"}, "no field 'colour'; the fields are color, price, look"),
        ({"color": {"min": 1}}, "need a numeric field"),
        ({"price": {"least": 1}}, "'min': a, 'max': b"),
        ({"price": {}}, "'min': a, 'max': b"),
        ({"price": {"min": 3, "max": 2}}, "min 3 is above max 2"),
        ({"price": "dear"}, "'dear'"),
        ({"price": {"min": "dear"}}, "'dear'"),
        ({"price": {"min": np.nan}}, "min is nan; give a number"),
        ({"price": {"max": "nan"}}, "max is 'nan'; give a number"),
        ({"look": 1}, "holds vectors"),
        ("color=red", "must name fields and values"),
    ],
)
def test_wrong_filters_are_told(info: SideInfo, where: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Filters(info)(where)


def test_the_latest_masks_are_kept(info: SideInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT", 2)
    asked = Filters(info)
    first = asked({"color": "red", "price": 1})
    assert asked({"price": 1, "color": "red"}) is first
    asked({"color": "blue"})
    assert asked({"color": "red", "price": 1}) is first
    asked({"color": "green"})
    asked({"color": "blue"})
    assert asked({"color": "red", "price": 1}) is not first
    assert len(asked._kept) == 2
    monkeypatch.setattr(room, "ROOM", 8)  # bytes: one mask of these eight items
    tight = Filters(info)
    tight({"color": "red"})
    tight({"color": "blue"})
    assert len(tight._kept) == 1


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


def value_of(model: cw.Model, name: str) -> str:
    assert model.side_info is not None
    return str(model.side_info[name].labels[0])


@pytest.mark.parametrize("exact", [False, True])
def test_a_model_answers_within_the_filter(model: cw.Model, exact: bool) -> None:
    where = {"category": value_of(model, "category")}
    mask, _ = model.mask(where)
    assert mask is not None
    may = {str(name) for name in model.vocab.ids[mask]}
    history = model.vocab.ids[[3, 7]].tolist()
    answer = model.recommend(history, k=200, where=where, exact=exact)
    assert set(answer.ids) <= may
    every = model.recommend(history, k=200, exact=True)
    if exact:
        assert answer.ids == [name for name in every.ids if name in may]
    near = model.similar(history[0], k=200, where=where)
    plain = model.similar(history[0], k=200)
    assert near.ids == [name for name in plain.ids if name in may]
    new = model.similar({"brand": value_of(model, "brand")}, k=200, where=where)
    assert set(new.ids) == may


def test_the_fallback_keeps_to_the_filter(model: cw.Model) -> None:
    where = {"category": value_of(model, "category")}
    mask, _ = model.mask(where)
    assert mask is not None
    answer = model.recommend(["nope"], k=5, where=where, on_unknown="skip", fallback="popularity")
    ranked = sorted(np.flatnonzero(mask), key=lambda v: -model.vocab.counts[v])[:5]
    assert answer.ids == model.vocab.ids[ranked].tolist()
    assert "most popular" in answer.told()[1]
    none = model.recommend([model.vocab.ids[0]], where={"category": "no such"})
    assert len(none) == 0
    assert "no such" in none.told()[0]


def test_diversity_and_interests_of_a_model(model: cw.Model) -> None:
    history = model.vocab.ids[[3, 7, 50, 90]].tolist()
    plain, mixed = model.recommend(history, k=10), model.recommend(history, k=10, diversity=0.7)
    assert plain.ids[0] == mixed.ids[0]
    assert "likeness" in mixed.score
    assert model.recommend(history, k=10, diversity=0.0).ids == plain.ids
    likeness = [
        np.mean(
            [
                max(0, *(model.vectors.similarity(a, b) for b in one.ids[:at]))
                for at, a in enumerate(one.ids)
                if at
            ]
        )
        for one in (plain, mixed)
    ]
    assert likeness[1] < likeness[0]
    settings = model.recipe.changed({"recommend.interests": 3}).recommend
    rows = model.vocab.find(history)
    hits = model.recommender.with_settings(settings).recommend(rows, np.array([0, 4]), 10)
    assert model.recommend(history, k=10, interests=3).ids == model.vocab.ids[hits.ids[0]].tolist()
    for wrong in ({"diversity": 2.0}, {"interests": 0}, {"where": {"nope": 1}}):
        with pytest.raises(UsageError):
            model.recommend(history, **wrong)  # type: ignore[arg-type]


def test_reasons_name_what_of_the_history_they_stand_on(model: cw.Model) -> None:
    history = model.vocab.ids[[3, 7]].tolist()
    answer = model.recommend(history, k=5, explain=True)
    assert all(hit.reasons[-1].startswith("seen") for hit in answer)
    told = [reason for hit in answer for reason in hit.reasons if " with " in reason]
    assert told
    assert all(any(reason.endswith(f"with {item}") for item in history) for reason in told)


def test_on_the_command_line(shop_model: Path, model: cw.Model, capsys: pytest.CaptureFixture[str]) -> None:
    value, item = value_of(model, "category"), str(model.vocab.ids[3])
    words = ["recommend", str(shop_model), "--history", item, "--where", f"category={value}"]
    assert run([*words, "--where", "price<=3", "--diversity", "0.5", "--interests", "2"]) == 0
    out = capsys.readouterr().out.splitlines()[2:]
    wanted = model.recommend(
        [item], where={"category": value, "price": {"max": "3"}}, diversity=0.5, interests=2
    )
    assert [line.split("\t")[0] for line in out] == wanted.ids
    assert run(["similar", str(shop_model), item, "--where", f"category={value}"]) == 0
    assert f"\n{model.similar(item, where={'category': value}).ids[0]}\t" in capsys.readouterr().out
    for wrong, told in [("category", "NAME=VALUE"), ("colour=1", "colour"), ("price>=x", "'x'")]:
        assert run(["similar", str(shop_model), item, "--where", wrong]) == 2
        assert told in capsys.readouterr().err
