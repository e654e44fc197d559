"""Vectors of items that nobody has clicked yet, against closed forms and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_world import COUNTS, SHELVES, TAGS, field_of, ragged, small_sessions, small_side, vocab_of

from cowalk.errors import DataError
from cowalk.kernels import attributes as kernels
from cowalk.learn import ColdMap, ColdSettings, Learned, LearnSettings, attributes, learn
from cowalk.learn.attributes import AttributeRows, attribute_rows
from cowalk.learn.parts import field_idf
from cowalk.tables import Field, SideInfo
from reference import attributes as twin

VOCAB = vocab_of(COUNTS)
SIDE = small_side(VOCAB)


@pytest.fixture(scope="module")
def learned() -> Learned:
    settings = LearnSettings(vector_size=6, window=3, epochs=5, block=16)
    return learn(small_sessions(), VOCAB, settings, side_info=SIDE)


def new_items(tags: list[list[int]], shelves: list[list[int]]) -> tuple[Field, ...]:
    return field_of("tag", tags, size=3), field_of("shelf", shelves, size=3)


NEW = new_items([[0, 1], [2], [], []], [[1], [], [2], []])


def cold_map(learned: Learned, **names: object) -> ColdMap:
    return ColdMap.fit(learned, SIDE, VOCAB.counts, ColdSettings.model_validate(names))


def dense(rows: AttributeRows) -> np.ndarray:
    return twin.dense_rows(rows.offsets, rows.columns, rows.values, rows.n_columns)


def written_rows(tags: list[list[int]], shelves: list[list[int]]) -> np.ndarray:
    """float64[N, 6]: idf of each value at hand, each row at length 1."""
    table = np.zeros((len(tags), 6))
    for r, (tag, shelf) in enumerate(zip(tags, shelves, strict=True)):
        table[r, tag] = field_idf(SIDE["tag"])[tag]
        table[r, [3 + s for s in shelf]] = field_idf(SIDE["shelf"])[shelf]
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def test_attribute_rows_have_length_1() -> None:
    np.testing.assert_allclose(
        dense(attribute_rows(SIDE.fields, SIDE)), written_rows(TAGS, SHELVES), rtol=1e-6
    )
    lengths = np.linalg.norm(dense(attribute_rows(NEW, SIDE)), axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 0], rtol=1e-6)


@pytest.mark.parametrize("direct", [3000, 0])
@pytest.mark.parametrize(("penalty", "trust"), [(1.0, 10.0), (0.1, 0.0), (30.0, 100.0)])
def test_ridge_equals_its_closed_form(
    learned: Learned, penalty: float, trust: float, direct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Solved directly and by conjugate gradients (direct = 0).

    B = (X'TX + penalty I)^-1 X'T (Y - c), c the mean of Y weighted by T; T = n / (n + trust).
    """
    monkeypatch.setattr(attributes, "DIRECT", direct)
    T = np.array(COUNTS) / (np.array(COUNTS) + trust)
    X, new = written_rows(TAGS, SHELVES), written_rows([[0, 1], [2], [], []], [[1], [], [2], []])
    cold = cold_map(learned, ridge=penalty, ridge_trust=trust)
    for Y, found in (
        (learned.vectors, cold.vectors(NEW)),
        (learned.contexts, cold.contexts(NEW)),
    ):
        c = T @ Y / T.sum()
        B = np.linalg.solve(X.T @ np.diag(T) @ X + penalty * np.eye(6), X.T @ np.diag(T) @ (Y - c))
        np.testing.assert_allclose(found, new @ B + c, atol=1e-4)
        np.testing.assert_allclose(found[3], c, atol=1e-6)  # nothing known: the mean over all items


