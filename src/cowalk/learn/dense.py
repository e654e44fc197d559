"""Dense fields in learning: the row of item v is x_v P, its vector projected into the item space.

The kernels know rows alone. So each item has a row of its own for a dense field, which moves like any other;
after every chunk the rows are put back into the space of the vectors, where they came nearest to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.learn.parts import PartsTable
from cowalk.learn.result import Learned
from cowalk.tables import Field, SideInfo
from cowalk.types import AnyArray, Floats

Dense = NDArray[np.float64]
RIDGE = 0.01  # penalty on a step of P, as a share of the mean squared length of a column of X
BLOCK = 65536  # items taken at a time


@dataclass(frozen=True)
class DenseMap:
    """The map P of one dense field, and the rows X P of the items that have a vector.

    field: its number; rows: int64[n], their rows in the table; x: float32[n, k], their vectors times `scale`,
    so that their mean squared length is 1, that of a code; gram: float64[k, k] = X'X; solve: float64[k, k] =
    (X'X + penalty I)^-1; P: float32[k, d], moved in place.
    """

    field: int
    name: str
    rows: NDArray[np.int64]
    x: Floats
    scale: float
    gram: Dense
    solve: Dense
    P: Floats

    @classmethod
    def of(cls, number: int, field: Field, first_row: int, size: int, seed: int) -> DenseMap:
        """The map before learning, drawn from U(-1/2, 1/2) / d; first_row: the field's first in the table."""
        assert field.vectors is not None
        known = np.flatnonzero(field.known)
        x = np.ascontiguousarray(field.vectors[known], dtype=np.float32)
        square = float(np.einsum("ij,ij->", x, x, dtype=np.float64)) / max(len(x), 1)
        scale = 1.0 / np.sqrt(square) if square > 0 else 1.0
        x = x * np.float32(scale)
        gram = _product(x, x)
        penalty = RIDGE * max(np.trace(gram) / len(gram), 1e-12)
        solve = np.linalg.inv(gram + penalty * np.eye(len(gram)))
        P = seeds.generator(seed, f"dense field {number}").random((field.size, size), dtype=np.float32)
        P = (P - np.float32(0.5)) / np.float32(size)
        return cls(number, field.name, first_row + known, x, scale, gram, solve, P)

    def place(self, table: Floats) -> None:
        """Write the rows X P into the table."""
        for start in range(0, len(self.rows), BLOCK):
            table[self.rows[start : start + BLOCK]] = self.x[start : start + BLOCK] @ self.P

    def project(self, table: Floats) -> None:
        """Move P by (X'X + penalty I)^-1 X' (moved rows - X P), and the rows to X P.

        The rows are then those of the form X P that lie nearest to where they had moved, but for the penalty;
        rows that have not moved stay.
        """
        moved = np.zeros((len(self.gram), table.shape[1]))
        for start in range(0, len(self.rows), BLOCK):
            moved += _product(self.x[start : start + BLOCK], table[self.rows[start : start + BLOCK]])
        step = self.solve @ (moved - self.gram @ self.P.astype(np.float64))
        np.add(self.P, step.astype(np.float32), out=self.P)
        self.place(table)

    @property
    def raw(self) -> Floats:
        """float32[k, d]: the map of the vectors as they were given."""
        return self.P * np.float32(self.scale)


def _product(x: Floats, y: Floats) -> Dense:
    """float64: x' y, both float32[n, *], in blocks."""
    out: Dense = np.zeros((x.shape[1], y.shape[1]))
    for start in range(0, len(x), BLOCK):
        out += x[start : start + BLOCK].T.astype(np.float64) @ y[start : start + BLOCK].astype(np.float64)
    return out


@dataclass(frozen=True)
class DenseMaps:
    """All dense fields of a run; empty where there are none."""

    maps: tuple[DenseMap, ...] = ()

    @classmethod
    def of(cls, side_info: SideInfo | None, parts: PartsTable, size: int, seed: int) -> DenseMaps:
        """The maps before learning."""
        fields = () if side_info is None else side_info.fields
        return cls(
            tuple(
                DenseMap.of(number, field, int(parts.field_starts[number]), size, seed)
                for number, field in enumerate(fields)
                if field.kind == "dense"
            )
        )

    def begin(self, table: Floats, start: Learned | None) -> None:
        """Put the rows into the table, by the maps of `start` where one is given."""
        for one in self.maps:
            if start is not None:
                given = start.fields[one.field]
                if given.shape != one.P.shape:
                    raise DataError(
                        f"the start's field {one.name!r} is {list(given.shape)}, but {list(one.P.shape)} is "
                        "learned; use the same vector_size and vectors of the same length"
                    )
                one.P[...] = given / np.float32(one.scale)
            one.place(table)

    def project(self, table: Floats) -> None:
        """Bring the rows of all dense fields back to what their vectors allow."""
        for one in self.maps:
            one.project(table)

    def arrays(self) -> dict[str, AnyArray]:
        """The maps by name, to be kept beside the table."""
        return {f"dense_{one.field}": one.P for one in self.maps}

    def fields(self, rows: tuple[Floats, ...]) -> tuple[Floats, ...]:
        """The fields' rows with the maps of dense fields in their place."""
        maps = {one.field: one.raw for one in self.maps}
        return tuple(maps.get(number, given) for number, given in enumerate(rows))
