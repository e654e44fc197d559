"""Metrics by written arithmetic and by laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowalk.errors import DataError
from cowalk.evaluate import metrics as m

IDS = np.array([[3, 1, 2], [0, 2, 4], [5, -1, -1], [4, 0, 1]], dtype=np.int32)
TARGETS = np.array([3, 4, 1, 0], dtype=np.int32)


def test_ranks_of_one_true_item() -> None:
    assert m.target_ranks(IDS, TARGETS).tolist() == [1, 3, m.MISSED, 2]
    assert m.target_ranks(IDS, np.array([-1, -1, -1, -1], dtype=np.int32)).tolist() == [m.MISSED] * 4
    with pytest.raises(DataError, match="4 ranked rows for 2 targets"):
        m.target_ranks(IDS, TARGETS[:2])


def test_recall_ndcg_mrr_by_hand() -> None:
    ranks = m.target_ranks(IDS, TARGETS)
    assert m.recall_at(ranks, 2).mean() == (1 + 0 + 0 + 1) / 4
    assert m.ndcg_at(ranks, 2).mean() == pytest.approx((1 / np.log2(2) + 1 / np.log2(3)) / 4)
    assert m.ndcg_at(ranks, 3).mean() == pytest.approx((1 / np.log2(2) + 1 / np.log2(4) + 1 / np.log2(3)) / 4)
    assert m.reciprocal_rank(ranks).mean() == pytest.approx((1 + 1 / 3 + 0 + 1 / 2) / 4)


@given(st.integers(2, 50), st.integers(1, 60))
def test_moving_a_hit_up_never_hurts(rank: int, k: int) -> None:
    low, high = np.array([rank]), np.array([rank - 1])
    assert m.recall_at(high, k)[0] >= m.recall_at(low, k)[0]
    assert m.ndcg_at(high, k)[0] >= m.ndcg_at(low, k)[0]
    assert m.reciprocal_rank(high)[0] > m.reciprocal_rank(low)[0]


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=30))
def test_order_keys_sort_as_scores_then_lower_id(scores: list[float]) -> None:
    row = np.array([scores], dtype=np.float32)
    by_key = np.argsort(m.order_keys(row)[0])[::-1]
    by_law = sorted(range(len(scores)), key=lambda i: (-float(row[0, i]), i))
    assert by_key.tolist() == by_law


def test_order_keys_refuse_nan() -> None:
    with pytest.raises(DataError, match="not a number"):
        m.order_keys(np.array([[np.nan]], dtype=np.float32))


SCORES = np.array([[0.9, 0.5, 0.5, 0.1, 0.5], [0.0, 0.0, 0.0, 0.0, 0.0], [5, 4, 3, 2, 1]], dtype=np.float32)
OFFSETS = np.array([0, 2, 3, 3])
TRUTH = np.array([2, 3, 4], dtype=np.int32)


def test_metrics_of_sets_by_hand() -> None:
    ranks = m.truth_ranks(m.order_keys(SCORES), OFFSETS, TRUTH)
    assert ranks.tolist() == [3, 5, 5]  # .9 | .5 at 1, 2, 4 | .1; all equal: by id
    assert m.set_recall_at(ranks, OFFSETS, 3)[:2].tolist() == [1 / 2, 0.0]
    assert m.set_recall_at(ranks, OFFSETS, 1)[:2].tolist() == [0.0, 0.0]
    assert m.set_recall_at(np.array([1, 5, 1]), OFFSETS, 1)[:2].tolist() == [1.0, 1.0]  # min(1, 2 true items)
    assert m.set_reciprocal_rank(ranks, OFFSETS)[:2].tolist() == [1 / 3, 1 / 5]
    for column in (m.set_recall_at(ranks, OFFSETS, 3), m.set_reciprocal_rank(ranks, OFFSETS)):
        assert np.isnan(column[2])  # no true item


def test_set_auc_by_hand_with_ties() -> None:
    values = m.set_auc(SCORES, OFFSETS, TRUTH)
    # positives .5 and .1 against .9, .5, .5: 0 + .5 + .5, then nothing
    assert values[0] == pytest.approx((0 + 0.5 + 0.5 + 0 + 0 + 0) / 6)
    assert values[1] == 0.5
    assert np.isnan(values[2])


def slow_auc(positives: list[float], negatives: list[float]) -> float:
    wins = [(p > n) + 0.5 * (p == n) for p in positives for n in negatives]
    return sum(wins) / len(wins)


NUMBERS = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=20)


@given(NUMBERS, NUMBERS)
def test_auc_counts_pairs(positives: list[float], negatives: list[float]) -> None:
    up, down = np.array(positives), np.array(negatives)
    assert m.auc(up, down) == pytest.approx(slow_auc(positives, negatives))
    assert m.auc(up, down) + m.auc(down, up) == pytest.approx(1.0)
    won, lost = m.placements(up, down)
    assert won.mean() == pytest.approx(lost.mean())
    assert m.auc(np.repeat(up, 3), down) == pytest.approx(m.auc(up, down))  # weight = repetition


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_pair_values_average_to_the_auc(pairs: list[tuple[int, int]]) -> None:
    up, down = np.array(pairs, dtype=float).T
    assert m.pair_auc_values(up, down).mean() == pytest.approx(m.auc(up, down))


def test_pair_values_spread_is_delongs() -> None:
    rng = np.random.default_rng(0)
    up, down = rng.normal(0.5, 1, 400), rng.normal(0, 1, 400)
    won, lost = m.placements(up, down)
    delong = won.var(ddof=1) / 400 + lost.var(ddof=1) / 400
    assert m.pair_auc_values(up, down).var(ddof=1) / 400 == pytest.approx(delong, rel=0.15)


def test_auc_of_nothing_is_nan() -> None:
    assert np.isnan(m.auc(np.zeros(0), np.ones(3)))
    assert len(m.pair_auc_values(np.zeros(0), np.zeros(0))) == 0


def test_coverage_and_popularity() -> None:
    assert m.catalogue_coverage(IDS, 8) == 6 / 8
    percentile = m.popularity_percentile(np.array([10, 5, 5, 0]))
    assert percentile.tolist() == [3.5 / 4, (1 + 3) / 8, (1 + 3) / 8, 0.5 / 4]
    assert percentile.mean() == 0.5
    shown = m.mean_popularity(np.array([[0, 3], [1, -1], [-1, -1]], dtype=np.int32), percentile)
    assert shown[:2].tolist() == [(3.5 / 4 + 0.5 / 4) / 2, 0.5]
    assert np.isnan(shown[2])


def test_head_holds_half_of_the_events() -> None:
    assert m.head_items(np.array([3, 10, 4, 3])).tolist() == [False, True, False, False]  # 10 of 20
    assert m.head_items(np.array([3, 9, 4, 4])).tolist() == [False, True, True, False]  # 9 is not half of 20
