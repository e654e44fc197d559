"""k-means against planted clusters and a written optimum; newcomers of a simulated second domain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st

from cowalk.domains import DomainBridge
from cowalk.errors import DataError, UsageError
from cowalk.kmeans import kmeans
from cowalk.tables import Events, Vectors, Vocab
from cowalk.users import normalize

TASTES, PER_TASTE, ITEMS = 5, 40, 30


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(rows [200, 8], the planted cluster of each)."""
    rng = np.random.default_rng(seed)
    planted = np.repeat(np.arange(TASTES), PER_TASTE)
    centers = 4 * np.eye(8)[:TASTES]
    return (centers[planted] + 0.4 * rng.normal(size=(len(planted), 8))).astype(np.float32), planted


@pytest.mark.parametrize("seed", range(5))
def test_planted_clusters_are_found(seed: int) -> None:
    rows, planted = blobs()
    found = kmeans(rows, TASTES, seed=seed)
    assert len({(a, b) for a, b in zip(planted.tolist(), found.labels.tolist(), strict=True)}) == TASTES
    means = np.stack([rows[found.labels == c].mean(axis=0) for c in range(TASTES)])
    np.testing.assert_allclose(found.centers, means, atol=1e-5)
    assert found.inertia == pytest.approx(((rows - means[found.labels]) ** 2).sum(axis=1).mean(), rel=1e-5)
    np.testing.assert_array_equal(found.nearest(rows), found.labels)


def test_equal_seeds_give_equal_clusters() -> None:
    rows, _ = blobs()
    one, two = kmeans(rows, 7, seed=3), kmeans(rows, 7, seed=3)
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_array_equal(one.centers, two.centers)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 8))
@checks(deadline=None, max_examples=50)
def test_no_cluster_is_empty_and_equal_rows_stay_together(values: list[int], k: int) -> None:
    rows = np.array(values, dtype=np.float32)[:, None]
    found = kmeans(rows, k)
    assert len(found) == min(k, len(set(values)))
    assert set(found.labels.tolist()) == set(range(len(found)))
    assert len({(v, c) for v, c in zip(values, found.labels.tolist(), strict=True)}) == len(set(values))
    if k >= len(set(values)):
        assert found.inertia == pytest.approx(0, abs=1e-9)


def two_domains(seed: int = 0) -> tuple[Vectors, Events, np.ndarray, list[set[int]]]:
    """Source vectors of 200 users of five tastes; every other one is in the target domain, where each taste
    has six items of its own. Gives also the newcomers' rows and what they would take.
    """
    rng = np.random.default_rng(seed)
    rows, taste = blobs(seed)
    users = Vocab.of([f"u{i}" for i in range(len(rows))])
    takes = [6 * t + rng.permutation(6)[:3] for t in taste]
    inside = np.arange(0, len(rows), 2)
    newcomers = np.arange(1, len(rows), 2)
    order = rng.permutation(len(inside))  # the target has its own order of users, and one that is new to all
    ids = Vocab.of([f"u{inside[i]}" for i in order] + ["stranger"])
    items = np.concatenate([takes[inside[i]] for i in order] + [np.arange(5)])
    who = np.append(np.repeat(np.arange(len(order)), 3), np.full(5, len(order)))
    n = len(items)
    target = Events(
        who.astype(np.int32), items.astype(np.int32), np.zeros(n, np.int64), np.ones(n, np.float32),
        Vocab.of([f"t{i}" for i in range(ITEMS)]), ids, has_times=False,
    )  # fmt: skip
    return Vectors(users, rows), target, newcomers, [set(takes[i].tolist()) for i in newcomers]


def recall(ids: np.ndarray, wanted: list[set[int]]) -> float:
    return float(np.mean([len(w & set(row.tolist())) / len(w) for row, w in zip(ids, wanted, strict=True)]))


def test_newcomers_get_what_their_cluster_takes() -> None:
    users, target, newcomers, wanted = two_domains()
    bridge = DomainBridge.fit(users, target, clusters=TASTES, smoothing=1.0)
    asked = users.array[newcomers]
    hits, hot = bridge.recommend(asked, 6), bridge.hottest(len(asked), 6)
    assert recall(hits.ids, wanted) == 1.0  # a taste has six items, so its list holds them all
    assert recall(hot.ids, wanted) < 0.5
    cluster = bridge.clusters.nearest(normalize(asked[:1]))[0]
    users_in = {f"u{i}" for i in np.flatnonzero(bridge.clusters.labels == cluster)}
    inside = [target.user_vocab.names(np.array([u]))[0] in users_in for u in target.users]
    counted = np.bincount(target.items[inside], minlength=ITEMS)
    np.testing.assert_array_equal(bridge.counts[cluster], counted)
    share = bridge.popular / bridge.popular.sum()
    scores = (counted + 1.0 * share) / (counted.sum() + 1.0)
    best = np.argsort(-scores, kind="stable")[:6]
    np.testing.assert_array_equal(hits.ids[0], best)
    np.testing.assert_allclose(hits.scores[0], scores[best], rtol=1e-6)


def test_a_newcomer_without_a_vector_gets_what_is_hot() -> None:
    users, target, _, _ = two_domains()
    bridge = DomainBridge.fit(users, target, clusters=TASTES)
    none = bridge.recommend(np.zeros((2, 8), np.float32), 4)
    np.testing.assert_array_equal(none.ids, bridge.hottest(2, 4).ids)
    np.testing.assert_array_equal(none.ids[0], np.argsort(-bridge.popular, kind="stable")[:4])


def test_a_user_counts_once_an_item() -> None:
    users, target, _, _ = two_domains()
    n = len(target)
    order = np.repeat(np.arange(n), 2)
    bridges = [DomainBridge.fit(users, events, clusters=4) for events in (target, target.select(order))]
    np.testing.assert_array_equal(bridges[0].counts, bridges[1].counts)


def test_what_does_not_fit_is_told() -> None:
    users, target, _, _ = two_domains()
    other = Vectors(Vocab.of([f"x{i}" for i in range(len(users))]), users.array)
    with pytest.raises(DataError, match="no user of the target events has a source vector"):
        DomainBridge.fit(other, target)
    with pytest.raises(UsageError, match="smoothing must be at least 0"):
        DomainBridge.fit(users, target, smoothing=-1)
    with pytest.raises(UsageError, match="k must be at least 1"):
        DomainBridge.fit(users, target, clusters=0)
    with pytest.raises(UsageError, match="k must be at least 1"):
        DomainBridge.fit(users, target).recommend(users.array, 0)
    with pytest.raises(UsageError, match="no rows to cluster"):
        kmeans(np.empty((0, 3), np.float32), 2)
