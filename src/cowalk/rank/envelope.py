"""Envelope radius: how far the items of one interest lie from one another, by the table's own scale.

Res-embedding (Zhou et al. 2019, theorem 1) bounds the generalisation error by R_max, the largest radius over
interest domains, and wants it small without shrinking the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.tables import Field, Sessions, Vectors
from cowalk.types import AnyArray, Floats


@dataclass(frozen=True)
class Envelope:
    """largest: R_max; mean: over groups, weighted by items; groups: how many were measured.

    The radius of a group is the largest distance of a member from the group's mean, which lies between the
    radius of the smallest ball around it and twice that; divided by the root mean square distance of all
    items from their mean, so that 1 is as wide as the table and scaling the table changes nothing.
    """

    largest: float
    mean: float
    groups: int


def envelope_radius(
    vectors: Floats | Vectors, groups: Field | Sequence[AnyArray], least: int = 2
) -> Envelope:
    """The envelope of groups of rows of vectors [V, d]: those of each value of a field, or given row lists.

    Groups of fewer than `least` rows are left out. DataError where none is left.
    """
    rows = _members(groups) if isinstance(groups, Field) else [np.asarray(one) for one in groups]
    kept = [one for one in rows if len(one) >= least]
    if not kept:
        raise DataError(f"envelope: no group has {least} items")
    table = np.asarray(vectors.array if isinstance(vectors, Vectors) else vectors, dtype=np.float64)
    scale = float(np.sqrt(np.square(table - table.mean(axis=0)).sum(axis=1).mean()))
    radii = np.array([_radius(table[one]) for one in kept]) / max(scale, 1e-300)
    sizes = np.array([len(one) for one in kept], dtype=np.float64)
    return Envelope(float(radii.max()), float(radii @ sizes / sizes.sum()), len(kept))


def interest_groups(sequences: Sessions, length: int = 5) -> list[AnyArray]:
    """The items of each run of `length` consecutive events of a sequence: what one interest, which stays for
    some steps, has drawn. Runs do not overlap; the last of a sequence may be shorter.
    """
    starts = np.repeat(sequences.offsets[:-1], np.diff(sequences.offsets))
    run = (np.arange(len(sequences.items)) - starts) // length
    first = np.ones(len(run), dtype=bool)
    first[1:] = (starts[1:] != starts[:-1]) | (run[1:] != run[:-1])
    return [np.unique(part) for part in np.split(sequences.items, np.flatnonzero(first)[1:])]


def _radius(members: AnyArray) -> float:
    return float(np.linalg.norm(members - members.mean(axis=0), axis=1).max())


def _members(field: Field) -> list[AnyArray]:
    """The rows that carry each value."""
    owners = np.repeat(np.arange(len(field)), np.diff(field.offsets))
    order = np.argsort(field.codes, kind="stable")
    cuts = np.searchsorted(field.codes[order], np.arange(1, field.size))
    return np.split(owners[order], cuts)
