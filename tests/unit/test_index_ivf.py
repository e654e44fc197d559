"""IVFIndex where lists differ in length: it looks into more of them, and not at all rows."""

from __future__ import annotations

import numpy as np
import pytest

from cowalk.recall.ivf_index import IVFIndex

pytest.importorskip("faiss")


def test_a_query_that_finds_too_few_looks_into_more_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """One crowd and many lonely rows: the list of a lonely one holds far fewer than are asked for."""
    rng = np.random.default_rng(0)
    crowd = rng.normal(0, 0.01, (3000, 8)) + 5
    rows = np.concatenate([crowd, rng.normal(0, 3, (300, 8))]).astype(np.float32)
    index = IVFIndex.build(rows, "l2", nlist=40, effort=1)

    def never(*_: object) -> None:
        raise AssertionError("all rows were looked at")

    monkeypatch.setattr(index, "_scan", never)
    asked: list[int] = []
    looked = index._looked
    monkeypatch.setattr(index, "_looked", lambda *a: asked.append(a[2]) or looked(*a))
    hits = index.search(rows[3000:3060], 60, workers=1)
    assert (hits.ids >= 0).all()
    assert asked[0] < asked[-1]
    distances = np.linalg.norm(rows[hits.ids] - rows[3000:3060, None], axis=2)
    np.testing.assert_allclose(-hits.scores, distances, rtol=1e-4, atol=1e-3)


def test_ties_stand_by_lower_row() -> None:
    rows = np.repeat(np.eye(8, dtype=np.float32), 60, axis=0)
    for metric in ("ip", "cosine", "l2"):
        index = IVFIndex.build(rows, metric, nlist=8, effort=8)
        assert index.search(rows[60:61], 60, workers=1).ids[0].tolist() == list(range(60, 120))
