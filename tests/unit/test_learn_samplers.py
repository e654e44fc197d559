"""Negative samplers: frequencies against the stated chances, masks, the generator, twins, threads, errors."""

from dataclasses import dataclass

import numpy as np
import pytest
from learn_world import (
    COUNTS,
    TAGS,
    TWO_THREADS,
    field_of,
    graph_of,
    offsets_of,
    random_graph,
    sessions_of,
    small_sessions,
    small_side,
    vocab_of,
)
from pydantic import ValidationError
from scipy.stats import chi2

from cowalk.errors import CowalkError, DataError, UsageError
from cowalk.kernels.bundles import Draw, Mix, Parts, Room, Steps, Stream, Table
from cowalk.kernels.skipgram import learn_blocks
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.learn.extras import NO_EXTRAS
from cowalk.learn.outputs import outputs_of
from cowalk.learn.parts import own_prior, parts_of
from cowalk.learn.samplers import negative_tables, with_generator, with_pools
from cowalk.learn.sequences import SessionSequences
from cowalk.learn.state import new_draw, new_room, new_table
from cowalk.settings import load_recipe
from cowalk.tables import Field, ItemGraph, Sessions, SideInfo
from reference import skipgram as twin
from reference.negatives import REDRAWS

VOCAB = vocab_of(COUNTS)
SIDE = small_side(VOCAB)
WALKS = WalkSettings(num_walks=8, walk_length=6)
STILL = Steps(0.0, 0.0, 0.0, 0.0, False)
# 0 - 1 - 2 - 3 - 4 - 5 - 6 - 7 in a ring, so that each item has two neighbours and two second ones
RING = [[v, (v + 1) % 8] for v in range(8)]


def settings_of(**names: object) -> LearnSettings:
    base = {"vector_size": 8, "window": 1, "negative": 4, "epochs": 2, "shrink_windows": False}
    return LearnSettings.model_validate(base | names)


@dataclass
class World:
    """One call of the learning kernel over eight items with random rows."""

    settings: LearnSettings
    stream: Stream
    parts: Parts
    table: Table
    draw: Draw
    how: Mix
    room: Room

    @classmethod
    def of(
        cls, source: Sessions, settings: LearnSettings, side: SideInfo | None = SIDE, block: int | None = None
    ) -> "World":
        chunk = next(SessionSequences(source, 8, 1).chunks(0, np.empty(0, dtype=np.float32)))
        layout = parts_of(VOCAB, side if settings.input != "own" else None, settings.multi)
        outputs = outputs_of(VOCAB.counts, settings)
        table = with_generator(new_table(layout, 8, outputs, settings, 3), settings, 3)
        rng = np.random.default_rng(3)
        for array in table[:3]:
            array[:] = rng.normal(0, 0.7, array.shape)
        draw = new_draw(VOCAB.counts, outputs, NO_EXTRAS, settings, 77)
        tables = negative_tables(source, VOCAB.counts, settings, side, 3, 1)
        if tables is not None:
            if "similar" in settings.negatives:
                tables.refresh(table.rows[:8], "now")
            draw = tables.put_into(draw)
        room = new_room(block or len(chunk.stream.tokens), layout, outputs, settings)
        parts = Parts(layout.offsets, layout.rows, layout.slots, layout.scales, own_prior(VOCAB.counts, 0, 0))
        how = Mix(settings.input == "weighted", 0.0, 0.0)
        return cls(settings, chunk.stream, parts, table, draw, how, with_pools(room, settings))

    def learn(self, steps: Steps = STILL, workers: int = 1) -> np.ndarray:
        totals = np.zeros(2)
        learn_blocks(
            self.stream, self.parts, self.table, self.draw, self.how, steps, 1.0, self.room, workers, totals
        )
        return totals

    def drawn(self) -> np.ndarray:
        """int[8, 9]: at [v, u], how often u was drawn as a negative of v; last, how often none was."""
        self.learn()
        out = np.zeros((8, 9), dtype=int)
        for i, v in enumerate(self.stream.tokens):
            negatives = self.room.targets[i, self.room.context_counts[i] : self.room.target_counts[i]]
            np.add.at(out[v], negatives, 1)
            out[v, 8] += self.settings.negative - len(negatives)
        return out


