"""Hema as an engine: planted structure, new items, scale traps, and one recipe from fit to evaluate."""

from pathlib import Path

import numpy as np
import pytest
from learn_world import TWO_THREADS, field_of, sessions_of, small_sessions, small_side, vocab_of

from cowalk.errors import DataError, DivergedError, UsageError
from cowalk.learn import ColdMap, ColdSettings, Learned, LearnSettings, learn
from cowalk.learn.hema import learn_hema
from cowalk.learn.hema_layout import hema_layout, new_item_scales
from cowalk.learn.hema_settings import HemaSettings
from cowalk.settings import load_recipe
from cowalk.tables import Field, ItemGraph, SideInfo, Vocab

COUNTS = [40, 30, 20, 9, 8, 7, 5, 3]
VOCAB = vocab_of(COUNTS)
SMALL = {"vector_size": 6, "field_size": 3, "epochs": 2, "batch": 16, "step": 0.02}


def run(**names: object) -> Learned:
    workers, progress = names.pop("workers", None), names.pop("progress", None)
    checkpoint = names.pop("checkpoint", None)
    return learn_hema(
        small_sessions(), VOCAB, HemaSettings.model_validate(SMALL | names), side_info=small_side(VOCAB),
        seed=4, workers=workers, progress=progress, checkpoint=checkpoint,  # type: ignore[arg-type]
    )  # fmt: skip


def test_weights_are_1_over_the_items_that_carry_the_value() -> None:
    """Tags of the eight items: 0 x 4, 1 x 3, 2 x 3; shelves: 0 x 2, 1 x 2, 2 x 2; several tags share."""
    layout = hema_layout(VOCAB, small_side(VOCAB), HemaSettings()).kernel
    found = [layout.weights[layout.offsets[v] : layout.offsets[v + 1]].tolist() for v in range(8)]
    assert found[0] == pytest.approx([1, 1 / 4, 1 / 2])
    assert found[1] == pytest.approx([1, 1 / 4 / 2, 1 / 3 / 2, 1 / 2])
    assert found[3] == pytest.approx([1])
    assert found[4] == pytest.approx([1, 1 / 4 / 3, 1 / 3 / 3, 1 / 3 / 3, 1 / 2])


