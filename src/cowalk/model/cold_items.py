"""ColdModel: the part of a model that knows items by their attributes, also those that nobody has clicked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from cowalk.cold import ColdScorer
from cowalk.errors import UnknownIdError, UsageError
from cowalk.learn import ColdMap, Learned
from cowalk.learn.values import with_label, with_row
from cowalk.model.filters import Filters, Mask, Where
from cowalk.model.indexed import IndexedModel
from cowalk.prepare import catalogue_of, encode_items, read_items, settings_like
from cowalk.prepare.attributes import Attributes
from cowalk.recommend import Recommender
from cowalk.tables import Catalogue, Field, Id
from cowalk.types import Floats, Ids

Policy = Literal["error", "skip", "cold"]
"""What is done with an id that the log does not hold: an error, left out and told, or its cold vector."""
NO_ITEMS = "the model was fitted without items, so it knows no attributes; fit with --items"


@dataclass(frozen=True)
class ColdItems:
    """Items that nobody has clicked yet: their vectors and context rows [N, d]; unknown: values by field."""

    vectors: Floats
    contexts: Floats
    fields: tuple[Field, ...]
    unknown: dict[str, list[str]]

    def told(self) -> list[str]:
        """One line for each field with values that the model has not seen."""
        return unknown_values(self.unknown)


def unknown_values(unknown: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each field with values that were not seen in training."""
    lines = []
    for name, values in unknown.items():
        if values:
            shown = ", ".join(repr(value) for value in values[:5]) + (", ..." if len(values) > 5 else "")
            lines.append(f"field {name!r}: {shown} not seen in training; treated as missing")
    return lines


