"""Dense fields in learning: the laws of the projection, one-hot fields, cold items, stopping and going on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learn_world import COUNTS, SHELVES, field_of, small_sessions, vocab_of

from cowalk.errors import DataError
from cowalk.learn import ColdMap, ColdSettings, Learned, LearnSettings, learn
from cowalk.learn.attributes import attribute_rows
from cowalk.learn.dense import RIDGE, DenseMap, DenseMaps
from cowalk.learn.parts import parts_of
from cowalk.tables import Field, SideInfo

VOCAB = vocab_of(COUNTS)
V = len(VOCAB)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(V, 3)).astype(np.float32)
X[2] = np.nan
SETTINGS = LearnSettings(vector_size=6, window=3, epochs=4, block=16)


def side(*fields: Field) -> SideInfo:
    return SideInfo(VOCAB.fingerprint, fields)


def one_hot(codes: list[list[int]], size: int) -> np.ndarray:
    out = np.full((len(codes), size), np.nan, dtype=np.float32)
    for row, held in enumerate(codes):
        if held:
            out[row] = np.eye(size, dtype=np.float32)[held[0]]
    return out


TEXT = side(field_of("shelf", SHELVES, size=3), Field.dense("text", X))


def test_parts_hold_a_row_for_each_known_vector() -> None:
    parts = parts_of(VOCAB, TEXT, "mean")
    assert parts.dense == (1,)
    assert parts.field_starts.tolist() == [V, V + 3, 2 * V + 3]
    for v in range(V):
        mine = slice(parts.offsets[v], parts.offsets[v + 1])
        dense = parts.rows[mine][parts.slots[mine] == 2]
        assert dense.tolist() == ([] if v == 2 else [V + 3 + v])
        assert parts.scales[mine][parts.slots[mine] == 2].tolist() == [1.0] * len(dense)


def projected() -> tuple[DenseMap, np.ndarray, np.ndarray]:
    """A map whose rows were moved at random and put back; the rows as they had moved and before."""
    made = DenseMap.of(1, Field.dense("text", X), 10, 4, seed=3)
    table = RNG.normal(size=(10 + V, 4)).astype(np.float32)
    made.place(table)
    before = table.copy()
    table[made.rows] += RNG.normal(size=(len(made.rows), 4)).astype(np.float32)
    moved = table.copy()
    made.project(table)
    assert np.array_equal(table[:10], before[:10])  # others' rows stand still
    np.testing.assert_allclose(table[made.rows], made.x @ made.P, rtol=1e-6)
    return made, moved[made.rows] - before[made.rows], table


def test_the_step_is_the_ridge_regression_of_the_moves() -> None:
    made, moves, _ = projected()
    fresh = DenseMap.of(1, Field.dense("text", X), 10, 4, seed=3)
    x = made.x.astype(np.float64)
    gram = x.T @ x
    wanted = np.linalg.solve(gram + RIDGE * np.trace(gram) / 3 * np.eye(3), x.T @ moves)
    np.testing.assert_allclose(made.P - fresh.P, wanted, rtol=1e-4, atol=1e-5)


def test_projecting_twice_is_projecting_once() -> None:
    made, _, table = projected()
    again, P = table.copy(), made.P.copy()
    made.project(again)
    np.testing.assert_allclose(made.P, P, atol=1e-6)
    np.testing.assert_allclose(again, table, atol=1e-6)


def test_a_one_hot_field_moves_by_the_mean_move_of_its_items_but_for_the_penalty() -> None:
    codes = [[0], [1], [0], [1], [0], []][:V] + [[1]] * max(V - 6, 0)
    made = DenseMap.of(0, Field.dense("kind", one_hot(codes, 2)), 0, 4, seed=1)
    table = np.zeros((V, 4), dtype=np.float32)
    made.place(table)
    P = made.P.copy()
    moves = RNG.normal(size=(len(made.rows), 4)).astype(np.float32)
    table[made.rows] += moves
    made.project(table)
    held = np.array([code[0] for code in codes if code])
    penalty = RIDGE * len(held) / 2
    for code in (0, 1):
        n = int((held == code).sum())
        np.testing.assert_allclose(
            made.P[code] - P[code], moves[held == code].sum(axis=0) / (n + penalty), atol=1e-5
        )


def test_learned_rows_are_the_vectors_times_the_map() -> None:
    learned = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT)
    assert [rows.shape for rows in learned.fields] == [(3, 6), (3, 6)]
    assert learned.weights[2, 2] == 0
    np.testing.assert_allclose(learned.weights.sum(axis=1), 1, atol=1e-5)
    text = TEXT["text"].product(learned.fields[1])
    shelf = learned.fields[0]
    for v in (0, 2):
        codes = SHELVES[v]
        wanted = learned.weights[v, 0] * learned.own[v] + learned.weights[v, 2] * text[v]
        wanted = wanted + learned.weights[v, 1] * (shelf[codes].mean(axis=0) if codes else 0)
        np.testing.assert_allclose(learned.vectors[v], wanted, atol=1e-5)
    still = learn(small_sessions(), VOCAB, SETTINGS.model_copy(update={"step_fields": 0.0}), side_info=TEXT)
    assert np.abs(learned.fields[1] - still.fields[1]).max() > 0.01


def test_the_scale_of_the_vectors_does_not_matter() -> None:
    large = side(TEXT["shelf"], Field.dense("text", X * np.float32(1000)))
    one, two = (learn(small_sessions(), VOCAB, SETTINGS, side_info=info) for info in (TEXT, large))
    np.testing.assert_allclose(one.vectors, two.vectors, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(one.fields[1], two.fields[1] * 1000, rtol=1e-3, atol=1e-4)


def test_equal_bits_on_any_number_of_threads_and_after_a_stop(tmp_path: Path) -> None:
    whole = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT, workers=1)
    two = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT, workers=2)
    assert np.array_equal(whole.vectors, two.vectors)

    def stop(share: float, words: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT, progress=stop, checkpoint=tmp_path)
    resumed = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT, checkpoint=tmp_path)
    assert np.array_equal(whole.vectors, resumed.vectors)
    assert np.array_equal(whole.fields[1], resumed.fields[1])


def test_learning_may_begin_at_a_map_and_hold_it() -> None:
    first = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT)
    again = learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT, start=first, hold_fields=True)
    np.testing.assert_allclose(again.fields[1], first.fields[1], rtol=1e-6)
    shorter = side(TEXT["shelf"], Field.dense("text", np.ascontiguousarray(X[:, :2])))
    with pytest.raises(DataError, match=r"field 'text' is \[3, 6\], but \[2, 6\]"):
        DenseMaps.of(shorter, parts_of(VOCAB, shorter, "mean"), 6, 0).begin(
            np.zeros((2 * V + 3, 6), dtype=np.float32), first
        )


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn(small_sessions(), VOCAB, SETTINGS, side_info=TEXT)


def new_items() -> tuple[Field, ...]:
    x = np.array([[1, 0, 2], [np.nan] * 3, [0.5, 1, 0]], dtype=np.float32)
    return field_of("shelf", [[1], [2], []], size=3), Field.dense("text", x)


def test_the_mean_of_a_cold_item_counts_its_vector(learned: Learned) -> None:
    cold = ColdMap.fit(learned, TEXT, VOCAB.counts, ColdSettings(method="mean"))
    shelf, text = new_items()
    x_P = text.product(learned.fields[1])
    wanted = [(learned.fields[0][1] + x_P[0]) / 2, learned.fields[0][2], x_P[2]]
    np.testing.assert_allclose(cold.vectors((shelf, text)), wanted, atol=1e-5)


@pytest.mark.parametrize("direct", [3000, 0])
def test_the_ridge_takes_standardised_columns(
    learned: Learned, direct: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cowalk.learn.attributes.DIRECT", direct)
    settings = ColdSettings(method="ridge", ridge=0.5, ridge_trust=2.0)
    known = X[~np.isnan(X[:, 0])].astype(np.float64)

    def design(fields: tuple[Field, ...]) -> np.ndarray:
        marks = np.zeros((len(fields[0]), 6))
        for row in range(len(marks)):
            codes = fields[0].codes[fields[0].offsets[row] : fields[0].offsets[row + 1]]
            idf = np.log((1 + V) / (1 + np.bincount(TEXT["shelf"].codes, minlength=3))) + 1
            marks[row, codes] = idf[codes] / np.linalg.norm(idf[codes])
        marks[:, 3:] = np.nan_to_num((fields[1].vectors - known.mean(axis=0)) / known.std(axis=0)) / np.sqrt(
            3
        )
        return marks

    D, trust = design(TEXT.fields), VOCAB.counts / (VOCAB.counts + 2.0)
    center = trust @ learned.vectors / trust.sum()
    B = np.linalg.solve(
        D.T @ (trust[:, None] * D) + 0.5 * np.eye(6), D.T @ (trust[:, None] * (learned.vectors - center))
    )
    found = ColdMap.fit(learned, TEXT, VOCAB.counts, settings).vectors(new_items())
    np.testing.assert_allclose(found, design(new_items()) @ B + center, atol=2e-4)


def test_the_nearest_are_those_of_both_cosines(learned: Learned) -> None:
    cold = ColdMap.fit(learned, TEXT, VOCAB.counts, ColdSettings())
    rows, asked = attribute_rows(TEXT.fields, TEXT), attribute_rows(new_items(), TEXT)
    hits = cold.nearest(new_items(), 3)

    def table(one: object) -> tuple[np.ndarray, np.ndarray]:
        sparse = np.zeros((len(one), one.n_columns))  # type: ignore[arg-type, attr-defined]
        owner = np.repeat(np.arange(len(one)), np.diff(one.offsets))  # type: ignore[arg-type, attr-defined]
        sparse[owner, one.columns] = one.values  # type: ignore[attr-defined]
        dense = one.dense / np.maximum(np.linalg.norm(one.dense, axis=1, keepdims=True), 1e-12)  # type: ignore[attr-defined]
        return sparse, dense

    (s, d), (qs, qd) = table(rows), table(asked)
    scores = (qs @ s.T + qd @ d.T) / 2
    for row in range(3):
        wanted = np.argsort(-scores[row], kind="stable")[:3]
        held = scores[row][wanted] > 0
        assert hits.ids[row][held].tolist() == wanted[held].tolist()
        np.testing.assert_allclose(hits.scores[row][held], scores[row][wanted][held], atol=1e-5)
        assert (hits.ids[row][~held] == -1).all()