def test_what_is_given_back_has_the_stated_shapes_and_values() -> None:
    learned = run(dims={"shelf": 2})
    assert learned.vectors.shape == learned.contexts.shape == (8, 6)
    assert learned.field_names == ("tag", "shelf")
    assert [rows.shape for rows in learned.fields] == [(3, 6), (3, 6)]
    shapes = {name: table.shape for name, table in learned.extra.items()}
    assert shapes == {
        "ids tag": (3, 3), "contexts tag": (3, 3), "transfer tag": (6, 3),
        "ids shelf": (3, 2), "contexts shelf": (3, 2), "transfer shelf": (6, 2),
    }  # fmt: skip
    wanted = learned.extra["ids tag"] @ learned.extra["transfer tag"].T / np.array([[4], [3], [3]])
    np.testing.assert_allclose(learned.fields[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(learned.weights[0], [1, 1 / 4, 1 / 2])
    np.testing.assert_allclose(learned.weights[3], [1, 0, 0])
    assert len(learned.losses) == 2
    assert all(table.dtype == np.float32 for table in (learned.vectors, learned.weights, *learned.fields))


@pytest.mark.skipif(not TWO_THREADS, reason="one core")
def test_equal_bits_on_one_and_two_threads_and_again() -> None:
    one, two, again = run(workers=1), run(workers=2), run(workers=2)
    for other in (two, again):
        for name, table in one.extra.items():
            np.testing.assert_array_equal(table, other.extra[name])
        np.testing.assert_array_equal(one.vectors, other.vectors)
        np.testing.assert_array_equal(one.contexts, other.contexts)
        assert one.losses == other.losses


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    def stop(share: float, words: str) -> None:
        if words.startswith("epoch 3"):
            raise KeyboardInterrupt

    whole = run(epochs=4)
    with pytest.raises(KeyboardInterrupt):
        run(epochs=4, checkpoint=tmp_path, progress=stop)
    told: list[str] = []
    again = run(epochs=4, checkpoint=tmp_path, progress=lambda share, words: told.append(words))
    assert told[0].startswith("epoch 3")
    np.testing.assert_array_equal(again.vectors, whole.vectors)
    np.testing.assert_array_equal(again.extra["transfer tag"], whole.extra["transfer tag"])
    assert again.losses == whole.losses


def test_a_value_of_ten_thousand_items_moves() -> None:
    """w_ik w_jk = 1e-8: plain steps, or an epsilon of 1e-8, would leave its rows where they began."""
    items = 10_000
    vocab = vocab_of(np.arange(items, 0, -1))
    side = SideInfo(vocab.fingerprint, (field_of("kind", [[0]] * (items - 1) + [[1]]),))
    rng = np.random.default_rng(0)
    sessions = sessions_of([rng.integers(0, items, size=6).tolist() for _ in range(200)])
    settings = HemaSettings(vector_size=8, field_size=4, epochs=1)
    learned = learn_hema(sessions, vocab, settings, side_info=side)
    start = learn_hema(sessions, vocab, settings.model_copy(update={"step": 1e-12}), side_info=side)
    for name in ("ids kind", "contexts kind", "transfer kind"):
        moved = np.abs(learned.extra[name] - start.extra[name])
        assert moved[0].max() > 1e-3, name
        assert np.isfinite(learned.extra[name]).all()


def planted(cold: bool = False) -> tuple[SideInfo, Vocab, list[list[int]]]:
    """Four groups of six items, each with a kind; sessions stay within a group."""
    rng = np.random.default_rng(1)
    vocab = vocab_of([50] * 24)
    side = SideInfo(vocab.fingerprint, (field_of("kind", [[v // 6] for v in range(24)]),))
    groups = rng.integers(4, size=300)
    return side, vocab, [(6 * group + rng.integers(0, 6, size=5)).tolist() for group in groups]


def planted_run(**names: object) -> tuple[Learned, SideInfo, Vocab]:
    side, vocab, sessions = planted()
    settings = HemaSettings.model_validate(
        {"vector_size": 12, "field_size": 6, "epochs": 8, "step": 0.02, "batch": 32} | names
    )
    return learn_hema(sessions_of(sessions), vocab, settings, side_info=side), side, vocab


def test_planted_groups_are_told_apart_and_new_items_find_theirs() -> None:
    learned, side, vocab = planted_run()
    unit = learned.vectors / np.linalg.norm(learned.vectors, axis=1, keepdims=True)
    same = (np.arange(24) // 6)[:, None] == np.arange(24) // 6
    cosine = unit @ unit.T
    assert cosine[same & ~np.eye(24, dtype=bool)].min() > cosine[~same].max()
    assert learned.losses[-1] < learned.losses[0]
    new = (field_of("kind", [[0], [1], [2], [3]], size=4),)
    cold = ColdMap.fit(learned, side, vocab.counts, ColdSettings(method="transfer")).vectors(new)
    near = cold @ unit.T
    for group in range(4):
        assert set(np.argsort(-near[group])[:6].tolist()) == set(range(6 * group, 6 * group + 6))


def test_the_transferred_vector_is_its_formula() -> None:
    """sum over values of M_k e_k / (V + 1) / m, at the mean length of the items' vectors."""
    learned, side = run(), small_side(VOCAB)
    new = field_of("tag", [[0, 2], [1], []], size=3), field_of("shelf", [[1], [], []], size=3)
    found = ColdMap.fit(learned, side, VOCAB.counts, ColdSettings(method="transfer")).vectors(new)
    tag = learned.extra["ids tag"] @ learned.extra["transfer tag"].T
    shelf = learned.extra["ids shelf"] @ learned.extra["transfer shelf"].T
    size = np.linalg.norm(learned.vectors, axis=1).mean()
    first = tag[0] / 5 / 2 + tag[2] / 4 / 2 + shelf[1] / 3
    np.testing.assert_allclose(found[0], first / np.linalg.norm(first) * size, rtol=1e-4)
    np.testing.assert_allclose(found[1], tag[1] / np.linalg.norm(tag[1]) * size, rtol=1e-4)
    np.testing.assert_allclose(found[2], learned.vectors.mean(axis=0), rtol=1e-5)


def test_a_value_that_no_item_had_weighs_1() -> None:
    fitted, new = field_of("tag", [[0], [0, 1]], size=3), field_of("tag", [[2], [0, 1]], size=3)
    np.testing.assert_allclose(new_item_scales(new, fitted), [1, 2 / 3 / 2, 1 / 2 / 2])


def test_transfer_is_for_hema_alone() -> None:
    other = learn(small_sessions(), VOCAB, LearnSettings(vector_size=4), side_info=small_side(VOCAB))
    with pytest.raises(UsageError, match="needs the transfer matrices of engine hema"):
        ColdMap.fit(other, small_side(VOCAB), VOCAB.counts, ColdSettings(method="transfer"))
    with pytest.raises(UsageError, match="needs engine hema"):
        load_recipe("eges", {"cold.method": "transfer"})


def test_what_does_not_fit_is_told() -> None:
    side = small_side(VOCAB)
    with pytest.raises(UsageError, match=r"hema\.dims: no field 'brand'; the fields are tag, shelf"):
        run(dims={"brand": 3})
    with pytest.raises(UsageError, match=r"hema\.dims\.tag = 0: must be at least 1"):
        run(dims={"tag": 0})
    with pytest.raises(DataError, match="another vocabulary"):
        learn_hema(small_sessions(), VOCAB, side_info=SideInfo("x", side.fields))
    with pytest.raises(DataError, match="nothing to learn from"):
        learn_hema(sessions_of([[0], [1]]), VOCAB, side_info=side)
    graph = ItemGraph(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    with pytest.raises(UsageError, match="the graph has 0 nodes"):
        learn_hema(graph, VOCAB, side_info=side)
    dense = SideInfo(VOCAB.fingerprint, (Field.dense("text", np.ones((8, 2), np.float32)),))
    with pytest.raises(UsageError, match="field 'text' is a dense vector"):
        learn_hema(small_sessions(), VOCAB, side_info=dense)
    with np.errstate(all="ignore"), pytest.raises(DivergedError, match=r"lower hema\.step"):
        run(step=1e30, epochs=3)
