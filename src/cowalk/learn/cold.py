"""The vector and the context row of an item that nobody has clicked yet, from its attributes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.learn.attributes import AttributeRows, Dense, attribute_rows
from cowalk.learn.hema_layout import new_item_scales, transfers
from cowalk.learn.item_tower import ItemTower, item_tower_of
from cowalk.learn.parts import field_idf, value_scales
from cowalk.learn.result import Learned
from cowalk.learn.settings import ColdSettings
from cowalk.tables import Field, Hits, SideInfo
from cowalk.types import Floats, Offsets

NEIGHBORS = 20


@dataclass(frozen=True)
class ColdMap:
    """From attributes to the space of what was learned.

    mean: the plain mean of the field rows (Wang et al. 2018, 3.3); similar: their mean by the learned weights
    of the items that share most; transfer: the direction sum of w_k M_k e_k at the mean length of H (Hema,
    Zhao et al. 2018), to be compared by cosine; ridge: a weighted ridge regression from idf-weighted
    attributes to the learned vectors. Context rows: the ridge map to Z, or for the others the mean Z of the
    items that share most. tower: both by the item tower of a two-tower network (Yi et al. 2019).
    An item with no known attribute gets the mean over all items.
    """

    learned: Learned
    side_info: SideInfo
    counts: Offsets
    settings: ColdSettings

    @classmethod
    def fit(cls, learned: Learned, side_info: SideInfo, counts: Offsets, settings: ColdSettings) -> ColdMap:
        """counts: [V], the count in the log that the vectors were learned from."""
        if not side_info.fields:
            raise DataError("cold items need attributes, and the items table has no usable field")
        if learned.fingerprint != side_info.fingerprint:
            raise DataError("vectors and side information belong to different vocabularies; fit again")
        if settings.method == "transfer" and not transfers(learned):
            raise UsageError(
                "cold.method=transfer needs the transfer matrices of engine hema; use ridge, mean or similar"
            )
        if settings.method == "tower" and item_tower_of(learned.extra) is None:
            raise UsageError("cold.method=tower needs engine two-tower with tower.fields; use ridge, mean")
        return cls(learned, side_info, counts, settings)

    def vectors(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, d] beside the learned vectors H, for N items coded by `encode_items`."""
        if self.settings.method == "tower" and self._tower is not None:
            return self._tower.vectors(fields)
        if self.settings.method == "transfer":
            return self._transferred(fields)
        if self.settings.method != "ridge" and self.learned.fields:
            return self._mixed(fields)
        return self._ridge(fields)[:, : self._size].astype(np.float32)

    def contexts(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, d] beside the learned context rows Z, so that a cold item can be recommended."""
        if self.settings.method == "tower" and self._tower is not None:
            return self._tower.vectors(fields)
        if self.settings.method == "ridge" or not self.learned.fields:
            return self._ridge(fields)[:, self._size :].astype(np.float32)
        return self._neighbor_mean(fields, self.learned.contexts)

    def at(self, fields: tuple[Field, ...]) -> tuple[Floats, Floats]:
        """What `vectors` and `contexts` give, of a few items: a ridge is solved for them alone."""
        if self.settings.method == "tower" or (self.settings.method != "ridge" and self.learned.fields):
            return self.vectors(fields), self.contexts(fields)
        wanted = np.hstack([self.learned.vectors, self.learned.contexts]).astype(np.float64) - self._center
        asked = attribute_rows(fields, self.side_info)
        found = self._known.ridge_at(asked, wanted, self._trust, self.settings.ridge) + self._center
        both = found.astype(np.float32)
        return both[:, : self._size], both[:, self._size :]

    def inputs(self, fields: tuple[Field, ...], known: Floats) -> Floats:
        """float32[N, n]: what a user tower takes in for these items, beside its rows `known` of the learned
        ones: the item tower's sums, or else the mean row of the items that share most.
        """
        tower = self._tower
        return self._neighbor_mean(fields, known) if tower is None else tower.inputs(fields)

    @cached_property
    def _tower(self) -> ItemTower | None:
        return item_tower_of(self.learned.extra)

    def nearest(self, fields: tuple[Field, ...], k: int) -> Hits:
        """The k warm items that share most with each cold one: cosine of idf-weighted attribute values."""
        return self._known.nearest(attribute_rows(fields, self.side_info), k)

    @property
    def _size(self) -> int:
        return int(self.learned.vectors.shape[1])

    @cached_property
    def _known(self) -> AttributeRows:
        return attribute_rows(self.side_info.fields, self.side_info)

    @cached_property
    def _trust(self) -> Dense:
        counts = self.counts.astype(np.float64)
        trust: Dense = counts / np.maximum(counts + self.settings.ridge_trust, 1e-12)
        return trust

    @cached_property
    def _center(self) -> Dense:
        both = np.concatenate([
            self._trust @ self.learned.vectors.astype(np.float64),
            self._trust @ self.learned.contexts.astype(np.float64),
        ])  # fmt: skip
        center: Dense = both / max(self._trust.sum(), 1e-12)
        return center

    @cached_property
    def _map(self) -> Dense:
        """float64[C, 2d]: attributes to what H and Z have beyond their weighted means."""
        wanted = np.hstack([self.learned.vectors, self.learned.contexts]).astype(np.float64) - self._center
        return self._known.ridge(wanted, self._trust, self.settings.ridge)

    def _ridge(self, fields: tuple[Field, ...]) -> Dense:
        return attribute_rows(fields, self.side_info).dot(self._map) + self._center

    def _neighbor_weights(self, fields: tuple[Field, ...]) -> tuple[Offsets, Dense]:
        """ids [N, 20] of the items that share most (0 where fewer) and their weights, which sum to 1 or 0."""
        hits = self.nearest(fields, NEIGHBORS)
        share = np.where(hits.ids >= 0, hits.scores, 0.0).astype(np.float64)
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        return np.maximum(hits.ids, 0).astype(np.int64), share

    def _neighbor_mean(self, fields: tuple[Field, ...], rows: Floats) -> Floats:
        ids, share = self._neighbor_weights(fields)
        out = np.zeros((len(ids), rows.shape[1]))
        for place in range(ids.shape[1]):
            out += share[:, place, None] * rows[ids[:, place]]
        out[share.sum(axis=1) == 0] = rows.mean(axis=0)
        return out.astype(np.float32)

    def _transferred(self, fields: tuple[Field, ...]) -> Floats:
        """What each value adds, summed: the direction of the item that fits the attributes best (Eq. 11)."""
        total = np.zeros((len(fields[0]), self._size))
        for field, fitted, rows in zip(fields, self.side_info.fields, self.learned.fields, strict=True):
            one = AttributeRows(field.offsets, field.codes, new_item_scales(field, fitted), field.size)
            total += one.dot(rows.astype(np.float64))
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        out = total / np.maximum(lengths, 1e-30) * np.linalg.norm(self.learned.vectors, axis=1).mean()
        out[lengths[:, 0] == 0] = self.learned.vectors.mean(axis=0)
        vectors: Floats = out.astype(np.float32)
        return vectors

    def _mixed(self, fields: tuple[Field, ...]) -> Floats:
        """The field rows' mean, plain or by the weights of similar items; a missing field drops out."""
        n = len(fields[0])
        present = np.stack([field.known for field in fields], axis=1).astype(np.float64)
        weights = present
        if self.settings.method == "similar":
            weights = self._neighbor_mean(fields, self.learned.weights)[:, 1:] * present
            weights[weights.sum(axis=1) == 0] = present[weights.sum(axis=1) == 0]
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        out = np.zeros((n, self._size))
        for s, (field, fitted, rows) in enumerate(
            zip(fields, self.side_info.fields, self.learned.fields, strict=True)
        ):
            if fitted.kind == "dense":
                out += weights[:, s, None] * field.product(rows)
                continue
            scales = value_scales(field, self.learned.multi, field_idf(fitted)).astype(np.float64)
            one = AttributeRows(field.offsets, field.codes, scales, field.size)
            out += weights[:, s, None] * one.dot(rows.astype(np.float64))
        out[present.sum(axis=1) == 0] = self.learned.vectors.mean(axis=0)
        return out.astype(np.float32)
