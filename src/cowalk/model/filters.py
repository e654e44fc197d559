"""Filters: which items may answer, told by their attributes; a mask over the rows."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import UsageError
from cowalk.prepare.attributes import as_labels, as_number
from cowalk.tables import Field, SideInfo

Mask = NDArray[np.bool_]
Wanted = str | int | float | bool | None | Sequence[str | int | float | bool] | Mapping[str, Any]
"""A value, a list of which one must be there, {"min": a, "max": b} of a numeric field, or None: no value."""
Where = Mapping[str, Wanted]
BOUNDS = {"min", "max"}
KEPT = 64  # masks, a byte per item each


@dataclass(frozen=True)
class Filtered:
    """mask: bool[V], the items that may answer; notes: what of the question matches nothing, a line each."""

    mask: Mask
    notes: tuple[str, ...] = ()


class Filters:
    """Masks by question, over the rows of one table or of several behind each other; the latest are kept."""

    def __init__(self, *tables: SideInfo) -> None:
        self._tables = tables
        self._kept: OrderedDict[str, Filtered] = OrderedDict()

    def __call__(self, where: Where) -> Filtered:
        """The items that match every field of `where`; UsageError for a field that there is not."""
        if not isinstance(where, Mapping):
            raise UsageError(
                f"where must name fields and values, as {{'category': 'lantern'}}, not {where!r}"
            )
        key = json.dumps(where, sort_keys=True, default=str)
        found = self._kept.pop(key, None)
        if found is None:
            parts = [self._mask(table, where) for table in self._tables]
            notes = dict.fromkeys(note for part in parts for note in part.notes)
            found = Filtered(np.concatenate([part.mask for part in parts]), tuple(notes))
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    @staticmethod
    def _mask(table: SideInfo, where: Where) -> Filtered:
        mask, notes = np.ones(len(table.fields[0]), dtype=np.bool_), []
        for name, wanted in where.items():
            if name not in table.names:
                raise UsageError(f"filter: no field {name!r}; the fields are {', '.join(table.names)}")
            field = table[name]
            one, unknown = _matches(field, wanted)
            mask &= one
            if unknown:
                values = ", ".join(map(repr, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
                notes.append(f"filter: no item of the log has {name} {values}")
        return Filtered(mask, tuple(notes))


def _matches(field: Field, wanted: Wanted) -> tuple[Mask, list[str]]:
    """bool[V]: which items have what is wanted of one field; and the values that no item has."""
    if wanted is None:
        return ~field.known, []
    if field.kind == "dense":
        raise UsageError(
            f"filter: field {field.name!r} holds vectors; only null (no vector) can be asked for"
        )
    if isinstance(wanted, Mapping):
        return _within(field, wanted), []
    labels = as_labels(wanted)
    codes = {str(label): code for code, label in enumerate(field.labels.tolist())}
    unknown = [label for label in labels if label not in codes]
    mask = _with_codes(field, [codes[label] for label in labels if label in codes])
    if field.kind == "numeric":  # a number, unless it is a bucket's name
        for label in unknown:
            number = _number(field, label)
            mask |= _between(field, number, number)
        unknown = []
    return mask, unknown


def _with_codes(field: Field, codes: list[int]) -> Mask:
    """Items with at least one of these values."""
    table = np.zeros(field.size + 1, dtype=np.int64)
    table[codes] = 1
    before = np.concatenate([[0], np.cumsum(table[field.codes])])
    found: Mask = before[field.offsets[1:]] > before[field.offsets[:-1]]
    return found


def _within(field: Field, bounds: Mapping[str, Any]) -> Mask:
    if field.kind != "numeric":
        raise UsageError(f"filter: field {field.name!r} is {field.kind}; min and max need a numeric field")
    if not bounds or not set(bounds) <= BOUNDS:
        raise UsageError(f"filter: field {field.name!r} takes {{'min': a, 'max': b}}, got {dict(bounds)!r}")
    low, high = _bound(field, bounds, "min", -np.inf), _bound(field, bounds, "max", np.inf)
    if low > high:
        raise UsageError(f"filter: field {field.name!r}: min {low:g} is above max {high:g}")
    return _between(field, low, high)


def _bound(field: Field, bounds: Mapping[str, Any], name: str, none: float) -> float:
    """One end of a range; `none` where it is not given."""
    value = bounds.get(name)
    if value is None:
        return none
    number = _number(field, value)
    if np.isnan(number):
        raise UsageError(f"filter: field {field.name!r}: {name} is {value!r}; give a number")
    return number


def _number(field: Field, value: Any) -> float:
    try:
        return as_number(field.name, value)
    except UsageError as error:
        raise UsageError(f"filter: {error}") from None


def _between(field: Field, low: float, high: float) -> Mask:
    """Items whose bucket reaches into low..high."""
    assert field.edges is not None
    if field.size == 0:
        return np.zeros(len(field), dtype=np.bool_)
    first, last = np.searchsorted(field.edges, [low, high], side="right").tolist()
    return _with_codes(field, list(range(first, last + 1)))
