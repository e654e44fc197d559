"""Co-occurrence lists against counting every pair, and exact search against a sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import sessions_of

from cowalk.errors import UsageError
from cowalk.kernels import cooccur
from cowalk.recall import CooccurrenceLists, CooccurrenceSettings, cooccurrence_lists, exact, top_k
from reference import cooccur as lists_twin
from reference import topk as topk_twin

LOGS = st.lists(st.lists(st.integers(0, 6), max_size=8), min_size=1, max_size=8)


def lists_of(rows: list[list[int]], n_items: int = 7, **names: object) -> CooccurrenceLists:
    return cooccurrence_lists(sessions_of(rows), n_items, CooccurrenceSettings.model_validate(names))


def neighbors(lists: CooccurrenceLists, v: int) -> list[tuple[int, float]]:
    row = slice(lists.offsets[v], lists.offsets[v + 1])
    return list(zip(lists.ids[row].tolist(), lists.together[row].tolist(), strict=True))


@given(
    LOGS,
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(1, 9),
)
@settings(deadline=None, max_examples=60)
def test_lists_equal_the_slow_twin(
    rows: list[list[int]], window: int, before: float, damping: float, n: int
) -> None:
    sessions = sessions_of(rows)
    lists = lists_of(rows, window=window, before=before, damping=damping, neighbors=n)
    width, lengths = min(n, 6), np.diff(sessions.offsets)
    ids = np.empty((7, width), np.int32)
    scores, together = np.empty((2, 7, width), np.float32)
    lists_twin.neighbor_lists(
        sessions.items, np.repeat(sessions.offsets[:-1], lengths), np.repeat(sessions.offsets[1:], lengths),
        None, None, window, before, damping, 1, ids, scores, together,
    )  # fmt: skip
    kept = ids >= 0
    np.testing.assert_array_equal(np.diff(lists.offsets), kept.sum(axis=1))
    np.testing.assert_allclose(lists.scores, scores[kept], rtol=1e-5)
    if damping in (0.0, 1.0):  # square roots may differ in the last digit, and ties with them
        np.testing.assert_array_equal(lists.ids, ids[kept])
        np.testing.assert_array_equal(lists.together, together[kept])


@given(st.lists(st.integers(0, 6), max_size=20))
@settings(deadline=None)
def test_places_equal_the_slow_twin(items: list[int]) -> None:
    array = np.array(items, dtype=np.int32)
    starts = np.append(0, np.cumsum(np.bincount(array, minlength=7))).astype(np.int64)
    fast, slow = np.empty(len(items), np.int64), np.empty(len(items), np.int64)
    cooccur.places_by_item(array, starts, fast)
    lists_twin.places_by_item(array, starts, slow)
    np.testing.assert_array_equal(fast, slow)


def test_scores_by_written_arithmetic() -> None:
    """0 stands 3 times, 1 twice, 2 once; 0 and 1 are together twice, 0 and 2 once."""
    lists = lists_of([[0, 1], [1, 0], [0, 2]], 3, damping=0.5, before=1.0)
    assert neighbors(lists, 0) == [(1, 2.0), (2, 1.0)]
    np.testing.assert_allclose(lists.scores[:2], [2 / np.sqrt(6), 1 / np.sqrt(3)], rtol=1e-6)


def test_ties_go_to_the_lower_id() -> None:
    lists = lists_of([[3, 5], [3, 1], [3, 4], [3, 2]], damping=0)
    assert [u for u, _ in neighbors(lists, 3)] == [1, 2, 4, 5]


def test_before_weighs_what_came_before() -> None:
    rows = [[0, 1, 2]]
    assert neighbors(lists_of(rows, before=0), 1) == [(2, 1.0)]
    assert neighbors(lists_of(rows, before=0.5), 1) == [(2, 1.0), (0, 0.5)]
    assert neighbors(lists_of(rows, before=0), 2) == []


def test_lists_are_cut_after_the_best() -> None:
    rows = [[0, 1]] * 3 + [[0, 2]] * 2 + [[0, 3]]
    assert neighbors(lists_of(rows, neighbors=2, damping=0), 0) == [(1, 3.0), (2, 2.0)]


def test_the_window_ends_where_the_session_ends() -> None:
    lists = lists_of([[0, 1], [2, 3]], window=5)
    assert [[u for u, _ in neighbors(lists, v)] for v in range(4)] == [[1], [0], [3], [2]]


SCORES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0])


@given(st.data(), st.integers(1, 4), st.integers(1, 9), st.integers(1, 12))
@settings(deadline=None, max_examples=80)
def test_top_k_equals_a_sort(data: st.DataObject, queries: int, items: int, k: int) -> None:
    """A query is a unit vector and a key one item's scores, so that the product is the table drawn here."""
    row = st.lists(SCORES, min_size=items, max_size=items)
    table = np.array(data.draw(st.lists(row, min_size=queries, max_size=queries)), dtype=np.float32)
    banned = [data.draw(st.lists(st.integers(0, items - 1), max_size=items)) for _ in range(queries)]
    bias = np.where(np.isinf(table[0]), table[0], 0).astype(np.float32)  # -inf cannot pass through a product
    finite = np.where(np.isinf(table), np.float32(-9), table)
    exclude = (
        np.array([v for b in banned for v in b], np.int32),
        np.append(0, np.cumsum([len(b) for b in banned])),
    )
    hits = top_k(
        np.eye(queries, dtype=np.float32), np.ascontiguousarray(finite.T), k, bias=bias, exclude=exclude
    )
    assert hits.ids.shape == (queries, k)
    for q in range(queries):
        scores = {v: float(finite[q, v] + bias[v]) for v in range(items) if v not in banned[q]}
        best = topk_twin.best(scores, k)
        assert hits.ids[q].tolist() == [v for v, _ in best] + [-1] * (k - len(best))
        assert hits.scores[q].tolist() == [s for _, s in best] + [-np.inf] * (k - len(best))


