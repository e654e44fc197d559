"""The family on the one engine: Huffman trees, full softmax, CBOW, sets, weights of pairs, bought items."""

import heapq
from dataclasses import replace

import numpy as np
import pytest
from learn_world import (
    COUNTS,
    TWO_THREADS,
    Bench,
    random_graph,
    sessions_of,
    small_sessions,
    small_side,
    vocab_of,
)
from scipy.stats import chi2

from cowalk.errors import DataError, UsageError
from cowalk.kernels import huffman
from cowalk.kernels.bundles import Steps
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.learn.extras import as_sets, extras_of
from cowalk.learn.outputs import MOST_SOFTMAX, huffman_paths, outputs_of
from cowalk.learn.sequences import SessionSequences
from cowalk.learn.state import keep_chances
from cowalk.tables import Sessions
from reference import huffman as twin
from reference import skipgram as slow

VOCAB = vocab_of(COUNTS)
SESSIONS = {"sequences": "sessions"}
FORMS = [
    {"objective": "hierarchical-softmax"},
    {"objective": "softmax", "input": "own"},
    {"architecture": "cbow", "input": "mean"},
    {
        "architecture": "cbow",
        "input": "own",
        "objective": "hierarchical-softmax",
        "cbow_gradient": "word2vec",
    },
    {"pairs": "set", "most_contexts": 2, "negatives_per": "pair"},
    {"weigh_events": True, "time_scale": 3.0, "bought_context": True},
]


def told(sessions: Sessions) -> Sessions:
    """The sessions with weights, times and bought items."""
    rng = np.random.default_rng(8)
    n, s = len(sessions.items), len(sessions)
    return replace(
        sessions,
        weights=rng.choice([1.0, 5.0], n).astype(np.float32),
        times=np.arange(n, dtype=np.int64) * 90_000_000,
        bought=rng.integers(-1, 8, s).astype(np.int32),
    )


LOG = told(small_sessions(80))


