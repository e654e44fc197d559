"""The map: neighbours stay together, runs agree, and the model folder keeps it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import cowalk as cw
from cowalk import maps
from cowalk.errors import DataError, MissingExtraError, ModelError, UsageError
from cowalk.maps import ItemMap, between, item_clusters, item_map, make_map, placed

SIZE = 90


@pytest.fixture(scope="module")
def grouped() -> tuple[np.ndarray, np.ndarray]:
    """float32[90, 6] in three groups of 45, 30 and 15, mixed, and which group each is of."""
    rng = np.random.default_rng(2)
    group = rng.permutation(np.repeat([0, 1, 2], [45, 30, 15]))
    rows = 3 * np.eye(6)[group] + 0.3 * rng.normal(size=(SIZE, 6))
    return (rows * rng.uniform(0.5, 2, size=(SIZE, 1))).astype(np.float32), group


def share_of_own_group(places: np.ndarray, group: np.ndarray) -> float:
    """How often the nearest other place is of the same group."""
    far = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(places))
    return float((group[far.argmin(axis=1)] == group).mean())


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_neighbours_stay_together_within_the_frame(
    grouped: tuple[np.ndarray, np.ndarray], method: str
) -> None:
    if method == "umap":
        pytest.importorskip("umap")
    vectors, group = grouped
    places = item_map(vectors, method, seed=3)  # type: ignore[arg-type]
    assert places.dtype == np.float32
    assert np.abs(places).max() <= 1
    assert np.ptp(places, axis=0).max() > 1.5
    assert share_of_own_group(places, group) > 0.97
    np.testing.assert_array_equal(places, item_map(vectors, method, seed=3))  # type: ignore[arg-type]


def test_pca_is_the_plane_of_most_variance(grouped: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, _ = grouped
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = units - units.mean(axis=0)
    lengths = np.linalg.svd(rows, compute_uv=False)
    places = maps._pca(units)
    np.testing.assert_allclose(np.linalg.norm(places, axis=0), lengths[:2], rtol=1e-4)
    assert abs(places[:, 0] @ places[:, 1]) < 1e-3


def test_more_rows_than_are_laid_out_lie_among_their_nearest(
    grouped: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "DRAWN", 60)
    monkeypatch.setattr(maps, "_umap", lambda units, seed: maps._pca(units))
    vectors, group = grouped
    places = item_map(vectors, "umap", seed=1)
    assert len(places) == SIZE
    assert share_of_own_group(places, group) > 0.9


def test_groups_are_found_and_the_largest_is_first(grouped: tuple[np.ndarray, np.ndarray]) -> None:
    vectors, group = grouped
    found = item_clusters(vectors, 3, seed=0)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, group)  # 45, 30, 15: so they are numbered here too
    assert len(np.unique(item_clusters(vectors[:2], 12))) == 2
    assert len(item_clusters(vectors[:0])) == 0


def test_between_takes_the_side_that_the_nearest_lies_on() -> None:
    places = np.array([[[0, 0], [0.1, 0], [0.9, 0.9], [0, 0.1], [1, 1]]], dtype=np.float32)
    scores = np.array([[5, 4, 3, 2, 1]], dtype=np.float32)
    # far from the best: 0, 0.1, 1.27, 0.1, 1.41; the median 0.1 keeps three, weights 4, 3 and 1
    np.testing.assert_allclose(between(places, scores), [[3 / 8 * 0.1, 1 / 8 * 0.1]], atol=1e-6)
    same = np.array([[2, 2, 2, 2, 2]], dtype=np.float32)
    np.testing.assert_allclose(between(places, same), [[0.1 / 3, 0.1 / 3]], atol=1e-6)


def test_a_known_vector_is_placed_where_it_is() -> None:
    rng = np.random.default_rng(1)
    known, places = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(40, 2)).astype(np.float32)
    there = placed(5 * known[:3], np.repeat(known, 5, axis=0), np.repeat(places, 5, axis=0))
    np.testing.assert_allclose(there, places[:3], atol=1e-5)


def test_outliers_do_not_squeeze_the_picture() -> None:
    places = np.random.default_rng(0).uniform(-1, 1, size=(1000, 2)).astype(np.float32)
    places[0] = 1000
    framed = maps._framed(places)
    assert np.abs(framed).max() <= 1
    assert np.ptp(framed[1:], axis=0).min() > 1.6


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_few_items_have_a_map_too(size: int) -> None:
    made = make_map(np.ones((size, 4), dtype=np.float32) * np.arange(size, dtype=np.float32)[:, None])
    assert made.places.shape == (size, 2)
    assert np.isfinite(made.places).all()


def test_what_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.ones((3, 2), dtype=np.float32)
    with pytest.raises(UsageError, match="must be auto, umap or pca"):
        item_map(vectors, "tsne")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="finite"):
        item_map(np.full((3, 2), np.nan, dtype=np.float32), "pca")
    with pytest.raises(DataError, match="not one"):
        ItemMap(np.zeros((3, 2), dtype=np.float32), np.zeros(2, dtype=np.int32), "pca")
    monkeypatch.setitem(sys.modules, "umap", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cowalk\[map\]'"):
        item_map(vectors, "umap")
    assert make_map(np.ones((maps.SMALL, 2), dtype=np.float32), "auto").method == "pca"


def test_a_small_catalogue_waits_for_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())  # umap is there
    assert maps._chosen("auto", maps.SMALL - 1) == "pca"
    assert maps._chosen("auto", maps.SMALL) == "umap"
    assert maps._chosen("umap", 20) == "umap"


def test_the_model_folder_keeps_the_map_and_refuses_another_models(shop_model: Path, tmp_path: Path) -> None:
    model = cw.load(shop_model)
    assert model.map is None
    drawn = model.with_map("pca")
    drawn.save(tmp_path / "drawn")
    kept = cw.load(tmp_path / "drawn").map
    assert kept is not None
    assert drawn.map is not None
    assert kept.method == "pca"
    np.testing.assert_array_equal(kept.places, drawn.map.places)
    np.testing.assert_array_equal(kept.clusters, drawn.map.clusters)
    from dataclasses import replace

    other = replace(model, map=make_map(np.asarray(model.learned.vectors)[:-1], "pca"))
    other.save(tmp_path / "other")
    with pytest.raises(ModelError, match=r"map\.safetensors holds 119 places, wanted 120"):
        cw.load(tmp_path / "other")
