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
from cowalk.model.holders import Holders
from cowalk.prepare.attributes import as_labels, as_number
from cowalk.tables import Field, SideInfo

Mask = NDArray[np.bool_]
Wanted = str | int | float | bool | None | Sequence[str | int | float | bool] | Mapping[str, Any]
"""A value, a list of which one must be there, {"min": a, "max": b} of a numeric field, or None: no value."""
Where = Mapping[str, Wanted]
BOUNDS = {"min", "max"}
KEPT = 4096  # masks, a byte per item each
ROOM = 64 << 20  # bytes of them


@dataclass(frozen=True)
class Filtered:
    """mask: bool[V], the items that may answer; notes: what matches nothing, or more than asked."""

    mask: Mask
    notes: tuple[str, ...] = ()


class Filters:
    """Masks by question, over the rows of one table or of several behind each other; the latest are kept."""

    def __init__(self, *tables: SideInfo) -> None:
        self._tables = [{field.name: Holders(field) for field in table.fields} for table in tables]
        items = sum(len(table.fields[0]) for table in tables)
        self._most = max(1, min(KEPT, ROOM // max(items, 1)))
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
            parts = [_masked(fields, where) for fields in self._tables]
            notes = dict.fromkeys(note for part in parts for note in part.notes)
            found = Filtered(np.concatenate([part.mask for part in parts]), tuple(notes))
        self._kept[key] = found
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found


def _masked(fields: Mapping[str, Holders], where: Where) -> Filtered:
    """The items of one table that match every field, and what is to be told."""
    masks, notes = [], []
    for name, wanted in where.items():
        if name not in fields:
            raise UsageError(f"filter: no field {name!r}; the fields are {', '.join(fields)}")
        mask, told = _matches(fields[name], wanted)
        masks.append(mask)
        notes += told
    items = len(next(iter(fields.values())).field)
    return Filtered(np.logical_and.reduce(masks) if masks else np.ones(items, dtype=np.bool_), tuple(notes))


def _matches(holders: Holders, wanted: Wanted) -> tuple[Mask, list[str]]:
    """bool[V]: which items have what is wanted of one field; and notes."""
    field = holders.field
    if wanted is None:
        return ~field.known, []
    if field.kind == "dense":
        raise UsageError(
            f"filter: field {field.name!r} holds vectors; only null (no vector) can be asked for"
        )
    if isinstance(wanted, Mapping):
        return _of_spans(holders, [_within(field, wanted)])
    labels = as_labels(wanted)
    spans = [(code, code) for label in labels if (code := holders.codes.get(label)) is not None]
    unknown = [label for label in labels if label not in holders.codes]
    if field.kind == "numeric":  # a number, unless it is a bucket's name
        numbers = [_number(field, label) for label in unknown]
        mask, notes = _of_spans(holders, [(number, number) for number in numbers])
        return mask | holders.mask(*spans), notes
    if not unknown:
        return holders.mask(*spans), []
    values = ", ".join(map(repr, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
    return holders.mask(*spans), [f"filter: no item of the log has {field.name} {values}"]


def _of_spans(holders: Holders, spans: list[tuple[float, float]]) -> tuple[Mask, list[str]]:
    """Items whose bucket reaches into low..high; the model keeps no numbers, which a note tells."""
    field = holders.field
    assert field.edges is not None
    if field.size == 0:
        return np.zeros(len(field), dtype=np.bool_), []
    buckets, cut = [], dict[int, None]()
    for low, high in spans:
        first, last = np.searchsorted(field.edges, [low, high], side="right").tolist()
        buckets.append((first, last))
        if low > (field.edges[first - 1] if first else -np.inf):
            cut[first] = None
        if high < np.inf:
            cut[last] = None
    names = ", ".join(str(field.labels[bucket]) for bucket in list(cut)[:5])
    more = ", ..." if len(cut) > 5 else ""
    told = f"filter: {field.name} is kept in ranges, and all items of {names}{more} match"
    return holders.mask(*buckets), [told] if cut else []


def _within(field: Field, bounds: Mapping[str, Any]) -> tuple[float, float]:
    """The ends of a range; infinite where they are not given."""
    if field.kind != "numeric":
        raise UsageError(f"filter: field {field.name!r} is {field.kind}; min and max need a numeric field")
    if not bounds or not set(bounds) <= BOUNDS:
        raise UsageError(f"filter: field {field.name!r} takes {{'min': a, 'max': b}}, got {dict(bounds)!r}")
    low, high = _bound(field, bounds, "min", -np.inf), _bound(field, bounds, "max", np.inf)
    if low > high:
        raise UsageError(f"filter: field {field.name!r}: min {low:g} is above max {high:g}")
    return low, high


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
