"""VectorIndex: ids of outside around every kind; filters, changes, one file, and what is told of errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.errors import DataError, ModelError, UnknownIdError, UsageError
from cowalk.recall.auto import choose_kind

KINDS = ("exact", "ivf", "hnsw", "kdtree", "lsh")
kinds = pytest.mark.parametrize("kind", KINDS)


def vectors(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


def names(count: int) -> list[str]:
    return [f"item {i}é" for i in range(count)]


@kinds
def test_the_nearest_ids(kind: str) -> None:
    rows = vectors(400)
    index = cw.VectorIndex.build(rows, names(400), kind, k=10)
    assert (len(index), index.kind, index.metric) == (400, kind, "cosine")
    assert index.recall >= 0.95
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    wanted = np.argsort(-(units @ units[7]), kind="stable")[:5]
    found = index.search(rows[7], 5)
    assert found[0][0] == "item 7é"
    assert len({one for one, _ in found} & {names(400)[row] for row in wanted}) >= 4
    np.testing.assert_allclose(found[0][1], 1, atol=1e-5)
    many = index.search(rows[5:8], 5)
    assert len(many) == 3
    assert many[2] == found


@kinds
def test_changes_and_one_file(kind: str, tmp_path: Path) -> None:
    rows = vectors(300)
    index = cw.VectorIndex.build(rows, names(300), kind, metric="l2", k=10)
    index.remove(["item 3é", "item 4é"])
    index.add(["new", "item 3é"], rows[:2] + 1)
    index.update(["item 9é"], rows[:1] - 1)
    assert len(index) == 300
    assert ("item 3é" in index, "item 4é" in index, "new" in index) == (True, False, True)
    index.save(tmp_path / "index")
    back = cw.VectorIndex.load(tmp_path / "index")
    assert back.ids == index.ids
    assert back.recall == index.recall
    for one in (index, back):
        assert {name for name, _ in one.search(rows[0] + 1, 1)} == {"new"}
        assert one.search(rows[0] - 1, 1)[0][0] == "item 9é"
        assert "item 4é" not in {name for name, _ in one.search(rows[4], 299)}
    back.remove("new")
    back.add(["item 4é"], rows[4:5])
    assert back.search(rows[4], 1)[0] == ("item 4é", 0.0)
    assert list(tmp_path.iterdir()) == [tmp_path / "index"]


def test_only_those_that_are_allowed() -> None:
    rows = vectors(100)
    index = cw.VectorIndex.build(rows, range(100, 200), "exact", metric="ip")
    assert {one for one, _ in index.search(rows[0], 50, where=[105, "107", 109])} == {105, 107, 109}
    mask = np.arange(100) < 2
    assert {one for one, _ in index.search(rows[0], 50, where=mask)} == {100, 101}
    with pytest.raises(UnknownIdError, match="id 7 is not in the index"):
        index.search(rows[0], 5, where=[7])
    with pytest.raises(UsageError, match=r"where must be bool\[100\]"):
        index.search(rows[0], 5, where=mask[:-1])
    index.remove([100])
    assert {one for one, _ in index.search(rows[0], 50, where=mask[1:])} == {101}  # one flag for each id
    with pytest.raises(UsageError, match=r"where must be bool\[99\]"):
        index.search(rows[0], 5, where=mask)


def test_of_vectors_and_of_bare_rows() -> None:
    rows = vectors(20)
    held = cw.Vectors(cw.Vocab.of(names(20)), rows)
    assert cw.VectorIndex.build(held).ids == names(20)
    plain = cw.VectorIndex.build(rows)
    assert plain.ids == list(range(20))
    assert plain.kind == "exact"
    assert plain.search(rows[3], 1)[0][0] == 3
    assert len(plain.search(rows[3], 10**12)) == 20  # no more than there are, and no room for more
    plain.remove(np.int64(4))
    assert 4 not in plain


def test_errors_name_what_is_off(tmp_path: Path) -> None:
    rows = vectors(30)
    index = cw.VectorIndex.build(rows, range(30), "exact")
    for call, error, words in (
        (lambda: index.add([3], rows[:1]), UsageError, "id 3 is in the index; update"),
        (lambda: index.add([40, 40], rows[:2]), UsageError, "an id stands twice"),
        (lambda: index.add(["x"], rows[:1]), UsageError, "id 'x' is no whole number"),
        (lambda: index.add([40, 41], rows[:1]), UsageError, r"2 ids but vectors \[1, 6\]"),
        (lambda: index.update([77], rows[:1]), UnknownIdError, "id 77 is not in the index of 30 ids"),
        (lambda: index.remove([77]), UnknownIdError, "id 77"),
        (lambda: index.search(rows[0], 0), UsageError, "k must be at least 1"),
        (lambda: index.search(rows[0], "3"), UsageError, "k must be a whole number, not '3'"),  # type: ignore[call-overload]
        (lambda: index.search(rows[0], 2.5), UsageError, "k must be a whole number, not 2.5"),  # type: ignore[call-overload]
        (lambda: cw.VectorIndex.build(rows, metric="foo"), UsageError, "one of cosine, ip, l2"),  # type: ignore[arg-type]
        (lambda: index.search(rows[0][:4], 3), UsageError, r"queries must be \[N, 6\]"),
        (lambda: index.search(rows[0] * np.nan, 3), UsageError, "not finite"),
        (lambda: index.search(["a"] * 6, 3), UsageError, "queries must be a table of numbers"),
        (lambda: index.remove([1.5]), UsageError, "id 1.5 is no whole number"),
        (lambda: index.search(rows[0], 3, where=[True]), UsageError, "id True is no whole number"),
        (lambda: index.save(tmp_path), DataError, "is a folder"),
        (lambda: index.save(tmp_path / "no" / "index"), DataError, "no such folder"),
        (lambda: cw.VectorIndex.load(tmp_path / "none"), DataError, "no such file"),
        (lambda: cw.VectorIndex.build(rows, [1, 2]), UsageError, "2 ids but 30 vectors"),
        (lambda: cw.VectorIndex.build(rows, [1] * 30), UsageError, "stands twice"),
        (lambda: cw.VectorIndex.build(rows, kind="tree"), UsageError, "kind is 'tree'"),
        (lambda: cw.VectorIndex.build(rows, recall=0), UsageError, "recall must be above 0"),
        (lambda: cw.VectorIndex.build(rows, share=0.1), UsageError, "share bounds what lsh looks at; exact"),
        (lambda: cw.VectorIndex.build(rows, kind="lsh", share=0.1, tables=2), UsageError, "give one of them"),
    ):
        with pytest.raises(error, match=words):
            call()
    assert len(index) == 30


@pytest.mark.parametrize("at", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_damaged_file_is_refused(tmp_path: Path, at: float) -> None:
    path = tmp_path / "index"
    cw.VectorIndex.build(vectors(200), kind="hnsw", k=5).save(path)
    whole = path.read_bytes()
    data = bytearray(whole)
    data[int(at * len(data))] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(ModelError):
        cw.VectorIndex.load(path)
    path.write_bytes(whole[: int(at * len(whole))])
    with pytest.raises(ModelError):
        cw.VectorIndex.load(path)
    path.write_bytes(whole)
    assert len(cw.VectorIndex.load(path)) == 200


def test_the_kind_that_fits() -> None:
    assert choose_kind(1000, 64, "ip")[0] == "exact"
    assert choose_kind(2_000_000, 64, "cosine", 1.0)[0] == "exact"
    assert choose_kind(2_000_000, 64, "ip", faiss=True)[0] == "ivf"
    assert choose_kind(2_000_000, 64, "cosine", faiss=True)[0] == "hnsw"
    kind, why = choose_kind(2_000_000, 64, "ip", faiss=False)
    assert kind == "lsh"
    assert "cowalk[index]" in why


@pytest.mark.parametrize(("kind", "library"), [("ivf", "faiss"), ("hnsw", "faiss"), ("kdtree", "scipy")])
def test_a_missing_library_is_told(kind: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.spatial", None)
    with pytest.raises(cw.MissingExtraError, match=r"pip install 'cowalk\[index\]'"):
        cw.VectorIndex.build(vectors(300), kind=kind)