def by_item(expected: np.ndarray, rounds: int = 1200, **names: object) -> None:
    """Chi-square of what is drawn for each item against float[8, 8], its chances; the rest is no negative.

    A draw that is a context is left out. Sessions are the ring's pairs, so a position of item v has one
    context: v + 1, or v - 1.
    """
    world = World.of(sessions_of(RING * rounds), settings_of(input="own", **names))
    found = world.drawn()
    for v in range(8):
        expects = np.zeros(9)
        for context in ((v + 1) % 8, (v - 1) % 8):  # v stands in two pairs
            row = expected[v].copy()
            row[context] = 0
            expects[:8] += row * world.settings.negative * rounds
        expects[8] = 2 * world.settings.negative * rounds - expects[:8].sum()
        there = expects > 1e-6
        assert not found[v][~there].any(), f"item {v} drew {np.flatnonzero(found[v] * ~there)}"
        square = ((found[v] - expects)[there] ** 2 / expects[there]).sum()
        assert chi2.sf(square, max(there.sum() - 1, 1)) > 1e-5 or np.allclose(found[v], expects, atol=0.5)


def shares(weights: object) -> np.ndarray:
    """float[8, 8], each row the same shares."""
    row = np.asarray(weights, dtype=float)
    return np.tile(row / row.sum(), (8, 1))


POPULAR = shares(np.array(COUNTS) ** 0.75)
UNIFORM = shares(np.ones(8))
LOG_UNIFORM = shares(np.log((np.arange(8) + 2) / (np.arange(8) + 1)))


def same_tag() -> np.ndarray:
    """A random value of the item, then another item of it by count ** .75; item 3 has none: popularity."""
    weights, out = np.array(COUNTS) ** 0.75, np.zeros((8, 8))
    for v in range(8):
        for tag in TAGS[v]:
            row = np.array([w if tag in TAGS[u] and u != v else 0 for u, w in enumerate(weights)])
            out[v] += row / row.sum() / len(TAGS[v])
        if not TAGS[v]:
            out[v] = np.where(np.arange(8) == v, 0, weights) / (weights.sum() - weights[v])
    return out


def second() -> np.ndarray:
    """The ring's items at distance two, both alike."""
    return (np.roll(np.eye(8), 2, axis=1) + np.roll(np.eye(8), -2, axis=1)) / 2


def masked(expected: np.ndarray, itself: bool = True) -> np.ndarray:
    """The chances without the two neighbours on the ring (and the item itself)."""
    near = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1) + itself * np.eye(8)
    left = np.where(near > 0, 0, expected)
    return left / left.sum(axis=1, keepdims=True)


