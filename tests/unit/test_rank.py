"""Ranking models end to end on the simulated shop: fit, score, evaluate, save, load, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import cowalk as cw
from cowalk import rank
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, ModelError, UsageError
from cowalk.examples import Examples, labelled_examples, split_by_user
from cowalk.prepare import encode_side_info, read_events, read_items
from cowalk.rank.pretrain import pretrained, shown_sequences
from cowalk.rank.settings import EMBEDDINGS, RankSettings, rank_settings
from cowalk.tables import Events, SideInfo, Vectors, Vocab
from cowalk.tables.folder import read_folder

torch.set_num_threads(1)
TINY = {"vector_size": 4, "hidden": (8,), "epochs": 1, "batch_size": 128, "train__validation": 0}


@pytest.fixture(scope="module")
def events(shop: SimulatedShop) -> Events:
    return read_events(shop.events)[0]


@pytest.fixture(scope="module")
def examples(events: Events) -> Examples:
    return labelled_examples(events, per_user=4, last=6, seed=1)


@pytest.fixture(scope="module")
def model(examples: Examples) -> rank.RankModel:
    return rank.fit(examples, "din", "res-att", seed=3, workers=1, **TINY)


@pytest.mark.parametrize("embedding", [e for e in EMBEDDINGS if e not in ("eges", "vectors", "node2vec")])
def test_every_embedding_is_saved_and_loaded(embedding: str, examples: Examples, tmp_path: Path) -> None:
    made = rank.fit(examples, "pnn", embedding, seed=3, workers=1, **TINY)
    made.save(tmp_path / "model")
    again = rank.load(tmp_path / "model", verify=True)
    np.testing.assert_array_equal(again.score_examples(examples), made.score_examples(examples))
    assert again.settings == made.settings
    assert made.vectors.vector_size == (8 if embedding == "double" else 4)


def test_scores_by_ids_equal_those_of_examples(model: rank.RankModel, examples: Examples) -> None:
    names = examples.item_vocab.names
    histories = [names(examples.history(e)) for e in range(20)]
    targets = names(examples.targets[:20])
    found = model.score(histories, targets)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, model.score_examples(examples)[:20], rtol=1e-6)
    assert ((found > 0) & (found < 1)).all()
    unknown = model.score([["nobody knows this", *histories[0]], []], [targets[0], "nor this"])
    assert unknown[0] == pytest.approx(found[0])  # left out of the history
    assert 0 < unknown[1] < 1


def test_equal_seeds_give_equal_models(model: rank.RankModel, examples: Examples) -> None:
    again = rank.fit(examples, "din", "res-att", seed=3, workers=1, **TINY)
    np.testing.assert_array_equal(again.score_examples(examples), model.score_examples(examples))
    other = rank.fit(examples, "din", "res-att", seed=4, workers=1, **TINY)
    assert np.any(other.score_examples(examples) != model.score_examples(examples))


def test_learning_tells_clicks_from_negatives(examples: Examples) -> None:
    train, test = split_by_user(examples, 0.3, seed=0)
    asked = {
        **TINY,
        "epochs": 8,
        "learning_rate": 0.01,
        "train__validation": 60,
        "patience": 0,
        "best_by": "auc",
    }
    learned = rank.fit(train, "mlp", "res-gcn", seed=1, workers=1, **asked)
    report = learned.evaluate(test)
    assert report["auc"] > 0.6
    assert report.figures["auc"].groups == len(np.unique(test.users))
    assert 0.4 < learned.about["validation auc"] <= 1
    assert "gauc" in report.figures
    told = report.to_dict()
    assert json.loads(json.dumps(told))["rows"] == len(test)
    blind = rank.report_of(np.full(len(test), 0.5), test.labels, test.users)
    assert report.beside(blind)["auc"].mean == pytest.approx(report["auc"] - 0.5)
    with pytest.raises(UsageError, match="not of the same rows"):
        report.beside(rank.report_of(np.array([0.5, 0.1]), np.array([0, 1])))


@pytest.mark.parametrize("embedding", ["l2", "item2vec"])
def test_sparse_gradients_learn_too(embedding: str, examples: Examples) -> None:
    """Tables are moved by SparseAdam, all else by Adam."""
    made = rank.fit(examples, "din", embedding, workers=1, seed=1, sparse=True, rows_rate=0.01, **TINY)
    again = rank.fit(examples, "din", embedding, workers=1, seed=1, sparse=True, rows_rate=0.01, **TINY)
    np.testing.assert_array_equal(made.score_examples(examples), again.score_examples(examples))
    assert np.isfinite(made.vectors.array).all()


def test_sparse_gradients_of_res_embedding_are_refused(examples: Examples) -> None:
    with pytest.raises(UsageError, match=r"sparse=true: res-att has no sparse .*; leave train\.sparse out"):
        rank.fit(examples, "din", "res-att", sparse=True, **TINY)


def test_given_vectors_begin_the_rows(examples: Examples) -> None:
    names = examples.item_vocab.ids[:50]
    vectors = Vectors(Vocab.of(names), np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32))
    asked = {**TINY, "frozen": True, "spread": None}
    made = rank.fit(examples, "din", "vectors", vectors=vectors, workers=1, **asked)
    np.testing.assert_array_equal(made.vectors[names[7]], vectors[names[7]])  # frozen, as they were
    with pytest.raises(UsageError, match="embedding must be vectors"):
        rank.fit(examples, "din", "random", vectors=vectors, **TINY)
    with pytest.raises(UsageError, match="needs the vectors"):
        rank.fit(examples, "din", "vectors", **TINY)
    foreign = Vectors(Vocab.of(["x", "y"]), np.eye(2, dtype=np.float32))
    with pytest.raises(DataError, match="are the ids the same"):
        rank.fit(examples, "din", "vectors", vectors=foreign, **TINY)


def test_pretraining_sees_training_histories_alone(examples: Examples) -> None:
    train, _ = split_by_user(examples, 0.5, seed=0)
    blind, seeing = (shown_sequences(train, with_targets=told) for told in (False, True))
    assert len(seeing.items) > len(blind.items)
    own = [set(train.history(e)) | {int(train.targets[e])} for e in range(len(train))]
    assert set(blind.items) <= set.union(*own)
    vectors = pretrained("item2vec", blind, train, 3, seed=1, workers=1)
    assert len(vectors) == len(np.unique(blind.items))
    counts = np.bincount(blind.items, minlength=len(train.item_vocab))
    rows = train.item_vocab.find(vectors.vocab.ids)
    np.testing.assert_array_equal(vectors.vocab.counts, counts[rows])
    with pytest.raises(UsageError, match="embedding eges needs attributes"):
        rank.fit(train, "din", "eges", **TINY)


@pytest.mark.parametrize(("join", "size"), [("concatenate", 8), ("sum", 5), ("gate", 5)])
def test_several_sets_of_vectors(join: str, size: int, examples: Examples, tmp_path: Path) -> None:
    rng, vocab = np.random.default_rng(0), Vocab.of(examples.item_vocab.ids)
    sets = [Vectors(vocab, rng.normal(size=(len(vocab), d)).astype(np.float32)) for d in (3, 5)]
    made = rank.fit(examples, "din", "vectors", vectors=sets, join=join, workers=1, **TINY)
    assert made.vectors.vector_size == size
    made.save(tmp_path / "m")
    np.testing.assert_array_equal(
        rank.load(tmp_path / "m").score_examples(examples), made.score_examples(examples)
    )


def test_attributes_go_into_the_network(examples: Examples, shop: SimulatedShop, tmp_path: Path) -> None:
    side = encode_side_info(read_items(shop.items), examples.item_vocab)
    made = rank.fit(examples, "din", "res-avg", side_info=side, attributes=True, workers=1, **TINY)
    width = len(side.fields)
    assert made.vectors.vector_size == 4 + 8 * width
    made.save(tmp_path / "m")
    again = rank.load(tmp_path / "m")
    np.testing.assert_array_equal(again.score_examples(examples), made.score_examples(examples))
    table = made.network.items.tables[0].weight.detach().numpy()
    field = side.fields[0]
    row = int(np.flatnonzero(np.diff(field.offsets) > 0)[0])
    mean = table[field.codes[field.offsets[row] : field.offsets[row + 1]]].mean(axis=0)
    np.testing.assert_allclose(made.vectors.array[row, 4:12], mean, rtol=1e-5)
    with pytest.raises(UsageError, match="needs attributes of the items"):
        rank.fit(examples, "din", attributes=True, **TINY)
    other = SideInfo("x", side.fields)
    with pytest.raises(DataError, match="the attributes are of other items"):
        rank.fit(examples, "din", side_info=other, attributes=True, **TINY)


def test_the_first_values_of_many() -> None:
    from learn_world import field_of

    from cowalk.nn.attributes import MOST, value_table

    found = value_table(field_of("tag", [[2], [], list(range(20)), [0, 3]]))
    assert found.shape == (4, MOST)
    assert found[0].tolist() == [2] + [-1] * (MOST - 1)
    assert (found[1] == -1).all()
    assert found[2].tolist() == list(range(MOST))
    assert found[3, :3].tolist() == [0, 3, -1]


def test_vectors_of_a_model_come_with_its_cold_ones(examples: Examples, shop_model: Path) -> None:
    model = cw.load(shop_model)
    asked = {**TINY, "frozen": True, "spread": None}
    made = rank.fit(examples, "mlp", "vectors", vectors=model, workers=1, **asked)
    name = model.vocab.ids[5]
    np.testing.assert_array_equal(made.vectors[name], model.vectors[name])


def test_context_columns_are_read(examples: Examples, tmp_path: Path) -> None:
    told = examples.with_context(hint=examples.labels, noise=np.zeros((len(examples), 2)))
    asked = {**TINY, "epochs": 30, "learning_rate": 0.05}
    made = rank.fit(told, "mlp", "random", workers=1, **asked)
    assert made.evaluate(told)["auc"] > 0.95
    made.save(tmp_path / "m")
    again = rank.load(tmp_path / "m")
    plain = np.zeros((1, 2))
    one, two = (again.score([[]], ["item-0000001"], hint=[h], noise=plain)[0] for h in (0.0, 1.0))
    assert two > one + 0.2
    with pytest.raises(UsageError, match="with the column 'hint'; give it too"):
        again.score([[]], ["item-0000001"])
    with pytest.raises(DataError, match="no column 'hint'"):
        again.score_examples(examples)


def test_checkpoints_of_another_model_are_refused(examples: Examples, tmp_path: Path) -> None:
    first = rank.fit(examples, "mlp", "random", seed=1, workers=1, checkpoint=tmp_path, **TINY)
    again = rank.fit(examples, "mlp", "random", seed=1, workers=1, checkpoint=str(tmp_path), **TINY)
    np.testing.assert_array_equal(again.score_examples(examples), first.score_examples(examples))
    with pytest.raises(ModelError, match="a checkpoint of another model"):
        rank.fit(examples, "din", "random", seed=1, workers=1, checkpoint=tmp_path, **TINY)


def test_checkpoints_of_other_examples_are_refused(examples: Examples, tmp_path: Path) -> None:
    n = len(examples)
    pairs = np.arange(n) ^ 1  # every click changes places with its negative
    hint = np.arange(n, dtype=np.float32)
    told = examples.with_context(hint=hint)
    rank.fit(told, "mlp", workers=1, checkpoint=tmp_path, **TINY)
    stream = replace(examples.stream, weights=examples.stream.weights + 1)
    others = {
        "targets": replace(told, targets=told.targets[pairs], places=np.full(n, -1)),
        "labels": replace(told, labels=told.labels[pairs]),
        "weights": replace(told, weights=told.weights + 1),
        "context": examples.with_context(hint=hint + 1),
        "name": examples.with_context(note=hint),
        "last": replace(told, last=3),
        "stream": replace(told, stream=stream),
    }
    for other in others.values():
        with pytest.raises(ModelError, match="or other data; remove it"):
            rank.fit(other, "mlp", workers=1, checkpoint=tmp_path, **TINY)
    with pytest.raises(ModelError, match="or other data; remove it"):
        rank.fit(told, "mlp", workers=1, checkpoint=tmp_path, validation=told, **TINY)


def test_checkpoints_of_other_vectors_or_attributes_are_refused(
    examples: Examples, shop: SimulatedShop, tmp_path: Path
) -> None:
    vocab, rng = Vocab.of(examples.item_vocab.ids), np.random.default_rng(0)
    four, other, six = (
        Vectors(vocab, rng.normal(size=(len(vocab), d)).astype(np.float32)) for d in (4, 4, 6)
    )
    asked = {"workers": 1, "checkpoint": tmp_path / "vectors", **TINY}
    first = rank.fit(examples, "mlp", "vectors", vectors=four, **asked)
    again = rank.fit(examples, "mlp", "vectors", vectors=four, **asked)
    np.testing.assert_array_equal(again.score_examples(examples), first.score_examples(examples))
    for vectors in (other, six):
        with pytest.raises(ModelError, match="or other data; remove it"):
            rank.fit(examples, "mlp", "vectors", vectors=vectors, **asked)
    side = encode_side_info(read_items(shop.items), examples.item_vocab)
    turned = SideInfo(side.fingerprint, tuple(f.take(np.arange(len(f))[::-1]) for f in side.fields))
    asked = {"workers": 1, "checkpoint": tmp_path / "side", "attributes": True, **TINY}
    rank.fit(examples, "mlp", side_info=side, **asked)
    with pytest.raises(ModelError, match="or other data; remove it"):
        rank.fit(examples, "mlp", side_info=turned, **asked)


def test_validation_of_another_kind_is_refused(examples: Examples) -> None:
    with pytest.raises(UsageError, match=r"validation is int, but the data are Examples; .*train__valid"):
        rank.fit(examples, "mlp", validation=0, **TINY)  # type: ignore[arg-type]


def test_folders_of_other_models_are_refused(
    model: rank.RankModel, shop_model: Path, tmp_path: Path, events: Events
) -> None:
    with pytest.raises(
        ModelError, match="a cowalk model, not a cowalk rank model; give a folder that `cowalk rank fit`"
    ):
        rank.load(shop_model)
    with pytest.raises(UsageError, match="left as it is: name another"):
        model.save(shop_model)
    model.save(tmp_path / "rank")
    with pytest.raises(
        ModelError, match="a cowalk rank model, not a cowalk model; give a folder that `cowalk fit`"
    ):
        read_folder(tmp_path / "rank")
    with pytest.raises(ModelError, match="no such model folder; `cowalk rank fit"):
        rank.load(tmp_path / "none")
    weights = next((tmp_path / "rank" / "versions").glob("*/network.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(ModelError, match="truncated"):
        rank.load(tmp_path / "rank")


def test_the_folder_is_looked_at_before_training(
    examples: Examples, shop_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cowalk.rank.run.train", lambda *a, **k: pytest.fail("trained"))
    with pytest.raises(UsageError, match=r"a cowalk model, .* left as it is: name another"):
        rank.fit(examples, "mlp", out=str(shop_model), **TINY)
    with pytest.raises(UsageError, match="leave checkpoint out"):
        rank.fit(examples, "mlp", out=tmp_path / "m", checkpoint=tmp_path / "c", **TINY)
    assert not (shop_model / ".work").exists()
    assert not (tmp_path / "m").exists()
    with pytest.raises(UsageError, match="vectors is ndarray; give Vectors, a model, or a list of these"):
        rank.fit(examples, "mlp", "vectors", vectors=np.ones((3, 2)), **TINY)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="validation: all labels are 1, so there is nothing to tell apart"):
        rank.fit(examples, "mlp", validation=examples.select(examples.labels > 0), **TINY)


def test_bad_input_is_told(model: rank.RankModel, examples: Examples, events: Events) -> None:
    positives = examples.select(examples.labels > 0)
    with pytest.raises(
        DataError, match="all labels are 1, so there is nothing to tell apart; make negatives"
    ):
        rank.fit(positives, "din", **TINY)
    with pytest.raises(UsageError, match="fm reads the columns of a table"):
        rank.fit(examples, "fm", **TINY)
    with pytest.raises(UsageError, match="not list"):
        rank.fit([1, 2], "din", **TINY)  # type: ignore[arg-type]
    half = events.select(np.arange(len(events)) < 2000)
    fewer = labelled_examples(half, per_user=1, seed=1)
    fewer = Examples(
        fewer.stream, Vocab.of([f"x{i}" for i in range(len(fewer.item_vocab))]), fewer.user_vocab,
        fewer.owners, fewer.stops, fewer.targets, fewer.labels, fewer.weights, fewer.times, fewer.places,
    )  # fmt: skip
    with pytest.raises(DataError, match="the model 120 others; make the examples from the events"):
        model.score_examples(fewer)
    with pytest.raises(UsageError, match="reads histories, not a table"):
        model.score_table("clicks.csv")
    with pytest.raises(UsageError, match="1 histories for 2 targets"):
        model.score([[]], ["a", "b"])


def test_settings_by_name() -> None:
    s = rank_settings({"model": "fm", "train__epochs": 3, "batch_size": 7, "hidden": (3,)})
    assert (s.model, s.train.epochs, s.train.batch_size, s.hidden) == ("fm", 3, 7, (3,))
    assert s.train.learning_rate == RankSettings().train.learning_rate
    assert rank_settings({"l2": 0.5}, s).train.epochs == 3
    with pytest.raises(UsageError, match="no setting 'vector_sizes'; did you mean 'vector_size'"):
        rank_settings({"vector_sizes": 3})
    with pytest.raises(UsageError, match=r"setting train\.epochs = 0: input should be greater"):
        rank_settings({"epochs": 0})
    with pytest.raises(UsageError, match=r"setting hidden\.1 = 0: input should be greater"):
        rank_settings({"hidden": (3, 0)})
    with pytest.raises(UsageError, match="setting model = 'dien'"):
        rank_settings({"model": "dien"})


def test_envelope_radius_by_written_arithmetic() -> None:
    vectors = np.array([[0, 0], [2, 0], [10, 0], [10, 6]], dtype=np.float32)
    # means (1, 0) and (10, 3): radii 1 and 3; the table's mean (5.5, 1.5)
    spread = np.sqrt(np.mean([5.5**2 + 1.5**2, 3.5**2 + 1.5**2, 4.5**2 + 1.5**2, 4.5**2 + 4.5**2]))
    found = rank.envelope_radius(vectors, [np.array([0, 1]), np.array([2, 3]), np.array([0])])
    assert found.groups == 2
    assert found.largest == pytest.approx(3 / spread)
    assert found.mean == pytest.approx(2 / spread)
    scaled = rank.envelope_radius(vectors * 7, [np.array([0, 1]), np.array([2, 3])])
    assert scaled.largest == pytest.approx(found.largest)  # shrinking the whole table changes nothing
    with pytest.raises(DataError, match="no group has 2 items"):
        rank.envelope_radius(vectors, [np.array([0])])


def test_interest_groups_are_runs_of_histories() -> None:
    from learn_world import sessions_of

    runs = rank.interest_groups(sessions_of([[4, 1, 4, 2], [3], [0, 2, 5]]), length=3)
    assert [run.tolist() for run in runs] == [[1, 4], [2], [3], [0, 2, 5]]


def test_envelope_of_the_values_of_a_field() -> None:
    from learn_world import field_of

    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    field = field_of("tag", [[0], [0, 1], [], [1]])
    by_hand = rank.envelope_radius(vectors, [np.array([0, 1]), np.array([1, 3])])
    assert rank.envelope_radius(vectors, field) == by_hand