def run(workers: int = 1, source: Sessions = LOG, **names: object) -> Learned:
    small = {"vector_size": 6, "window": 3, "epochs": 2, "block": 16}
    settings = LearnSettings.model_validate(SESSIONS | small | names)
    return learn(source, VOCAB, settings, side_info=small_side(VOCAB), seed=3, workers=workers)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_equal_bit_for_bit_on_two_threads_and_learns(form: dict[str, object]) -> None:
    one = run(**form, epochs=12)
    assert one.losses[-1] < one.losses[0]
    assert np.isfinite(one.vectors).all()
    if TWO_THREADS:
        two = run(**form, epochs=12, workers=2)
        for name in ("vectors", "contexts", "own", "losses"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_learns_without_locks(form: dict[str, object]) -> None:
    learned = run(**form, epochs=12, mode="hogwild", workers=2)
    assert learned.losses[-1] < learned.losses[0]


@pytest.mark.parametrize("counts", [COUNTS, [1, 1], [5, 5, 5, 5, 5], [0, 0, 7, 1, 1, 2, 900, 3, 3]])
def test_the_tree_equals_its_slow_twin_and_costs_no_more_than_any(counts: list[int]) -> None:
    """Huffman's cost: the sum of all merged counts."""
    n = len(counts)
    order = np.argsort(counts, kind="stable")
    found = [[np.zeros(2 * n - 1, t) for t in (np.int32, np.uint8, np.int32)] for _ in range(2)]
    for module, arrays in zip((huffman, twin), found, strict=True):
        module.huffman_tree(np.array(counts), order, *arrays)
    for fast, wanted in zip(*found, strict=True):
        np.testing.assert_array_equal(fast, wanted)
    offsets, nodes, bits = huffman_paths(np.array(counts))
    wanted = [np.zeros_like(nodes), np.zeros_like(bits)]
    twin.tree_paths(found[0][0], found[0][1], offsets, *wanted)
    np.testing.assert_array_equal(nodes, wanted[0])
    np.testing.assert_array_equal(bits, wanted[1])
    heap, cost = [int(c) for c in counts], 0
    heapq.heapify(heap)
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        heapq.heappush(heap, merged)
        cost += merged
    assert (np.array(counts) * np.diff(offsets)).sum() == cost
    assert set(nodes.tolist()) == set(range(n - 1))


def test_rare_items_that_are_first_read_together_are_siblings_in_the_tree() -> None:
    read = sessions_of([[5, 2], [7, 0], [1, 6], [4, 3], [2, 5], [0, 7], [6, 1], [3, 4]])
    first = SessionSequences(read, 8, seed=1).first_met()
    flat = read.items.tolist()
    assert first.tolist() == [flat.index(item) for item in range(8)]
    offsets, nodes, _ = huffman_paths(np.full(8, 2), first)
    parent = nodes[offsets[1:] - 1]  # of eight equal counts the tree is full: three nodes on each path
    assert [np.flatnonzero(parent == p).tolist() for p in parent[[5, 7, 1, 4]]] == [
        [2, 5],
        [0, 7],
        [1, 6],
        [3, 4],
    ]
    plain = SessionSequences(read, 9, seed=1).first_met()
    assert plain[8] == 16  # an item that is not read stands last


def test_the_probabilities_of_the_tree_sum_to_1_and_are_what_the_loss_says() -> None:
    settings = LearnSettings(
        input="own", vector_size=5, window=1, objective="hierarchical-softmax", shrink_windows=False
    )
    rng = np.random.default_rng(0)
    counts = np.sort(rng.zipf(1.5, 300).clip(1, 10**6))[::-1].copy()
    offsets, nodes, bits = huffman_paths(counts)
    inner, h = rng.normal(0, 1, (299, 5)), rng.normal(0, 1, 5)
    log_p = np.empty(300)
    for u in range(300):
        path = slice(offsets[u], offsets[u + 1])
        sign = 1.0 - 2.0 * bits[path]
        log_p[u] = -np.logaddexp(0, -sign * (inner[nodes[path]] @ h)).sum()
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-12)
    total = 0.0
    for u in range(1, 8):  # item 0 foretells item u: the loss of that pair is -log p(u)
        bench = Bench.of(settings, sessions_of([[0, u]]))
        found = bench.in_doubles()
        first = slow.Position(0, bench.stream, bench.parts, bench.draw, bench.how, 1)
        total += np.exp(-first.loss(found.rows, found.contexts, found.logits))
    bench = Bench.of(settings, sessions_of([[1, 0]]))  # H of item 1 set to that of item 0
    found = bench.in_doubles()
    found.rows[1] = found.rows[0]
    first = slow.Position(0, bench.stream, bench.parts, bench.draw, bench.how, 1)
    total += np.exp(-first.loss(found.rows, found.contexts, found.logits))
    assert total == pytest.approx(1.0, abs=1e-6)


def test_a_tree_leaves_no_rows_per_item_and_full_softmax_does() -> None:
    assert run(objective="hierarchical-softmax").contexts.shape == (8, 0)
    assert run(objective="softmax").contexts.shape == (8, 6)


def test_full_softmax_comes_to_the_transition_shares() -> None:
    """With room enough, softmax(H.Z) of an item is the share of each context among its pairs."""
    rows = [[0, 1]] * 30 + [[0, 2]] * 10 + [[3, 1]] * 10
    learned = run(
        source=sessions_of(rows), objective="softmax", input="own", contexts="forward", vector_size=8,
        epochs=200, shrink_windows=False, step=0.5,
    )  # fmt: skip
    scores = learned.vectors[0] @ learned.contexts.T
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    np.testing.assert_allclose(shares[[1, 2]], [0.75, 0.25], atol=0.03)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert learned.losses[-1] == pytest.approx(40 / 50 * entropy, abs=0.05)


def test_full_softmax_is_for_few_items() -> None:
    with pytest.raises(UsageError, match="hierarchical-softmax"):
        outputs_of(np.ones(MOST_SOFTMAX + 1, np.int64), LearnSettings(objective="softmax"))
    with pytest.raises(DataError, match="at least 2"):
        huffman_paths(np.array([3]))