def test_the_kernel_leaves_out_nan_and_minus_infinity() -> None:
    from cowalk.kernels import topk

    table = np.array([[np.nan, 1.0, -np.inf, 3.0], [-np.inf] * 4], dtype=np.float32)
    fast, slow = ((np.empty((2, 3), np.int32), np.empty((2, 3), np.float32)) for _ in range(2))
    topk.top_k_rows(table, *fast)
    topk_twin.top_k_rows(table, *slow)
    np.testing.assert_array_equal(fast[0], [[3, 1, -1], [-1, -1, -1]])
    np.testing.assert_array_equal(fast[0], slow[0])
    np.testing.assert_array_equal(fast[1], slow[1])


def test_blocks_of_queries_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, keys = (rng.normal(size=(n, 4)).astype(np.float32) for n in (11, 20))
    exclude = rng.integers(0, 20, 55).astype(np.int32), np.cumsum(np.arange(11 + 1)) * 55 // 66
    whole = top_k(queries, keys, 5, exclude=exclude)
    monkeypatch.setattr(exact, "ROOM", 60)
    parts = top_k(queries, keys, 5, exclude=exclude)
    np.testing.assert_array_equal(whole.ids, parts.ids)
    np.testing.assert_allclose(whole.scores, parts.scores, rtol=1e-5)


@pytest.mark.parametrize("k", [2.5, "3", None])
def test_k_is_a_whole_number(k: object) -> None:
    with pytest.raises(UsageError, match=r"k must be a whole number, not"):
        top_k(np.ones((1, 2), np.float32), np.ones((3, 2), np.float32), k)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [0, -3])
def test_k_must_be_at_least_1(k: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        top_k(np.ones((2, 3), np.float32), np.ones((4, 3), np.float32), k)


@pytest.mark.parametrize("few", [1, 1000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_what_is_not_allowed_is_not_found(few: int, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out or closed, whatever is not allowed is left out: as a sort of the allowed ones says."""
    monkeypatch.setattr("cowalk.tables.search.FEW", few)
    rng = np.random.default_rng(1)
    queries, keys = (rng.normal(size=(n, 4)).astype(np.float32) for n in (7, 40))
    bias, allowed = rng.normal(size=40).astype(np.float32), rng.random(40) < share
    banned, ends = rng.integers(0, 40, 35).astype(np.int32), np.arange(8) * 5
    hits = top_k(queries, keys, 6, bias=bias, exclude=(banned, ends), allowed=allowed)
    table = queries.astype(float) @ keys.T + bias
    for q in range(7):
        may = [v for v in np.flatnonzero(allowed) if v not in banned[ends[q] : ends[q + 1]]]
        best = sorted(may, key=lambda v: -table[q, v])[:6]
        assert hits.ids[q].tolist() == best + [-1] * (6 - len(best))
        np.testing.assert_allclose(hits.scores[q, : len(best)], table[q, best], rtol=1e-4, atol=1e-5)
