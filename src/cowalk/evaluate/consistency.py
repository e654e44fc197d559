"""Consistency: whether the nearest neighbours of an item carry its own category or genre."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError
from cowalk.recall import top_k
from cowalk.tables import Field
from cowalk.types import Floats
from cowalk.users import normalize

STEP = 4096  # items asked at once


def neighbour_consistency(vectors: Floats, field: Field, k: int = 8) -> Floats:
    """float32[V]: whether the value that most of an item's k nearest neighbours carry is one of its own.

    Neighbours are by cosine, among the items that have a value; an item without one gets NaN. A neighbour
    votes for each of its values; where several values lead, the score is the share of these that are the
    item's.
    vectors: float32[V, d], a row per item of the field. Source: Barkan & Koenigstein 2016, section 4.
    """
    if len(vectors) != len(field):
        raise DataError(f"{len(vectors)} vectors but {len(field)} items in field {field.name!r}")
    known = np.flatnonzero(np.diff(field.offsets) > 0)
    if len(known) <= k:
        raise DataError(
            f"field {field.name!r}: only {len(known)} items have a value; {k} neighbours need more"
        )
    rows = normalize(np.ascontiguousarray(vectors[known]))
    carries = np.zeros((len(known), field.size), dtype=np.float32)
    carried = field.take(known)
    carries[np.repeat(np.arange(len(known)), np.diff(carried.offsets)), carried.codes] = 1.0
    out = np.full(len(vectors), np.nan, dtype=np.float32)
    for start in range(0, len(known), STEP):
        asked = np.arange(start, min(start + STEP, len(known)), dtype=np.int32)
        themselves = (asked, np.arange(len(asked) + 1, dtype=np.int64))
        near = top_k(rows[asked], rows, k, exclude=themselves).ids
        votes = carries[near].sum(axis=1)
        lead = votes == votes.max(axis=1, keepdims=True)
        out[known[asked]] = (lead * carries[asked]).sum(axis=1) / lead.sum(axis=1)
    return out
