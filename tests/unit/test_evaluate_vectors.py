"""A recipe under judgement: scores by hand, the production recommender, and no leak through learning."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_world import ITEMS, catalogue, shop

from cowalk.evaluate import CompareSettings, FittedVectors, Ridge, VectorMethod, compare
from cowalk.evaluate.data import DataSettings, train_data
from cowalk.evaluate.methods import Fitted, default_choice
from cowalk.learn import LearnSettings, WalkSettings
from cowalk.recommend import Recommender

LEARN = LearnSettings(vector_size=8, window=3)
WALKS = WalkSettings(num_walks=4, walk_length=6)
HISTORY = (np.array([3, 1, 4, 1], dtype=np.int32), np.array([0, 3, 4]))


@pytest.fixture(scope="module")
def fitted() -> FittedVectors:
    train = train_data(shop(), catalogue(), DataSettings())
    return VectorMethod("eges", learn=LEARN, walks=WALKS).fit(train, seed=1, workers=1)


def test_link_scores_by_hand(fitted: FittedVectors) -> None:
    H, Z = fitted.learned.vectors.astype(float), fitted.learned.contexts.astype(float)
    pairs = np.array([[0, 5], [9, 2]], dtype=np.int32)
    assert fitted.link_scores(pairs, "HH") == pytest.approx([H[0] @ H[5], H[9] @ H[2]], abs=1e-5)
    assert fitted.link_scores(pairs, "HZ") == pytest.approx([H[0] @ Z[5], H[9] @ Z[2]], abs=1e-5)
    both = [H[0] @ Z[5] + H[5] @ Z[0], H[9] @ Z[2] + H[2] @ Z[9]]
    assert fitted.link_scores(pairs, "symmetric") == pytest.approx(both, abs=1e-5)


def test_answers_are_those_of_production(fitted: FittedVectors) -> None:
    choice = default_choice(fitted.space("next-item"))
    recommender = fitted.recommender(choice)
    assert isinstance(recommender, Recommender)
    assert recommender.settings == fitted.method.recommend
    mine = fitted.recommend(*HISTORY, 5, False, choice)
    assert np.array_equal(mine.ids, recommender.recommend(*HISTORY, 5, exclude_seen=False).ids)
    alone = replace(fitted, method=replace(fitted.method, lists=False))
    assert alone.recommender(choice).lists is None
    assert "window" not in alone.space("next-item")


def test_cold_candidates_stand_behind_the_warm(fitted: FittedVectors) -> None:
    fields = tuple(field.take(np.arange(5)) for field in fitted.train.side_info.fields)
    choice = default_choice(fitted.space("cold-candidates"))
    hits = fitted.cold_candidates(*HISTORY, fields, 5, ITEMS + 5, choice)
    assert sorted(hits.ids[0].tolist()) == list(range(ITEMS + 5))  # every candidate is ranked
    many = fitted.cold_candidates(*HISTORY, fields, 5, ITEMS + 5, {**choice, "cold_lift": 3.0})
    place = [int(np.flatnonzero(row == ITEMS)[0]) for row in (hits.ids[0], many.ids[0])]
    assert place[1] <= place[0]  # a larger lift never moves a cold item back
    scores = fitted.cold_scores(fields, 5, default_choice(fitted.space("cold")))
    assert scores.shape == (5, ITEMS)


def test_recipes_and_ridge_beat_chance() -> None:
    methods = [
        VectorMethod("bge", learn=LEARN.model_copy(update={"input": "own"}), walks=WALKS, lists=False),
        VectorMethod("eges", learn=LEARN, walks=WALKS),
        Ridge(LEARN, WALKS),
    ]
    found = compare(methods, shop(), catalogue(), settings=CompareSettings(trials=3), workers=1)
    assert found.estimates("next-item", "recall@10")["eges"].low > 0.4
    assert found.estimates("cold", "auc matched")["eges"].mean > 0.7
    assert found.estimates("cold", "auc matched")["ridge-bge"].mean > 0.7
    assert {"bge HH", "bge HZ", "bge symmetric", "eges symmetric"} <= set(found.entries["link"])
    assert found.estimates("link", "auc matched")["eges symmetric"].mean > 0.7


def test_no_leak_through_learning() -> None:
    events = shop()
    latest = events.times >= np.sort(events.times)[round(0.9 * len(events))]
    items = events.items.copy()
    items[latest] = np.random.default_rng(5).integers(ITEMS, size=latest.sum())
    kept = []

    def keep(_, fitted) -> None:
        kept.append(fitted.learned)

    chosen = []
    for log in (events, replace(events, items=items)):
        found = compare(
            [VectorMethod("eges", learn=LEARN, walks=WALKS)], log, catalogue(), protocols=("next-item",),
            settings=CompareSettings(trials=3), workers=1, watch=keep,
        )  # fmt: skip
        chosen.append(found.entries["next-item"]["eges"].chosen)
    assert chosen[0] == chosen[1]
    for name in ("vectors", "contexts", "own", "weights"):
        assert np.array_equal(getattr(kept[0], name), getattr(kept[1], name))


def test_the_same_rows_are_learned_once(fitted: FittedVectors) -> None:
    method = fitted.method
    alone = replace(method, name="alone", lists=False)
    again = alone.again(fitted)
    assert again is not None
    assert again.method is alone
    assert again.learned is fitted.learned
    other = replace(method, learn=method.learn.model_copy(update={"window": method.learn.window + 1}))
    assert other.again(fitted) is None
    assert method.again(Fitted()) is None
