"""Baselines against slow twins and against blind chance in the small shop."""

import numpy as np
import pytest
from evaluate_world import catalogue, shop
from hypothesis import given
from hypothesis import strategies as st

from cowalk.errors import DataError, UsageError
from cowalk.evaluate.baselines import AttributeNeighbours, AttributeOverlap, ItemCF, Popularity, Random
from cowalk.evaluate.baselines.histories import latest
from cowalk.evaluate.baselines.item_cf import Together, adamic_adar, edges_as_counts
from cowalk.evaluate.baselines.overlap import Overlap
from cowalk.evaluate.data import DataSettings, train_data
from cowalk.evaluate.methods import Fitted, Question, Space, choose
from cowalk.evaluate.sparse import Sparse, top_rows


@pytest.fixture(scope="module")
def train():
    return train_data(shop(), catalogue(), DataSettings())


HISTORY = (np.array([3, 1, 4, 1], dtype=np.int32), np.array([0, 3, 4]))


def dense(table: Sparse) -> np.ndarray:
    out = np.zeros((len(table), table.n_columns))
    out[table.rows(), table.columns] = table.values
    return out


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 5)), max_size=12))
def test_sparse_is_its_dense_twin(entries: list[tuple[int, int, int]]) -> None:
    rows, columns, values = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    table = Sparse.of(rows, columns, values.astype(float), (4, 5))
    twin = np.zeros((4, 5))
    np.add.at(twin, (rows, columns), values)
    right = np.arange(10.0).reshape(5, 2)
    assert np.array_equal(dense(table), twin)
    assert np.array_equal(table.filled(), twin.astype(np.float32))
    assert np.array_equal(dense(table.transposed()), twin.T)
    assert np.array_equal(table.dot(right), twin @ right)
    assert np.array_equal(table.times(table.transposed()), (twin @ twin.T).astype(np.float32))
    assert np.array_equal(dense(table.take(np.array([2, 0]))), twin[[2, 0]])


def test_large_products_are_made_in_parts(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    table = Sparse.of(rng.integers(40, size=300), rng.integers(9, size=300), rng.random(300), (40, 9))
    whole = table.times(table.transposed())
    monkeypatch.setattr("cowalk.evaluate.sparse._TERMS", 50)
    assert np.array_equal(table.times(table.transposed()), whole)
    empty = Sparse.of(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0), (3, 9))
    assert np.array_equal(empty.times(table.transposed()), np.zeros((3, 40), dtype=np.float32))


def test_top_rows_follow_the_law_of_hits() -> None:
    scores = np.array([[1, 3, 3, -np.inf], [0, 0, 0, 0]], dtype=np.float32)
    hits = top_rows(scores, 4)
    assert hits.ids.tolist() == [[1, 2, 0, -1], [0, 1, 2, 3]]
    assert top_rows(scores, 9).ids.shape == (2, 4)


def test_latest_weighs_by_recency() -> None:
    table = latest(*HISTORY, number=2, decay=0.5, n_items=5)
    assert dense(table).tolist() == [[0, 0.5, 0, 0, 1], [0, 1, 0, 0, 0]]


def test_item_cf_counts_companions_within_the_window(train) -> None:
    table = Together(train).damped(2, 0.3)
    sessions, counts = train.sessions, train.vocab.counts
    twin = np.zeros((len(counts), len(counts)))
    for start, stop in zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True):
        run = sessions.items[start:stop]
        for i in range(len(run)):
            for j in range(i + 1, min(i + 3, len(run))):
                if run[i] != run[j]:
                    twin[run[i], run[j]] += 1
                    twin[run[j], run[i]] += 1
    twin /= np.outer(counts, counts) ** 0.3
    assert np.allclose(dense(table), twin, rtol=1e-5)
    fitted = ItemCF().fit(train, seed=0)
    choice = {"window": 2, "damping": 0.3, "history": 2, "decay": 0.5, "before": 1.0}
    hits = fitted.recommend(*HISTORY, 3, True, choice)
    scores = 0.5 * twin[1] + twin[4]
    scores[[1, 3, 4]] = -1
    assert hits.ids[0].tolist() == np.argsort(-scores.astype(np.float32), kind="stable")[:3].tolist()


def test_adamic_adar_is_its_slow_twin(train) -> None:
    table = edges_as_counts(train.graph)
    near = dense(table) > 0
    pairs = np.array([[0, 1], [5, 9], [2, 40], [7, 7]], dtype=np.int32)
    slow = [sum(1 / np.log1p(near[w].sum()) for w in np.flatnonzero(near[u] & near[v])) for u, v in pairs]
    assert adamic_adar(table, pairs) == pytest.approx(slow)


@pytest.mark.parametrize("kind", ["jaccard", "idf"])
def test_overlap_is_shared_over_joint(train, kind: str) -> None:
    side = train.side_info
    n = len(train.vocab)
    sets = [
        {(f.name, int(c)) for f in side.fields for c in f.codes[f.offsets[i] : f.offsets[i + 1]]}
        for i in range(n)
    ]
    carriers = {value: sum(value in other for other in sets) for value in set().union(*sets)}
    weight = {value: 1.0 if kind == "jaccard" else np.log1p(n / number) for value, number in carriers.items()}
    found = Overlap(train).of_rows(np.array([0, 17]), kind)
    for row, item in enumerate((0, 17)):
        for other in range(n):
            shared = sum(weight[v] for v in sets[item] & sets[other])
            joint = sum(weight[v] for v in sets[item] | sets[other])
            assert found[row, other] == pytest.approx(shared / joint, abs=1e-6)


