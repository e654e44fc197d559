"""The parts of an update against written arithmetic and slow twins."""

import numpy as np
import pytest
from learn_world import sessions_of

from cowalk.evaluate.queries import NextItemQueries
from cowalk.kernels import cooccur as kernels
from cowalk.learn import Learned
from cowalk.recall import CooccurrenceSettings, cooccurrence_lists, lists_of_part, merged_lists
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables.probe import Probe
from cowalk.updates.align import aligned, procrustes
from cowalk.updates.drift import drift, hits, neighbor_overlap
from cowalk.updates.probe import mixed
from reference import cooccur as twin


def rows(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def learned_of(seed: int, n: int = 30, d: int = 6) -> Learned:
    return Learned(
        "x", rows(n, d, seed), rows(n, d, seed + 1), rows(n, d, seed + 2), (rows(4, d, seed + 3),),
        np.full((n, 2), 0.5, dtype=np.float32), ("f",), (1.0,),
    )  # fmt: skip


def test_procrustes_finds_the_turn() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    still = rows(40, 6, 1)
    moved = (still @ turn.T).astype(np.float32)
    np.testing.assert_allclose(procrustes(moved, still), turn, atol=1e-5)
    weights = np.random.default_rng(2).random(40) + 0.1
    np.testing.assert_allclose(procrustes(moved, still, weights), turn, atol=1e-5)


def test_no_other_turn_is_nearer() -> None:
    moved, still = rows(30, 4, 3), rows(30, 4, 4)
    best = np.square(moved @ procrustes(moved, still) - still).sum()
    rng = np.random.default_rng(5)
    for _ in range(200):
        other = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        assert np.square(moved @ other - still).sum() >= best - 1e-4


def test_aligned_rows_keep_all_products() -> None:
    old, new = learned_of(0, 20), learned_of(10)
    found = aligned(new, old)
    np.testing.assert_allclose(found.vectors @ found.contexts.T, new.vectors @ new.contexts.T, atol=1e-4)
    np.testing.assert_allclose(found.own @ found.fields[0].T, new.own @ new.fields[0].T, atol=1e-4)
    before = np.square(new.vectors[:20] - old.vectors).sum()
    assert np.square(found.vectors[:20] - old.vectors).sum() < before


SETTINGS = CooccurrenceSettings(window=2, damping=0.5, before=0.5, neighbors=40)


def random_sessions(n: int, items: int, seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(items, size=rng.integers(1, 7)).tolist() for _ in range(n)]


def as_dicts(lists: object) -> list[dict[int, tuple[float, float]]]:
    out = []
    for v in range(len(lists)):  # type: ignore[arg-type]
        a, b = lists.offsets[v], lists.offsets[v + 1]  # type: ignore[attr-defined]
        values = zip(lists.scores[a:b].tolist(), lists.together[a:b].tolist(), strict=True)  # type: ignore[attr-defined]
        out.append(dict(zip(lists.ids[a:b].tolist(), values, strict=True)))  # type: ignore[attr-defined]
    return out


def test_the_lists_of_a_part_are_those_of_all_ids() -> None:
    sessions = sessions_of([[3, 7, 9], [9, 3], [21, 7, 3, 9]])
    small, whole = lists_of_part(sessions, 25, SETTINGS), cooccurrence_lists(sessions, 25, SETTINGS)
    assert as_dicts(small) == as_dicts(whole)


def test_merged_lists_are_those_of_the_whole_log() -> None:
    """With lists long enough that nothing is cut off; new items 12.. are only in the second part."""
    one, two = random_sessions(60, 12, 0), random_sessions(25, 15, 1)
    first, second = sessions_of(one), sessions_of(two)
    whole = sessions_of(one + two)
    counts = np.bincount(whole.items, minlength=15)
    found = merged_lists(
        cooccurrence_lists(first, 12, SETTINGS), lists_of_part(second, 15, SETTINGS), counts, SETTINGS
    )
    wanted = cooccurrence_lists(whole, 15, SETTINGS)
    for mine, theirs in zip(as_dicts(found), as_dicts(wanted), strict=True):
        assert mine.keys() == theirs.keys()
        for key, pair in mine.items():
            assert pair == pytest.approx(theirs[key], rel=1e-5)
    for v in range(15):
        scores = found.scores[found.offsets[v] : found.offsets[v + 1]]
        assert (np.diff(scores) <= 0).all()


def test_old_companions_fade_and_lists_stay_short() -> None:
    old = cooccurrence_lists(sessions_of([[0, 1]] * 4 + [[0, 2]] * 3), 4, SETTINGS)
    new = lists_of_part(sessions_of([[0, 3], [0, 3]]), 4, SETTINGS)
    counts = np.ones(4, dtype=np.int64)
    found = as_dicts(merged_lists(old, new, counts, SETTINGS, keep=0.5))
    assert {key: pair[1] for key, pair in found[0].items()} == {1: 2.0, 2: 1.5, 3: 2.0}
    short = merged_lists(old, new, counts, SETTINGS.model_copy(update={"neighbors": 2}), keep=0.5)
    assert short.ids[short.offsets[0] : short.offsets[1]].tolist() == [1, 3]  # ties by lower id


def test_merging_is_its_slow_twin_on_any_number_of_threads() -> None:
    old = cooccurrence_lists(sessions_of(random_sessions(60, 12, 2)), 12, SETTINGS)
    new = lists_of_part(sessions_of(random_sessions(20, 15, 3)), 15, SETTINGS)
    damps = np.maximum(np.arange(15), 1.0) ** 0.5
    found = []
    for kernel, workers in ((kernels.merge_lists, 1), (kernels.merge_lists, 2), (twin.merge_lists, 1)):
        ids = np.empty((15, 9), dtype=np.int32)
        scores, together = np.empty((15, 9), dtype=np.float32), np.empty((15, 9), dtype=np.float32)
        kernel(
            old.offsets, old.ids, old.together, 0.7, new.offsets, new.ids, new.together, damps, workers,
            ids, scores, together,
        )  # fmt: skip
        found.append((ids, scores, together))
    for fast in found[:2]:
        np.testing.assert_array_equal(fast[0], found[2][0])
        np.testing.assert_allclose(fast[1], found[2][1], rtol=1e-5)
        np.testing.assert_allclose(fast[2], found[2][2], rtol=1e-5)


def test_drift_by_hand() -> None:
    old = learned_of(0, 4, 2)
    old.vectors[:] = [[1, 0], [0, 1], [1, 1], [1, 0]]
    new = learned_of(1, 5, 2)
    new.vectors[:] = [[2, 0], [1, 0], [1, 1], [-1, 0], [5, 5]]
    found = drift(old, new, np.array([True, True, False, False]))
    assert found.cosine == pytest.approx((1 + 0 + 1 - 1) / 4)
    assert found.moved == pytest.approx(0.75)
    assert found.cosine_seen == pytest.approx(0.5)


def test_overlap_against_sorting() -> None:
    before, after = rows(40, 5, 6), rows(40, 5, 7)
    total = 0.0
    for v in range(40):
        near = []
        for table in (before, after):
            scores = table @ table[v]
            scores[v] = -np.inf
            near.append(set(np.argsort(-scores, kind="stable")[:20].tolist()))
        total += len(near[0] & near[1]) / 20
    assert neighbor_overlap(before, after) == pytest.approx(total / 40)
    assert neighbor_overlap(before, before) == 1.0
    assert neighbor_overlap(before[:1], after[:1]) == 1.0


def test_what_a_model_does_not_know_is_missed() -> None:
    """Queries over a larger vocabulary: unknown items leave the history, an unknown target is no hit."""
    eye = np.eye(30, dtype=np.float32)[:25]
    small = Recommender(
        eye, eye, np.zeros(25, dtype=np.int64), None, RecommendSettings(popularity=0.0, history=1)
    )
    queries = NextItemQueries(
        np.array([3, 27, 29, 4, 28], dtype=np.int32), np.array([0, 2, 3, 4, 5]),
        np.array([3, 3, 29, 28], dtype=np.int32), np.arange(4), 30,
    )  # fmt: skip
    assert hits(small, queries, k=1).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_probe_mixes_by_the_share_of_events() -> None:
    def probe(n: int, item: int) -> Probe:
        items = np.full(2 * n, item, dtype=np.int32)
        return Probe(
            items, np.arange(0, 2 * n + 1, 2), np.full(n, item, dtype=np.int32), np.zeros(0, np.int64)
        )

    found = mixed(probe(1000, 1), probe(1000, 2), 0.1)
    assert found is not None
    assert (len(found), int((found.targets == 2).sum())) == (1000, 100)
    assert found.offsets[-1] == len(found.items) == 2000
    assert len(mixed(probe(10, 1), probe(5, 2), 0.5) or []) == 15
    assert mixed(None, None, 0.5) is None
