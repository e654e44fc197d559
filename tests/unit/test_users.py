"""History vectors and interests by written arithmetic, and against scipy's Ward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import ragged
from scipy.cluster.hierarchy import fcluster, linkage

from cowalk.kernels import ward as kernels
from cowalk.tables import Hits
from cowalk.users import (
    event_factors,
    event_weights,
    history_vectors,
    interests_of,
    normalize,
    rarity,
    share_places,
)
from reference import ward as twin

VECTORS = np.array([[1, 0], [0, 1], [2, 2], [-4, 8]], dtype=np.float32)
DAY = 86_400_000_000
RNG = np.random.default_rng(1)
UNITS = normalize(RNG.normal(size=(30, 4)).astype(np.float32))
HISTORIES = [RNG.integers(0, 30, n).tolist() for n in (12, 1, 0, 25, 2, 7)]


def test_the_latest_weighs_most() -> None:
    items, offsets = ragged([[0, 1, 2], [3], [], [0, 0, 1, 2, 3]])
    found = history_vectors(VECTORS, items, offsets, last=2, decay=0.5)
    wanted = [
        [(2 + 0.5 * 0) / 1.5, (2 + 0.5 * 1) / 1.5],
        [-4, 8],
        [0, 0],
        [(-4 + 0.5 * 2) / 1.5, (8 + 0.5 * 2) / 1.5],
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert found.dtype == np.float32


def test_a_decay_of_1_is_the_plain_mean() -> None:
    items, offsets = ragged([[0, 1, 2, 3]])
    np.testing.assert_allclose(history_vectors(VECTORS, items, offsets, 9, 1.0), [VECTORS.mean(axis=0)])


def test_no_histories_give_no_rows() -> None:
    assert history_vectors(VECTORS, *ragged([]), 3, 0.5).shape == (0, 2)


def test_age_halves_and_rare_items_count_more() -> None:
    items, offsets = ragged([[0, 1, 3], [2], []])
    times = np.array([0, 4, 6, 9]) * DAY
    rare = rarity(np.array([50, 25, 20, 5]), "idf", 1e-3)
    assert rare is not None
    np.testing.assert_allclose(rare, np.log1p([2, 4, 5, 20]), rtol=1e-6)
    factors = event_factors(items, offsets, times, 2.0, rare)
    assert factors is not None
    age = np.array([2.0**-3, 2.0**-1, 1, 1])  # 6, 2, 0 days back, and the newest of the second
    np.testing.assert_allclose(factors, age * rare[items], rtol=1e-6)
    found = history_vectors(VECTORS, items, offsets, 2, 0.5, factors)
    w1, w3 = 0.5 * factors[1], factors[2]
    np.testing.assert_allclose(found[0], (w1 * VECTORS[1] + w3 * VECTORS[3]) / (w1 + w3), rtol=1e-6)
    np.testing.assert_allclose(found[1:], [[2, 2], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(event_weights(offsets, 2, 0.5, factors), [0, w1, w3, factors[3]], rtol=1e-6)


def test_smooth_inverse_frequency() -> None:
    np.testing.assert_allclose(rarity(np.array([90, 10, 0]), "sif", 0.1), [0.1, 0.5, 0.1 / 0.11], rtol=1e-6)
    assert rarity(np.array([3]), "equal", 0.1) is None
    assert event_factors(*ragged([[0]]), None, 0.0, None) is None


def test_a_half_life_does_not_depend_on_the_clock() -> None:
    items, offsets = ragged([[0, 1, 2, 3]])
    times = np.array([1, 5, 6, 30]) * DAY
    one, two = (event_factors(items, offsets, times + shift, 7.0, None) for shift in (0, 400 * DAY))
    np.testing.assert_array_equal(one, two)


def test_very_old_events_vanish_and_do_no_harm() -> None:
    items, offsets = ragged([[0, 1]])
    factors = event_factors(items, offsets, np.array([0, 10**6 * DAY]), 0.5, None)
    np.testing.assert_array_equal(history_vectors(VECTORS, items, offsets, 2, 1.0, factors), [[0, 1]])


def test_rows_at_length_1() -> None:
    found = normalize(np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [0, -1]])


@pytest.mark.parametrize(("last", "limit"), [(10, 0.8), (30, 1.2), (30, 0.0), (30, 9.0), (1, 1.0), (25, 0.4)])
def test_labels_equal_the_slow_twins(last: int, limit: float) -> None:
    items, offsets = ragged(HISTORIES)
    fast, slow = np.full((2, len(items)), -7, dtype=np.int32)
    kernels.ward_labels(UNITS, items, offsets, last, limit, fast)
    twin.ward_labels(UNITS, items, offsets, last, limit, slow)
    np.testing.assert_array_equal(fast, slow)


@given(st.integers(2, 40), st.floats(0.1, 3.0), st.integers(0, 999))
@settings(deadline=None, max_examples=40)
def test_labels_equal_scipys(n: int, limit: float, seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    items, offsets = ragged([list(range(n))])
    labels = np.empty(n, dtype=np.int32)
    kernels.ward_labels(rows, items, offsets, n, limit, labels)
    theirs = fcluster(linkage(rows.astype(float), "ward"), limit, "distance")
    np.testing.assert_array_equal(labels[:, None] == labels, theirs[:, None] == theirs)


def test_medoids_equal_the_slow_twins() -> None:
    items = RNG.integers(0, 30, 50).astype(np.int32)
    events, starts = RNG.permutation(50), np.array([0, 1, 3, 20, 50])
    fast, slow = np.full((2, 4), -1, dtype=np.int64)
    kernels.medoids(UNITS, items, events, starts, fast)
    twin.medoids(UNITS, items, events, starts, slow)
    np.testing.assert_array_equal(fast, slow)


def test_interests_by_hand() -> None:
    """Three items to the right, two up, one left: medoid, importance and order."""
    units = normalize(np.array([[9, 0], [9, 1], [9, -1], [0, 9], [1, 9], [-9, 0]], dtype=np.float32))
    items, offsets = ragged([[], [5, 0, 3, 1, 4, 2], [3]])
    weights = np.array([5, 1, 2, 1, 2, 1.5, 7], dtype=np.float32)
    found = interests_of(units, items, offsets, weights, 9, 2, 0.9)
    assert found.offsets.tolist() == [0, 0, 2, 3]
    assert found.medoids.tolist() == [5, 4, 3]  # left 5, up 2 + 2, right 3.5; of equals the later: 4
    np.testing.assert_allclose(found.shares, [5 / 9, 4 / 9, 1], rtol=1e-6)
    assert found.events.tolist() == [0, 2, 4, 6]
    assert found.event_offsets.tolist() == [0, 1, 3, 4]
    whole = interests_of(units, items, offsets, weights, 9, 9, 0.9)
    assert whole.medoids.tolist() == [5, 4, 0, 3]  # [9, 0] stands between [9, 1] and [9, -1]
    assert whole.events.tolist() == [0, 2, 4, 1, 3, 5, 6]


@given(st.integers(1, 6), st.integers(1, 30), st.floats(0.0, 2.0))
@settings(deadline=None, max_examples=40)
def test_interests_hold_every_event_once(most: int, last: int, distance: float) -> None:
    items, offsets = ragged(HISTORIES)
    weights = event_weights(offsets, last, 0.9)
    found = interests_of(UNITS, items, offsets, weights, last, most, distance)
    assert len(set(found.events.tolist())) == len(found.events)
    for q, history in enumerate(HISTORIES):
        mine = slice(found.offsets[q], found.offsets[q + 1])
        assert len(found.medoids[mine]) <= most
        assert set(found.medoids[mine].tolist()) <= set(history)
        assert found.shares[mine].sum() == pytest.approx(1 if history else 0, abs=1e-5)
        assert (np.diff(found.shares[mine]) <= 0).all()
    if most == 6 and distance == 2.0:
        assert len(found.events) == sum(min(len(history), last) for history in HISTORIES)


def test_places_are_shared_as_dhondt_does() -> None:
    """53, 30 and 17 of a hundred over 10 places: 6, 3, 1 by quotients 53/1, 30/1, 53/2, 53/3, 17/1 ..."""
    ids = np.arange(30, dtype=np.int32).reshape(3, 10)
    hits = Hits(ids, np.tile(np.arange(10, 0, -1, dtype=np.float32), (3, 1)))
    offsets, shares = np.array([0, 3]), np.array([0.53, 0.30, 0.17], dtype=np.float32)
    found = share_places(hits, offsets, shares, 10, None)
    quotients = sorted(
        ((s / n, -i) for i, s in enumerate(shares.tolist()) for n in range(1, 11)), reverse=True
    )[:10]
    np.testing.assert_allclose(found.scores[0], [s for s, _ in quotients], rtol=1e-6)
    assert [item // 10 for item in found.ids[0].tolist()] == [-i for _, i in quotients]
    assert np.bincount(found.ids[0] // 10).tolist() == [6, 3, 1]


def test_places_pass_to_others_when_a_list_ends() -> None:
    ids = np.array([[0, 1, -1], [1, 2, 3]], dtype=np.int32)
    hits = Hits(ids, np.array([[3, 2, -np.inf], [3, 2, 1]], dtype=np.float32))
    banned = np.array([3], dtype=np.int32), np.array([0, 1])
    found = share_places(hits, np.array([0, 2]), np.array([0.9, 0.1], dtype=np.float32), 5, banned)
    assert found.ids[0].tolist() == [0, 1, 2, -1, -1]  # 1 is there already, 3 is not to be found
    np.testing.assert_allclose(found.scores[0, :3], [0.9, 0.45, 0.1], rtol=1e-6)


def test_the_kernels_of_histories_equal_their_slow_twins() -> None:
    from cowalk.kernels import histories as kernels
    from reference import histories as twin

    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(15, 4)).astype(np.float32)
    items, offsets = rng.integers(0, 15, 20).astype(np.int32), np.array([0, 0, 1, 7, 20])
    for factors in (np.zeros(0, np.float32), rng.random(20).astype(np.float32)):
        for last, decay in ((3, 0.5), (40, 1.0)):
            fast, slow = np.full((2, 4, 4), np.nan, dtype=np.float32)
            kernels.mean_rows(vectors, items, offsets, last, decay, factors, fast)
            twin.mean_rows(vectors, items, offsets, last, decay, factors, slow)
            np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-6)
    ids = np.stack([rng.permutation(15)[:8] for _ in range(4)]).astype(np.int32)
    ids[2, 5:] = -1
    scores = np.sort(rng.random((4, 8)).astype(np.float32))[:, ::-1].copy()
    for k in (1, 5, 12):
        got, wanted = ((np.empty((4, k), np.int32), np.empty((4, k), np.float32)) for _ in range(2))
        kernels.leave_out(ids, scores, items, offsets, *got)
        twin.leave_out(ids, scores, items, offsets, *wanted)
        np.testing.assert_array_equal(got[0], wanted[0])
        np.testing.assert_array_equal(got[1], wanted[1])
