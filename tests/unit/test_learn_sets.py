"""Two sets of rows side by side: H.Z is the mean of the two."""

import numpy as np

from cowalk.learn import Learned
from cowalk.learn.sets import both, rows_for


def learned(seed: int, size: int) -> Learned:
    rng = np.random.default_rng(seed)

    def draw(n: int, d: int = size) -> np.ndarray:
        return rng.normal(size=(n, d)).astype(np.float32)

    return Learned("f", draw(4), draw(4), draw(4), (draw(3),), draw(4, 2), ("tag",), (1.0,))


def test_scores_of_both_sets_are_the_mean_of_their_scores() -> None:
    one, two = learned(1, 3), learned(2, 5)
    together = both(one, two)
    assert together.vectors.shape == (4, 8)
    mean = (one.vectors @ one.contexts.T + two.vectors @ two.contexts.T) / 2
    np.testing.assert_allclose(together.vectors @ together.contexts.T, mean, atol=1e-5)
    np.testing.assert_allclose(together.fields[0][:, :3], one.fields[0] / 2)


def test_the_set_asked_for_is_given() -> None:
    one, two = learned(1, 3), learned(2, 5)
    assert rows_for(one, two, "first") is one
    assert rows_for(one, two, "second") is two
    assert rows_for(one, None, "both") is one
    assert rows_for(one, two, "both").vectors.shape == (4, 8)
