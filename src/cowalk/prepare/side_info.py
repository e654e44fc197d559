"""Catalogue -> SideInfo: codes and buckets fitted on the items of a vocabulary; new items by these codes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.prepare.settings import SideSettings
from cowalk.prepare.vocabulary import renumber
from cowalk.tables.catalogue import Catalogue, RawField
from cowalk.tables.side_info import Field, SideInfo
from cowalk.tables.vocab import STRING, Vocab
from cowalk.types import AnyArray, Ids, Offsets

Numbers = NDArray[np.float64]


def encode_side_info(catalogue: Catalogue, vocab: Vocab, settings: SideSettings | None = None) -> SideInfo:
    """The attributes of the items of `vocab` as codes; everything that is fitted is fitted on these items
    alone.

    Values carried by at least `min_value_count` items get codes, most items first, ties by label. Numbers get
    quantile buckets (each item counts once, equal edges are one, no bucket is empty). DataError where the
    catalogue knows none of the items.
    """
    settings = settings or SideSettings()
    if len(vocab) and len(catalogue) and not (catalogue.ids.find(vocab.ids) >= 0).any():
        log, table = (", ".join(map(repr, ids.ids[:3].tolist())) for ids in (vocab, catalogue.ids))
        raise DataError(
            f"none of the {len(vocab):,} items of the log are in the items table: {log} against {table}"
        )
    fields = catalogue.align(vocab).fields
    for name, kind in settings.fields.items():
        if kind == "dense" and name not in [field.name for field in fields]:
            raise DataError(f"field {name!r} is to be dense, but holds no vector")
    return SideInfo(vocab.fingerprint, tuple(_fit(field, settings) for field in fields))


def _fit(raw: RawField, settings: SideSettings) -> Field:
    if raw.vectors is not None:
        return Field.dense(raw.name, raw.vectors)
    if raw.numbers is not None:
        return _fit_numbers(raw.name, raw.numbers, settings.buckets)
    assert raw.labels is not None
    assert raw.offsets is not None
    assert raw.codes is not None
    offsets, codes = _rows_of(raw.offsets, raw.codes, len(raw))
    counts = np.bincount(codes, minlength=len(raw.labels))
    held = np.flatnonzero(counts >= max(settings.min_value_count, 1))
    held = held[np.argsort(raw.labels[held], kind="stable")]
    held = held[np.argsort(-counts[held], kind="stable")]
    offsets, codes = _rows_of(offsets, renumber(len(raw.labels), held)[codes], len(raw))
    return Field(raw.name, raw.kind, offsets, codes, raw.labels[held])


def _rows_of(offsets: Offsets, codes: Ids, n: int) -> tuple[Offsets, Ids]:
    """The ragged rows with their codes sorted and unique, codes below 0 left out."""
    row = np.repeat(np.arange(n), np.diff(offsets))
    keys = np.unique(((row << 32) | codes)[codes >= 0]) if len(codes) else np.empty(0, dtype=np.int64)
    counts = np.bincount(keys >> 32, minlength=n)
    return np.append(0, np.cumsum(counts)).astype(np.int64), (keys & 0xFFFFFFFF).astype(np.int32)


def _fit_numbers(name: str, numbers: Numbers, buckets: int) -> Field:
    """Edges are values that occur, all above the least, so that every bucket holds an item."""
    held = numbers[np.isfinite(numbers)]
    if len(held) == 0:
        empty = np.empty(0, dtype=np.float64)
        return Field(
            name, "numeric", np.zeros(len(numbers) + 1, np.int64), np.empty(0, np.int32), _texts([]), empty
        )
    quantiles = np.quantile(held, np.arange(1, buckets) / buckets, method="higher")
    edges = np.unique(quantiles[quantiles > held.min()])
    offsets, codes = _bucketed(numbers, edges)
    return Field(name, "numeric", offsets, codes, _texts(_bucket_names(held, edges)), edges)


def _bucketed(numbers: Numbers, edges: Numbers) -> tuple[Offsets, Ids]:
    known = np.isfinite(numbers)
    codes = np.searchsorted(edges, numbers[known], side="right").astype(np.int32)
    return np.append(0, np.cumsum(known)).astype(np.int64), codes


def _bucket_names(held: Numbers, edges: Numbers) -> list[str]:
    """ "1.25-2.95": from edge to edge, outwards to the least and largest value; all different."""
    bounds = [float(held.min()), *edges.tolist(), float(held.max())]
    joint = " to " if bounds[0] < 0 else "-"
    for digits in range(4, 18):
        shown = [_short(bound, digits) for bound in bounds]
        if len(set(shown[:-1])) == len(shown) - 1:
            break
    return [f"{low}{joint}{high}" for low, high in pairwise(shown)]


def _short(value: float, digits: int) -> str:
    """The value to this many digits, large ones in full: 12.75, 2014, 14975."""
    return f"{value:.0f}" if 10**digits <= abs(value) < 1e15 else f"{value:.{digits}g}"


def _texts(labels: list[str]) -> AnyArray:
    return np.array(labels, dtype=STRING)


def encode_items(side_info: SideInfo, catalogue: Catalogue) -> tuple[tuple[Field, ...], dict[str, list[str]]]:
    """New items under the fitted codes, field by field in the order of `side_info`, and unknown values by
    field.

    A field that the catalogue lacks, and a value that has no code, is missing; each unknown value is told
    once.
    """
    given = {field.name: field for field in catalogue.fields}
    fields, unknown = [], {}
    for fitted in side_info.fields:
        raw = given.get(fitted.name)
        field, odd = _missing(fitted, len(catalogue)) if raw is None else _encode(fitted, raw)
        fields.append(field)
        if odd:
            unknown[fitted.name] = odd
    return tuple(fields), unknown


def _missing(fitted: Field, n: int) -> tuple[Field, list[str]]:
    if fitted.vectors is not None:
        return Field.dense(fitted.name, np.full((n, fitted.size), np.nan, dtype=np.float32)), []
    offsets = np.zeros(n + 1, dtype=np.int64)
    return Field(fitted.name, fitted.kind, offsets, np.empty(0, np.int32), fitted.labels, fitted.edges), []


def _encode(fitted: Field, raw: RawField) -> tuple[Field, list[str]]:
    """One field, whatever kind the new table's column looked like."""
    if fitted.vectors is not None:
        return _encode_vectors(fitted, raw), []
    if fitted.edges is not None:
        return _encode_numbers(fitted, raw)
    labels, offsets, codes = as_labels(raw)
    table = Vocab.of(fitted.labels).find(labels) if len(labels) else np.empty(0, dtype=np.int32)
    held = np.unique(codes)
    odd = [str(labels[code]) for code in held.tolist() if table[code] < 0]
    offsets, codes = _rows_of(offsets, table[codes], len(raw))
    return Field(fitted.name, fitted.kind, offsets, codes, fitted.labels), odd


