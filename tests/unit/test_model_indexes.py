"""A model with indexes: the same answers, kept in the folder, refused when older than the vectors."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.errors import ModelError, UsageError
from cowalk.model import indexes
from cowalk.recall import ExactIndex
from cowalk.recommend import Recommender, with_one, without_seen
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Hits


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


@pytest.fixture(scope="module")
def indexed(model: cw.Model) -> cw.Model:
    return model.with_index("exact")


def test_answers_through_an_exact_index_are_the_same(model: cw.Model, indexed: cw.Model) -> None:
    ids = model.vocab.ids.tolist()
    for history in ([ids[3]], ids[5:9], ids[:40]):
        for options in ({}, {"exclude_seen": True}, {"interests": 2}, {"diversity": 0.3}):
            one, two = (m.recommend(history, 12, **options) for m in (model, indexed))  # type: ignore[arg-type]
            assert one.ids == two.ids
            np.testing.assert_allclose(one.scores, two.scores, rtol=1e-4, atol=1e-5)
    for item in ids[::13]:
        one, two = model.similar(item, 9, explain=True), indexed.similar(item, 9, explain=True)
        assert one.ids == two.ids
        assert [hit.reasons for hit in one] == [hit.reasons for hit in two]
        np.testing.assert_allclose(one.scores, two.scores, atol=1e-5)


def test_more_than_there_are_are_as_many_as_there_are(model: cw.Model, indexed: cw.Model) -> None:
    """And no room is taken for the others."""
    item = model.vocab.ids[3]
    for one in (model, indexed):
        assert len(one.similar(item, 10**12)) == len(model.vocab) - 1
        assert len(one.recommend([item], 10**12)) == len(model.vocab)
        assert len(one.recommend([item], 10**12, exclude_seen=True)) == len(model.vocab) - 1


def test_filters_hold_through_an_index(model: cw.Model, indexed: cw.Model) -> None:
    assert model.side_info is not None
    where = {"category": str(model.side_info["category"].labels[1])}
    first = str(model.vocab.ids[0])
    for one, two in (
        (model.recommend([first], 20, where=where), indexed.recommend([first], 20, where=where)),
        (model.similar(first, 20, where=where), indexed.similar(first, 20, where=where)),
    ):
        assert len(one)
        assert one.ids == two.ids


@pytest.mark.parametrize("score", ["HZ", "HH"])
@pytest.mark.parametrize("lists", [True, False])
def test_the_lifted_rows_give_the_vector_channel(model: cw.Model, score: str, lists: bool) -> None:
    settings = RecommendSettings(score=score, popularity=0.7, candidates=30)  # type: ignore[arg-type]
    plain = replace(model._plain, settings=settings, lists=model.lists if lists else None)
    rows, metric = indexes.rows_to_index(plain, model.learned.vectors, "recommend")
    through = replace(plain, index=ExactIndex.build(rows, metric))
    items = np.arange(60, dtype=np.int32)
    offsets = np.array([0, 1, 4, 30, 60], dtype=np.int64)
    for exclude in (False, True):
        one, two = (r.recommend(items, offsets, 15, exclude_seen=exclude) for r in (plain, through))
        np.testing.assert_array_equal(one.ids, two.ids)
        np.testing.assert_allclose(one.scores, two.scores, rtol=1e-4, atol=1e-4)


class Untouchable(ExactIndex):
    def search(self, *words: Any, **options: Any) -> Hits:
        raise AssertionError("asked")


def test_exact_asks_no_index(model: cw.Model) -> None:
    rows, metric = indexes.rows_to_index(model._plain, model.learned.vectors, "recommend")
    asked = replace(model._plain, index=Untouchable.build(rows, metric))
    items, ends = np.array([3], np.int32), np.array([0, 1], np.int64)
    assert len(asked.recommend(items, ends, 5, exact=True))
    with pytest.raises(AssertionError, match="asked"):
        asked.recommend(items, ends, 5)
    other = asked.with_settings(asked.settings.model_copy(update={"candidates": 7}))
    assert other.index is asked.index
    changed = asked.with_settings(asked.settings.model_copy(update={"popularity": 2.5}))
    assert changed.index is None  # its bias is another one


def test_seen_items_are_dropped_from_hits() -> None:
    hits = Hits(
        np.array([[4, 2, 7], [1, 3, -1]], np.int32), np.array([[3, 2, 1], [5, 4, -np.inf]], np.float32)
    )
    seen = np.array([2, 3, 9], np.int32), np.array([0, 1, 3], np.int64)
    left = without_seen(hits, seen, 2)
    assert left.ids.tolist() == [[4, 7], [1, -1]]
    assert left.scores.tolist() == [[3, 1], [5, -np.inf]]


def test_a_recommender_takes_only_an_index_of_its_shape(model: cw.Model) -> None:
    with pytest.raises(UsageError, match=r"not over the rows \[key \| bias\]"):
        replace(model._plain, index=ExactIndex.build(model.learned.vectors, "ip"))
    assert with_one(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0, 1]] * 2


@pytest.mark.usefixtures("few_choices")
@pytest.mark.parametrize("kind", ["exact", "ivf", "hnsw", "lsh", "kdtree"])
def test_saved_and_loaded(model: cw.Model, tmp_path: Path, kind: str) -> None:
    made = model.with_index(kind, 0.9, k=20)
    for purpose in indexes.PURPOSES:
        told = made.indexes[purpose].told
        assert told["found"]["recall"] >= 0.9
        assert told["index"]["kind"] == kind
    made.save(tmp_path / "m")
    back = cw.load(tmp_path / "m", verify=True)
    assert set(back.indexes) == {"recommend", "similar"}
    index = back.index("similar")
    assert index is not None
    assert (index.kind, len(index)) == (kind, len(model.vocab))
    first = str(model.vocab.ids[0])
    assert back.similar(first, 8).ids == made.similar(first, 8).ids
    assert back.recommend([first], 8).ids == made.recommend([first], 8).ids
    assert back.inspect()["indexes"]["similar"]["kind"] == kind
    assert cw.load(tmp_path / "m", indexes=False).indexes == {}
    back.save(tmp_path / "again")
    assert cw.load(tmp_path / "again").index("recommend") is not None


@pytest.mark.usefixtures("few_choices")
def test_one_purpose_and_its_settings(model: cw.Model) -> None:
    hashed = model.with_index("lsh", purpose="similar", k=10, share=0.9)
    assert hashed.indexes["similar"].told["wanted"]["settings"] == {"share": 0.9}
    made = model.with_index("exact", purpose="similar", storage="float16")
    assert list(made.indexes) == ["similar"]
    assert made.indexes["similar"].told["index"]["storage"] == "float16"
    assert made.index("recommend") is None
    with pytest.raises(UsageError, match="kind is 'annoy'"):
        model.with_index("annoy")
    with pytest.raises(UsageError, match="recall must be above 0"):
        model.with_index("exact", 1.5)
    with pytest.raises(UsageError, match="recommend or similar"):
        model.with_index("exact", purpose="users")  # type: ignore[arg-type]


def test_an_index_older_than_its_vectors_is_refused(indexed: cw.Model, tmp_path: Path) -> None:
    moved = replace(indexed.learned, vectors=indexed.learned.vectors + np.float32(0.01))
    stale = replace(indexed, learned=moved)
    first = str(indexed.vocab.ids[0])
    for ask in (
        lambda: stale.similar(first),
        lambda: stale.recommend([first]),
        lambda: stale.save(tmp_path / "m"),
    ):
        with pytest.raises(ModelError, match=r"older than the model.s vectors.*cowalk index"):
            ask()
    assert not (tmp_path / "m").exists()
    other = replace(indexed, recipe=indexed.recipe.changed({"recommend.popularity": 3.5}))
    with pytest.raises(ModelError, match="index for recommend is older"):
        other.recommend([first])
    assert len(stale.with_index("exact").similar(first))


def test_a_folder_with_an_older_index_is_refused(indexed: cw.Model, tmp_path: Path) -> None:
    from cowalk.model import store

    moved = replace(indexed.learned, vectors=indexed.learned.vectors + np.float32(0.01))
    store.save(replace(indexed, learned=moved), tmp_path / "m")  # as nobody should
    with pytest.raises(ModelError, match="older than the model's vectors"):
        cw.load(tmp_path / "m")
    assert cw.load(tmp_path / "m", indexes=False).indexes == {}


def test_damaged_bytes_never_reach_faiss(model: cw.Model) -> None:
    carried = model.with_index("hnsw", purpose="similar").indexes["similar"]
    arrays = {name: array.copy() for name, array in carried.arrays.items()}
    arrays["faiss"][len(arrays["faiss"]) // 2] ^= 255
    with pytest.raises(ModelError, match="checksum differs"):
        _ = indexes.CarriedIndex(carried.told, arrays).index
    arrays = {**carried.arrays, "rows": carried.arrays["rows"][:-1]}
    with pytest.raises(ModelError, match="rows is"):
        _ = indexes.CarriedIndex(carried.told, arrays).index
    with pytest.raises(ModelError, match="cannot be opened"):
        _ = indexes.CarriedIndex({"index": {"kind": "tree of life"}}, {}).index


def test_samples_of_large_tables_tell_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "WHOLE", 1000)
    monkeypatch.setattr(indexes, "BLOCK", 64)
    table = np.arange(40_000, dtype=np.float32).reshape(-1, 4)
    told = indexes.fingerprint(table)
    assert told == indexes.fingerprint(table.copy())
    assert told != indexes.fingerprint(table[:-1])
    assert told != indexes.fingerprint(table + 1)
    assert told != indexes.fingerprint(table.astype(np.float64))


def test_models_made_from_parts_have_none(model: cw.Model) -> None:
    assert isinstance(model.recommender, Recommender)
    assert model.recommender.index is None
    assert model.index("similar") is None


def test_a_model_without_context_rows_has_an_index_for_what_it_can_do(model: cw.Model) -> None:
    bare = replace(model.learned, contexts=np.zeros((len(model.vocab), 0), np.float32))
    asked = {"recommend.score": "HZ", "recommend.rows": "first"}
    none = replace(model, learned=bare, recipe=model.recipe.changed(asked))
    assert list(none.with_index("exact", k=5).indexes) == ["similar"]
    with pytest.raises(UsageError, match=r"recommend\.score=HH"):
        none.with_index("exact", purpose="recommend")
    cosine = replace(none, recipe=model.recipe.changed({**asked, "recommend.score": "HH"}))
    assert list(cosine.with_index("exact", k=5).indexes) == ["recommend", "similar"]
