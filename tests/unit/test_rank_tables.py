"""Ranking models over tables: LR, FM, FNN, GBDT -> LR, MLP, PNN; trees against their libraries."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cowalk import rank
from cowalk.datasets import simulate_ctr
from cowalk.errors import DataError, MissingExtraError, ModelError, UsageError
from cowalk.kernels.trees import tree_leaves
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks
from cowalk.rank import trees as room
from cowalk.rank.rates import rates_of
from cowalk.rank.trees import Trees, grow
from cowalk.tables.clicks import ClickColumn, ClickTable
from reference import trees as twin

torch.set_num_threads(1)
TINY = {
    "vector_size": 3,
    "hidden": (6,),
    "epochs": 2,
    "batch_size": 128,
    "trees": 5,
    "machine_epochs": 1,
    "linear_rate": 0.02,
}
SETTINGS = ClickSettings(group_column="user")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clicks") / "clicks.parquet"
    return simulate_ctr(3000, out=out, sizes=(5, 8, 20), pairs=1, rate=0.3, seed=2).path


@pytest.fixture(scope="module")
def table(source: Path) -> ClickTable:
    return read_clicks(source, SETTINGS)


@pytest.mark.parametrize("model", ["lr", "fm", "fnn", "gbdt-lr", "mlp", "pnn"])
def test_every_network_is_saved_and_loaded(
    model: str, table: ClickTable, source: Path, tmp_path: Path
) -> None:
    made = rank.fit(table, model, seed=1, workers=1, clicks=SETTINGS, learning_rate=0.02, **TINY)
    made.save(tmp_path / "model")
    again = rank.load(tmp_path / "model")
    scores = made.score_table(table)
    np.testing.assert_array_equal(again.score_table(str(source)), scores)  # coded as the training table
    assert scores.dtype == np.float64
    report = again.evaluate(source)
    assert report["auc"] == made.evaluate(table)["auc"] > 0.5
    assert "gauc" in report.figures
    with pytest.raises(UsageError, match="reads a table, not histories"):
        again.score([[]], ["a"])


def test_pairs_are_learned_by_a_machine_and_not_by_a_line(tmp_path: Path) -> None:
    made = simulate_ctr(
        8_000, out=tmp_path / "c.parquet", sizes=(6, 6), pairs=1, single=0.3, together=2.0, rate=0.4
    )
    table = read_clicks(made.path, ClickSettings(without=("user",)))
    train, test = table.select(np.arange(6_000)), table.select(np.arange(6_000, 8_000))
    asked = {**TINY, "epochs": 5, "train__validation": 0}
    line, machine = (rank.fit(train, m, seed=1, workers=1, **asked).evaluate(test) for m in ("lr", "fm"))
    assert machine.beside(line)["auc"].low > 0.02


def test_checkpoints_of_another_table_are_refused(table: ClickTable, tmp_path: Path) -> None:
    assert table.labels is not None
    rank.fit(table, "lr", workers=1, checkpoint=tmp_path, **TINY)
    texts = table.columns[0].labels
    assert texts is not None
    named = replace(table.columns[0], labels=texts[::-1])
    others = {
        "labels": replace(table, labels=1 - table.labels),
        "codes": replace(table, codes=np.ascontiguousarray(table.codes[::-1])),
        "columns": replace(table, columns=(named, *table.columns[1:])),
    }
    for other in others.values():
        with pytest.raises(ModelError, match="or other data; remove it"):
            rank.fit(other, "lr", workers=1, checkpoint=tmp_path, **TINY)


@pytest.mark.parametrize("model", ["fm", "fnn", "pnn"])
def test_sparse_gradients_learn_too(model: str, table: ClickTable) -> None:
    made = rank.fit(table, model, "l2", seed=1, workers=1, sparse=True, **TINY)
    assert np.isfinite(made.score_table(table)).all()


def test_bad_tables_are_told(table: ClickTable, source: Path) -> None:
    clicked = table.select(table.labels > 0)
    with pytest.raises(DataError, match="all labels are 1, so there is nothing to tell apart"):
        rank.fit(clicked, "lr", **TINY)
    with pytest.raises(UsageError, match="din reads histories; give events"):
        rank.fit(table, "din", **TINY)
    with pytest.raises(UsageError, match="embedding res-att is of items in histories"):
        rank.fit(table, "mlp", "res-att", **TINY)
    made = rank.fit(table, "lr", workers=1, **TINY)
    other = read_clicks(source, ClickSettings(group_column="user", numbers="quantile"))
    with pytest.raises(DataError, match="coded otherwise than the model's"):
        made.score_table(other)
    unlabelled = ClickTable(table.columns, table.codes, table.numbers)
    with pytest.raises(DataError, match="no column 'label' to judge by"):
        made.evaluate(unlabelled)
    with pytest.raises(DataError, match="the table has no labels"):
        rank.fit(unlabelled, "lr", **TINY)


def test_trees_are_those_of_lightgbm(table: ClickTable) -> None:
    import lightgbm

    _, x = rates_of(table, 3)
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 6, "learning_rate": 0.2, "min_data_in_leaf": room.LEAST,
         "verbosity": -1, "seed": 3, "deterministic": True, "force_row_wise": True, "num_threads": 1,
         "use_missing": False},
        lightgbm.Dataset(x.astype(np.float64), table.labels, params={"verbosity": -1}), num_boost_round=4,
    )  # fmt: skip
    nodes, start = room._by_lightgbm(x, table.labels, 4, 6, 0.2, 3, 1)
    rates, _ = rates_of(table, 3)
    made = room._as_arrays(nodes, start, rates)
    again = rates.features(table).astype(np.float64)
    np.testing.assert_allclose(made.chances(table), booster.predict(again), rtol=1e-9)
    theirs, ours = booster.predict(again, pred_leaf=True), made.leaves(table)
    for t in range(4):  # numbered otherwise, but the same parts
        assert len({*zip(theirs[:, t], ours[:, t], strict=True)}) == len(np.unique(ours[:, t]))


def test_trees_are_those_of_scikit_learn(table: ClickTable, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    few = table.select(np.arange(600))
    rates, x = rates_of(few, 3)
    model = GradientBoostingClassifier(
        n_estimators=3, max_leaf_nodes=5, max_depth=None, learning_rate=0.2, min_samples_leaf=room.LEAST,
        random_state=3,
    ).fit(x, few.labels > 0)  # fmt: skip
    made = room._as_arrays(*room._by_sklearn(x, few.labels, 3, 5, 0.2, 3), rates)
    wanted = model.predict_proba(rates.features(few))[:, 1]
    np.testing.assert_allclose(made.chances(few), wanted, rtol=1e-9)
    monkeypatch.setattr(room, "find_spec", lambda name: None if name == "lightgbm" else name)
    by_choice = grow(few, trees=3, leaves=5, rate=0.2, seed=3)
    np.testing.assert_array_equal(by_choice.chances(few), made.chances(few))
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cowalk\[deep\]'"):
        grow(few)


def test_leaves_equal_the_slow_twin() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype(np.float32)
    features = np.array([0, 2, 1], dtype=np.int32)
    thresholds = np.array([0.1, float(x[3, 2]), -0.5])
    left, right = np.array([1, -1, -1], dtype=np.int32), np.array([-3, -2, -2], dtype=np.int32)
    roots = np.array([0, 2, -1], dtype=np.int32)  # the last tree is one leaf
    out, slow = np.empty((40, 3), dtype=np.int32), np.empty((40, 3), dtype=np.int32)
    tree_leaves(x, features, thresholds, left, right, roots, out)
    twin.tree_leaves(x, features, thresholds, left, right, roots, slow)
    np.testing.assert_array_equal(out, slow)
    assert set(out[:, 0]) == {0, 1, 2}
    assert (out[:, 2] == 0).all()


def test_the_one_layer_begins_where_the_trees_ended(table: ClickTable) -> None:
    still = {**TINY, "epochs": 1, "learning_rate": 1e-12, "train__validation": 0}
    made = rank.fit(table, "gbdt-lr", seed=1, workers=1, **still)
    assert made.trees is not None
    np.testing.assert_allclose(made.score_table(table), made.trees.chances(table), rtol=1e-5)


def test_leaves_become_coded_columns(table: ClickTable) -> None:
    made = grow(table, trees=3, leaves=4, seed=1, workers=1)
    coded = made.coded(table)
    assert coded.codes.min() >= 1
    assert coded.sizes == [int(size) + 1 for size in np.diff(made.offsets)]
    assert max(coded.sizes) <= 5
    again = Trees.of_arrays(made.arrays())
    np.testing.assert_array_equal(again.chances(table), made.chances(table))


def test_a_row_does_not_tell_its_own_label() -> None:
    """The rate of a code is counted among the other fifths of the rows; of later rows among all."""
    labels = np.array([1, 0, 0, 1, 0, 1, 0, 0, 0, 1], dtype=np.float32)
    codes = np.array([[1], [1], [2], [2], [2], [1], [1], [2], [1], [2]], dtype=np.int32)
    column = ClickColumn("c", "categorical", labels=np.array(["a", "b"]))
    table = ClickTable((column,), codes, np.zeros((10, 0), dtype=np.float32), labels)
    rates, x = rates_of(table, seed=5)
    every = (labels[codes[:, 0] == 1].sum() + 20 * 0.4) / ((codes == 1).sum() + 20)
    assert rates.features(table)[0, 1] == pytest.approx(every)
    flipped = ClickTable((column,), codes, table.numbers, 1 - labels + 0 * labels)
    row = 4
    other = labels.copy()
    other[row] = 1 - other[row]
    base_moved = rates_of(ClickTable((column,), codes, table.numbers, other), seed=5)[1][row, 1]
    # only the base rate, which all rows share, moves: by 20 * .1 / (n + 20)
    from cowalk.seeds import generator

    part = generator(5, "rank/rates").integers(5, size=10)
    n = int(((codes[:, 0] == 2) & (part != part[row])).sum())
    assert base_moved - x[row, 1] == pytest.approx(20 * 0.1 / (n + 20), rel=1e-4)
    assert flipped.labels is not None
