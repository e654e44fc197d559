"""What every index keeps to, whatever its kind: neighbours, scores, ties, filters, changes, errors, files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.kinds import KINDS, METRICS, Kind
from cowalk.errors import UsageError
from cowalk.recall import Index, opened
from cowalk.tables import Hits
from cowalk.types import AnyArray

SIZE, WIDTH, CLUSTERS = 2000, 16, 30
kinds = pytest.mark.parametrize("kind", KINDS, ids=str)
metrics = pytest.mark.parametrize("metric", METRICS)


def clustered(seed: int, size: int = SIZE) -> tuple[AnyArray, AnyArray]:
    """Vectors in clusters, of lengths that differ, and queries from the same clusters."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).normal(size=(CLUSTERS, WIDTH))
    vectors = centers[rng.integers(CLUSTERS, size=size)] + 0.4 * rng.normal(size=(size, WIDTH))
    vectors *= rng.lognormal(0, 0.2, size=(size, 1))
    queries = centers[rng.integers(CLUSTERS, size=60)] + 0.4 * rng.normal(size=(60, WIDTH))
    return vectors.astype(np.float32), queries.astype(np.float32)


def all_scores(vectors: AnyArray, queries: AnyArray, metric: str) -> AnyArray:
    """float64[Q, V] by the definition of the metric."""
    v, q = np.asarray(vectors, np.float64), np.asarray(queries, np.float64)
    if metric == "l2":
        return -np.linalg.norm(q[:, None] - v[None], axis=2)
    if metric == "ip":
        return q @ v.T
    long = np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(v, axis=1)[None]
    return q @ v.T / np.maximum(long, 1e-12)


def truth(scores: AnyArray, k: int, allowed: AnyArray | None = None) -> AnyArray:
    """int[Q, k]: the best of the rows that may answer, ties by lower row, -1 behind them."""
    masked = scores if allowed is None else np.where(allowed, scores, -np.inf)
    order = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    out = np.full((len(scores), k), -1)
    out[:, : order.shape[1]] = np.where(np.isfinite(np.take_along_axis(masked, order, axis=1)), order, -1)
    return out


def recall(hits: Hits, wanted: AnyArray) -> float:
    """Share of the true neighbours that were found; 1 where there are none."""
    if not (wanted >= 0).any():
        return 1.0
    found = [len(set(a[a >= 0]) & set(b[b >= 0])) for a, b in zip(hits.ids, wanted, strict=True)]
    return sum(found) / int((wanted >= 0).sum())


def check_scores(hits: Hits, scores: AnyArray) -> None:
    """Scores are those of the rows found; -1 and -inf stand behind; no row stands twice."""
    for ids, told, row in zip(hits.ids, hits.scores, scores, strict=True):
        found = ids[ids >= 0]
        assert len(np.unique(found)) == len(found)
        np.testing.assert_allclose(told[: len(found)], row[found], rtol=2e-5, atol=2e-5)
        assert (ids[len(found) :] == -1).all()
        assert np.isneginf(told[len(found) :]).all()


@kinds
@metrics
@pytest.mark.parametrize("k", [1, 30])
def test_the_true_neighbours_are_found(kind: Kind, metric: str, k: int) -> None:
    vectors, queries = clustered(1)
    index = kind.build(vectors, metric)
    assert (len(index), index.size, index.dimension, index.metric) == (SIZE, SIZE, WIDTH, metric)
    hits = index.search(queries, k)
    assert hits.ids.shape == hits.scores.shape == (60, k)
    assert hits.ids.dtype == np.int32
    assert hits.scores.dtype == np.float32
    scores = all_scores(vectors, queries, metric)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, k)) >= kind.recall
    assert index.abilities.exact == (kind.recall == 1.0)


@kinds
def test_a_zero_vector_is_like_nothing(kind: Kind) -> None:
    vectors, queries = clustered(2, 800)
    vectors[17] = 0
    index = kind.build(vectors, "cosine")
    whole = index.search(queries, 800)
    scores = all_scores(vectors, queries, "cosine")
    check_scores(whole, scores)
    assert all(score == 0 for score in whole.scores[whole.ids == 17])
    assert recall(index.search(queries, 5), truth(scores, 5)) >= kind.recall - 0.05
    assert np.isfinite(index.search(np.zeros((1, WIDTH), np.float32), 3).scores).all()