def test_overlap_of_a_history_is_the_mean_of_its_latest_items(train) -> None:
    fitted = AttributeOverlap().fit(train, seed=0)
    choice = {"overlap": "idf", "popularity": 0.0, "history": 2, "decay": 0.5}
    hits = fitted.recommend(*HISTORY, 60, False, choice)
    known = Overlap(train).of_rows(np.array([1, 4]), "idf")
    wanted = (0.5 * known[0] + known[1]) / 1.5
    assert hits.scores[0] == pytest.approx(wanted[hits.ids[0]], abs=1e-6)
    fields = tuple(field.take(np.array([7, 9])) for field in train.side_info.fields)
    both = fitted.cold_candidates(*HISTORY, fields, 2, 62, choice)
    twins = dict(zip(both.ids[0].tolist(), both.scores[0].tolist(), strict=True))
    assert (twins[60], twins[61]) == pytest.approx((twins[7], twins[9]))  # equal attributes, equal score


def test_cold_candidates_score_as_their_neighbours(train) -> None:
    fitted = AttributeNeighbours().fit(train, seed=0)
    fields = tuple(field.take(np.array([7])) for field in train.side_info.fields)
    choice = {"window": 3, "damping": 0.3, "overlap": "idf", "neighbours": 1, "power": 1.0, "floor": 0.02,
              "popularity": 0.0, "history": 3, "decay": 0.7, "cold_lift": 0.0}  # fmt: skip
    hits = fitted.cold_candidates(*HISTORY, fields, 1, 61, choice)
    scores = dict(zip(hits.ids[0].tolist(), hits.scores[0].tolist(), strict=True))
    nearest = int(np.argmax(Overlap(train).of_rows(np.array([7]), "idf")[0]))
    assert scores[60] == pytest.approx(scores[nearest], abs=1e-5)


def test_overlap_needs_attributes(train) -> None:
    bare = train_data(shop(), None, DataSettings())
    with pytest.raises(DataError, match="give an items table"):
        AttributeOverlap().fit(bare, seed=0)


def test_random_is_blind_and_repeats(train) -> None:
    fitted = Random().fit(train, seed=3)
    pairs = np.stack(np.triu_indices(60, 1), axis=1).astype(np.int32)
    scores = fitted.link_scores(pairs, "score")
    assert len(np.unique(scores)) > 0.999 * len(scores)
    assert abs(scores.mean() - 0.5) < 5 * np.sqrt(1 / 12 / len(scores))
    again, other = Random().fit(train, seed=3), Random().fit(train, seed=4)
    first = fitted.recommend(*HISTORY, 10, False, {}).ids
    assert np.array_equal(first, again.recommend(*HISTORY, 10, False, {}).ids)
    assert not np.array_equal(first, other.recommend(*HISTORY, 10, False, {}).ids)
    all_of_them = fitted.recommend(*HISTORY, 60, False, {}).ids
    assert [sorted(row) for row in all_of_them.tolist()] == [list(range(60))] * 2
    new = fitted.recommend(*HISTORY, 60, True, {}).ids
    assert sorted(new[0][new[0] >= 0].tolist()) == [i for i in range(60) if i not in (1, 3, 4)]
    shown = np.concatenate(
        [Random().fit(train, seed=s).recommend(*HISTORY, 10, False, {}).ids[0] for s in range(600)]
    )
    assert np.abs(np.bincount(shown, minlength=60) - 100).max() < 50  # 5 standard deviations
    fields = train.side_info.fields
    whole = fitted.cold_scores(fields, 60, {})
    part = fitted.cold_scores(tuple(f.take(np.arange(20, 30)) for f in fields), 10, {})
    assert np.array_equal(whole[20:30], part)  # blocks do not matter


def test_popularity_recommends_by_count(train) -> None:
    fitted = Popularity().fit(train, seed=0)
    assert fitted.recommend(*HISTORY, 3, False, {}).ids.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert fitted.recommend(*HISTORY, 2, True, {}).ids.tolist() == [[0, 2], [0, 2]]
    with pytest.raises(UsageError, match="does not"):
        AttributeNeighbours().fit(train, seed=0).link_scores(np.zeros((1, 2), dtype=np.int32), "score")


class Hill(Fitted):
    """A made-up method whose best knobs are known."""

    def space(self, question):
        return {"x": (0, *range(1, 20)), "y": (0, *range(1, 20))}


def height(choice) -> float:
    return -((choice["x"] - 13) ** 2) - (choice["y"] - 5) ** 2


def test_choose_finds_better_and_counts_trials() -> None:
    found = choose(Hill(), "cold", height, trials=30, seed=1)
    assert found.trials == 30
    assert found.score == height(found.choice) > height({"x": 0, "y": 0})
    assert found.score >= -30  # of -530 at the default
    assert choose(Hill(), "cold", height, trials=30, seed=1) == found
    assert choose(Hill(), "cold", height, trials=1).choice == {"x": 0, "y": 0}
    assert choose(Hill(), "cold", lambda _: 1.0, trials=5).choice == {
        "x": 0,
        "y": 0,
    }  # ties go to the default
    assert choose(Hill(), "cold", height, trials=10_000).choice == {"x": 13, "y": 5}
    assert choose(Fitted(), "cold", lambda _: 0.5, trials=30).trials == 1


def test_choosing_walks_over_a_plateau() -> None:
    """Lift 0, 1 and 2 show no cold item at all: what lies behind them is still found."""

    class Flat(Fitted):
        def space(self, question: Question) -> Space:
            return {"lift": (0.0, 1.0, 2.0, 3.0, 4.0), "other": (1, 2)}

    found = choose(Flat(), "cold", lambda c: max(c["lift"] - 2.0, 0.0), trials=8)
    assert found.choice["lift"] == 4.0
