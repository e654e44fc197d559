"""Exact scoring of candidates against its slow twin, and the scan of all rows against a sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.kernels import rerank as kernels
from cowalk.recall import scan as scanning
from reference import rerank as twin


@given(
    st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 30), st.integers(0, 12), st.integers(1, 9),
    st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_reranking_equals_the_slow_twin(seed: int, q: int, size: int, width: int, k: int, l2: bool) -> None:
    """Whole numbers, so that sums are exact and ties are many."""
    rng = np.random.default_rng(seed)
    queries, rows = (rng.integers(-2, 3, (n, 3)).astype(np.float32) for n in (q, size))
    width = min(width, size)
    candidates = np.array([rng.permutation(size)[:width] for _ in range(q)], np.int32).reshape(q, width)
    candidates[rng.random(candidates.shape) < 0.2] = -1
    fast, slow = ((np.empty((q, k), np.int32), np.empty((q, k), np.float32)) for _ in range(2))
    kernels.rerank(queries, rows, candidates, l2, *fast)
    twin.rerank(queries, rows, candidates, l2, *slow)
    np.testing.assert_array_equal(fast[0], slow[0])
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-6)


@pytest.mark.parametrize("l2", [False, True])
@pytest.mark.parametrize("share", [None, 0.1, 0.7])
def test_a_scan_in_steps_equals_a_sort(
    l2: bool, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    queries, rows = (rng.integers(-9, 10, (n, 5)).astype(np.float32) for n in (7, 400))
    mask = None if share is None else rng.random(400) < share
    monkeypatch.setattr(scanning, "STEP", 33)
    hits = scanning.scan(queries, rows, 20, l2=l2, mask=mask)
    for query, ids in zip(queries, hits.ids, strict=True):
        scores = -((query - rows) ** 2).sum(axis=1) if l2 else rows @ query
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        assert ids.tolist() == np.argsort(-scores, kind="stable")[:20].tolist()