@kinds
@metrics
def test_ties_go_to_the_lower_row(kind: Kind, metric: str) -> None:
    vectors, queries = clustered(3)
    twice = np.concatenate([vectors[:1000], vectors[:1000]])
    index = kind.build(twice, metric)
    hits = index.search(queries, 6)
    for ids, scores in zip(hits.ids, hits.scores, strict=True):
        for place in range(5):
            assert scores[place] > scores[place + 1] or (
                scores[place] == scores[place + 1] and ids[place] < ids[place + 1]
            )
    pairs = sum((ids[ids < 1000][:2] + 1000 == ids[ids >= 1000][:2]).all() for ids in hits.ids)
    assert pairs >= 0.9 * len(hits)


@kinds
def test_more_than_there_are(kind: Kind) -> None:
    vectors, queries = clustered(4, 200)
    index = kind.build(vectors, "ip")
    hits = index.search(queries, 300)
    assert hits.ids.shape == (60, 300)
    assert [sorted(row) for row in hits.ids[:, :200].tolist()] == [list(range(200))] * 60
    assert (hits.ids[:, 200:] == -1).all()
    assert np.isneginf(hits.scores[:, 200:]).all()


@kinds
@metrics
@pytest.mark.parametrize("share", [0.0, 0.003, 0.1, 0.6])
def test_only_allowed_rows_answer(kind: Kind, metric: str, share: float) -> None:
    vectors, queries = clustered(5)
    index = kind.build(vectors, metric)
    allowed = np.random.default_rng(0).random(SIZE) < share
    hits = index.search(queries, 10, allowed=allowed)
    assert allowed[hits.ids[hits.ids >= 0]].all()
    assert ((hits.ids >= 0).sum(axis=1) == min(10, allowed.sum())).all()
    scores = all_scores(vectors, queries, metric)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, 10, allowed)) >= kind.recall - 0.02 * (kind.recall < 1)


@kinds
def test_a_filter_far_from_the_query(kind: Kind) -> None:
    """Those who may answer all lie elsewhere: an index that looks near the query alone finds none."""
    vectors, queries = clustered(6)
    index = kind.build(vectors, "cosine")
    scores = all_scores(vectors, queries, "cosine")
    allowed = scores[0] < np.quantile(scores[0], 0.3)
    hits = index.search(queries[:1], 10, allowed=allowed)
    assert (hits.ids >= 0).all()
    assert allowed[hits.ids[0]].all()
    check_scores(hits, scores[:1])


@kinds
@metrics
@pytest.mark.parametrize("share", [0.05, 0.6])
def test_removed_rows_never_answer(kind: Kind, metric: str, share: float) -> None:
    vectors, queries = clustered(7)
    index = kind.build(vectors, metric)
    gone = np.random.default_rng(1).permutation(SIZE)[: int(share * SIZE)].astype(np.int32)
    for part in np.array_split(gone, 2):
        index.remove(part)
    assert (len(index), index.size) == (SIZE - len(gone), SIZE)
    alive = np.ones(SIZE, bool)
    alive[gone] = False
    hits = index.search(queries, 10)
    assert alive[hits.ids].all()
    scores = all_scores(vectors, queries, metric)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, 10, alive)) >= kind.recall - 0.02 * (kind.recall < 1)
    allowed = np.random.default_rng(2).random(SIZE) < 0.5
    both = index.search(queries, 10, allowed=allowed)
    assert (alive & allowed)[both.ids[both.ids >= 0]].all()


