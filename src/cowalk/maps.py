"""A map: vectors in the plane, for people to look at; and groups of vectors that lie together."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError, MissingExtraError, UsageError
from cowalk.kmeans import kmeans
from cowalk.recall import top_k
from cowalk.types import Floats, Ids
from cowalk.users import normalize

MapMethod = Literal["auto", "umap", "pca"]
DRAWN = 30_000  # rows that UMAP lays out and k-means reads; the others follow their nearest of these
SMALL = 1_000  # items; of fewer `auto` makes no UMAP, whose compiling alone takes a minute
NEAR = 5  # neighbours that say where a row lies that was not laid out
CLUSTERS = 12  # as many as colours can be told apart


@dataclass(frozen=True)
class ItemMap:
    """places: float32[V, 2], in -1..1 both ways; clusters: int32[V], 0 the largest; method: umap or pca."""

    places: Floats
    clusters: Ids
    method: str

    def __post_init__(self) -> None:
        size = len(self.places)
        if self.places.shape != (size, 2) or self.clusters.shape != (size,):
            raise DataError(
                f"a map of {self.places.shape} places and {self.clusters.shape} clusters is not one"
            )
        if not np.isfinite(self.places).all():
            raise DataError("a map has places that are not finite")


def make_map(vectors: Floats, method: MapMethod = "auto", seed: int = 0, clusters: int = CLUSTERS) -> ItemMap:
    """The map of vectors float32[V, d] by cosine, equal for equal input and seed.

    method: umap (needs the extra `map`), pca, or auto: umap where it is installed and the items are 1,000 or
    more.
    """
    chosen = _chosen(method, len(vectors))
    return ItemMap(item_map(vectors, chosen, seed), item_clusters(vectors, clusters, seed), chosen)


def item_map(vectors: Floats, method: MapMethod = "auto", seed: int = 0) -> Floats:
    """float32[V, 2], in -1..1 both ways: places in the plane, near where the cosine is high.

    Up to 30,000 rows are laid out by UMAP (McInnes, Healy & Melville 2018); of more, as many drawn by the
    seed, and each of the others lies among its five nearest of these. PCA takes all rows, at length 1.
    """
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise UsageError("a map needs a table of finite numbers, a row per item")
    units = normalize(np.asarray(vectors, dtype=np.float32))
    chosen = _chosen(method, len(units))
    if chosen == "pca" or len(units) <= NEAR + 1:  # fewer have no neighbourhoods to keep
        return _framed(_pca(units))
    drawn = _drawn(len(units), seed)
    places = _umap(units[drawn], seed)
    if len(drawn) == len(units):
        return _framed(places)
    out = placed(units, units[drawn], places)
    out[drawn] = places
    return _framed(out)


def item_clusters(vectors: Floats, clusters: int = CLUSTERS, seed: int = 0) -> Ids:
    """int32[V]: groups by cosine (k-means over up to 30,000 rows), 0 the largest."""
    units = normalize(np.asarray(vectors, dtype=np.float32))
    if not len(units):
        return np.zeros(0, dtype=np.int32)
    labels = kmeans(units[_drawn(len(units), seed)], clusters, seed=seed).nearest(units)
    order = np.argsort(-np.bincount(labels, minlength=clusters), kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[labels]


def placed(vectors: Floats, known: Floats, places: Floats) -> Floats:
    """float32[N, 2]: where new vectors lie among `known` ones that have places; see `between`."""
    hits = top_k(normalize(vectors), normalize(known), min(NEAR, len(known)))
    return between(places[hits.ids], hits.scores)


def between(places: Floats, scores: Floats) -> Floats:
    """float32[N, 2]: for N rows of neighbours [N, k, 2], nearest first, a place that is truly among them.

    The mean, weighted by score above the least, of those neighbours that lie nearer to the best one than half
    of them do: a mean of two far groups would lie in neither.
    """
    far = np.linalg.norm(places - places[:, :1], axis=2)
    near = far <= np.median(far, axis=1, keepdims=True)
    weights = np.where(near, scores - scores.min(axis=1, keepdims=True) + np.float32(1e-6), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((weights[:, :, None] * places).sum(axis=1), dtype=np.float32)


def _chosen(method: MapMethod, items: int) -> Literal["umap", "pca"]:
    if method not in ("auto", "umap", "pca"):
        raise UsageError(f"the map's method is {method!r}; it must be auto, umap or pca")
    if method == "pca" or (method == "auto" and items < SMALL):
        return "pca"
    from importlib.util import find_spec

    if find_spec("umap") is not None:
        return "umap"
    if method == "umap":
        raise MissingExtraError("a map by UMAP needs umap-learn: pip install 'cowalk[map]'")
    return "pca"


def _drawn(size: int, seed: int) -> Ids:
    """Rows that are laid out, rising: all, or DRAWN of them."""
    if size <= DRAWN:
        return np.arange(size, dtype=np.int32)
    rows = seeds.generator(seed, "map").choice(size, DRAWN, replace=False)
    return np.sort(rows).astype(np.int32)


def _pca(units: Floats) -> Floats:
    """The two directions of most variance; signs by the largest entry, so that runs agree."""
    if not len(units):
        return np.zeros((0, 2), dtype=np.float32)
    rows = units - units.mean(axis=0)
    _, axes = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    top = axes[:, ::-1][:, :2]
    top = top * np.sign(top[np.abs(top).argmax(axis=0), np.arange(top.shape[1])])
    out = np.zeros((len(units), 2), dtype=np.float32)
    out[:, : top.shape[1]] = rows @ top.astype(np.float32)
    return out


def _umap(units: Floats, seed: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap and its own libraries warn of what is no concern of ours
        from umap import UMAP

        layout = UMAP(
            n_neighbors=min(15, len(units) - 1),
            min_dist=0.35,
            metric="cosine",
            init="pca",
            random_state=seeds.stream(seed, "umap") % 2**32,
            n_jobs=1,  # with a seed it takes no more
        )
        return np.asarray(layout.fit_transform(units), dtype=np.float32)


def _framed(places: Floats) -> Floats:
    """The same picture within -1..1, the middle 99 % of it filling most; what lies beyond is drawn in."""
    if not len(places):
        return places
    low, high = np.percentile(places, [0.5, 99.5], axis=0)
    span = max(float((high - low).max()), 1e-9)  # one scale both ways: a map keeps its shape
    centred = (places - (low + high) / 2) * (1.8 / span)
    drawn: Floats = np.clip(centred, -1, 1).astype(np.float32)
    return drawn
