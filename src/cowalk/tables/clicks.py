"""ClickTable: rows of shown things with a label 0 or 1, every column as codes or standardised numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray, Floats, Ids

ColumnKind = Literal["categorical", "buckets", "number"]


@dataclass(frozen=True)
class ClickColumn:
    """How one column is read; fitted on training rows.

    categorical: labels str[K], most frequent first, have the codes 1..K (the empty text is a missing value
    that was seen); every other value has code 0. buckets: a number x has code 1 + how many edges are <= x, a
    missing one code 0. number: (x - mean) / spread, a missing one 0.
    """

    name: str
    kind: ColumnKind
    labels: AnyArray | None = None
    edges: NDArray[np.float64] | None = None
    mean: float = 0.0
    spread: float = 1.0

    @property
    def size(self) -> int:
        """Number of codes, the unknown's 0 among them; 0 of a number."""
        if self.labels is not None:
            return len(self.labels) + 1
        return 0 if self.edges is None else len(self.edges) + 2

    def coded(self, numbers: NDArray[np.float64]) -> AnyArray:
        """Codes int32[N], or standardised numbers float32[N], of float64[N] with NaN where missing."""
        missing = np.isnan(numbers)
        if self.edges is not None:
            codes = 1 + np.searchsorted(self.edges, numbers, side="right")
            return np.where(missing, 0, codes).astype(np.int32)
        return np.where(missing, 0.0, (numbers - self.mean) / self.spread).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, but for the labels, which are a table of their own."""
        out: dict[str, Any] = {"name": self.name, "kind": self.kind, "size": self.size}
        if self.edges is not None:
            out["edges"] = self.edges.tolist()
        if self.kind == "number":
            out |= {"mean": self.mean, "spread": self.spread}
        return out

    @classmethod
    def from_dict(cls, told: dict[str, Any], labels: AnyArray | None) -> ClickColumn:
        """The column that `to_dict` told."""
        texts = None if labels is None else np.array(labels, dtype=STRING)
        edges = np.array(told["edges"], dtype=np.float64) if told["kind"] == "buckets" else None
        numbers = {name: told[name] for name in ("mean", "spread") if name in told}
        return cls(told["name"], told["kind"], texts, edges, **numbers)


@dataclass(frozen=True)
class ClickTable:
    """N rows. columns: how each was read, coded ones in the order of `codes`, numbers in that of `numbers`.

    codes: int32[N, F], 0 = unknown; numbers: float32[N, M]; labels: float32[N] of 0 and 1, None where there
    is nothing to judge by; groups: int32[N], who saw the row, None = not told.
    """

    columns: tuple[ClickColumn, ...]
    codes: Ids
    numbers: Floats
    labels: Floats | None = None
    groups: Ids | None = None

    def __post_init__(self) -> None:
        sizes = self.sizes
        if self.codes.shape != (len(self.numbers), len(sizes)):
            raise DataError(f"clicks: codes {self.codes.shape} for {len(sizes)} coded columns")
        if len(self.codes) and len(sizes) and np.any(self.codes.max(axis=0) >= np.array(sizes)):
            raise DataError("clicks: a code lies outside its column")
        for name, column in (("labels", self.labels), ("groups", self.groups)):
            if column is not None and len(column) != len(self):
                raise DataError(f"clicks: {len(self)} rows but {len(column)} {name}")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def sizes(self) -> list[int]:
        """Codes of each coded column."""
        return [column.size for column in self.columns if column.kind != "number"]

    def select(self, rows: AnyArray) -> ClickTable:
        """These rows (places or bool[N]) in that order."""
        return replace(
            self,
            codes=self.codes[rows],
            numbers=self.numbers[rows],
            labels=None if self.labels is None else self.labels[rows],
            groups=None if self.groups is None else self.groups[rows],
        )
