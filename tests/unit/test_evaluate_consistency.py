"""Consistency of neighbours with their item's category, on vectors whose neighbours are known."""

import numpy as np
import pytest
from learn_world import field_of

from cowalk.errors import DataError
from cowalk.evaluate import neighbour_consistency


def angles(*degrees: float) -> np.ndarray:
    turned = np.deg2rad(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_the_majority_of_the_neighbours_is_compared_with_the_items_own_value() -> None:
    """Two bunches; item 3 stands in the first but carries the value of the second."""
    vectors = angles(0, 2, 4, 6, 90, 92, 94, 96)
    field = field_of("shelf", [[0], [0], [0], [1], [1], [1], [1], [1]])
    np.testing.assert_array_equal(neighbour_consistency(vectors, field, k=3), [1, 1, 1, 0, 1, 1, 1, 1])


def test_every_value_votes_and_equal_leaders_share() -> None:
    """Item 0's neighbours carry {a, b}, {a}, {b}: a and b lead with 2 votes each, and item 0 carries a."""
    field = field_of("genre", [[0], [0, 1], [0], [1], []])
    found = neighbour_consistency(angles(0, 1, 2, 3, 4), field, k=3)
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[4])  # no value: not asked, and no one's neighbour
    lengths = neighbour_consistency(
        angles(0, 1, 2, 3, 4) * np.array([[1], [9], [2], [5], [7]], np.float32), field, k=3
    )
    np.testing.assert_array_equal(found, lengths)


def test_chance_is_found_on_random_vectors() -> None:
    rng = np.random.default_rng(0)
    field = field_of("shelf", [[int(c)] for c in rng.integers(0, 4, 3000)])
    found = neighbour_consistency(rng.normal(size=(3000, 16)).astype(np.float32), field, k=1)
    assert abs(found.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 3000)


def test_too_few_items_and_other_lengths_are_told() -> None:
    field = field_of("shelf", [[0], [1], []])
    with pytest.raises(DataError, match="only 2 items"):
        neighbour_consistency(angles(0, 1, 2), field, k=2)
    with pytest.raises(DataError, match="4 vectors but 3"):
        neighbour_consistency(angles(0, 1, 2, 3), field)
