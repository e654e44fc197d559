"""Exports are read back: by our own readers, by DuckDB, by numpy, and by gensim where it is installed."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cowalk as cw
from cowalk.export import export, read_word2vec, table_of
from cowalk.tables import Vocab
from cowalk.tables.word2vec import escaped, unescaped
from cowalk.types import Floats

ODD = ["a b", "100%", "tab\there", "é 电视", "new\nline", "%20", "\u2003"]


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    """The shop's model under ids with blanks."""
    loaded = cw.load(shop_model)
    ids = [*ODD, *loaded.vocab.ids.tolist()[len(ODD) :]]
    return replace(loaded, vocab=Vocab(np.array(ids, dtype=object), loaded.vocab.counts))


@pytest.mark.parametrize("binary", [False, True])
def test_word2vec_there_and_back(model: cw.Model, tmp_path: Path, binary: bool) -> None:
    notes = export(model, "word2vec-bin" if binary else "word2vec", "items", tmp_path / "v")
    assert f"{len(ODD)} ids hold blanks" in notes[0]
    back = read_word2vec(tmp_path / "v", binary=binary)
    assert back.vocab.ids.tolist() == model.vocab.ids.tolist()
    np.testing.assert_array_equal(back.array, model.vectors.array)


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_it(model: cw.Model, tmp_path: Path, binary: bool) -> None:
    models = pytest.importorskip("gensim.models", reason="gensim comes with cowalk[bench]")
    export(model, "word2vec-bin" if binary else "word2vec", "items", tmp_path / "v")
    vectors = models.KeyedVectors.load_word2vec_format(tmp_path / "v", binary=binary)
    assert [unescaped(key) for key in vectors.index_to_key] == model.vocab.ids.tolist()
    np.testing.assert_array_equal(vectors.vectors, model.vectors.array)


@pytest.mark.parametrize("binary", [False, True])
def test_a_truncated_word2vec_file_is_refused(model: cw.Model, tmp_path: Path, binary: bool) -> None:
    export(model, "word2vec-bin" if binary else "word2vec", "items", tmp_path / "v")
    raw = (tmp_path / "v").read_bytes()
    (tmp_path / "v").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(cw.DataError, match="not a whole word2vec file"):
        read_word2vec(tmp_path / "v", binary=binary)


@given(st.text())
def test_escaping_there_and_back(name: str) -> None:
    word = escaped(name)
    assert unescaped(word) == name
    assert word
    assert not any(sign.isspace() for sign in word)


def rows(path: Path, what: str = "vector") -> Floats:
    found = duckdb.sql(f"SELECT {what} FROM read_parquet('{path}')").fetchall()
    return np.array([row[0] for row in found], dtype=np.float32)


@pytest.mark.parametrize("what", ["items", "contexts"])
def test_parquet(model: cw.Model, tmp_path: Path, what: str) -> None:
    export(model, "parquet", what, tmp_path / "v.parquet")  # type: ignore[arg-type]
    names = duckdb.sql(f"SELECT id, count FROM read_parquet('{tmp_path / 'v.parquet'}')").fetchall()
    assert [name for name, _ in names] == model.vocab.ids.tolist()
    assert [count for _, count in names] == model.vocab.counts.tolist()
    wanted = model.vectors if what == "items" else model.contexts
    np.testing.assert_array_equal(rows(tmp_path / "v.parquet"), wanted.array)
    kind = duckdb.sql(
        f"SELECT array_value(1::FLOAT) IS NOT NULL, * FROM read_parquet('{tmp_path / 'v.parquet'}')"
    )
    assert any("FLOAT" in str(one) for one in kind.types)


def test_weights_have_a_column_per_field(model: cw.Model, tmp_path: Path) -> None:
    export(model, "parquet", "weights", tmp_path / "w.parquet")
    for slot, name in enumerate(model.weight_names):
        np.testing.assert_array_equal(rows(tmp_path / "w.parquet", f'"{name}"'), model.weights[:, slot])


def test_fields(model: cw.Model, tmp_path: Path) -> None:
    export(model, "parquet", "fields", tmp_path / "f.parquet")
    found = duckdb.sql(
        f"SELECT field, value, vector FROM read_parquet('{tmp_path / 'f.parquet'}')"
    ).fetchall()
    assert len(found) == sum(len(vectors) for vectors in model.fields.values())
    for field, value, vector in found:
        np.testing.assert_array_equal(np.array(vector, np.float32), model.fields[field][value])


def test_npz_and_projector(model: cw.Model, tmp_path: Path) -> None:
    export(model, "npz", "items", tmp_path / "v.npz")
    kept = np.load(tmp_path / "v.npz", allow_pickle=False)
    assert kept["ids"].tolist() == model.vocab.ids.tolist()
    np.testing.assert_array_equal(kept["vectors"], model.vectors.array)
    notes = export(model, "projector", "items", tmp_path / "v.tsv")
    assert "v.metadata.tsv" in notes[0]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "v.tsv", dtype=np.float32), model.vectors.array)
    names = (tmp_path / "v.metadata.tsv").read_text().splitlines()
    assert names[0] == "id\tcount"
    assert len(names) == len(model.vocab) + 1


def test_a_failed_export_leaves_the_old_file(
    model: cw.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "v.npz").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        export(model, "npz", "items", tmp_path / "v.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["v.npz"]
    assert (tmp_path / "v.npz").read_text() == "old"


def test_what_there_is_not(model: cw.Model, tmp_path: Path) -> None:
    with pytest.raises(cw.UsageError, match="weights"):
        table_of(model, "all")  # type: ignore[arg-type]
    with pytest.raises(cw.UsageError, match="projector"):
        export(model, "excel", "items", tmp_path / "v")  # type: ignore[arg-type]
