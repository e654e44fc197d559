"""The word2vec family from fit to answer; a Huffman tree goes all the way without context rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cowalk as cw
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, UsageError
from cowalk.export import export
from cowalk.judging import judge_model
from cowalk.learn import LearnSettings
from cowalk.prepare.settings import ReadSettings, SessionSettings
from cowalk.settings import load_recipe

TINY: dict[str, Any] = {"vector_size": 8, "trials": 4, "workers": 2, "epochs": 1}


@pytest.mark.parametrize("recipe", ["word2vec", "cbow", "item2vec", "node2vec", "deepwalk"])
def test_every_recipe_fits_and_recommends(recipe: str, shop: SimulatedShop) -> None:
    more = {"num_walks": 2} if recipe in ("node2vec", "deepwalk") else {}
    model = cw.fit(str(shop.events), items=str(shop.items), recipe=recipe, **TINY, **more)
    first = str(model.vocab.ids[0])
    assert len(model.recommend([first], k=5).ids) == 5
    assert len(model.similar(first, k=5).ids) == 5
    assert np.isfinite(model.learned.vectors).all()


@pytest.fixture(scope="module")
def folder(shop: SimulatedShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tree") / "model"
    cw.fit(str(shop.events), items=str(shop.items), recipe="deepwalk", num_walks=2, out=out, **TINY)
    return out


def test_a_tree_is_saved_loaded_asked_and_judged(folder: Path, shop: SimulatedShop, tmp_path: Path) -> None:
    model = cw.load(folder, verify=True)
    assert model.learned.contexts.shape == (len(model.vocab), 0)
    assert (model.recipe.recommend.score, model.recipe.cold.score) == ("HH", "HH")
    assert "score" not in model.manifest["chosen"]["changes"]
    first = str(model.vocab.ids[0])
    assert len(model.recommend([first], k=5, exact=True).ids) == 5
    new = {"brand": str(model.side_info["brand"].labels[0])} if model.side_info else {}
    assert len(model.similar(new, k=3).ids) == 3
    assert model.inspect()["weights"]["own"]["mean"] == 1.0
    verdict = judge_model(model, protocols=("next-item", "cold", "link"))
    assert verdict.comparison.estimates("next-item", "recall@20")["deepwalk"].mean > 0
    export(model, "npz", "items", tmp_path / "items.npz")


def test_what_needs_context_rows_is_refused_in_words(folder: Path, tmp_path: Path) -> None:
    model = cw.load(folder)
    first = str(model.vocab.ids[0])
    with pytest.raises(UsageError, match="cosine, dot or l2"):
        model.similar(first, metric="context")
    with pytest.raises(UsageError, match="none per item"):
        export(model, "npz", "contexts", tmp_path / "contexts.npz")
    with pytest.raises(UsageError, match="score=HH"):
        _ = model.recommender.with_settings(model.recipe.recommend.model_copy(update={"score": "HZ"})).keys


def test_a_recipe_that_cannot_be_scored_or_learned_is_told_at_birth() -> None:
    with pytest.raises(UsageError, match=r"recommend\.score=HH and cold\.score=HH"):
        load_recipe("bge", {"objective": "hierarchical-softmax"})
    with pytest.raises(UsageError, match="input=mean or own"):
        load_recipe("eges", {"architecture": "cbow"})
    with pytest.raises(UsageError, match="sequences=sessions"):
        load_recipe("bge", {"pairs": "set"})
    with pytest.raises(UsageError, match="skip-gram"):
        load_recipe("word2vec", {"sg": 1})
    with pytest.raises(UsageError, match="hierarchical-softmax"):
        load_recipe("word2vec", {"hs": 1})


def test_a_bought_item_reaches_the_engine_from_the_weight_of_its_event() -> None:
    """u1 views a, b and buys b, then views c; u2 only views."""
    rows = [("u1", "a", "view", 1), ("u1", "b", "view", 2), ("u1", "b", "buy", 3), ("u1", "c", "view", 4),
            ("u2", "a", "view", 5), ("u2", "c", "view", 6)]  # fmt: skip
    log = {name: [row[c] for row in rows] for c, name in enumerate(("user_id", "item_id", "kind", "at"))}
    log["timestamp"] = [1_600_000_000 + at for at in log.pop("at")]
    events, _ = cw.read_events(
        pd.DataFrame(log),
        ReadSettings(event_column="kind", event_weights={"view": 1.0, "buy": 5.0}, time_unit="s"),
    )
    sessions, _ = cw.sessionize(events, SessionSettings(bought_weight=5.0))
    names = events.item_vocab.names(np.maximum(sessions.bought, 0))
    assert [name if code >= 0 else None for name, code in zip(names, sessions.bought, strict=True)] == [
        "b",
        None,
    ]
    assert sessions.times is not None
    np.testing.assert_array_equal(sessions.times, events.times)
    settings = LearnSettings(
        sequences="sessions",
        input="own",
        bought_context=True,
        weigh_events=True,
        time_scale=10.0,
        vector_size=4,
    )
    learned = cw.learn(sessions, events.item_vocab, settings)
    assert np.isfinite(learned.vectors).all()
    with pytest.raises(DataError, match="no event weighs so much"):
        cw.sessionize(events, SessionSettings(bought_weight=9.0))
