"""The hash functions of an LSH index: random lines in the space where near means a small L2 distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cowalk.kernels import lsh as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.index import IndexMetric
from cowalk.recall.lifted import lifts_of
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.seeds import generator
from cowalk.types import AnyArray, Floats, Ids

STEP = 1 << 16  # rows at a time


@dataclass(frozen=True)
class Lines:
    """The tables' functions, one behind the other: h(x) = floor(a . x / w + b), a ~ N(0, I), b ~ U[0, 1).

    Datar, Immorlica, Indyk, Mirrokni 2004 with b in widths. Of m lines a function, h(x) is the end that x,
    seen from the rows' centre, lies furthest along: which of a_i . (x - centre) is largest, and its sign
    (Andoni, Indyk, Laarhoven, Razenshteyn, Schmidt 2015, by normal lines in place of a rotation).
    directions: float32[d + 1, L * k * m], by column a / w or a; the last row is for the coordinate that lifts
    an inner product. shifts: float32[L * k * m], b or -a . centre. multipliers: uint64[L, k], odd: a table's
    bucket is the sum of h * multiplier modulo 2**64.
    """

    directions: Floats
    shifts: Floats
    multipliers: AnyArray

    @classmethod
    def drawn(cls, centre: Floats, settings: LSHSettings, seed: int) -> Lines:
        """The lines of that seed; more tables of equal functions begin with the lines of fewer.

        centre: float32[d + 1], the mean of the rows as they are hashed.
        """
        rng = generator(seed, "lsh lines")
        count = settings.functions * settings.lines
        directions = np.empty((len(centre), settings.tables * count), dtype=np.float32)
        shifts = np.empty(settings.tables * count, dtype=np.float32)
        multipliers = np.empty((settings.tables, settings.functions), dtype=np.uint64)
        for table in range(settings.tables):
            mine = slice(table * count, (table + 1) * count)
            a = rng.standard_normal((len(centre), count))
            if settings.lines == 1:
                directions[:, mine] = a / settings.width
                shifts[mine] = rng.random(count, dtype=np.float32)
            else:
                directions[:, mine] = a
                shifts[mine] = -(centre @ a)
            multipliers[table] = rng.integers(0, 1 << 63, settings.functions, dtype=np.uint64) * 2 + 1
        return cls(directions, shifts, multipliers)

    @property
    def each(self) -> int:
        """Lines of a function."""
        return len(self.shifts) // max(self.multipliers.size, 1)

    def stored(self) -> dict[str, AnyArray]:
        """What to save; the lines are kept, since numpy may draw others in another version."""
        return {"directions": self.directions, "shifts": self.shifts, "multipliers": self.multipliers}

    @classmethod
    def opened(cls, arrays: Mapping[str, AnyArray]) -> Lines:
        """The lines that were stored."""
        return cls(arrays["directions"], arrays["shifts"], arrays["multipliers"])

    def entries(self, vectors: Floats, rows: Ids, longest: float, workers: int | None) -> AnyArray:
        """uint64[L, N]: bucket key << 32 | row, for each of the rows; longest: 0, or what ip is lifted by."""
        out = np.empty((len(self.multipliers), len(rows)), dtype=np.uint64)
        scale, lifts = lifted(vectors, rows, longest)
        with threads(workers) as count:
            kernels.bucket_entries(
                vectors, rows, scale, lifts, self.directions, self.shifts, self.each, self.multipliers, count,
                out,
            )  # fmt: skip
        return out


def lifted(vectors: Floats, rows: Ids, longest: float) -> tuple[float, Floats]:
    """What rows are multiplied by before hashing, and their coordinate d + 1, so that all have length 1.

    Then |q - x|**2 = 2 - 2 q . x / M for a query of length 1 lifted by 0 (see `recall.lifted`), and the
    largest inner product is the smallest distance. longest: M; 0 = no lift.
    """
    lifts = np.zeros(len(rows), dtype=np.float32)
    if longest == 0:
        return 1.0, lifts
    for start in range(0, len(rows), STEP):
        lifts[start : start + STEP] = lifts_of(vectors[rows[start : start + STEP]], longest)
    return 1.0 / longest, lifts


def query_scales(queries: Floats, metric: IndexMetric) -> Floats:
    """float32[Q]: what a query is multiplied by before hashing: 1, or 1 / its length for an inner product."""
    if metric != "ip":
        return np.ones(len(queries), dtype=np.float32)
    lengths = np.linalg.norm(queries, axis=1)
    return np.asarray(1 / np.where(lengths > 0, lengths, 1), dtype=np.float32)


@dataclass(frozen=True)
class Sides:
    """Sketches: on which side of random lines through the rows' centre a row lies, a bit a line.

    Charikar 2002: the share of bits in which two rows differ is the angle between them, seen from the centre,
    over pi, as mean over lines. directions: float32[d + 1, B]; shifts: float32[B], minus a . centre.
    """

    directions: Floats
    shifts: Floats

    @classmethod
    def drawn(cls, centre: Floats, settings: LSHSettings, seed: int) -> Sides:
        """The lines of that seed; centre: float32[d + 1], the mean of the rows as they are hashed."""
        rng = generator(seed, "lsh sides")
        a = rng.standard_normal((len(centre), 64 * settings.sketch)).astype(np.float32)
        return cls(a, np.asarray(-(centre @ a), dtype=np.float32))

    def stored(self) -> dict[str, AnyArray]:
        """What to save."""
        return {"sides": self.directions, "side_shifts": self.shifts}

    @classmethod
    def opened(cls, arrays: Mapping[str, AnyArray]) -> Sides:
        """The lines that were stored."""
        return cls(arrays["sides"], arrays["side_shifts"])

    def sketches(self, vectors: Floats, rows: Ids, longest: float, workers: int | None) -> AnyArray:
        """uint64[N, B / 64] of the rows."""
        out = np.empty((len(rows), len(self.shifts) // 64), dtype=np.uint64)
        scale, lifts = lifted(vectors, rows, longest)
        with threads(workers) as count:
            kernels.sketches(vectors, rows, scale, lifts, self.directions, self.shifts, count, out)
        return out


def centre_of(vectors: Floats, longest: float) -> Floats:
    """float32[d + 1]: the mean of the rows as they are hashed."""
    scale, lifts = lifted(vectors, np.arange(len(vectors), dtype=np.int32), longest)
    mean = vectors.mean(axis=0, dtype=np.float64) * scale
    return np.append(mean, lifts.mean(dtype=np.float64)).astype(np.float32)
