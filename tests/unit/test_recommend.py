"""The Recommender against its formula written in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import ragged, sessions_of

import cowalk.recommend
from cowalk.errors import UsageError
from cowalk.kernels import blend as kernels
from cowalk.recall import CooccurrenceSettings, cooccurrence_lists
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from reference import blend as twin

V = 12
RNG = np.random.default_rng(0)
VECTORS, CONTEXTS = RNG.normal(size=(2, V, 4)).astype(np.float32)
COUNTS = np.arange(V, 0, -1)
LISTS = cooccurrence_lists(
    sessions_of([RNG.integers(0, V, size=5).tolist() for _ in range(12)]),
    V,
    CooccurrenceSettings(neighbors=4, window=5, damping=0.3, before=1.0),
)
HISTORIES = [[0, 3, 5], [1], [], [2, 2, 7, 9, 1, 0], [11, 4], [6, 6]]
HISTORY = st.lists(st.integers(0, V - 1), max_size=6)


def recommender(**names: object) -> Recommender:
    return Recommender(VECTORS, CONTEXTS, COUNTS, LISTS, RecommendSettings.model_validate(names))


def written(history: list[int], s: RecommendSettings, medoid: int | None = None) -> np.ndarray:
    """float64[V]: cooccurrence log(cf / max cf + floor) + vector (h . key + popularity log(1 + count)).

    h is the weighted mean of the latest items, or the medoid's vector where one is given.
    """
    asked, keys = VECTORS.astype(float), CONTEXTS.astype(float)
    if s.score == "HH":
        asked = keys = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    latest = history[::-1][: s.history]
    weights = np.array([s.decay**back for back in range(len(latest))])
    h = weights @ asked[latest] / weights.sum() if latest else np.zeros(4)
    h = h if medoid is None else asked[medoid]
    near = (8 if s.score == "HH" else 1) * (keys @ h) + s.popularity * np.log(1 + COUNTS)
    cf = np.zeros(V)
    for back, v in enumerate(history[::-1][: s.cooccurrence_history]):
        row = slice(LISTS.offsets[v], LISTS.offsets[v + 1])
        cf[LISTS.ids[row]] += s.cooccurrence_decay**back * LISTS.scores[row]
    share = cf / cf.max() if cf.max() > 0 else cf
    if s.cooccurrence == 0:
        return near
    return s.cooccurrence * np.log(share + s.floor) + s.vector * near


KINDS = [
    {},
    {"score": "HH", "popularity": 0.0, "history": 1},
    {"vector": 0.0, "floor": 0.3, "cooccurrence_history": 1},
    {"cooccurrence": 0.4, "vector": 2.0, "decay": 1.0, "cooccurrence_decay": 0.2, "cooccurrence_history": 5},
    {"cooccurrence": 0.0, "popularity": 1.0},
]


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_exact_equals_the_formula(kind: dict[str, object], exclude: bool) -> None:
    asker = recommender(**kind)
    hits = asker.recommend(*ragged(HISTORIES), V, exclude_seen=exclude, exact=True)
    for q, history in enumerate(HISTORIES):
        score = written(history, asker.settings)
        allowed = [v for v in range(V) if not (exclude and v in history)]
        found = hits.ids[q][hits.ids[q] >= 0]
        assert sorted(found.tolist()) == allowed
        np.testing.assert_allclose(hits.scores[q, : len(found)], score[found], atol=1e-5)
        np.testing.assert_allclose(np.sort(score[allowed])[::-1], score[found], atol=1e-5)
        assert (hits.scores[q, len(found) :] == -np.inf).all()


@given(
    HISTORY, st.sampled_from([k for k in KINDS if k.get("vector") != 0.0]), st.booleans(), st.integers(1, V)
)
@settings(deadline=None, max_examples=40)
def test_two_full_lists_give_what_exact_gives(
    history: list[int], kind: dict[str, object], exclude: bool, k: int
) -> None:
    asker = recommender(**(kind | {"candidates": V}))
    exact, lists = (
        asker.recommend(*ragged([history]), k, exclude_seen=exclude, exact=way) for way in (True, False)
    )
    np.testing.assert_array_equal(exact.ids, lists.ids)
    np.testing.assert_allclose(exact.scores, lists.scores, rtol=1e-6)


@given(HISTORY, st.integers(1, 4), st.booleans())
@settings(deadline=None, max_examples=60)
def test_candidates_are_the_best_of_each_channel(history: list[int], candidates: int, exclude: bool) -> None:
    """With k below the candidates: exactly what the formula ranks best among both short lists."""
    asker = recommender(candidates=candidates)
    hits = asker.recommend(*ragged([history]), 1, exclude_seen=exclude)
    items, offsets = ragged([history])
    near = asker.with_settings(RecommendSettings(cooccurrence=0)).recommend(
        items, offsets, max(candidates, 1), exclude_seen=exclude
    )
    s = asker.settings
    sums = twin.sums_of(
        history, s.cooccurrence_history, s.cooccurrence_decay, LISTS.offsets, LISTS.ids, LISTS.scores
    )
    ranked = sorted(sums, key=lambda u: (-np.float32(sums[u]), u))[:candidates]
    chosen = {int(u) for u in near.ids[0] if u >= 0} | {u for u in ranked if not (exclude and u in history)}
    score = written(history, asker.settings)
    assert hits.ids[0, 0] in chosen
    assert hits.scores[0, 0] == pytest.approx(max(score[u] for u in chosen), abs=1e-5)


@pytest.mark.parametrize("allowed", [[], [True, False, True] * 4])
@pytest.mark.parametrize("exclude", [False, True])
def test_the_blend_equals_its_slow_twin(exclude: bool, allowed: list[bool]) -> None:
    items, offsets = ragged(HISTORIES)
    asker = recommender()
    near = RNG.integers(-1, V, size=(len(HISTORIES), 5)).astype(np.int32)
    lists = LISTS.offsets, LISTS.ids, LISTS.scores
    args = (
        items, offsets, 3, 0.7, *lists, asker.queries(items, offsets), asker.keys, asker.bias, near,
        np.array(allowed, dtype=bool), 3, 1.0, 0.02, 0.5, exclude, 1,
        np.zeros((1, V), np.float32), np.zeros((1, V), bool), np.empty((1, V), np.int32),
    )  # fmt: skip
    fast, slow = ((np.empty((6, 6), np.int32), np.empty((6, 6), np.float32)) for _ in range(2))
    args_of_heap = (*args[:12], 6, *args[13:])  # the kernel's own list is as long as the answer here
    kernels.blend(*args_of_heap, *fast)
    twin.blend(*args_of_heap, *slow)
    np.testing.assert_array_equal(fast[0], slow[0])
    np.testing.assert_allclose(fast[1], slow[1], atol=1e-5)
    assert not args[-3].any()
    assert not args[-2].any()
    tables = np.zeros((2, 6, V), np.float32)
    kernels.cooccurrence_scores(items, offsets, 3, 0.7, *lists, tables[0])
    twin.cooccurrence_scores(items, offsets, 3, 0.7, *lists, tables[1])
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-5)


def test_a_vanishing_decay_does_no_harm() -> None:
    """Weights below the smallest float are 0: the items they touch may be counted once only."""
    long = list(range(V)) * 40
    asker = recommender(cooccurrence_history=480, cooccurrence_decay=1e-6, candidates=V)
    hits = asker.recommend(*ragged([long]), V)
    assert sorted(hits.ids[0].tolist()) == list(range(V))
    np.testing.assert_allclose(hits.scores[0], written(long, asker.settings)[hits.ids[0]], atol=1e-5)


def test_seen_items_are_kept_or_dropped() -> None:
    for settings_say in (False, True):
        asker = recommender(exclude_seen=settings_say)
        for call_says in (None, False, True):
            hits = asker.recommend(*ragged(HISTORIES), V, exclude_seen=call_says)
            dropped = settings_say if call_says is None else call_says
            for history, ids in zip(HISTORIES, hits.ids, strict=True):
                assert (set(ids.tolist()) & set(history) == set()) or not dropped


def test_an_empty_history_gets_the_most_popular() -> None:
    hits = recommender().recommend(*ragged([[]]), 4)
    np.testing.assert_array_equal(hits.ids[0], [0, 1, 2, 3])  # counts fall with the row number


def test_scores_fall_and_what_is_missing_is_minus_1() -> None:
    for kind in KINDS:
        hits = recommender(**kind).recommend(*ragged(HISTORIES), V + 5)
        assert hits.ids.shape == (len(HISTORIES), V + 5)
        assert (hits.ids[:, V:] == -1).all()
        for ids, scores in zip(hits.ids, hits.scores, strict=True):
            found = ids >= 0
            assert (np.diff(scores[found]) <= 0).all()
            assert len(set(ids[found].tolist())) == found.sum()
            assert (scores[~found] == -np.inf).all()


def test_blocks_of_queries_give_the_same_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asker, (items, offsets) = recommender(candidates=5, exclude_seen=True), ragged(HISTORIES)
    whole = asker.recommend(items, offsets, 4)
    single = [asker.recommend(*ragged([history]), 4) for history in HISTORIES]
    np.testing.assert_array_equal(whole.ids, np.concatenate([hits.ids for hits in single]))
    np.testing.assert_allclose(whole.scores, np.concatenate([hits.scores for hits in single]), rtol=1e-5)
    monkeypatch.setattr(cowalk.recommend, "STEP", 4)
    np.testing.assert_array_equal(whole.ids, asker.recommend(items, offsets, 4).ids)


def test_no_queries_give_no_answers() -> None:
    assert len(recommender().recommend(*ragged([]), 3)) == 0


def test_without_lists_the_vectors_answer_alone() -> None:
    alone = Recommender(VECTORS, CONTEXTS, COUNTS, None, RecommendSettings())
    other = recommender(cooccurrence=0)
    np.testing.assert_array_equal(
        alone.recommend(*ragged(HISTORIES), 5).ids, other.recommend(*ragged(HISTORIES), 5).ids
    )


@pytest.mark.parametrize("k", [0, -1])
def test_k_must_be_at_least_1(k: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        recommender().recommend(*ragged(HISTORIES), k)


DAYS = np.array([0, 3, 9, 2, 0, 1, 1, 4, 6, 8, 5, 7, 3, 3]) * 86_400_000_000  # by event of HISTORIES


def test_age_and_rarity_weigh_the_history() -> None:
    asker = recommender(half_life=2.0, item_weights="idf", history=4, cooccurrence=0, popularity=0.0)
    items, offsets = ragged(HISTORIES)
    hits = asker.recommend(items, offsets, V, times=DAYS)
    rare = np.log1p(COUNTS.sum() / COUNTS)
    for q, history in enumerate(HISTORIES):
        age = (DAYS[offsets[q + 1] - 1] - DAYS[offsets[q] : offsets[q + 1]]) / 86_400_000_000
        steps = np.arange(len(history))[::-1]
        weights = np.where(steps < 4, 0.5**steps * 0.5 ** (age / 2) * rare[history], 0)
        query = weights @ VECTORS[history] / weights.sum() if history else np.zeros(4)
        score = CONTEXTS.astype(float) @ query
        np.testing.assert_allclose(hits.scores[q], np.sort(score)[::-1], atol=1e-5)
        if history:
            np.testing.assert_allclose(score[hits.ids[q]], hits.scores[q], atol=1e-5)


def test_a_half_life_without_times_is_told() -> None:
    with pytest.raises(UsageError, match="have no times"):
        recommender(half_life=1.0).recommend(*ragged(HISTORIES), 3)


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("kind", [{}, {"score": "HH"}, {"cooccurrence": 0.0}])
def test_interests_share_the_places(kind: dict[str, object], exclude: bool) -> None:
    """Each interest ranks the items by its medoid and its own items; places go by share / (given + 1)."""
    asker = recommender(interests=2, interest_distance=0.5, history=6, decay=0.9, candidates=V, **kind)
    items, offsets = ragged(HISTORIES)
    found = asker.interests(items, offsets)
    hits = asker.recommend(items, offsets, 5, exclude_seen=exclude)
    assert (np.diff(found.offsets) == 2).any()
    for q, history in enumerate(HISTORIES):
        mine = range(found.offsets[q], found.offsets[q + 1])
        lists = []
        for m in mine:
            own = items[found.events[found.event_offsets[m] : found.event_offsets[m + 1]]]
            score = written(own.tolist(), asker.settings, int(found.medoids[m]))
            lists.append([v for v in np.argsort(-score) if not (exclude and v in history)])
        got, given = [], [0] * len(lists)
        while lists and len(got) < 5:
            best = max(mine, key=lambda m: found.shares[m] / (given[m - mine[0]] + 1)) - mine[0]
            got.append(next(v for v in lists[best] if v not in got))
            given[best] += 1
        assert hits.ids[q].tolist() == got or not history


def test_one_interest_is_the_plain_history_for_one_item() -> None:
    """A history of one item has one interest, whose medoid is its only item: the same answer."""
    one, two = (recommender(interests=n, history=5).recommend(*ragged([[7], []]), 6) for n in (1, 3))
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_array_equal(one.scores[1], two.scores[1])


@pytest.mark.parametrize("kind", [{}, {"vector": 0.2}, {"cooccurrence": 0.0, "vector": 0.2}])
def test_a_lift_is_added_to_the_score(kind: dict[str, object]) -> None:
    plain = recommender(candidates=V, **kind)
    lift = np.where(np.arange(V) >= 9, 2.5, 0.0).astype(np.float32)
    lifted = Recommender(VECTORS, CONTEXTS, COUNTS, LISTS, plain.settings, lift)
    hits = [one.recommend(*ragged(HISTORIES), V, exact=True) for one in (plain, lifted)]
    scores = [dict(zip(h.ids[0].tolist(), h.scores[0].tolist(), strict=True)) for h in hits]
    for item in range(V):
        assert scores[1][item] - scores[0][item] == pytest.approx(lift[item], abs=1e-5)


@given(HISTORY, st.sets(st.integers(0, V - 1)), st.sampled_from(KINDS), st.booleans(), st.integers(1, V + 2))
@settings(deadline=None, max_examples=80)
def test_a_filter_leaves_order_and_scores_as_they_are(
    history: list[int], rows: set[int], kind: dict[str, object], exclude: bool, k: int
) -> None:
    """Exactly asked, the answer under a filter is the unfiltered one without what the filter drops."""
    asker = recommender(**kind)
    allowed = np.isin(np.arange(V), list(rows))
    every = asker.recommend(*ragged([history]), V, exclude_seen=exclude, exact=True)
    some = asker.recommend(*ragged([history]), k, exclude_seen=exclude, exact=True, allowed=allowed)
    wanted = [
        (v, s) for v, s in zip(every.ids[0].tolist(), every.scores[0].tolist(), strict=True) if v in rows
    ]
    found = some.ids[0] >= 0
    assert some.ids[0][found].tolist() == [v for v, _ in wanted][:k]
    np.testing.assert_allclose(some.scores[0][found], [s for _, s in wanted][:k], rtol=1e-5)


@pytest.mark.parametrize("interests", [1, 3])
@pytest.mark.parametrize("exact", [False, True])
def test_no_channel_and_no_interest_brings_what_is_not_allowed(interests: int, exact: bool) -> None:
    asker = recommender(history=6, interest_distance=0.5)
    for rows in ([], [4], [0, 3, 8], list(range(1, V))):
        allowed = np.isin(np.arange(V), rows)
        hits = asker.recommend(*ragged(HISTORIES), V, allowed=allowed, interests=interests, exact=exact)
        assert set(hits.ids.ravel().tolist()) - {-1} <= set(rows)
        assert not exact or all((ids >= 0).sum() == len(rows) for ids in hits.ids)


def test_a_request_may_set_its_number_of_interests() -> None:
    three = recommender(interests=3, interest_distance=0.5, history=6)
    asked = recommender(interest_distance=0.5, history=6).recommend(*ragged(HISTORIES), 5, interests=3)
    np.testing.assert_array_equal(three.recommend(*ragged(HISTORIES), 5).ids, asked.ids)