@kinds
@metrics
def test_replaced_rows_answer_by_their_new_vectors(kind: Kind, metric: str) -> None:
    vectors, queries = clustered(8)
    index = kind.build(vectors, metric)
    rows = np.random.default_rng(3).permutation(SIZE)[:700].astype(np.int32)
    now = vectors.copy()
    now[rows] = clustered(80)[0][:700]
    index.replace(rows[:300], now[rows[:300]])
    index.replace(rows[300:], now[rows[300:]])
    assert (len(index), index.size) == (SIZE, SIZE)
    scores = all_scores(now, queries, metric)
    hits = index.search(queries, 10)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, 10)) >= kind.recall - 0.02 * (kind.recall < 1)


@kinds
@metrics
def test_added_rows_are_found(kind: Kind, metric: str) -> None:
    vectors, queries = clustered(10)
    index = kind.build(vectors[:1000], metric)
    rows = [index.add(part) for part in (vectors[1000:1001], vectors[1001:1200], vectors[1200:])]
    assert np.concatenate(rows).tolist() == list(range(1000, SIZE))
    assert len(index) == index.size == SIZE
    scores = all_scores(vectors, queries, metric)
    hits = index.search(queries, 10)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, 10)) >= kind.recall - 0.02 * (kind.recall < 1)


@kinds
@metrics
def test_longer_vectors_than_any_before_may_be_added(kind: Kind, metric: str) -> None:
    vectors, queries = clustered(11, 1500)
    index = kind.build(vectors, metric)
    long = 5 * clustered(12, 100)[0]
    index.add(long)
    both = np.concatenate([vectors, long])
    scores = all_scores(both, queries, metric)
    hits = index.search(queries, 10)
    check_scores(hits, scores)
    assert recall(hits, truth(scores, 10)) >= (1.0 if kind.recall == 1 else kind.outliers)


@kinds
def test_nobody_else_changes_the_vectors(kind: Kind) -> None:
    vectors, queries = clustered(13, 500)
    given_once = vectors.copy()
    index = kind.build(vectors, "ip")
    before = index.search(queries, 5)
    vectors[:] = 0
    np.testing.assert_array_equal(index.search(queries, 5).ids, before.ids)
    vectors[:] = given_once
    index.replace(np.array([0], np.int32), 9 * given_once[:1])
    np.testing.assert_array_equal(vectors, given_once)


def through_a_file(index: Index) -> Index:
    """The index opened from what it stores, its arrays read-only as from a memory map."""
    told, arrays = index.stored()
    copies = {name: array.copy() for name, array in arrays.items()}
    for array in copies.values():
        array.flags.writeable = False
    import json

    return opened(json.loads(json.dumps(dict(told))), copies)


@kinds
@metrics
def test_saved_is_loaded(kind: Kind, metric: str) -> None:
    vectors, queries = clustered(14, 1200)
    index = kind.build(vectors, metric)
    index.add(clustered(15, 300)[0])
    index.remove(np.arange(40, 80, dtype=np.int32))
    index.replace(np.arange(3, dtype=np.int32), vectors[5:8])
    back = through_a_file(index)
    assert (back.kind, len(back), back.size, back.metric) == (index.kind, len(index), index.size, metric)
    one, two = index.search(queries, 10), back.search(queries, 10)
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_array_equal(one.scores, two.scores)
    for either in (index, back):  # a loaded one goes on as the first would
        either.remove(np.array([100], np.int32))
        assert either.add(vectors[:2]).tolist() == [1500, 1501]
    assert len(back) == len(index)
    assert 100 not in back.search(vectors[100:101], 20).ids


@kinds
def test_threads_change_nothing(kind: Kind) -> None:
    vectors, queries = clustered(16)
    index = kind.build(vectors, "cosine")
    one, two = (index.search(queries, 10, workers=workers) for workers in (1, 2))
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_array_equal(one.scores, two.scores)
    alone = [index.search(queries[i : i + 1], 10).ids[0] for i in range(10)]
    np.testing.assert_array_equal(one.ids[:10], alone)


