"""The lists that samplers draw from: one for all items, one for each value of a field, one for each item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowalk.kernels import alias as alias_kernels
from cowalk.kernels import negative_lists as kernels
from cowalk.kernels.flags import threads
from cowalk.tables import Field, ItemGraph
from cowalk.types import AnyArray, Floats, Ids, Offsets

MOST = 16384  # candidates of `similar`: of a larger catalogue as many random items, fresh at each refresh


@dataclass(frozen=True)
class Lists:
    """Item v draws from one of the lists keys[key_offsets[v]:key_offsets[v+1]], each with the same chance.

    List r is records[offsets[r]:offsets[r+1]], uint32[*, 3] = (threshold, item, alias item). alone: whether
    an item is never its own negative. hottest: the chance of the item that is drawn most, before masking.
    """

    key_offsets: Offsets
    keys: Ids
    offsets: Offsets
    records: AnyArray
    alone: bool
    hottest: float

    def kept(self, usable: NDArray[np.bool_]) -> Lists:
        """The same without the keys that are not usable (bool[*])."""
        before = np.append(0, np.cumsum(usable)).astype(np.int64)
        return replace(self, key_offsets=before[self.key_offsets], keys=self.keys[usable])

    @property
    def empty(self) -> NDArray[np.bool_]:
        """bool[V]: items that have no list."""
        empty: NDArray[np.bool_] = np.diff(self.key_offsets) == 0
        return empty


@dataclass(frozen=True)
class Ground:
    """What all lists of V items stand on: what is masked, and how often each item draws.

    known[known_offsets[v]:known_offsets[v+1]]: v's known positives, rising (none where nothing is masked);
    chances: float64[V], each item's share of the positions; workers: threads.
    """

    known_offsets: Offsets
    known: Ids
    chances: NDArray[np.float64]
    workers: int | None = None

    @property
    def occurs(self) -> NDArray[np.bool_]:
        """bool[V]: items that are there at all; no other is ever drawn."""
        return self.chances > 0


class Members(NamedTuple):
    """List r is items[offsets[r]:offsets[r+1]] with these weights, float32 above 0."""

    offsets: Offsets
    items: Ids
    weights: Floats


def lists_of(key_offsets: Offsets, keys: Ids, members: Members, alone: bool, ground: Ground) -> Lists:
    """The lists with these members, but for those with nothing to draw."""
    records = np.empty((len(members.items), 3), dtype=np.uint32)
    shares = np.empty(len(members.items), dtype=np.float32)
    usable = np.empty(len(keys), dtype=bool)
    with threads(ground.workers):
        alias_kernels.edge_records(members.offsets, members.items, members.weights, records)
        alias_kernels.edge_shares(members.offsets, members.weights, shares)
        kernels.usable_lists(
            key_offsets,
            keys,
            members.offsets,
            members.items,
            ground.known_offsets,
            ground.known,
            alone,
            usable,
        )
    counts = np.diff(key_offsets)
    asked = np.bincount(
        keys, np.repeat(ground.chances / np.maximum(counts, 1), counts), len(members.offsets) - 1
    )
    drawn = np.bincount(members.items, np.repeat(asked, np.diff(members.offsets)) * shares, 1)
    made = Lists(key_offsets, keys.astype(np.int32), members.offsets, records, alone, float(drawn.max()))
    return made.kept(usable)


def one_list(weights: AnyArray, alone: bool, ground: Ground) -> Lists:
    """The one list of all items, by float64[V] weights of which some may be 0."""
    members = np.flatnonzero(weights > 0).astype(np.int32)
    scaled = (weights[members] / weights.max()).astype(np.float32)
    rows = Members(
        np.array([0, len(members)], dtype=np.int64), members, np.maximum(scaled, np.float32(1e-38))
    )
    n = len(weights)
    return lists_of(np.arange(n + 1, dtype=np.int64), np.zeros(n, dtype=np.int32), rows, alone, ground)


def log_uniform_weights(counts: Offsets) -> AnyArray:
    """float64[V]: log((r + 2) / (r + 1)) at frequency rank r from 0 (ties by row); 0 for an item of count 0.

    Their sum is log(V + 1) over V items that occur: TensorFlow's log-uniform candidate sampler.
    """
    order = np.argsort(-counts, kind="stable")
    ranks = np.empty(len(counts), dtype=np.int64)
    ranks[order] = np.arange(len(counts))
    weights: AnyArray = np.where(counts > 0, np.log1p(1.0 / (ranks + 1.0)), 0.0)
    return weights


def value_lists(field: Field, weights: AnyArray, ground: Ground) -> Lists:
    """One list for each value of the field: the items that carry it, by weights; an item has its values'."""
    items = np.repeat(np.arange(len(field), dtype=np.int32), np.diff(field.offsets))
    drawn = weights[items] > 0
    items, codes = items[drawn], field.codes[drawn]
    order = np.argsort(codes, kind="stable")
    offsets = np.append(0, np.cumsum(np.bincount(codes, minlength=field.size))).astype(np.int64)
    scaled = np.maximum(weights[items[order]] / weights.max(), 1e-38).astype(np.float32)
    rows = Members(offsets, items[order], scaled)
    return lists_of(field.offsets, field.codes, rows, True, ground)


def item_lists(ids: Ids, weights: Floats, ground: Ground) -> Lists:
    """One list for each item: the row ids[v] up to its first -1, by weights of the same shape."""
    there = ids >= 0
    lengths = there.sum(axis=1)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    order = np.argsort(np.where(there, ids, np.iinfo(np.int32).max), axis=1, kind="stable")
    sorted_there = np.take_along_axis(there, order, axis=1)
    targets = np.take_along_axis(ids, order, axis=1)[sorted_there]
    rows = Members(offsets, targets, np.take_along_axis(weights, order, axis=1)[sorted_there])
    n = len(ids)
    return lists_of(np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.int32), rows, True, ground)


def second_lists(graph: ItemGraph, width: int, ground: Ground) -> Lists:
    """For each item the `width` items most likely two steps away in the graph and not one, by that chance."""
    shares = np.empty(graph.edges, dtype=np.float32)
    alias_kernels.edge_shares(graph.offsets, graph.weights, shares)
    ids = np.empty((len(graph), width), dtype=np.int32)
    scores = np.empty((len(graph), width), dtype=np.float32)
    with threads(ground.workers) as count:
        kernels.second_neighbors(graph.offsets, graph.targets, shares, count, ids, scores)
    return item_lists(ids, scores, ground)


def nearest_lists(vectors: Floats, width: int, skip: int, ground: Ground, rng: np.random.Generator) -> Lists:
    """For each item the `width` items of the largest cosine after the `skip` nearest, all with one chance.

    Candidates are the items that occur, or MOST of them drawn by `rng` where there are more.
    """
    candidates = np.flatnonzero(ground.occurs).astype(np.int32)
    if len(candidates) > MOST:
        candidates = np.sort(rng.choice(candidates, MOST, replace=False))
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    unit = np.ascontiguousarray(vectors / np.maximum(lengths, np.float32(1e-30)))
    ids = np.empty((len(vectors), width + skip), dtype=np.int32)
    scores = np.empty((len(vectors), width + skip), dtype=np.float32)
    with threads(ground.workers):
        kernels.nearest_rows(unit, candidates, ground.known_offsets, ground.known, ids, scores)
    return item_lists(ids[:, skip:], np.ones_like(scores[:, skip:]), ground)
