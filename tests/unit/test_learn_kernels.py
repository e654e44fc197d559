"""The learning kernels against their slow twins, their gradients against finite differences of the loss."""

import numpy as np
import pytest
from learn_world import Bench, sessions_of, small_sessions, small_side, vocab_of

from cowalk.kernels import flatten, skipgram
from cowalk.kernels.bundles import Steps, Table
from cowalk.learn import LearnSettings
from cowalk.learn.sequences import new_stream
from cowalk.learn.state import pairs_are_examples
from reference import flatten as flatten_twin
from reference import skipgram as twin

SGD = Steps(1.0, 1.0, 1.0, 1.0, False)
FORMS = [
    {"input": "own"},
    {"input": "mean"},
    {"input": "weighted"},
    {"input": "weighted", "multi": "idf", "own_prior": 1.0, "own_prior_by_count": 0.3},
    {"input": "weighted", "own_dropout": 0.4, "field_dropout": 0.3},
    {"input": "mean", "multi": "idf", "own_dropout": 0.5, "negatives_per": "pair"},
    {"input": "weighted", "negatives_per": "pair", "contexts": "forward", "shrink_windows": False},
    {"input": "weighted", "objective": "hierarchical-softmax", "field_dropout": 0.3},
    {"input": "weighted", "objective": "softmax"},
    {"input": "own", "architecture": "cbow", "negatives_per": "pair"},
    {"input": "mean", "architecture": "cbow", "own_dropout": 0.4, "multi": "idf"},
    {"input": "mean", "architecture": "cbow", "objective": "hierarchical-softmax"},
    {"input": "own", "architecture": "cbow", "objective": "softmax", "contexts": "forward"},
    {"input": "mean", "pairs": "set", "most_contexts": 2, "reweigh_sets": True},
    {"input": "own", "pairs": "set", "objective": "hierarchical-softmax", "negatives_per": "pair"},
]
AS_IN_C = {"input": "own", "negatives_per": "pair", "sigmoid": "word2vec", "step_every": 3}
UNDIVIDED = {"input": "mean", "architecture": "cbow", "cbow_gradient": "word2vec"}


def settings_of(form: dict[str, object], **more: object) -> LearnSettings:
    base = {"vector_size": 4, "window": 3, "negative": 3, "optimizer": "sgd"}
    return LearnSettings.model_validate(base | form | more)


def positions(bench: Bench) -> list[twin.Position]:
    slots = bench.room.alpha.shape[1]
    every = range(len(bench.stream.tokens))
    return [twin.Position(at, bench.stream, bench.parts, bench.draw, bench.how, slots) for at in every]


def differences(found: list[twin.Position], table: Table, name: str) -> np.ndarray:
    """dL/d(table.name) by central differences of the summed loss, float64."""
    values = {key: getattr(table, key).copy() for key in ("rows", "contexts", "logits")}
    slope, array = np.zeros_like(values[name]), values[name]
    for at in np.ndindex(array.shape):
        kept, losses = array[at], []
        for move in (1e-5, -1e-5):
            array[at] = kept + move
            losses.append(sum(p.loss(**values) for p in found if p.targets))
        array[at] = kept
        slope[at] = (losses[0] - losses[1]) / 2e-5
    return slope


@pytest.mark.parametrize("form", FORMS)
def test_gradients_equal_finite_differences(form: dict[str, object]) -> None:
    """In one block all gradients are taken at the starting values, so a step of 1 moves by their sum."""
    bench = Bench.of(settings_of(form), small_sessions(6, seed=2))
    before, found = bench.in_doubles(), positions(bench)
    totals = bench.learn(SGD)
    for name in ("rows", "contexts", "logits"):
        moved = getattr(before, name) - getattr(bench.table, name)
        np.testing.assert_allclose(moved, differences(found, before, name), atol=2e-5)
        if name != "logits" or form["input"] == "weighted":
            assert np.abs(moved).max() > 0.1
    assert totals[0] == pytest.approx(
        sum(p.loss(before.rows, before.contexts, before.logits) for p in found if p.targets), rel=1e-5
    )
    assert totals[1] == pytest.approx(sum(p.weight for p in found), rel=1e-6)


@pytest.mark.parametrize("form", [*FORMS, UNDIVIDED, AS_IN_C])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_learning_equals_the_slow_twin(form: dict[str, object], optimizer: str) -> None:
    bench = Bench.of(settings_of(form, optimizer=optimizer), small_sessions(8, seed=3), block=16)
    steps = Steps(0.1, 0.2, 0.05, 0.3, optimizer == "adagrad")
    slow, totals = bench.in_doubles(), np.zeros(2)
    twin.learn_blocks(
        bench.stream, bench.parts, slow, bench.draw, bench.how, steps, 0.25, bench.room, 1, totals
    )
    np.testing.assert_allclose(bench.learn(steps, 0.25), totals, rtol=1e-5)
    for fast, wanted in zip(bench.table, slow, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=1e-4, rtol=1e-3)


