"""The planted structure of the simulated shop: who has which value, how popular it is, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.types import Ids

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Urn:
    """Items drawn by weight within their value of one field.

    order: int32[V] items grouped by value; place: int32[V], where each item stands in order; cumulative:
    float64[V+1] of the weights in that order; bounds: int64[K+1], where each value starts; value: int32[V].
    """

    order: Ids
    place: Ids
    cumulative: Weights
    bounds: NDArray[np.int64]
    value: Ids

    @classmethod
    def of(cls, value: Ids, size: int, weights: Weights) -> Urn:
        """The urn of a field whose values 0..size-1 are given item by item."""
        order = np.argsort(value, kind="stable").astype(np.int32)
        place = np.empty_like(order)
        place[order] = np.arange(len(order), dtype=np.int32)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(value, minlength=size))]).astype(np.int64)
        return cls(order, place, np.concatenate([[0.0], np.cumsum(weights[order])]), bounds, value)

    def draw(self, current: Ids, random: Weights) -> Ids:
        """For each current item another of the same value, by weight; the item itself where it is alone."""
        first, last = self.bounds[self.value[current]], self.bounds[self.value[current] + 1]
        low, high = self.cumulative[first], self.cumulative[last]
        start = self.cumulative[self.place[current]]
        own = self.cumulative[self.place[current] + 1] - start
        at = low + random * (high - low - own)
        at += np.where(at >= start, own, 0.0)  # step over the current item
        found = np.searchsorted(self.cumulative, at, side="right") - 1
        found = np.clip(found, first, last - 1)
        beside = np.where(found + 1 < last, found + 1, first)  # rounding may still land on the item itself
        found = np.where(found == self.place[current], beside, found)
        return self.order[found]


@dataclass(frozen=True)
class Planted:
    """V items, their values in F fields, and the chance with which each field leads to the next item.

    values: int32[F, V]; chances: float64[F + 1], the last one for a step by popularity alone; they sum to 1.
    """

    values: Ids
    size: int
    chances: Weights
    weights: Weights
    urns: tuple[Urn, ...]

    def first(self, n: int, rng: np.random.Generator) -> Ids:
        """n items drawn by popularity."""
        anyone = self.urns[-1]
        at = rng.random(n) * anyone.cumulative[-1]
        found = np.searchsorted(anyone.cumulative, at, side="right") - 1
        drawn: Ids = anyone.order[np.minimum(found, len(anyone.order) - 1)]
        return drawn

    def step(self, current: Ids, rng: np.random.Generator) -> Ids:
        """The next item after each current one."""
        pick = np.searchsorted(np.cumsum(self.chances)[:-1], rng.random(len(current)), side="right")
        random = rng.random(len(current))
        following = np.empty_like(current)
        for i, urn in enumerate(self.urns):
            rows = np.flatnonzero(pick == i)
            if len(rows):
                following[rows] = urn.draw(current[rows], random[rows])
        alone = np.flatnonzero(following == current)
        following[alone] = self.urns[-1].draw(current[alone], random[alone])
        return following


def plant(
    items: int, size: int, shares: list[float], noise: float, exponent: float, rng: np.random.Generator
) -> Planted:
    """Popularity ~ 1 / rank^exponent over items in random order; fields of `size` values, equally spread.

    In each run of `size` neighbouring popularity ranks every value comes once per field: all values of all
    fields have equal numbers of items and nearly equal popularity, and only the shares of the steps differ.
    """
    rank = rng.permutation(items)
    weights: Weights = np.power(1.0 + rank, -exponent)
    runs = -(-items // size)
    values = np.empty((len(shares), items), dtype=np.int32)
    for f in range(len(shares)):
        by_rank = rng.permuted(np.tile(np.arange(size, dtype=np.int32), (runs, 1)), axis=1).ravel()
        values[f] = by_rank[rank]
    chances = np.array([*(share * (1.0 - noise) for share in shares), noise])
    everyone = Urn.of(np.zeros(items, dtype=np.int32), 1, weights)
    return Planted(values, size, chances, weights, (*(Urn.of(v, size, weights) for v in values), everyone))
