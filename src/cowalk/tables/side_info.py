"""SideInfo: attributes as codes, aligned to a vocabulary; what learning reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables.catalogue import Kind, take_ragged
from cowalk.tables.sessions import check_offsets
from cowalk.types import AnyArray, Ids, Offsets


@dataclass(frozen=True)
class Field:
    """One attribute of V items as codes 0..K-1.

    offsets: int64[V+1]; codes: int32[*], sorted and unique within a row; an empty row is a missing value.
    labels: str[K], the value of each code; edges: float64[K-1], rising inner bucket edges of a numeric field.
    """

    name: str
    kind: Kind
    offsets: Offsets
    codes: Ids
    labels: AnyArray
    edges: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        check_offsets(f"field {self.name!r}", self.offsets, len(self.codes))
        if len(self.codes) and (self.codes.min() < 0 or self.codes.max() >= len(self.labels)):
            raise DataError(f"field {self.name!r}: a code lies outside its {len(self.labels)} values")
        if self.kind == "numeric" and (self.edges is None or len(self.edges) != max(len(self.labels) - 1, 0)):
            raise DataError(f"field {self.name!r}: a numeric field of K values needs K - 1 edges")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Number of values K."""
        return len(self.labels)

    def take(self, rows: AnyArray) -> Field:
        """The same field of these rows, -1 giving a missing value."""
        offsets, codes = take_ragged(self.offsets, self.codes, np.asarray(rows))
        return Field(self.name, self.kind, offsets, codes, self.labels, self.edges)


@dataclass(frozen=True)
class SideInfo:
    """The fields of V items in the row order of the vocabulary with this fingerprint."""

    fingerprint: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if len({len(field) for field in self.fields}) > 1:
            raise DataError("side information: fields differ in their number of rows")
        names = self.names
        if len(set(names)) != len(names):
            raise DataError(f"side information: field names must be unique, got {names}")

    @property
    def names(self) -> list[str]:
        """Field names in order."""
        return [field.name for field in self.fields]

    def __getitem__(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        raise DataError(f"no field {name!r}; the fields are {', '.join(self.names) or 'none'}")
