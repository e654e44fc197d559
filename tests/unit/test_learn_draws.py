"""What is drawn: windows, sides, negatives, subsampling; one block with unit vectors counts pairs."""

import numpy as np
import pytest
from learn_world import COUNTS, Bench, sessions_of, vocab_of
from scipy.stats import chi2

from cowalk.errors import DataError
from cowalk.kernels.bundles import Steps
from cowalk.learn import LearnSettings, learn
from cowalk.learn.sequences import SessionSequences
from cowalk.learn.state import keep_chances, negative_weights

ROUNDS = 3000


def pairs_of(rows: list[list[int]], negative: int = 0, **names: object) -> np.ndarray:
    """int[8, 8]: at [v, u], how often u was a context of v minus how often it was its negative.

    H_v is the unit vector of v and every Z is 0: each error is -1/2 or 1/2, a step of 2 moves Z_u by +-H_v.
    """
    base = {"input": "own", "vector_size": 8, "negative": max(negative, 1), "optimizer": "sgd"}
    settings = LearnSettings.model_validate(base | names)
    bench = Bench.of(settings, sessions_of(rows), block=sum(map(len, rows)))
    bench.table.rows[:], bench.table.contexts[:] = np.eye(8), 0
    bench.draw = bench.draw._replace(negative=negative)
    bench.learn(Steps(0.0, 2.0, 0.0, 0.0, False))
    return np.rint(bench.table.contexts.T).astype(int)


def chance(found: np.ndarray, expected: np.ndarray) -> float:
    """The chance of a chi-square at least as large."""
    return float(chi2.sf(((found - expected) ** 2 / expected).sum(), len(found) - 1))


def test_a_shrunk_window_gives_distance_d_the_weight_of_the_windows_that_reach_it() -> None:
    pairs = pairs_of([list(range(8))] * ROUNDS, window=3)[3]
    reached = np.array([pairs[2], pairs[1], pairs[0]])  # distances 1, 2, 3
    np.testing.assert_array_equal(reached, [pairs[4], pairs[5], pairs[6]])  # both sides have one window
    assert reached[0] == ROUNDS
    assert pairs[7] == pairs[3] == 0
    windows = np.array([reached[0] - reached[1], reached[1] - reached[2], reached[2]])
    assert chance(windows, np.full(3, ROUNDS / 3)) > 1e-4  # so distance d weighs (3 - d + 1) / 3


def test_a_fixed_window_takes_all_within_it() -> None:
    pairs = pairs_of([list(range(8))] * 2, window=2, shrink_windows=False)
    distance = np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
    np.testing.assert_array_equal(pairs, 2 * ((distance > 0) & (distance <= 2)))


@pytest.mark.parametrize("shrink", [True, False])
def test_forward_contexts_lie_ahead(shrink: bool) -> None:
    pairs = pairs_of([list(range(8))] * 50, window=4, contexts="forward", shrink_windows=shrink)
    assert (np.tril(pairs) == 0).all()
    assert (np.diag(pairs, 1) == 50).all()


def test_sessions_do_not_leak_into_each_other() -> None:
    pairs = pairs_of([[0, 1, 2], [3, 4], [5], [6, 7]] * 20, window=5, shrink_windows=False)
    session = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    same = session[:, None] == session[None, :]
    np.testing.assert_array_equal(pairs, 20 * (same & ~np.eye(8, dtype=bool)))


@pytest.mark.parametrize("exponent", [0.75, 0.0, -0.5])
@pytest.mark.parametrize("per", ["position", "pair"])
def test_negatives_are_drawn_by_count_to_the_exponent(exponent: float, per: str) -> None:
    names = {"ns_exponent": exponent, "negatives_per": per, "window": 1}
    pairs = pairs_of([[0, 1, 0]] * ROUNDS, negative=2, **names)
    share = np.array(COUNTS, dtype=float) ** exponent
    share /= share.sum()
    rounds = (
        2 * ROUNDS * (2 if per == "pair" else 1)
    )  # for item 1: one position a session, two contexts of item 0
    drawn = -pairs[1, 1:]
    assert pairs[1, 0] == 2 * ROUNDS  # a negative that is a context is skipped
    skipped = rounds - drawn.sum()
    assert chance(np.append(skipped, drawn), rounds * share) > 1e-4