def _encode_vectors(fitted: Field, raw: RawField) -> Field:
    """The vectors as they are; UsageError where they are none, or of another length than in training."""
    if raw.vectors is None:
        if raw.codes is not None and len(raw.codes) == 0:
            return _missing(fitted, len(raw))[0]
        raise UsageError(
            f"field {fitted.name!r} takes vectors of {fitted.size} numbers, not {raw.kind} values"
        )
    if raw.vectors.shape[1] != fitted.size:
        raise UsageError(
            f"field {fitted.name!r}: the vectors have {raw.vectors.shape[1]} numbers, "
            f"the model was fitted with {fitted.size}"
        )
    return Field.dense(fitted.name, raw.vectors)


def _encode_numbers(fitted: Field, raw: RawField) -> tuple[Field, list[str]]:
    assert fitted.edges is not None
    odd: list[str] = []
    if raw.vectors is not None:
        raise UsageError(f"field {raw.name!r} takes a number, not vectors")
    if raw.numbers is None:
        numbers, odd = as_numbers(raw)
    else:
        numbers = raw.numbers
    if fitted.size == 0:  # no item of the log had a number: there is no bucket to fall in
        field, _ = _missing(fitted, len(raw))
        return field, [number_text(x) for x in np.unique(numbers[np.isfinite(numbers)]).tolist()] + odd
    offsets, codes = _bucketed(numbers, fitted.edges)
    return Field(fitted.name, "numeric", offsets, codes, fitted.labels, fitted.edges), odd


def as_labels(raw: RawField) -> tuple[AnyArray, Offsets, Ids]:
    """A numeric column as the labels that its numbers would have had."""
    if raw.vectors is not None:
        raise UsageError(f"field {raw.name!r} takes values, not vectors")
    if raw.numbers is None:
        assert raw.labels is not None
        assert raw.offsets is not None
        assert raw.codes is not None
        return raw.labels, raw.offsets, raw.codes
    known = np.isfinite(raw.numbers)
    values, codes = np.unique(raw.numbers[known], return_inverse=True)
    offsets = np.append(0, np.cumsum(known)).astype(np.int64)
    return _texts([number_text(x) for x in values.tolist()]), offsets, codes.astype(np.int32)


def as_numbers(raw: RawField) -> tuple[Numbers, list[str]]:
    """Labels as numbers, NaN where none; labels that are no numbers are told."""
    assert raw.labels is not None
    assert raw.offsets is not None
    assert raw.codes is not None
    numbers = np.full(len(raw), np.nan)
    odd = []
    filled = np.flatnonzero(np.diff(raw.offsets) > 0)
    values = np.full(len(raw.labels), np.nan)
    for code in np.unique(raw.codes).tolist():
        try:
            values[code] = float(str(raw.labels[code]))
        except ValueError:
            odd.append(str(raw.labels[code]))
    numbers[filled] = values[raw.codes[raw.offsets[filled]]]
    return numbers, odd


def number_text(value: float) -> str:
    """The label of a number: 5.0 is "5"."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
