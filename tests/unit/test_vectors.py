"""Vectors asked by id against plain numpy and gensim, and through every file format and back."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.tables.keyed import unit

IDS = ["king", "queen", "man", "woman", "new york", "é 电视", "100%", "zero"]
RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(8, 5)).astype(np.float32)
ROWS[7] = 0
VECTORS = cw.Vectors(cw.Vocab(np.array(IDS, dtype=object), np.arange(8, 0, -1)), ROWS)
FORMATS = ["v.parquet", "v.npz", "v.txt", "v.bin", "v.tsv"]


def cosines(query: np.ndarray) -> np.ndarray:
    """float64[V]: cosine of the query with every row, 0 for the zero row."""
    lengths = np.linalg.norm(ROWS.astype(float), axis=1)
    return ROWS.astype(float) @ query / np.maximum(lengths, 1e-12) / np.linalg.norm(query)


def normal(name: str) -> np.ndarray:
    row = ROWS[IDS.index(name)].astype(float)
    return row / np.linalg.norm(row)


def test_king_minus_man_plus_woman() -> None:
    found = VECTORS.most_similar(positive=["king", "woman"], negative=["man"], topn=8)
    score = cosines(normal("king") + normal("woman") - normal("man"))
    wanted = sorted(set(IDS) - {"king", "woman", "man"}, key=lambda name: -score[IDS.index(name)])
    assert [name for name, _ in found] == wanted
    np.testing.assert_allclose([s for _, s in found], [score[IDS.index(n)] for n in wanted], atol=1e-6)
    assert VECTORS.most_similar(["king", "woman"], "man", k=2) == found[:2]
    every = VECTORS.most_similar(positive=["king", "woman"], negative=["man"], topn=None)
    np.testing.assert_allclose(every, score, atol=1e-6)


def test_weights_and_vectors_stand_beside_ids() -> None:
    found = VECTORS.most_similar([("king", 2.0), ROWS[1]], [("man", 0.5)], k=3)
    score = cosines(2 * normal("king") + normal("queen") - 0.5 * normal("man"))
    best = [name for name in np.array(IDS)[np.argsort(-score)] if name not in ("king", "man")]
    assert [name for name, _ in found] == best[:3]  # a vector given is not left out, an id is
    assert found[0][1] == pytest.approx(max(score[IDS.index(n)] for n in best), abs=1e-6)


def test_arithmetic_on_rows() -> None:
    query = VECTORS["king"] - VECTORS["man"] + VECTORS["woman"]
    found = VECTORS.similar_by_vector(query, topn=8)
    np.testing.assert_allclose([s for _, s in found], np.sort(cosines(query.astype(float)))[::-1], atol=1e-6)
    assert VECTORS[["man", "king"]].tolist() == [ROWS[2].tolist(), ROWS[0].tolist()]
    assert VECTORS[np.array(IDS)[:2]].shape == (2, 5)


def test_similarity_and_distance() -> None:
    assert VECTORS.similarity("king", "queen") == pytest.approx(normal("king") @ normal("queen"), abs=1e-6)
    assert VECTORS.similarity("king", ROWS[0]) == pytest.approx(1)
    assert VECTORS.distance("king", "man") == pytest.approx(1 - normal("king") @ normal("man"), abs=1e-6)
    assert VECTORS.similarity("zero", "king") == 0
    one, two = ROWS[[0, 1]].mean(axis=0).astype(float), ROWS[[2, 3, 4]].mean(axis=0).astype(float)
    wanted = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert VECTORS.n_similarity(IDS[:2], IDS[2:5]) == pytest.approx(wanted, abs=1e-6)


def test_nearest_of_many_equals_one_by_one() -> None:
    hits = VECTORS.nearest(IDS, k=9)
    for row, name in enumerate(IDS):
        one = VECTORS.similar_by_key(name, 9)
        assert VECTORS.vocab.names(hits.ids[row][hits.ids[row] >= 0]) == [other for other, _ in one]
        np.testing.assert_allclose(hits.scores[row, :7], [s for _, s in one], atol=1e-6)
    assert (hits.ids[:, 7:] == -1).all()  # eight ids, itself left out
    np.testing.assert_array_equal(VECTORS.nearest(ROWS[:7], k=1).ids[:, 0], np.arange(7))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: VECTORS.most_similar(), "at least one"),
        (lambda: VECTORS.most_similar("emperor"), "'emperor' is not in the vocabulary"),
        (lambda: VECTORS.similar_by_vector([1.0, 2.0]), "5 finite numbers"),
        (lambda: VECTORS.similar_by_vector(np.full(5, np.nan)), "finite"),
        (lambda: VECTORS.most_similar("king", topn=0), "at least 1"),
        (lambda: VECTORS.get_mean_vector([]), "mean of no vectors"),
        (lambda: VECTORS.get_mean_vector(["king"], [1, 2]), "one weight a key"),
        (lambda: VECTORS.nearest(np.zeros((2, 3))), "queries must be finite"),
    ],
)
def test_wrong_questions_are_told(call: object, told: str) -> None:
    with pytest.raises(cw.CowalkError, match=told):
        call()  # type: ignore[operator]


def test_gensim_gives_the_same_answers() -> None:
    models = pytest.importorskip("gensim.models", reason="gensim comes with cowalk[bench]")
    some = cw.Vectors(VECTORS.vocab.select(np.arange(7)), ROWS[:7])  # gensim divides by the zero row's length
    kv = some.to_gensim()
    assert isinstance(kv, models.KeyedVectors)
    for positive, negative in ([["king", "woman"], ["man"]], [["queen"], []], [[("king", 0.3)], ["man"]]):
        theirs = kv.most_similar(positive=positive, negative=negative, topn=4)
        ours = some.most_similar(positive, negative, topn=4)
        assert [name for name, _ in ours] == [name for name, _ in theirs]
        np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-6)
        every = kv.most_similar(positive=positive, negative=negative, topn=None)
        np.testing.assert_allclose(some.most_similar(positive, negative, topn=None), every, atol=1e-6)
    assert VECTORS.similarity("king", "man") == pytest.approx(float(kv.similarity("king", "man")), abs=1e-6)
    mean = kv.get_mean_vector(["king", "man"], weights=[1, -2], post_normalize=True)
    ours = VECTORS.get_mean_vector(["king", "man"], [1, -2], post_normalize=True)
    np.testing.assert_allclose(ours, mean, atol=1e-6)
    back = cw.Vectors.from_gensim(kv)
    assert back.index_to_key == IDS[:7]
    np.testing.assert_array_equal(back.array, ROWS[:7])
    np.testing.assert_array_equal(back.vocab.counts, VECTORS.vocab.counts[:7])


def test_a_gensim_model_is_taken_by_what_it_has() -> None:
    kv = SimpleNamespace(index_to_key=IDS, vectors=ROWS, expandos={"count": np.arange(8)})
    found = cw.Vectors.from_gensim(SimpleNamespace(wv=kv))
    assert found.index_to_key == IDS
    assert found.vocab.counts.tolist() == list(range(8))
    with pytest.raises(cw.UsageError, match="not dict"):
        cw.Vectors.from_gensim({})
    with pytest.raises(cw.DataError, match="8 keys but 7 vectors"):
        cw.Vectors.from_gensim(SimpleNamespace(index_to_key=IDS, vectors=ROWS[:7]))


@pytest.mark.parametrize("name", FORMATS)
def test_files_there_and_back(name: str, tmp_path: Path) -> None:
    notes = VECTORS.save(tmp_path / name)
    assert bool(notes) == name.endswith(("txt", "bin", "tsv"))
    back = cw.Vectors.load(tmp_path / name)
    assert back.index_to_key == IDS
    np.testing.assert_array_equal(back.array, ROWS)
    if name == "v.parquet":
        np.testing.assert_array_equal(back.vocab.counts, VECTORS.vocab.counts)


def test_the_projector_keeps_all_but_tabs_and_line_breaks_and_tells_them(tmp_path: Path) -> None:
    names = [" lead", "two  blanks", "lead", "line\u2028sign", "50%", "tab\tx", ""]
    rows = RNG.normal(size=(len(names), 2)).astype(np.float32)
    notes = cw.Vectors(cw.Vocab.of(names), rows).save(tmp_path / "v.tsv")
    assert "2 ids hold tabs or line breaks" in notes[1]
    assert "'tab x' for 'tab\\tx'" in notes[1]
    back = cw.Vectors.load(tmp_path / "v.tsv")
    assert back.index_to_key == [*names[:5], "tab x", "-"]
    one = cw.Vectors(cw.Vocab.of(["a b", "c"]), rows[:2]).save(tmp_path / "v.txt")
    assert one == ["1 id holds blanks or %, which word2vec cannot: written as 'a%20b' for 'a b'"]


@pytest.mark.parametrize("name", ["v.parquet", "v.npz"])
def test_whole_numbers_stay_whole_numbers(name: str, tmp_path: Path) -> None:
    cw.Vectors(cw.Vocab.of([5, 3, -1]), ROWS[:3]).save(tmp_path / name)
    assert cw.Vectors.load(tmp_path / name).index_to_key == [5, 3, -1]


@given(st.lists(st.text(), unique=True, min_size=1, max_size=5), st.booleans())
@settings(deadline=None, max_examples=60)
def test_any_id_survives_word2vec(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], binary: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "v"
    kind = "word2vec-bin" if binary else "word2vec"
    rows = RNG.normal(size=(len(ids), 2)).astype(np.float32)
    cw.Vectors(cw.Vocab.of(ids), rows).save(path, kind)
    back = cw.Vectors.load(path, kind)
    assert back.index_to_key == ids
    np.testing.assert_array_equal(back.array, rows)


def test_a_gzipped_text_file_is_read(tmp_path: Path) -> None:
    VECTORS.save(tmp_path / "v.txt")
    (tmp_path / "v.txt.gz").write_bytes(gzip.compress((tmp_path / "v.txt").read_bytes()))
    np.testing.assert_array_equal(cw.Vectors.load(tmp_path / "v.txt.gz").array, ROWS)
    raw = (tmp_path / "v.txt.gz").read_bytes()
    (tmp_path / "v.txt.gz").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(cw.DataError, match="not a whole word2vec file"):
        cw.Vectors.load(tmp_path / "v.txt.gz")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3 2\na 1 2\nb 3 4\n", "tells 3 vectors, 2 are there"),
        ("1 2\na 1 2\nb 3 4\n", "tells 1 vectors, but line 3 is one more"),
        ("2 2\na 1 2\nb 3 4 5\n", "line 3 has 3 numbers, the first line tells 2"),
        ("0 100\n", "first line must tell"),
        ("2 2\na 1 2\nb 3", "line 3 has 1 numbers.*not a whole word2vec file"),
        ("2 2\na 1 2\nb x 4\n", r"line 3 \('b'\) holds something else"),
        ("a 1 2\nb 3 4\n", "first line must tell"),
        ("", "first line must tell"),
        ("2 2\na 1 2\na 3 4\n", "'a' stands twice"),
        ("2 2\na 1 2\nb nan 4\n", "not all numbers are finite"),
        ("9999999999 300\na 1 2\n", "cannot hold"),
    ],
)
def test_a_wrong_text_file_is_told(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(cw.DataError, match=told) as caught:
        cw.Vectors.load(tmp_path / "v.txt")
    assert str(tmp_path / "v.txt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_binary_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    VECTORS.save(path)
    raw = path.read_bytes()
    for changed, told in [
        (raw[:-30], "8 vectors, 6 are there|8 vectors, 7 are there"),
        (raw + b"rest", "4 more bytes follow"),
        (raw.replace(b"8 5\n", b"7 5\n"), "more bytes follow"),
        (raw.replace(b"8 5\n", b"9 5\n"), "9 vectors, 8 are there"),
        (raw.replace(b"8 5\n", b"eight\n"), "first line must tell"),
        (b"", "first line must tell"),
    ]:
        path.write_bytes(changed)
        with pytest.raises(cw.DataError, match=told):
            cw.Vectors.load(path)


def test_other_wrong_files_are_told(tmp_path: Path) -> None:
    import duckdb

    with pytest.raises(cw.DataError, match="no such file"):
        cw.Vectors.load(tmp_path / "none.txt")
    with pytest.raises(cw.UsageError, match="its ending tells no format"):
        cw.Vectors.load(tmp_path / "v.model")
    with pytest.raises(cw.UsageError, match="format is 'pickle'"):
        VECTORS.save(tmp_path / "v", "pickle")
    with pytest.raises(cw.DataError, match="no such folder"):
        VECTORS.save(tmp_path / "none" / "v.npz")
    np.savez(tmp_path / "v.npz", ids=np.array([1, 2]))
    with pytest.raises(cw.DataError, match="'ids' and 'vectors'"):
        cw.Vectors.load(tmp_path / "v.npz")
    for made, told in [
        ("SELECT 1 AS id, [1.0, 2.0] AS vector UNION ALL SELECT 2, [1.0]", "vectors of 1 to 2 numbers"),
        ("SELECT 1 AS id", "no column 'vector'"),
        ("SELECT 1 AS id, NULL::FLOAT[2] AS vector", "1 vectors are null"),
        ("SELECT 1 AS id, [1.0, NULL] AS vector", "holds nulls"),
        ("SELECT 1 AS id, 'text' AS vector", "cannot be read"),
    ]:
        duckdb.sql(f"COPY ({made}) TO '{tmp_path / 'v.parquet'}' (FORMAT parquet)")
        with pytest.raises(cw.DataError, match=told):
            cw.Vectors.load(tmp_path / "v.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.npz", "v.parquet"]  # nothing half-written


def test_a_zero_vector_stays_zero() -> None:
    assert unit(np.zeros(3, np.float32)).tolist() == [0, 0, 0]