def test_items_of_count_0_are_no_negatives() -> None:
    np.testing.assert_allclose(negative_weights(np.array([16, 0, 1]), 0.75), [8, 0, 1])
    np.testing.assert_allclose(negative_weights(np.array([16, 0, 1]), 0.0), [1, 0, 1])
    np.testing.assert_allclose(negative_weights(np.array([16, 0, 4]), -0.5), [0.25, 0, 0.5])
    with pytest.raises(DataError, match="no item occurs"):
        negative_weights(np.zeros(3, dtype=np.int64), 0.75)


def test_chances_to_be_kept() -> None:
    """f = 64/100, 16/100, 20/100 and t = .04: sqrt(.04/.64) = 1/4, sqrt(.04/.16) = 1/2, sqrt(.04/.2)."""
    chances = keep_chances(np.array([64, 16, 20, 0]), 0.04)
    np.testing.assert_allclose(chances, [1 / 4, 1 / 2, np.sqrt(0.2), 1], rtol=1e-6)
    np.testing.assert_allclose(keep_chances(np.array([64, 36]), 0.5), [np.sqrt(0.5 / 0.64), 1], rtol=1e-6)
    assert len(keep_chances(np.array([1, 2]), 0)) == 0


def test_subsampling_keeps_occurrences_by_their_chance() -> None:
    sequences = SessionSequences(sessions_of([list(range(8))] * ROUNDS), 8, seed=3)
    keep = np.array([1, 0.9, 0.5, 0.3, 0.1, 0.02, 0, 1], dtype=np.float32)
    kept = np.bincount(next(sequences.chunks(0, keep)).stream.tokens, minlength=8)
    assert (kept[0], kept[6], kept[7]) == (ROUNDS, 0, ROUNDS)
    for v in range(1, 6):
        assert abs(kept[v] - ROUNDS * keep[v]) < 4 * np.sqrt(ROUNDS * keep[v] * (1 - keep[v]))
    other = next(sequences.chunks(1, keep)).stream.tokens
    assert len(other) != kept.sum() or not np.array_equal(np.bincount(other, minlength=8), kept)


def test_sessions_come_in_a_fresh_order_each_epoch_and_all_of_them_once() -> None:
    rows = [[v] * (v + 1) for v in range(8)]
    sequences = SessionSequences(sessions_of(rows), 8, seed=0)
    none = np.empty(0, dtype=np.float32)
    orders = [next(sequences.chunks(epoch, none)).stream.tokens.tolist() for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[1]) == [v for row in rows for v in row]
    np.testing.assert_array_equal(sequences.counts(), np.arange(1, 9))


def test_sessions_stand_in_the_log_s_order_where_that_is_asked() -> None:
    rows = [[v] * (v + 1) for v in range(8)]
    sequences = SessionSequences(sessions_of(rows), 8, seed=0, shuffled=False)
    none = np.empty(0, dtype=np.float32)
    for epoch in (0, 1):
        assert next(sequences.chunks(epoch, none)).stream.tokens.tolist() == [v for row in rows for v in row]


def test_the_order_of_sessions_is_a_setting() -> None:
    source, vocab = sessions_of([[0, 1], [2, 3], [4, 5], [6, 7]] * 4), vocab_of(COUNTS)
    small = LearnSettings(sequences="sessions", input="own", vector_size=4, block=16)
    given = small.model_copy(update={"session_order": "given"})
    shuffled, stands, again = (learn(source, vocab, s, seed=1).vectors for s in (small, given, given))
    assert not np.array_equal(shuffled, stands)
    np.testing.assert_array_equal(stands, again)


def test_the_vocabulary_of_this_file_counts_what_it_says() -> None:
    np.testing.assert_array_equal(vocab_of(COUNTS).counts, COUNTS)
