"""SideInfo: attributes as codes, aligned to a vocabulary; what learning reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables.catalogue import Kind, check_dense, take_dense, take_ragged
from cowalk.tables.sessions import check_offsets
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray, Floats, Ids, Offsets


@dataclass(frozen=True)
class Field:
    """One attribute of V items as codes 0..K-1.

    offsets: int64[V+1]; codes: int32[*], sorted and unique within a row; an empty row is a missing value.
    labels: str[K], the value of each code; edges: float64[K-1], rising inner bucket edges of a numeric field.
    dense: vectors float32[V, K], a row of NaN where missing; it has no codes, and its labels number the K
    columns.
    """

    name: str
    kind: Kind
    offsets: Offsets
    codes: Ids
    labels: AnyArray
    edges: NDArray[np.float64] | None = None
    vectors: Floats | None = None

    def __post_init__(self) -> None:
        check_offsets(f"field {self.name!r}", self.offsets, len(self.codes))
        if len(self.codes) and (self.codes.min() < 0 or self.codes.max() >= len(self.labels)):
            raise DataError(f"field {self.name!r}: a code lies outside its {len(self.labels)} values")
        if self.kind == "numeric" and (self.edges is None or len(self.edges) != max(len(self.labels) - 1, 0)):
            raise DataError(f"field {self.name!r}: a numeric field of K values needs K - 1 edges")
        if self.kind == "dense":
            check_dense(self.name, self.vectors)
            assert self.vectors is not None
            if self.vectors.shape != (len(self), self.size) or len(self.codes):
                raise DataError(f"field {self.name!r}: {self.vectors.shape} does not fit a dense field")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Number of values K; of a dense field, the length of its vectors."""
        return len(self.labels)

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[V]: which items have a value."""
        known: NDArray[np.bool_] = (
            np.diff(self.offsets) > 0 if self.vectors is None else ~np.isnan(self.vectors[:, 0])
        )
        return known

    @classmethod
    def dense(cls, name: str, vectors: Floats) -> Field:
        """The dense field of these vectors float32[V, k]."""
        offsets = np.zeros(len(vectors) + 1, dtype=np.int64)
        labels: AnyArray = np.array([str(column) for column in range(vectors.shape[1])], dtype=STRING)
        return cls(name, "dense", offsets, np.empty(0, np.int32), labels, vectors=vectors)

    def product(self, rows: Floats) -> Floats:
        """float32[V, d]: the vectors of a dense field times `rows` [k, d]; 0 where missing."""
        assert self.vectors is not None
        out = np.zeros((len(self.vectors), rows.shape[1]), dtype=np.float32)
        known = self.known
        out[known] = self.vectors[known] @ rows
        return out

    def take(self, rows: AnyArray) -> Field:
        """The same field of these rows, -1 giving a missing value."""
        if self.vectors is not None:
            return Field.dense(self.name, take_dense(self.vectors, np.asarray(rows)))
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