def test_a_set_gives_all_ordered_pairs_of_different_items() -> None:
    bench = Bench.of(
        LearnSettings(input="own", pairs="set", **SESSIONS), sessions_of([[3, 1, 3, 5, 1], [2, 2]])
    )
    found = slow_contexts(bench)
    assert sorted(found) == [(1, 3), (1, 5), (3, 1), (3, 5), (5, 1), (5, 3)]


def slow_contexts(bench: Bench) -> list[tuple[int, int]]:
    """(item, context) of every pair that the kernel learned from, told by its room after one block."""
    bench.draw = bench.draw._replace(negative=0)
    bench.learn(Steps(0.0, 0.0, 0.0, 0.0, False))
    tokens, counts = bench.stream.tokens, bench.room.context_counts
    return [(int(v), int(bench.room.contexts[i, k])) for i, v in enumerate(tokens) for k in range(counts[i])]


def test_of_a_long_set_every_pair_is_equally_likely() -> None:
    rounds, bound = 4000, 3
    settings = LearnSettings(input="own", pairs="set", most_contexts=bound, **SESSIONS)
    bench = Bench.of(settings, sessions_of([list(range(8))] * rounds), block=8 * rounds)
    pairs = np.zeros((8, 8))
    for v, u in slow_contexts(bench):
        pairs[v, u] += 1
    assert (np.diag(pairs) == 0).all()
    assert (pairs.sum(axis=1) == bound * rounds).all()  # without replacement: always as many
    off = pairs[~np.eye(8, dtype=bool)]
    expected = rounds * bound / 7
    # draws without replacement vary less than a chi-square says, so the bound is safe on that side
    assert chi2.sf(((off - expected) ** 2 / (expected * (1 - bound / 7))).sum() * 6 / 7, 48) > 1e-4
    assert (bench.room.context_weights[: len(bench.stream.tokens), :bound] == 1).all()
    bench = Bench.of(settings.model_copy(update={"reweigh_sets": True}), sessions_of([list(range(8))]))
    assert bench.learn(Steps(0.0, 0.0, 0.0, 0.0, False))[1] == pytest.approx(8 * 7)


def test_as_sets_keeps_the_event_that_weighs_most() -> None:
    log = replace(
        sessions_of([[4, 2, 4, 4], [4]]), weights=np.array([1, 1, 5, 5, 2], np.float32),
        times=np.arange(5, dtype=np.int64),
    )  # fmt: skip
    sets = as_sets(log, 8)
    np.testing.assert_array_equal(sets.items, [2, 4, 4])
    np.testing.assert_array_equal(sets.offsets, [0, 2, 3])
    np.testing.assert_array_equal(sets.times, [1, 2, 4])
    np.testing.assert_array_equal(sets.weights, [1, 5, 2])


def test_a_pair_weighs_the_event_of_its_context_and_falls_with_the_time_between() -> None:
    log = replace(
        sessions_of([[0, 1, 2]]), weights=np.array([1, 3, 5], np.float32),
        times=np.array([0, 60, 180], np.int64) * 1_000_000,
    )  # fmt: skip
    names = {"input": "own", "window": 2, "shrink_windows": False, **SESSIONS}
    settings = LearnSettings(**names, weigh_events=True, time_scale=2.0)
    bench = Bench.of(settings, log, extras=extras_of(log, settings))
    totals = bench.learn(Steps(0.0, 0.0, 0.0, 0.0, False))
    wanted = [
        3 * np.exp(-0.5),
        5 * np.exp(-1.5),
        1 * np.exp(-0.5),
        5 * np.exp(-1),
        np.exp(-1.5),
        3 * np.exp(-1),
    ]
    np.testing.assert_allclose(bench.room.context_weights[:3, :2].ravel(), wanted, rtol=1e-6)
    assert totals[1] == pytest.approx(sum(wanted), rel=1e-6)