class ColdModel(IndexedModel):
    """Vectors, rows and filters of items: warm ones (0..V-1), and cold ones of the items table (V on)."""

    @cached_property
    def cold(self) -> ColdScorer:
        """What gives new items vectors and context rows beside the learned ones, and recommends them."""
        return self._cold_scorer(self.learned, None)

    @cached_property
    def _asking(self) -> ColdScorer:
        """What asks for the warm neighbours of a cold item, in the rows that were learned for that."""
        return self.cold if self.cold_learned is None else self._cold_scorer(self.cold_learned, None)

    def _asking_by(self, method: str | None) -> ColdScorer:
        """The same with vectors made by this method; fitted once."""
        if method in (None, self.recipe.cold.method):
            return self._asking
        if method not in self._other_asking:
            self._other_asking[method] = self._cold_scorer(self.cold_learned or self.learned, method)
        return self._other_asking[method]

    @cached_property
    def _other_asking(self) -> dict[str | None, ColdScorer]:
        return {}

    def _cold_scorer(self, learned: Learned, method: str | None) -> ColdScorer:
        cold_map = self._map(learned, method)
        return ColdScorer(cold_map, self.lists, cold_map.settings)

    def _map(self, learned: Learned, method: str | None) -> ColdMap:
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(NO_ITEMS)
        settings = self.recipe.changed({"cold.method": method}).cold if method else self.recipe.cold
        return ColdMap.fit(learned, self.side_info, self.vocab.counts, settings)

    def embed(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue, method: str | None = None
    ) -> Floats:
        """float32[d] of one new item, [N, d] of several, from their attributes alone.

        method: mean (the paper's), similar, ridge, or transfer (Hema's); the recipe's unless given. Values
        that were not seen in training count as missing and are told in a warning; an unknown field is a
        UsageError.
        """
        found = self.cold_items(attributes, method)
        for line in found.told():
            warnings.warn(line, stacklevel=2)
        return found.vectors[0] if isinstance(attributes, Mapping) else found.vectors

    def cold_items(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue, method: str | None = None
    ) -> ColdItems:
        """Vectors and context rows of new items, and what of their attributes was not known."""
        own = method in (None, self.recipe.cold.method)
        cold_map = self.cold.cold_map if own else self._map(self.learned, method)
        fields, unknown = self._encode(attributes)
        return ColdItems(cold_map.vectors(fields), cold_map.contexts(fields), fields, unknown)

    def _encode(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue
    ) -> tuple[tuple[Field, ...], dict[str, list[str]]]:
        """The attributes of new items by the fitted codes, and the values that were not known."""
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(NO_ITEMS)
        if not isinstance(attributes, Catalogue):
            attributes = catalogue_of(attributes, self.side_info)
        return encode_items(self.side_info, attributes)

    def with_value(self, field: str, value: str, carriers: Sequence[Id] | None = None) -> Self:
        """The same model, which also knows a value of a field that no training item had.

        carriers: ids of known items that have it, at least one, or None. See `learn.values.with_row` for the
        row that it gets; cold methods that read field rows (transfer, mean, similar) use it.
        """
        if self.side_info is None:
            raise UsageError(NO_ITEMS)
        if carriers is not None and not len(carriers):
            raise UsageError(f"carriers of {field}={value}: no ids; leave carriers out where none are known")
        rows = np.zeros(0, dtype=np.int32) if carriers is None else self.rows_of(carriers, "error")[0]
        wider, before = with_label(self.side_info, field, value), self.side_info
        second = self.cold_learned
        return replace(
            self,
            side_info=wider,
            learned=with_row(self.learned, before, field, rows),
            cold_learned=None if second is None else with_row(second, before, field, rows),
            cold_info=None if self.cold_info is None else with_label(self.cold_info, field, value),
        )

    def read_items(self, source: Any, item_column: str | None = None) -> Catalogue:
        """A table of new items, its columns taken as the fields that the model knows."""
        settings = (
            self.recipe.side if self.side_info is None else settings_like(self.side_info, self.recipe.side)
        )
        return read_items(source, settings, item_column=item_column or self.recipe.read.item_column)

    @cached_property
    def _with_cold(self) -> Recommender:
        """The recommender over warm rows 0..V-1 and cold rows from V on: the items table beyond the log."""
        if self.cold_vocab is None or self.cold_info is None or not len(self.cold_vocab):
            return self.recommender
        scorer = self._cold_scorer(self._asked, None)
        beside: Recommender = scorer.beside(self.recommender, self.cold_info.fields)
        return beside

    def rows_of(self, ids: Sequence[Id], on_unknown: Policy) -> tuple[Ids, tuple[Id, ...]]:
        """Rows (cold ones from V on) of the known ids in order, and the unknown ids, by the policy."""
        if on_unknown not in ("error", "skip", "cold"):
            raise UsageError(f"on_unknown is {on_unknown!r}; it must be error, skip or cold")
        rows = self.vocab.find(list(ids))
        if on_unknown == "cold" and self.cold_vocab is not None:
            cold = self.cold_vocab.find(list(ids))
            rows = np.where((rows < 0) & (cold >= 0), cold + len(self.vocab), rows).astype(np.int32)
        if (rows >= 0).all():
            return rows, ()
        unknown = tuple(item for item, row in zip(ids, rows, strict=True) if row < 0)
        if on_unknown == "error":
            known_cold = self.cold_vocab is not None and unknown[0] in self.cold_vocab
            mend = (
                "on_unknown='cold' (--on-unknown cold) uses its attributes"
                if known_cold
                else "check how it is written, or on_unknown='skip' (--on-unknown skip) leaves it out"
            )
            raise UnknownIdError(f"id {unknown[0]!r} is not in the log the model was fitted on; {mend}")
        return rows[rows >= 0], unknown

    def scorer(self, *, cold: bool = False) -> Recommender:
        """The scorer of histories; cold: over the items of the table that nobody has clicked, too."""
        return self._with_cold if cold else self.recommender

    @cached_property
    def _filters(self) -> tuple[Filters, Filters]:
        """Filters over the warm rows, and over warm and cold ones."""
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(f"filter: {NO_ITEMS}")
        warm = Filters(self.side_info)
        return warm, warm if self.cold_info is None else Filters(self.side_info, self.cold_info)

    def mask(self, where: Where | None, *, cold: bool = False) -> tuple[Mask | None, tuple[str, ...]]:
        """bool[V]: the items that match; None where nothing is asked; and what of it no item has.

        where: by field a value, a list of which one must be there, {"min": a, "max": b} of a numeric field,
        or None for no value; every field must match. Numbers are known by their bucket: an item matches where
        its bucket reaches into the range. UsageError for an unknown field.
        """
        if not where:
            return None, ()
        found = self._filters[cold](where)
        return found.mask, found.notes

    def name_of(self, row: int) -> Id:
        """The outside id of a warm or cold row."""
        if row < len(self.vocab):
            return self.vocab.names(np.array([row], dtype=np.int32))[0]
        assert self.cold_vocab is not None
        return self.cold_vocab.names(np.array([row - len(self.vocab)], dtype=np.int32))[0]
