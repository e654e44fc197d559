"""Maximal marginal relevance against its slow twin, written arithmetic and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import UsageError
from cowalk.kernels import mmr as kernels
from cowalk.recall.diversity import diverse, pool_size
from cowalk.tables import Hits
from reference import mmr as twin


def pool_of(scores: list[float]) -> Hits:
    return Hits(np.arange(len(scores), dtype=np.int32)[None], np.array([scores], dtype=np.float32))


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0, 1), st.data())
@settings(deadline=None, max_examples=60)
def test_the_kernel_equals_its_slow_twin(seed: int, size: int, weight: float, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    units = rng.normal(size=(size, 3)).astype(np.float32)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    scores = np.sort(rng.random(size).astype(np.float32))[::-1].copy()
    k = data.draw(st.integers(1, size))
    fast, slow = ((np.empty(k, np.int64), np.empty(k, np.float32)) for _ in range(2))
    kernels.marginal(units, scores, weight, *fast)
    twin.marginal(units, scores, weight, *slow)
    np.testing.assert_allclose(fast[1], slow[1], atol=1e-5)
    assert (np.diff(fast[1]) <= 1e-6).all()
    if 0.01 < weight < 0.99:  # else values tie by rounding
        np.testing.assert_array_equal(fast[0], slow[0])


def test_by_hand() -> None:
    """Scores 10, 9, 4 become 1, 5/6, 0; the second is the first's twin, the third stands at right angles."""
    vectors = np.array([[2, 0], [1, 0], [0, 3]], dtype=np.float32)
    found = diverse(pool_of([10, 9, 4]), vectors, 3, 0.5)
    assert found.ids.tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(found.scores, [[0.5 * 1, 0.5 * 0 - 0.5 * 0, 0.5 * 5 / 6 - 0.5 * 1]], atol=1e-6)
    assert diverse(pool_of([10, 9, 4]), vectors, 3, 0.2).ids.tolist() == [[0, 1, 2]]


def test_an_opposite_item_is_no_better_than_one_at_right_angles() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    assert diverse(pool_of([3, 2, 2]), vectors, 3, 1.0).ids.tolist() == [[0, 1, 2]]


@given(st.integers(0, 1000), st.floats(0.01, 1), st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_laws(seed: int, diversity: float, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.normal(size=20))[::-1].tolist()
    vectors = rng.normal(size=(20, 4)).astype(np.float32)
    found = diverse(pool_of(scores), vectors, k, diversity)
    ids = found.ids[0][found.ids[0] >= 0].tolist()
    assert ids[0] == 0
    assert len(set(ids)) == len(ids) == min(k, 20)
    assert (found.ids[0, len(ids) :] == -1).all()


def test_more_diversity_means_less_likeness() -> None:
    rng = np.random.default_rng(5)
    centers = np.repeat(rng.normal(size=(4, 8)), 25, axis=0)
    vectors = (centers + 0.1 * rng.normal(size=(100, 8))).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = pool_of(sorted((100 - np.arange(100)).tolist(), reverse=True))
    likeness = []
    for diversity in (0.01, 0.3, 0.9):
        mine = units[diverse(pool, vectors, 10, diversity).ids[0]]
        likeness.append(float((mine @ mine.T).mean()))
    assert likeness[0] > likeness[1] > likeness[2]


def test_an_empty_pool_and_one_of_equal_scores() -> None:
    none = Hits(np.full((1, 3), -1, np.int32), np.full((1, 3), -np.inf, np.float32))
    assert diverse(none, np.eye(3, dtype=np.float32), 2, 0.5).ids.tolist() == [[-1, -1]]
    assert diverse(pool_of([1, 1, 1]), np.eye(3, dtype=np.float32), 2, 0.5).ids.tolist() == [[0, 1]]


def test_the_pool() -> None:
    assert (pool_size(10, 0), pool_size(10, 0.1), pool_size(100, 1)) == (10, 100, 300)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="from 0"):
            pool_size(10, wrong)