def test_mean_is_the_plain_mean_of_the_field_rows_at_hand(learned: Learned) -> None:
    tag, shelf = learned.fields
    found = cold_map(learned, method="mean").vectors(NEW)
    np.testing.assert_allclose(found[0], ((tag[0] + tag[1]) / 2 + shelf[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(found[1], tag[2], atol=1e-6)
    np.testing.assert_allclose(found[2], shelf[2], atol=1e-6)
    np.testing.assert_allclose(found[3], learned.vectors.mean(axis=0), atol=1e-6)


def neighbor_shares() -> np.ndarray:
    """float64[4, 8]: cosine of new items with the known, to sum 1 (fewer than 20: all count)."""
    new = written_rows([[0, 1], [2], [], []], [[1], [], [2], []])
    shares = new @ written_rows(TAGS, SHELVES).T
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)


def test_similar_mixes_by_the_weights_of_the_items_most_alike(learned: Learned) -> None:
    tag, shelf = learned.fields
    found = cold_map(learned, method="similar").vectors(NEW)
    w = (neighbor_shares() @ learned.weights)[0, 1:]
    wanted = (w[0] * (tag[0] + tag[1]) / 2 + w[1] * shelf[1]) / w.sum()
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)
    np.testing.assert_allclose(found[1], tag[2], atol=1e-6)
    np.testing.assert_allclose(found[3], learned.vectors.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("method", ["mean", "similar"])
def test_context_rows_are_those_of_the_items_most_alike(learned: Learned, method: str) -> None:
    found = cold_map(learned, method=method).contexts(NEW)
    np.testing.assert_allclose(found[:3], (neighbor_shares() @ learned.contexts)[:3], atol=1e-6)
    np.testing.assert_allclose(found[3], learned.contexts.mean(axis=0), atol=1e-6)


def test_without_field_rows_every_method_is_the_ridge(learned: Learned) -> None:
    bge = learn(small_sessions(), VOCAB, LearnSettings(input="own", vector_size=6), side_info=SIDE)
    maps = [cold_map(bge, method=method) for method in ("ridge", "mean", "similar")]
    for other in maps[1:]:
        np.testing.assert_array_equal(other.vectors(NEW), maps[0].vectors(NEW))
        np.testing.assert_array_equal(other.contexts(NEW), maps[0].contexts(NEW))


def test_cold_items_need_attributes_of_the_same_vocabulary(learned: Learned) -> None:
    with pytest.raises(DataError, match="no usable field"):
        ColdMap.fit(learned, SideInfo(VOCAB.fingerprint, ()), VOCAB.counts, ColdSettings())
    with pytest.raises(DataError, match="different vocabularies"):
        ColdMap.fit(learned, SideInfo("x", SIDE.fields), VOCAB.counts, ColdSettings())


ROWS = st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), min_size=1, max_size=9)


def sparse(rows: list[list[int]], seed: int) -> AttributeRows:
    columns, offsets = ragged(rows)
    values = 0.5 + np.random.default_rng(seed).random(len(columns))
    return AttributeRows(offsets, columns, values, 6)


@given(ROWS, ROWS, st.integers(1, 12), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_nearest_rows_equal_brute_force(a: list[list[int]], b: list[list[int]], k: int, seed: int) -> None:
    table, asked = sparse(a, seed), sparse(b, seed + 1)
    hits = table.nearest(asked, k)
    ids, scores = np.empty_like(hits.ids), np.empty_like(hits.scores)
    twin.nearest_rows(
        asked.offsets, asked.columns, asked.values, *table.by_column, len(table), 1, ids, scores
    )
    assert hits.ids.shape == (len(b), min(k, len(a)))
    np.testing.assert_allclose(hits.scores, scores, rtol=1e-5)
    truth = dense(asked) @ dense(table).T
    for q, found in enumerate(hits.ids):
        kept = found[found >= 0]
        assert len(set(kept.tolist())) == len(kept) == min((truth[q] > 0).sum(), hits.ids.shape[1])
        np.testing.assert_allclose(truth[q, kept], hits.scores[q, : len(kept)], rtol=1e-5)


@given(ROWS, st.integers(0, 9), st.sampled_from([1, 3, 11]))
@settings(deadline=None, max_examples=40)
def test_sparse_products_equal_their_twins(rows: list[list[int]], seed: int, width: int) -> None:
    table, rng = sparse(rows, seed), np.random.default_rng(seed)
    trust, wide, tall = rng.random(len(rows)), rng.random((6, width)), rng.random((len(rows), width))
    parts = table.offsets, table.columns, table.values
    for name, args, shape in (
        ("times_dense", (wide,), (len(rows), width)),
        ("gram_times_dense", (trust, wide), (6, width)),
        ("transposed_times_dense", (trust, tall), (6, width)),
    ):
        fast, slow = np.empty(shape), np.empty(shape)
        getattr(kernels, name)(*parts, *args, fast)
        getattr(twin, name)(*parts, *args, slow)
        np.testing.assert_allclose(fast, slow, atol=1e-12)
