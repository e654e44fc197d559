"""ExactIndex beyond the contract: float16 loses nothing that its margin covers; what is too large is told."""

import numpy as np
import pytest

from cowalk.errors import UsageError
from cowalk.kernels import half
from cowalk.recall import ExactIndex
from reference import half as twin


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_half_precision_finds_the_same(metric: str) -> None:
    rng = np.random.default_rng(0)
    vectors, queries = (rng.normal(size=(n, 32)).astype(np.float32) for n in (20_000, 40))
    whole = ExactIndex.build(vectors, metric).search(queries, 100)
    half = ExactIndex.build(vectors, metric, storage="float16").search(queries, 100)
    np.testing.assert_array_equal(whole.ids, half.ids)
    np.testing.assert_array_equal(whole.scores, half.scores)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_few_queries_find_what_many_do(metric: str) -> None:
    """They are asked by another kernel."""
    rng = np.random.default_rng(1)
    vectors, queries = (rng.normal(size=(n, 16)).astype(np.float32) for n in (3000, 12))
    index = ExactIndex.build(vectors, metric, storage="float16")
    many, allowed = index.search(queries, 20), rng.random(3000) < 0.5
    barred = index.search(queries, 20, allowed=allowed)
    for q in range(12):
        np.testing.assert_array_equal(index.search(queries[q : q + 1], 20).ids[0], many.ids[q])
        alone = index.search(queries[q : q + 1], 20, allowed=allowed)
        np.testing.assert_array_equal(alone.ids[0], barred.ids[q])


def test_every_half_float_is_read_right() -> None:
    bits = np.arange(65536, dtype=np.uint16)[:, None]
    bits = np.ascontiguousarray(bits[np.isfinite(bits.view(np.float16)[:, 0])])
    fast, slow = np.empty((2, 1, len(bits)), np.float32)
    half.half_products(np.ones((1, 1), np.float32), bits, fast)
    twin.half_products(np.ones((1, 1), np.float32), bits, slow)
    np.testing.assert_array_equal(fast, slow)


def test_half_precision_holds_no_large_numbers() -> None:
    with pytest.raises(UsageError, match="up to 65504"):
        ExactIndex.build(np.full((2, 3), 1e5, np.float32), "ip", storage="float16")
    index = ExactIndex.build(np.ones((2, 3), np.float32), "ip", storage="float16")
    with pytest.raises(UsageError, match="up to 65504"):
        index.add(np.full((1, 3), 1e5, np.float32))
    assert index.size == 2
    with pytest.raises(UsageError, match="storage is 'int8'"):
        ExactIndex.build(np.ones((2, 3), np.float32), storage="int8")  # type: ignore[arg-type]
