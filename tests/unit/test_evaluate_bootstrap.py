"""Bootstrap bounds: known spreads, groups drawn whole, pairs."""

import numpy as np
import pytest

from cowalk.errors import DataError
from cowalk.evaluate.bootstrap import bound, bounds, paired_difference, resampled_means

RNG = np.random.default_rng(3)


def test_bounds_of_independent_values_are_the_normal_ones() -> None:
    values = RNG.normal(2.0, 1.0, 900)
    found = bound(values, np.arange(900))
    wide = 1.96 * values.std() / 30
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - wide, abs=0.015)
    assert found.high == pytest.approx(values.mean() + wide, abs=0.015)
    assert (found.number, found.groups) == (900, 900)
    assert found.above_zero


def test_copies_within_a_group_bring_no_certainty() -> None:
    values = RNG.normal(0.0, 1.0, 200)
    alone = bound(values, np.arange(200))
    tenfold = bound(np.repeat(values, 10), np.repeat(np.arange(200), 10))
    assert (tenfold.low, tenfold.high) == pytest.approx((alone.low, alone.high))
    blind = bound(np.repeat(values, 10), np.arange(2000))
    assert blind.high - blind.low < 0.5 * (alone.high - alone.low)


def test_seeds_one_after_another_equal_their_mean() -> None:
    one, two = RNG.normal(size=(2, 100))
    joined = bound(np.concatenate([one, two]), np.tile(np.arange(100), 2))
    averaged = bound((one + two) / 2, np.arange(100))
    assert (joined.low, joined.high) == pytest.approx((averaged.low, averaged.high))


def test_paired_difference_sees_through_shared_noise() -> None:
    shared = RNG.normal(0.0, 5.0, 400)
    better, worse = shared + 0.3, shared + RNG.normal(0.0, 0.1, 400)
    groups = np.arange(400)
    assert paired_difference(better, worse, groups).above_zero
    assert bound(better, groups).low < bound(worse, groups).high  # apart, nothing could be said
    with pytest.raises(DataError, match="400 and 3 values"):
        paired_difference(better, worse[:3], groups)


def test_nan_is_left_out_column_by_column() -> None:
    table = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 7.0]])
    first, second = bounds(table, np.array([0, 1, 2]))
    assert (first.mean, first.number) == (2.0, 2)
    assert (second.mean, second.number) == (6.0, 2)
    empty = bound(np.full(3, np.nan), np.arange(3))
    assert np.isnan(empty.mean)
    assert empty.number == 0


def test_draws_depend_on_the_seed_alone() -> None:
    values = RNG.normal(size=(50, 2))
    groups = np.arange(50) // 2
    first = resampled_means(values, groups, seed=5, draws=20)
    assert np.array_equal(first, resampled_means(values, groups, seed=5, draws=20))
    assert not np.array_equal(first, resampled_means(values, groups, seed=6, draws=20))
    assert np.isnan(resampled_means(np.zeros((0, 2)), np.zeros(0))).all()
