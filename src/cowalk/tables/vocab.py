"""Outside ids <-> row numbers 0..V-1. Outside ids live only here; every other table holds row numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UnknownIdError
from cowalk.types import AnyArray, Ids, Offsets

Id = str | int
FEW = 1000  # ids of one question, which are looked up one by one
SPREAD = 8  # numbers up to so many times as many as ids are looked up in one array
STRING = np.dtypes.StringDType()
PLAIN = {int, str}
LEAST, MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def as_integer(value: object) -> int | str:
    """The whole number that the id is, or that its digits tell; "" where it is none."""
    if not isinstance(value, str | int | np.integer) or isinstance(value, bool):
        return ""
    try:
        return int(value)
    except ValueError:
        return ""


def as_ids(values: Iterable[object] | AnyArray) -> AnyArray:
    """The ids as one array: int64 where all are integers, else strings (an integer becomes its digits)."""
    array = values if isinstance(values, np.ndarray) else np.array(list(values), dtype=object)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype == STRING:
        return array
    if len(array) and all(
        isinstance(v, int | np.integer) and not isinstance(v, bool) for v in array.tolist()
    ):
        return array.astype(np.int64)
    return np.array([str(v) for v in array.tolist()], dtype=STRING)


def _integers(ids: AnyArray) -> tuple[AnyArray, NDArray[np.bool_]]:
    """int64 of each id, and whether it is one: 64-bit integers, or the digits of one."""
    if ids.dtype.kind == "i":
        return ids, np.ones(len(ids), dtype=bool)
    told = [as_integer(text) for text in ids.tolist()]
    known = [isinstance(number, int) and LEAST <= number <= MOST for number in told]
    return np.where(known, np.array(told, dtype=object), 0).astype(np.int64), np.array(known, dtype=bool)


def _rows_of_numbers(ids: Sequence[Id] | AnyArray, least: int, rows: Ids) -> Ids | None:
    """The row of each id by its number; None where one of them is no number."""
    if not set(map(type, ids)) <= PLAIN:
        return None
    try:
        places = np.array(list(map(int, ids)), dtype=np.int64) - least
    except (ValueError, OverflowError):
        return None
    inside = (places >= 0) & (places < len(rows))
    return np.where(inside, rows[places * inside], np.int32(-1))


@dataclass(frozen=True)
class Vocab:
    """Unique outside ids in row order, and how often each was seen.

    ids: int64[V] or str[V]; counts: int64[V], of which count (log, part of a log) is said where it is made.
    """

    ids: AnyArray
    counts: Offsets

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", as_ids(self.ids))
        object.__setattr__(self, "counts", np.asarray(self.counts, dtype=np.int64))
        if len(self.ids) != len(self.counts):
            raise DataError(f"vocabulary: {len(self.ids)} ids but {len(self.counts)} counts")
        ranked = self.ids[self._order]
        twice = np.flatnonzero(ranked[1:] == ranked[:-1])
        if len(twice):
            told = ranked[twice[:1]].tolist()[0]
            raise DataError(f"vocabulary: id {told!r} stands twice; ids must be unique")

    @classmethod
    def of(cls, ids: Iterable[Id] | AnyArray) -> Vocab:
        """A vocabulary of these ids in this order, all counts 0."""
        array = as_ids(ids)
        return cls(array, np.zeros(len(array), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, str | int | np.integer) and self.find(as_ids([item]))[0] >= 0

    @property
    def is_integer(self) -> bool:
        """Whether the outside ids are integers."""
        return bool(self.ids.dtype.kind == "i")

    @cached_property
    def _order(self) -> AnyArray:
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def _sorted(self) -> AnyArray:
        return self.ids[self._order]

    @cached_property
    def _row_of(self) -> dict[Id, int]:
        """Rows by id; texts are not searched by numpy (2.4), which puts those of 16 bytes and more wrong."""
        return {text: row for row, text in enumerate(self.ids.tolist())}

    @cached_property
    def _numbered(self) -> tuple[int, Ids] | None:
        """The least id, and the row of each number from it on, -1 = none; None where ids lie far apart."""
        if not self.is_integer or not len(self):
            return None
        least, most = int(self.ids.min()), int(self.ids.max())
        if most - least >= SPREAD * len(self):
            return None
        rows = np.full(most - least + 1, -1, dtype=np.int32)
        rows[self.ids - least] = np.arange(len(self), dtype=np.int32)
        return least, rows

    @cached_property
    def by_count(self) -> Ids:
        """int32[V]: the rows, most often seen first, ties by row."""
        return np.argsort(-self.counts, kind="stable").astype(np.int32)

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits, equal only for equal ids in equal order; counts are left out."""
        digest = blake2b(digest_size=16)
        if self.is_integer:
            digest.update(b"int")
            digest.update(np.ascontiguousarray(self.ids).tobytes())
        else:
            for text in self.ids.tolist():
                raw = text.encode()
                digest.update(len(raw).to_bytes(4, "little") + raw)
        return digest.hexdigest()

    def find(self, ids: Sequence[Id] | AnyArray) -> Ids:
        """int32 row of each id, -1 where unknown. Digits find integers and integers find digits."""
        few = isinstance(ids, list) and len(ids) <= FEW
        if (
            few
            and self._numbered is not None
            and (found := _rows_of_numbers(ids, *self._numbered)) is not None
        ):
            return found
        if few or not self.is_integer:
            row_of, written = self._row_of, as_integer if self.is_integer else str
            listed = ids.tolist() if isinstance(ids, np.ndarray) else ids
            return np.array([row_of.get(written(one), -1) for one in listed], dtype=np.int32)
        numbers, known = _integers(as_ids(ids))
        if len(self) == 0:
            return np.full(len(numbers), -1, dtype=np.int32)
        at = np.minimum(np.searchsorted(self._sorted, numbers), len(self) - 1)
        hit = known & (self._sorted[at] == numbers)
        return np.where(hit, self._order[at], -1).astype(np.int32)

    def row(self, item: Id) -> int:
        """The row of one id; UnknownIdError where it is not known."""
        row = int(self.find([item])[0])
        if row < 0:
            raise UnknownIdError(f"id {item!r} is not in the vocabulary of {len(self)} ids")
        return row

    def names(self, rows: Ids) -> list[Id]:
        """The outside ids of these rows; none may be -1."""
        found: list[Id] = self.ids[np.asarray(rows)].tolist()
        return found

    def select(self, rows: AnyArray, counts: Offsets | None = None) -> Vocab:
        """The vocabulary of these rows in this order, with new counts where given."""
        return Vocab(self.ids[rows], self.counts[rows] if counts is None else counts)