@pytest.mark.parametrize(
    "form",
    [{"input": "weighted"}, {"input": "own", "negatives_per": "pair"}, {"input": "own", "pairs": "set"},
     {"input": "mean", "architecture": "cbow"}, {"input": "own", "objective": "softmax"}],
)  # fmt: skip
def test_weighted_pairs_equal_the_slow_twin(form: dict[str, object]) -> None:
    base = {"vector_size": 4, "window": 3, "optimizer": "sgd", "weigh_events": True, "time_scale": 4.0}
    settings = LearnSettings.model_validate(base | SESSIONS | form | {"bought_context": True})
    log = told(small_sessions(10, seed=3))
    source = as_sets(log, 8) if settings.pairs == "set" else log
    bench = Bench.of(settings, log, block=16, extras=extras_of(source, settings))
    steps = Steps(0.05, 0.1, 0.05, 0.1, False)
    found, totals = bench.in_doubles(), np.zeros(2)
    slow.learn_blocks(
        bench.stream, bench.parts, found, bench.draw, bench.how, steps, 0.5, bench.room, 1, totals
    )
    np.testing.assert_allclose(bench.learn(steps, 0.5), totals, rtol=1e-5)
    for fast, wanted in zip(bench.table, found, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=1e-4, rtol=1e-3)


def test_the_bought_item_is_a_context_of_every_other_click_once() -> None:
    log = replace(sessions_of([[0, 1, 2, 3], [4, 5]]), bought=np.array([3, -1], np.int32))
    settings = LearnSettings(input="own", window=1, shrink_windows=False, bought_context=True, **SESSIONS)
    bench = Bench.of(settings, log, extras=extras_of(log, settings))
    order = sorted(slow_contexts(bench))
    assert order == [(0, 1), (0, 3), (1, 0), (1, 2), (1, 3), (2, 1), (2, 3), (2, 3), (3, 2), (4, 5), (5, 4)]


def test_equal_weights_change_nothing_but_the_scale() -> None:
    twos = replace(LOG, weights=np.full(len(LOG.items), 2.0, np.float32))
    plain, weighed = run(source=twos), run(source=twos, weigh_events=True)
    np.testing.assert_allclose(weighed.losses, plain.losses, rtol=0.02)
    ones = replace(LOG, weights=np.ones(len(LOG.items), np.float32))
    np.testing.assert_array_equal(run(source=ones, weigh_events=True).vectors, plain.vectors)


def test_the_c_codes_chances_to_be_kept() -> None:
    """f = 64/100, t = .04: sqrt(1/16) + 1/16; f = 16/100: 1/2 + 1/4; f = 20/100: sqrt(.2) + .2."""
    chances = keep_chances(np.array([64, 16, 20, 0]), 0.04, "word2vec")
    np.testing.assert_allclose(chances, [0.3125, 0.75, np.sqrt(0.2) + 0.2, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"architecture": "cbow", "input": "weighted"}, "input=mean or own"),
        ({"cbow_gradient": "word2vec"}, "belongs to cbow"),
        ({"pairs": "set", "contexts": "forward"}, "no order"),
        ({"bought_context": True}, "bought_weight"),
        ({"time_scale": 5.0}, "time of every event"),
    ],
)
def test_what_does_not_go_together_is_told(names: dict[str, object], words: str) -> None:
    with pytest.raises((UsageError, DataError), match=words):
        run(source=small_sessions(5), **names)


@pytest.mark.parametrize("names", [{"pairs": "set"}, {"weigh_events": True}, {"bought_context": True}])
def test_extras_of_sessions_are_refused_on_walks(names: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="sequences=sessions"):
        learn(random_graph(8, 1), VOCAB, LearnSettings(**names), walks=WalkSettings(num_walks=1))


def test_extras_that_are_not_asked_are_empty() -> None:
    extras = extras_of(LOG, LearnSettings())
    assert len(extras.event_weights) == len(extras.times) == len(extras.bought) == extras.time_scale == 0
