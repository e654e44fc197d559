"""History vectors by written arithmetic."""

import numpy as np
from learn_world import ragged

from cowalk.users import history_vectors, normalize

VECTORS = np.array([[1, 0], [0, 1], [2, 2], [-4, 8]], dtype=np.float32)


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


def test_rows_at_length_1() -> None:
    found = normalize(np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [0, -1]])
