"""Learning that begins at given rows, and rows that are held in place."""

from dataclasses import replace

import numpy as np
import pytest
from learn_world import COUNTS, TWO_THREADS, Bench, small_sessions, small_side, vocab_of

from cowalk.errors import DataError, UsageError
from cowalk.kernels.bundles import Steps
from cowalk.learn import Learned, LearnSettings, learn
from reference import skipgram as twin

VOCAB = vocab_of(COUNTS)
SIDE = small_side(VOCAB)
SESSIONS = small_sessions(80)
HELD = np.array([True, False, True, False, False, False, False, True])
SMALL = {"sequences": "sessions", "vector_size": 6, "window": 3, "epochs": 2, "block": 16}


def run(seed: int = 0, workers: int = 1, **names: object) -> Learned:
    asked = {key: names.pop(key) for key in ("start", "held", "hold_fields") if key in names}
    settings = LearnSettings.model_validate(SMALL | names)
    return learn(SESSIONS, VOCAB, settings, side_info=SIDE, seed=seed, workers=workers, **asked)


FIRST = run(own_prior=0.5)


def test_with_no_steps_the_rows_are_those_of_the_start() -> None:
    again = run(seed=9, start=FIRST, step=1e-30, own_prior=0.5)
    for name in ("vectors", "contexts", "own", "weights"):
        np.testing.assert_allclose(getattr(again, name), getattr(FIRST, name), atol=1e-6, err_msg=name)
    for one, other in zip(again.fields, FIRST.fields, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", ["deterministic", "hogwild"])
@pytest.mark.parametrize("optimizer", ["adagrad", "sgd"])
def test_held_rows_do_not_move_by_a_bit_and_the_others_do(mode: str, optimizer: str) -> None:
    learned = run(seed=4, start=FIRST, held=HELD, mode=mode, optimizer=optimizer)
    for name in ("contexts", "own"):
        one, other = getattr(learned, name), getattr(FIRST, name)
        np.testing.assert_array_equal(one[HELD], other[HELD], err_msg=name)
        assert (one[~HELD] != other[~HELD]).any(axis=1).all()
    assert all((a != b).any() for a, b in zip(learned.fields, FIRST.fields, strict=True))


@pytest.mark.parametrize("mode", ["deterministic", "hogwild"])
def test_with_field_rows_held_too_a_held_item_keeps_its_whole_vector(mode: str) -> None:
    learned = run(seed=4, start=FIRST, held=HELD, hold_fields=True, mode=mode)
    np.testing.assert_allclose(learned.vectors[HELD], run(start=FIRST, step=1e-30).vectors[HELD], atol=1e-6)
    np.testing.assert_allclose(learned.weights[HELD], FIRST.weights[HELD], atol=1e-6)
    for one, other in zip(learned.fields, FIRST.fields, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not TWO_THREADS, reason="one thread only")
def test_a_start_and_held_rows_are_equal_bit_for_bit_on_two_threads() -> None:
    one, two = (run(seed=4, workers=w, start=FIRST, held=HELD) for w in (1, 2))
    np.testing.assert_array_equal(one.vectors, two.vectors)
    np.testing.assert_array_equal(one.contexts, two.contexts)


def test_held_rows_equal_the_slow_twin() -> None:
    settings = LearnSettings.model_validate({"vector_size": 4, "window": 3, "negative": 3})
    bench = Bench.of(settings, small_sessions(8, seed=3), block=16)
    held = HELD.astype(np.uint8)
    rows = np.zeros(len(bench.table.rows), dtype=np.uint8)
    rows[[0, 4, 9]] = 1
    steps = Steps(0.1, 0.2, 0.05, 0.3, True, True, rows, held, held)
    slow = bench.in_doubles()
    twin.learn_blocks(
        bench.stream, bench.parts, slow, bench.draw, bench.how, steps, 1.0, bench.room, 1, np.zeros(2)
    )
    bench.learn(steps)
    for fast, wanted in zip(bench.table, slow, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=1e-4, rtol=1e-3)


def test_adagrads_sums_go_on_from_the_start_where_it_has_them() -> None:
    assert FIRST.squares is not None
    with_sums = run(seed=2, start=FIRST)
    without = run(seed=2, start=replace(FIRST, squares=None))
    moved, free = (np.abs(one.own - FIRST.own).sum() for one in (with_sums, without))
    assert 0 < moved < 0.7 * free


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(UsageError, match="need a start"):
        run(held=HELD)
    with pytest.raises(DataError, match=r"bool\[8\]"):
        run(start=FIRST, held=HELD[:3])
    with pytest.raises(DataError, match="another vocabulary"):
        run(start=replace(FIRST, fingerprint="x"))
    with pytest.raises(DataError, match=r"own rows of the start are \[8, 6\], but \[8, 5\]"):
        run(start=FIRST, vector_size=5)
    with pytest.raises(DataError, match="2 fields"):
        run(start=FIRST, input="own")