@kinds
@pytest.mark.parametrize(
    ("queries", "k", "words"),
    [
        (np.ones((2, WIDTH + 1)), 5, rf"queries must be \[N, {WIDTH}\], not \[2, {WIDTH + 1}\]"),
        (np.ones(WIDTH), 5, r"must be \[N, "),
        (np.full((2, WIDTH), np.nan), 5, "queries: row 0 holds numbers that are not finite"),
        (np.full((2, WIDTH), np.inf), 5, "not finite"),
        (np.ones((2, WIDTH)), 0, "k must be at least 1, not 0"),
        (np.ones((2, WIDTH)), -1, "k must be at least 1, not -1"),
    ],
)
def test_bad_questions_are_told(kind: Kind, queries: AnyArray, k: int, words: str) -> None:
    index = kind.build(clustered(17, 100)[0], "cosine")
    with pytest.raises(UsageError, match=words):
        index.search(queries.astype(np.float32), k)


@kinds
def test_bad_changes_are_told_and_nothing_changes(kind: Kind) -> None:
    vectors, queries = clustered(18, 300)
    index = kind.build(vectors, "ip")
    before = index.search(queries, 5)
    bad: Any = np.full((1, WIDTH), np.nan, np.float32)
    first = np.zeros(1, np.int32)
    for call, words in (
        (lambda: index.add(bad), "not finite"),
        (lambda: index.add(np.ones((1, 3), np.float32)), r"must be \[N, 16\]"),
        (lambda: index.replace(first, bad), "not finite"),
        (lambda: index.replace(first, vectors[:2]), "1 rows but 2 vectors"),
        (lambda: index.remove(np.array([300], np.int32)), "row 300 is not in the index"),
        (lambda: index.remove(np.array([-1], np.int32)), "row -1 is not in the index"),
        (lambda: index.remove(np.array([4, 4], np.int32)), "row 4 stands twice"),
        (lambda: index.search(queries, 5, allowed=np.ones(299, bool)), r"allowed must be bool\[300\]"),
    ):
        with pytest.raises(UsageError, match=words):
            call()
    np.testing.assert_array_equal(index.search(queries, 5).ids, before.ids)
    index.remove(first)
    with pytest.raises(UsageError, match="row 0 was removed"):
        index.remove(first)
    with pytest.raises(UsageError, match="row 0 was removed"):
        index.replace(first, vectors[:1])
    with pytest.raises(UsageError, match="metric is 'hamming'"):
        kind.build(vectors, "hamming")
    with pytest.raises(UsageError, match="at least one vector"):
        kind.build(np.zeros((0, 4), np.float32), "ip")


@kinds
def test_nothing_is_left(kind: Kind) -> None:
    vectors, queries = clustered(19, 50)
    index = kind.build(vectors, "l2")
    index.remove(np.arange(50, dtype=np.int32))
    assert len(index) == 0
    assert (index.search(queries, 3).ids == -1).all()
    index.add(vectors[:2])
    assert set(index.search(queries, 3).ids.ravel().tolist()) == {50, 51, -1}


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "replace"]), st.integers(0, 2**31), st.integers(1, 40)),
    min_size=1,
    max_size=6,
)


@kinds
@given(steps=STEPS, metric=st.sampled_from(METRICS))
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])
def test_any_changes_leave_what_a_plain_table_holds(kind: Kind, steps: list[Any], metric: str) -> None:
    start, queries = clustered(20, 300)
    index, table, alive = kind.build(start, metric), start.copy(), np.ones(300, bool)
    for what, seed, count in steps:
        rng = np.random.default_rng(seed)
        living = np.flatnonzero(alive)
        rows = rng.permutation(living)[:count].astype(np.int32)
        if what == "add":
            more = clustered(seed, count)[0]
            assert index.add(more).tolist() == list(range(len(table), len(table) + count))
            table, alive = np.concatenate([table, more]), np.append(alive, np.ones(count, bool))
        elif what == "remove":
            index.remove(rows)
            alive[rows] = False
        else:
            table[rows] = clustered(seed, SIZE)[0][: len(rows)]
            index.replace(rows, table[rows])
    scores = all_scores(table, queries, metric)
    hits = index.search(queries, 10)
    check_scores(hits, scores)
    assert alive[hits.ids].all()
    assert recall(hits, truth(scores, 10, alive)) >= kind.recall - 0.1 * (kind.recall < 1)