SAMPLERS = {
    "popularity": POPULAR,
    "uniform": UNIFORM,
    "log-uniform": LOG_UNIFORM,
    "same-tag": same_tag(),
    "co-occurring": second(),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_frequencies_are_the_stated_ones(name: str) -> None:
    by_item(SAMPLERS[name], negatives=name, mask_positives=False)


@pytest.mark.parametrize("name", ["popularity", "uniform", "log-uniform", "co-occurring"])
def test_known_positives_are_never_drawn(name: str) -> None:
    by_item(masked(SAMPLERS[name]), negatives=name, mask_positives=True)


def test_masking_leaves_each_value_its_share() -> None:
    """A value whose items are all masked is not drawn; where an item has none left, popularity is.

    Where a share `free` of a value is unmasked, all REDRAWS draws fail with chance (1 - free) ** REDRAWS.
    """
    weights, out = np.array(COUNTS) ** 0.75, np.zeros((8, 8))
    for v in range(8):
        barred = {v, (v + 1) % 8, (v - 1) % 8}
        values = [tag for tag in TAGS[v] if any(tag in TAGS[u] for u in set(range(8)) - barred)]
        for tag in values:
            row = [w if tag in TAGS[u] and u not in barred else 0 for u, w in enumerate(weights)]
            free = sum(row) / weights[[tag in TAGS[u] for u in range(8)]].sum()
            out[v] += np.array(row) / sum(row) / len(values) * (1 - (1 - free) ** REDRAWS)
        if not values:
            out[v] = masked(POPULAR)[v]
    by_item(out, negatives="same-tag", mask_positives=True)


@pytest.mark.parametrize("mask", [False, True])
def test_mixtures_draw_by_their_shares(mask: bool) -> None:
    parts = {"popularity": 3.0, "uniform": 1.5, "co-occurring": 1.5}
    expected = sum(
        weight / 6 * (masked(SAMPLERS[name]) if mask else SAMPLERS[name]) for name, weight in parts.items()
    )
    by_item(expected, negatives=parts, mask_positives=mask)


def test_the_order_of_a_mixture_does_not_matter() -> None:
    one = run(negatives={"uniform": 0.5, "hardest": 0.3, "popularity": 0.2})
    other = run(negatives={"popularity": 2, "hardest": 3, "uniform": 5})
    np.testing.assert_array_equal(one.vectors, other.vectors)


def test_similar_draws_the_nearest_but_the_skipped() -> None:
    settings = settings_of(input="own", negatives="similar", similar_pool=3, similar_skip=1)
    world = World.of(sessions_of(RING * 500), settings)
    unit = world.table.rows / np.linalg.norm(world.table.rows, axis=1, keepdims=True)
    found = world.drawn()
    for v in range(8):
        near = np.argsort(-(unit @ unit[v]))[2:5]  # itself, the one that is skipped, then three
        assert set(np.flatnonzero(found[v, :8])) <= set(near.tolist())
        far = np.setdiff1d(near, [(v + 1) % 8, (v - 1) % 8])
        assert chi2.sf(((found[v, far] - 4000 / 3) ** 2 / (4000 / 3)).sum(), 2) > 1e-5


def hardest_chances(scores: np.ndarray, weights: np.ndarray, pool: int, barred: set[int]) -> np.ndarray:
    """float[8]: the best of `pool` draws, barred ones left out of the pool; the rest is an empty pool."""
    p = weights / weights.sum()
    out = np.zeros(8)
    for u in sorted(set(range(8)) - barred):
        worse = [k for k in range(8) if k in barred or scores[k] < scores[u]]
        out[u] = (p[worse].sum() + p[u]) ** pool - p[worse].sum() ** pool
    return out


@pytest.mark.parametrize("pool", [1, 3, 20])
def test_hardest_is_the_best_of_a_random_pool(pool: int) -> None:
    """v itself is drawn again, so it never counts; a context takes a place in the pool and is left out."""
    rounds, settings = 1500, settings_of(input="own", negatives="hardest", negative_pool=pool)
    world = World.of(sessions_of([[0, 1]] * rounds), settings)
    scores = world.table.contexts @ world.table.rows[0]
    weights = np.array(COUNTS) ** 0.75
    weights[0] = 0
    expected = hardest_chances(scores, weights, pool, {0, 1}) * 4 * rounds
    expected = np.append(expected, 4 * rounds - expected.sum())
    found = world.drawn()[0]
    there = expected > 1e-6
    assert not found[~there].any()
    assert chi2.sf(((found - expected)[there] ** 2 / expected[there]).sum(), there.sum() - 1) > 1e-5


def test_the_generator_draws_by_the_softmax_of_its_scores() -> None:
    """Of a pool of two alike draws (u, w): u with chance e^s_u / (e^s_u + e^s_w)."""
    settings = settings_of(input="own", negatives="generator", negative_pool=2, ns_exponent=0)
    rounds = 1500
    world = World.of(sessions_of([[0, 1]] * rounds), settings)
    world.table.generator_inputs[:] *= 9
    s = world.table.generator_outputs @ world.table.generator_inputs[0]
    free = [2, 3, 4, 5, 6, 7]  # of 7 that may be drawn, 1 is the context
    expected = np.zeros(9)
    for u in free:
        expected[u] += 2 / 49  # the context takes the other place
        expected[u] += sum(2 / 49 * np.exp(s[u]) / (np.exp(s[u]) + np.exp(s[w])) for w in free if w != u)
        expected[u] += 1 / 49
    expected[8] = 1 / 49
    world.draw = world.draw._replace(generator_step=0.0)
    found, expected = world.drawn()[0], expected * 4 * rounds
    there = expected > 1e-6
    assert not found[~there].any()
    assert chi2.sf(((found - expected)[there] ** 2 / expected[there]).sum(), there.sum() - 1) > 1e-5


def test_the_generator_learns_to_draw_what_scores_high() -> None:
    settings = settings_of(input="own", negatives="generator", negative_pool=6, ns_exponent=0)
    world = World.of(sessions_of([[v, (v + 4) % 8] for v in range(8)] * 60), settings, block=32)
    world.draw = world.draw._replace(generator_step=0.1)

    def mean_score() -> float:
        pools = World.of(sessions_of([[v, (v + 4) % 8] for v in range(8)] * 200), settings)
        for name in ("generator_inputs", "generator_outputs", "generator_means"):
            getattr(pools.table, name)[:] = getattr(world.table, name)
        found = pools.drawn()[:, :8]
        return float((found * (world.table.rows @ world.table.contexts.T)).sum() / found.sum())

    before = mean_score()
    for epoch in range(6):
        world.draw = world.draw._replace(seed=np.uint64(epoch))
        world.learn()
    scores = world.table.rows @ world.table.contexts.T
    others = ~np.eye(8, dtype=bool) & ~np.roll(np.eye(8, dtype=bool), 4, axis=1)
    assert before == pytest.approx(scores[others].mean(), abs=0.15)  # at first at random
    assert mean_score() > before + 0.5 * scores[others].std()


FORMS = {
    "uniform, masked": {"negatives": "uniform", "mask_positives": True},
    "self-adversarial": {"self_adversarial": 1.5},
    "self-adversarial pairs": {"self_adversarial": 0.7, "negatives_per": "pair"},
    "fields": {"negatives": {"same-tag": 0.6, "same-shelf": 0.4}, "input": "weighted"},
    "similar": {"negatives": {"similar": 0.7, "log-uniform": 0.3}, "similar_pool": 3},
    "hardest": {"negatives": {"hardest": 0.5, "popularity": 0.5}, "negative_pool": 3},
    "generator": {"negatives": "generator", "negative_pool": 4},
    "generator, masked mixture": {
        "negatives": {"generator": 0.5, "uniform": 0.5}, "self_adversarial": 1.0, "negatives_per": "pair",
        "mask_positives": True, "negative_pool": 3, "generator_size": 3,
    },
}  # fmt: skip
LEAP = [[0, 1], [2, 3, 2], [4, 5], [6, 7], [1, 0], [7, 5]]


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize("form", FORMS)
def test_learning_equals_the_slow_twin(form: str, optimizer: str) -> None:
    names = {"input": "own", "optimizer": optimizer, "generator_step": 0.3} | FORMS[form]
    world = World.of(sessions_of(LEAP * 3), settings_of(**names), block=9)
    steps = Steps(0.1, 0.2, 0.05, 0.3, optimizer == "adagrad")
    slow, totals = Table(*(array.astype(np.float64) for array in world.table)), np.zeros(2)
    before = Table(*(array.copy() for array in world.table))
    twin.learn_blocks(
        world.stream, world.parts, slow, world.draw, world.how, steps, 1.0, world.room, 1, totals
    )
    np.testing.assert_allclose(world.learn(steps), totals, rtol=1e-5)
    for name, fast, wanted in zip(Table._fields, world.table, slow, strict=True):
        np.testing.assert_allclose(fast, wanted, atol=1e-4, rtol=1e-3, err_msg=name)
    if "generator" in form:
        for name in ("generator_inputs", "generator_outputs", "generator_means"):
            assert np.abs(getattr(world.table, name) - getattr(before, name)).max() > 1e-3


def test_self_adversarial_weights_are_softmax_times_number() -> None:
    """Errors are weight * sigmoid(H.Z): by written arithmetic, and 1 on average."""
    world = World.of(sessions_of([[0, 1]] * 4), settings_of(input="own", self_adversarial=2.0))
    world.learn()
    for i, v in enumerate(world.stream.tokens):
        targets = world.room.targets[i, 1 : world.room.target_counts[i]]
        x = world.table.contexts[targets] @ world.table.rows[v]
        weights = len(x) * np.exp(2 * x) / np.exp(2 * x).sum()
        np.testing.assert_allclose(world.room.weights[i, 1 : 1 + len(x)], weights, rtol=1e-4)
        errors = world.room.errors[i, 1 : 1 + len(x)]
        np.testing.assert_allclose(errors, weights / (1 + np.exp(-x)), rtol=1e-4)


def run(source: Sessions | ItemGraph | None = None, side: SideInfo | None = SIDE, **names: object) -> Learned:
    more = {key: names.pop(key) for key in ("workers", "seed", "progress", "checkpoint") if key in names}
    settings = settings_of(**({"window": 3} | names))
    chosen = small_sessions() if source is None else source
    return learn(chosen, VOCAB, settings, walks=WALKS, side_info=side, **more)  # type: ignore[arg-type]


SOURCES = {"walks": graph_of(np.roll(np.eye(8), 1, axis=1)), "sessions": sessions_of(RING * 40)}
EVERY = (
    "uniform", "log-uniform", "similar", "co-occurring", "same-tag", "hardest", "generator",
    {"popularity": 0.4, "generator": 0.2, "same-tag": 0.2, "similar": 0.2},
)  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("negatives", EVERY, ids=str)
def test_one_and_two_threads_are_equal_to_the_bit(source: str, negatives: object) -> None:
    names = {"negatives": negatives, "window": 1, "self_adversarial": 0.5, "similar_pool": 2}
    one = run(SOURCES[source], **names, workers=1)
    assert np.isfinite(one.vectors).all()
    plain = run(SOURCES[source], window=1, self_adversarial=0.5, workers=1)
    assert not np.array_equal(one.vectors, plain.vectors)
    if TWO_THREADS:
        np.testing.assert_array_equal(one.vectors, run(SOURCES[source], **names, workers=2).vectors)


@pytest.mark.parametrize("negatives", EVERY, ids=str)
def test_lock_free_learning_takes_every_sampler(negatives: object) -> None:
    learned = run(SOURCES["sessions"], negatives=negatives, window=1, similar_pool=2, mode="hogwild")
    assert np.isfinite(learned.vectors).all()


@pytest.mark.parametrize("negatives", ["similar", "generator"])
def test_an_interrupted_run_goes_on_to_the_same_result(negatives: str, tmp_path: object) -> None:
    names = {"negatives": negatives, "epochs": 3, "similar_pool": 2}
    whole, calls = run(**names), []

    def stop(_: float, words: str) -> None:
        calls.append(words)
        if "epoch 2" in words:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(**names, checkpoint=tmp_path, progress=stop)
    resumed = run(**names, checkpoint=tmp_path)
    np.testing.assert_array_equal(whole.vectors, resumed.vectors)
    np.testing.assert_array_equal(whole.contexts, resumed.contexts)


def test_similar_is_popularity_until_there_are_vectors() -> None:
    one = run(negatives="similar", epochs=1, similar_pool=1)
    np.testing.assert_allclose(one.losses, run(negatives={"popularity": 1}, epochs=1).losses, rtol=0.2)
    assert any("until there are vectors" in note for note in one.notes)
    two = run(negatives="similar", epochs=2, similar_pool=1)
    assert two.notes == ()


def test_the_share_of_items_without_a_negative_is_told() -> None:
    told: list[str] = []
    learned = run(
        negatives={"popularity": 0.5, "same-shelf": 0.5}, progress=lambda _, note: told.append(note)
    )
    words = "same-shelf finds nothing to draw for 2 of 8 items (25.0 %); popularity takes its place"
    assert len(learned.notes) == 1
    assert words in learned.notes[0]
    assert told[0] == learned.notes[0]


ALONE = SideInfo(VOCAB.fingerprint, (field_of("shelf", [[v] for v in range(8)]),))
TEXTS = SideInfo(
    VOCAB.fingerprint,
    (
        Field(
            "text", "dense", np.zeros(9, np.int64), np.zeros(0, np.int32), np.array(["0", "1"]),
            vectors=np.ones((8, 2), np.float32),
        ),
    ),
)  # fmt: skip
ERRORS = {
    "one item a category": (DataError, "same-shelf finds nothing", {"negatives": "same-shelf"}, ALONE),
    "no such field": (UsageError, "'shelv'; did you mean 'shelf'", {"negatives": "same-shelv"}, SIDE),
    "a field of vectors": (UsageError, "no two items share one", {"negatives": "same-text"}, TEXTS),
    "no fields": (UsageError, "needs side information", {"negatives": "same-shelf"}, None),
    "all are known": (
        DataError, "popularity finds.*mask_positives=false", {"mask_positives": True, "window": 9}, SIDE,
    ),
    "no negatives": (
        UsageError, "objective=hierarchical-softmax draws none",
        {"negatives": "uniform", "objective": "hierarchical-softmax"}, SIDE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ERRORS)
def test_errors_are_one_line_that_names_the_mend(what: str) -> None:
    kind, words, names, side = ERRORS[what]
    crowd = sessions_of([list(range(8))] * 3)
    with pytest.raises(kind, match=words) as caught:
        run(crowd, side, **({"window": 2} | names))
    assert "\n" not in str(caught.value)


NAMES = {
    "similr": "did you mean 'similar'",
    "same-": "needs the name of a field",
    5: "how many are drawn is the setting negative",
}


@pytest.mark.parametrize("value", NAMES)
def test_wrong_names_are_told(value: object) -> None:
    with pytest.raises(ValidationError, match=NAMES[value]):
        settings_of(negatives=value)
    with pytest.raises(CowalkError, match=NAMES[value]):
        load_recipe("eges", {"learn.negatives": value})


@pytest.mark.parametrize("weight", [0, -1, float("nan"), "much", True])
def test_weights_are_numbers_above_0(weight: object) -> None:
    with pytest.raises(UsageError, match=r"weight of uniform must be a number above 0"):
        load_recipe("eges", {"learn.negatives": {"uniform": weight}})


def test_a_mixture_is_kept_by_a_recipe() -> None:
    recipe = load_recipe("eges", {"negatives": {"popularity": 0.8, "same-category": 0.2}})
    assert recipe.learn.negatives == {"popularity": 0.8, "same-category": 0.2}
    assert 'negatives = {"popularity" = 0.8, "same-category" = 0.2}' in recipe.to_toml()


def test_masks_on_a_graph_are_its_edges() -> None:
    graph = random_graph(8, 3, share=0.3)
    tables = negative_tables(graph, VOCAB.counts, settings_of(mask_positives=True), None, 0, 1)
    assert tables is not None
    rows = [sorted({*np.flatnonzero(row), *np.flatnonzero(column)}) for row, column in both_ways(graph)]
    np.testing.assert_array_equal(tables.ground.known_offsets, offsets_of(rows))
    np.testing.assert_array_equal(tables.ground.known, [u for row in rows for u in row])


def both_ways(graph: ItemGraph) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each node's rows of the matrix and of its transpose, without the diagonal."""
    table = np.zeros((len(graph), len(graph)))
    table[graph.sources(), graph.targets] = graph.weights
    np.fill_diagonal(table, 0)
    return list(zip(table, table.T, strict=True))
