"""Attributes written by hand ({"category": "lantern", "price": 2.95}) as a Catalogue that can be encoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.setting_names import did_you_mean
from cowalk.tables import Catalogue, Field, RawField, SideInfo, Vocab
from cowalk.tables.vocab import STRING

Attributes = Mapping[str, Any]


def catalogue_of(rows: Sequence[Attributes], side_info: SideInfo, separators: Mapping[str, str]) -> Catalogue:
    """A catalogue of these items, numbered from 0, with the fields of `side_info`; the rest is missing.

    UsageError for a field that the model does not know, or a value that is no number where one is needed.
    """
    for row in rows:
        for name in row:
            if name not in side_info.names:
                told = ", ".join(side_info.names) or "none"
                raise UsageError(
                    f"no field {name!r}{did_you_mean(name, side_info.names)}; the fields are {told}"
                )
    fields = tuple(
        _field(field, [row.get(field.name) for row in rows], separators) for field in side_info.fields
    )
    return Catalogue(Vocab.of(np.arange(len(rows))), fields)


def _field(field: Field, values: list[Any], separators: Mapping[str, str]) -> RawField:
    if field.kind == "numeric":
        return RawField(field.name, field.kind, numbers=np.array([_number(field.name, v) for v in values]))
    cells = [_texts(field, value, separators.get(field.name)) for value in values]
    labels = list(dict.fromkeys(text for cell in cells for text in cell))
    codes = {label: code for code, label in enumerate(labels)}
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in cells])]).astype(np.int64)
    flat = np.array([codes[text] for cell in cells for text in cell], dtype=np.int32)
    return RawField(field.name, field.kind, np.array(labels, dtype=STRING), offsets, flat)


def _number(name: str, value: Any) -> float:
    if _missing(value):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"field {name!r} is numeric; {value!r} is not a number") from None


def _texts(field: Field, value: Any, separator: str | None) -> list[str]:
    """The values of one cell; a multi field takes several, others at most one."""
    if _missing(value):
        return []
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    parts = list(value) if several else [value]
    if not several and field.kind == "multi" and separator and isinstance(value, str):
        parts = [part.strip() for part in value.split(separator)]
    texts = list(dict.fromkeys(_text(part) for part in parts if not _missing(part)))
    if len(texts) > 1 and field.kind != "multi":
        raise UsageError(f"field {field.name!r} takes one value, got {len(texts)}: {', '.join(texts)}")
    return texts


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _text(value: Any) -> str:
    """A value as the catalogue writes it: whole floats without the point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
