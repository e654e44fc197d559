"""Attributes given by hand ({"category": "lantern", "price": 2.95}) -> Catalogue like a given SideInfo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from cowalk.errors import UsageError
from cowalk.prepare.settings import SideSettings
from cowalk.prepare.side_info import number_text
from cowalk.tables.catalogue import Catalogue, RawField
from cowalk.tables.side_info import Field, SideInfo
from cowalk.tables.vocab import STRING, Vocab
from cowalk.types import AnyArray, Floats

Value = str | int | float | bool | None | Sequence[str | int | float | bool]
Attributes = Mapping[str, Value]


def catalogue_of(attributes: Attributes | Sequence[Attributes], like: SideInfo) -> Catalogue:
    """The catalogue of one item or several from their attributes by field name; ids are 0, 1, ...

    Text is read as its field needs it, so that values from a command line do too; None, "" and NaN are
    missing; a list is several values. UsageError for an unknown field, a number that is none, or a list where
    one number must be.
    """
    items = [attributes] if isinstance(attributes, Mapping) else list(attributes)
    for item in items:
        for name in item:
            if name not in like.names:
                raise UsageError(f"no field {name!r}; the fields are {', '.join(like.names) or 'none'}")
    fields = tuple(_field(field, [item.get(field.name) for item in items]) for field in like.fields)
    return Catalogue(Vocab.of(np.arange(len(items))), fields)


def settings_like(side_info: SideInfo, base: SideSettings | None = None) -> SideSettings:
    """Settings under which `read_items` takes the columns of new items for the kinds that were fitted."""
    base = base or SideSettings()
    kinds = {field.name: field.kind for field in side_info.fields}
    return base.model_copy(update={"fields": kinds, "vectors": {}})


def _field(fitted: Field, values: list[Value]) -> RawField:
    if fitted.kind == "dense":
        return RawField(fitted.name, "dense", vectors=_vectors(fitted, values))
    if fitted.kind == "numeric":
        return RawField(fitted.name, "numeric", numbers=np.array([as_number(fitted.name, v) for v in values]))
    rows = [as_labels(value) for value in values]
    names = sorted({label for row in rows for label in row})
    codes = [names.index(label) for row in rows for label in row]
    offsets = np.append(0, np.cumsum([len(row) for row in rows])).astype(np.int64)
    labels: AnyArray = np.array(names, dtype=STRING)
    return RawField(fitted.name, "multi", labels, offsets, np.array(codes, dtype=np.int32))


def _vectors(fitted: Field, values: list[Value]) -> Floats:
    """float32[N, k], NaN where missing; text is read as a JSON list."""
    out: Floats = np.full((len(values), fitted.size), np.nan, dtype=np.float32)
    for row, value in enumerate(values):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            given = json.loads(value) if isinstance(value, str) else value
            vector = np.asarray(given, dtype=np.float32)
        except (TypeError, ValueError):
            raise UsageError(f"field {fitted.name!r} takes a list of numbers, got {value!r}") from None
        if vector.shape != (fitted.size,):
            raise UsageError(
                f"field {fitted.name!r} takes a list of {fitted.size} numbers, got {vector.size}"
            )
        if not np.isfinite(vector).all():
            raise UsageError(f"field {fitted.name!r}: a vector must be finite; leave a missing one out")
        out[row] = vector
    return out


def as_labels(value: Value) -> list[str]:
    """The values as the texts that training knows them by: True is "true", 5.0 is "5"."""
    if value is None or value == "" or (isinstance(value, float) and not np.isfinite(value)):
        return []
    if isinstance(value, bool | np.bool_):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [value]
    if isinstance(value, int | float | np.integer | np.floating):
        return [number_text(float(value)) if isinstance(value, float | np.floating) else str(value)]
    return list(dict.fromkeys(label for one in value for label in as_labels(one)))


def as_number(name: str, value: Value) -> float:
    """The value of a numeric field, a date as days since 1970, NaN where missing; UsageError if none."""
    if isinstance(value, list | tuple):
        if len(value) > 1:
            raise UsageError(f"field {name!r} is numeric and takes one value, got {list(value)!r}")
        value = value[0] if value else None
    if value is None or value == "":
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    try:  # a date field was fitted as days since 1970
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"field {name!r} is numeric, got {value!r}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.timestamp() / 86400