def check_against_the_twin(bench: Bench, name: str, optimizer: str) -> None:
    """The kernel and the twin of this name, on one worker, come to the same rows and totals."""
    steps = Steps(0.1, 0.2, 0.05, 0.3, optimizer == "adagrad")
    slow, totals, found = bench.in_doubles(), np.zeros(2), np.zeros(2)
    args = bench.draw, bench.how, steps, 0.25, bench.room, 1
    getattr(twin, name)(bench.stream, bench.parts, slow, *args, totals)
    getattr(skipgram, name)(bench.stream, bench.parts, bench.table, *args, found)
    np.testing.assert_allclose(found, totals, rtol=1e-5)
    for fast, wanted in zip(bench.table, slow, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("form", [FORMS[3], *FORMS[7:], UNDIVIDED, AS_IN_C])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_lock_free_learning_on_one_worker_equals_the_slow_twin(
    form: dict[str, object], optimizer: str
) -> None:
    bench = Bench.of(settings_of(form, optimizer=optimizer), small_sessions(8, seed=4), block=1)
    check_against_the_twin(bench, "learn_lockfree", optimizer)


BY_PAIR = [form for form in FORMS if pairs_are_examples(settings_of(form))]


def test_positions_of_cbow_of_the_whole_softmax_and_with_shared_negatives_are_learned_whole() -> None:
    assert [FORMS.index(form) for form in BY_PAIR] == [5, 6, 7, 14]


@pytest.mark.parametrize("form", [*BY_PAIR, AS_IN_C])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_learning_pair_by_pair_equals_the_slow_twin(form: dict[str, object], optimizer: str) -> None:
    bench = Bench.of(settings_of(form, optimizer=optimizer), small_sessions(8, seed=5), block=2)
    check_against_the_twin(bench, "learn_pairs", optimizer)


@pytest.mark.parametrize("form", [FORMS[2], FORMS[3], FORMS[4]])
def test_the_weight_gradients_of_an_item_sum_to_0(form: dict[str, object]) -> None:
    bench = Bench.of(settings_of(form), small_sessions(10, seed=1))
    before = bench.table.logits.copy()
    bench.learn(SGD)
    moved = bench.table.logits - before
    assert np.abs(moved).max() > 0.1
    np.testing.assert_allclose(moved.sum(axis=1), 0, atol=2e-5)


def test_a_missing_field_has_weight_0_and_no_gradient() -> None:
    bench = Bench.of(settings_of({"input": "weighted"}), sessions_of([[3, 0, 3, 1], [2, 5, 3]]))
    vectors, weights = np.empty((8, 4), np.float32), np.empty((8, 3), np.float32)
    before = bench.table.logits.copy()
    skipgram.input_vectors(bench.parts, bench.table, bench.how, bench.room, 1, vectors, weights)
    np.testing.assert_array_equal(weights[3], [1, 0, 0])  # item 3 has neither tag nor shelf
    np.testing.assert_array_equal(vectors[3], bench.table.rows[3])
    assert weights[2, 2] == 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    bench.learn(SGD)
    np.testing.assert_array_equal(bench.table.logits[3], before[3])
    assert bench.table.logits[2, 2] == before[2, 2]
    assert bench.table.logits[2, 1] != before[2, 1]


@pytest.mark.parametrize("form", [{"input": "own"}, *FORMS[1:4]])
def test_input_vectors_equal_the_slow_twin(form: dict[str, object]) -> None:
    bench = Bench.of(settings_of(form), small_sessions(1))
    slots = bench.room.alpha.shape[1]
    fast = np.empty((8, 4), np.float32), np.empty((8, slots), np.float32)
    slow = np.empty((8, 4)), np.empty((8, slots))
    skipgram.input_vectors(bench.parts, bench.table, bench.how, bench.room, 1, *fast)
    twin.input_vectors(bench.parts, bench.in_doubles(), bench.how, bench.room, 1, *slow)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    one, other = (Bench.of(settings_of(FORMS[3]), small_sessions(10), block=16) for _ in range(2))
    other.table.logits[:] += 3.0
    for bench in (one, other):
        bench.learn(Steps(0.1, 0.1, 0.1, 0.1, False))
    np.testing.assert_allclose(other.table.rows, one.table.rows, atol=1e-5)
    np.testing.assert_allclose(other.table.logits - 3.0, one.table.logits, atol=1e-5)


@pytest.mark.parametrize("keep", [[], [1, 0.5, 0.2, 0, 1, 1, 0.9, 0.7]])
def test_flattening_equals_the_slow_twin(keep: list[float]) -> None:
    chances, seed = np.array(keep, dtype=np.float32), np.uint64(2**63 + 5)
    sessions = small_sessions(20)
    order = np.random.default_rng(0).permutation(20)
    nodes = np.random.default_rng(1).integers(0, 8, (15, 6)).astype(np.int32)
    nodes[3, 2:], nodes[7, 1:], nodes[9, 5:] = -1, -1, -1
    for name, args in (
        ("flatten_sessions", (sessions.items, sessions.offsets, order)),
        ("flatten_walks", (nodes, 40)),
    ):
        fast, slow = new_stream(200), new_stream(200)
        n = getattr(flatten, name)(*args, chances, seed, fast)
        assert n == getattr(flatten_twin, name)(*args, chances, seed, slow)
        assert 20 < n < 120
        for one, other in zip(fast, slow, strict=True):
            np.testing.assert_array_equal(one[:n], other[:n])


def test_the_small_side_information_has_what_these_tests_need() -> None:
    tag, shelf = small_side(vocab_of([1] * 8)).fields
    assert set(np.diff(tag.offsets)) == {0, 1, 2, 3}
    assert set(np.diff(shelf.offsets)) == {0, 1}
