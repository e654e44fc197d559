"""Click metrics by written arithmetic: ranks with ties, groups, entropy, bins, bounds."""

import math

import numpy as np
import pytest

from cowalk.errors import DataError
from cowalk.evaluate.clicks import (
    auc_values,
    base_entropy,
    calibration,
    click_differences,
    click_figures,
    click_values,
    grouped_auc_values,
    log_loss_values,
    normalised_entropy_values,
)
from cowalk.evaluate.metrics import auc

SCORES = np.array([0.9, 0.5, 0.5, 0.2, 0.1])
LABELS = np.array([1, 1, 0, 0, 1])


def test_auc_counts_pairs_and_halves_ties() -> None:
    # pairs (click, other): .9>.5, .9>.2, .5=.5 (half), .5>.2, .1<.5, .1<.2 -> 3.5 of 6
    values = auc_values(SCORES, LABELS)
    assert values.mean() == pytest.approx(3.5 / 6)
    # the click at .5 stands above one and level with one of two: placement .75
    assert values[1] == pytest.approx(3.5 / 6 + 5 / 3 * (0.75 - 3.5 / 6))
    # the other row at .2 stands below two of three clicks
    assert values[3] == pytest.approx(3.5 / 6 + 5 / 2 * (2 / 3 - 3.5 / 6))


def test_auc_spread_is_the_one_of_resampling() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < 0.3).astype(int)
    scores = rng.normal(labels * 0.8, 1.0)
    drawn = []
    for _ in range(400):
        rows = rng.integers(400, size=400)
        drawn.append(auc(scores[rows][labels[rows] > 0], scores[rows][labels[rows] == 0]))
    assert auc_values(scores, labels).std() / 20 == pytest.approx(np.std(drawn), rel=0.15)


def test_grouped_auc_is_weighted_by_impressions() -> None:
    groups = np.array([7, 3, 7, 3, 3, 9])
    labels = np.array([1, 1, 0, 0, 0, 1])
    scores = np.array([0.9, 0.5, 0.1, 0.6, 0.2, 0.4])
    values = grouped_auc_values(scores, labels, groups)
    # group 7: 1 of 1; group 3: 1 of 2; group 9 has one class only
    np.testing.assert_array_equal(values[:5], [1, 0.5, 1, 0.5, 0.5])
    assert math.isnan(values[5])
    assert np.nanmean(values) == pytest.approx((2 * 1 + 3 * 0.5) / 5)


def test_log_loss_and_normalised_entropy() -> None:
    np.testing.assert_allclose(log_loss_values(SCORES, LABELS)[[0, 3]], [-math.log(0.9), -math.log(0.8)])
    assert log_loss_values(np.array([0.0]), np.array([1]))[0] == pytest.approx(-math.log(1e-15))
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert base_entropy(LABELS) == pytest.approx(entropy)
    total = -(math.log(0.9) + math.log(0.5) + math.log(0.5) + math.log(0.8) + math.log(0.1)) / 5
    assert normalised_entropy_values(SCORES, LABELS).mean() == pytest.approx(total / entropy)
    base = normalised_entropy_values(np.full(5, 0.6), LABELS)
    assert base.mean() == pytest.approx(1.0)  # who tells the base rate has 1
    with pytest.raises(DataError, match="between 0 and 1"):
        log_loss_values(np.array([1.2]), np.array([1]))


def test_calibration_bins() -> None:
    found = calibration(np.array([0.1, 0.2, 0.4, 0.8]), np.array([0, 1, 0, 1]), bins=2)
    np.testing.assert_allclose(found.scores, [0.15, 0.6])
    np.testing.assert_allclose(found.rates, [0.5, 0.5])
    np.testing.assert_array_equal(found.numbers, [2, 2])
    assert found.ratio == pytest.approx(1.5 / 2)
    assert found.error == pytest.approx((0.35 + 0.1) / 2)
    same = calibration(np.full(6, 0.5), np.array([1, 0, 0, 0, 1, 1]), bins=3)  # one score, one bin
    np.testing.assert_array_equal(same.numbers, [6])


def test_figures_and_paired_differences() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(100), 6)
    labels = (rng.random(600) < 0.4).astype(np.float32)
    good = 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.0)))
    figures = click_figures(good, labels, groups)
    assert list(figures) == ["auc", "gauc", "log-loss", "normalised entropy"]
    assert figures["auc"].low < figures["auc"].mean < figures["auc"].high
    assert figures["auc"].groups == 100
    blind = rng.random(600)
    told = click_differences(good, blind, labels, groups)
    assert told["auc"].above_zero
    assert told["auc"].mean == pytest.approx(figures["auc"].mean - auc_values(blind, labels).mean())
    assert told["normalised entropy"].high < 0
    same = click_differences(good, good, labels)
    assert "gauc" not in same
    assert (same["auc"].low, same["auc"].mean, same["auc"].high) == (0, 0, 0)


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([0.1, 0.2], [0, 2], "a label is 2; labels must be 0 or 1"),
        ([0.1, 0.2], [1, 1], "all labels are 1"),
        ([], [], "no labels"),
        ([0.1], [0, 1], "1 scores for 2 labels"),
        ([0.1, np.nan], [0, 1], "not a finite number"),
    ],
)
def test_bad_clicks_are_told(scores: list[float], labels: list[int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        click_values(np.array(scores), np.array(labels))
