"""ExactIndex beyond the contract: float16 loses nothing that its margin covers; what is too large is told."""

import numpy as np
import pytest

from cowalk.errors import UsageError
from cowalk.recall import ExactIndex


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_half_precision_finds_the_same(metric: str) -> None:
    rng = np.random.default_rng(0)
    vectors, queries = (rng.normal(size=(n, 32)).astype(np.float32) for n in (20_000, 40))
    whole = ExactIndex.build(vectors, metric).search(queries, 100)
    half = ExactIndex.build(vectors, metric, storage="float16").search(queries, 100)
    np.testing.assert_array_equal(whole.ids, half.ids)
    np.testing.assert_array_equal(whole.scores, half.scores)


def test_half_precision_holds_no_large_numbers() -> None:
    with pytest.raises(UsageError, match="up to 65504"):
        ExactIndex.build(np.full((2, 3), 1e5, np.float32), "ip", storage="float16")
    index = ExactIndex.build(np.ones((2, 3), np.float32), "ip", storage="float16")
    with pytest.raises(UsageError, match="up to 65504"):
        index.add(np.full((1, 3), 1e5, np.float32))
    assert index.size == 2
    with pytest.raises(UsageError, match="storage is 'int8'"):
        ExactIndex.build(np.ones((2, 3), np.float32), storage="int8")  # type: ignore[arg-type]
