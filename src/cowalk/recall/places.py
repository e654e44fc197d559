"""Places: which row stands where in a structure that only grows; rows leave it as tombstones."""

from __future__ import annotations

import numpy as np

from cowalk.types import AnyArray, Ids

DEAD_SHARE = 0.2
"""A structure in which more of the places are dead is built anew."""


class Places:
    """of: int32[n], the row of each place, -1 = dead. A row that gets new numbers dies and stands again."""

    def __init__(self, of: Ids, size: int) -> None:
        self.of = of
        self._at = np.full(size, -1, dtype=np.int64)
        living = np.flatnonzero(of >= 0)
        self._at[of[living]] = living
        self.dead = len(of) - len(living)

    @property
    def crowded(self) -> bool:
        """Whether so many are dead that the structure has to be built anew."""
        return self.dead > DEAD_SHARE * len(self.of)

    def add(self, rows: Ids) -> None:
        """Rows stand behind the others."""
        top = int(rows.max(initial=-1)) + 1
        if top > len(self._at):
            room = np.full(max(top, 2 * len(self._at)), -1, dtype=np.int64)
            room[: len(self._at)] = self._at
            self._at = room
        self._at[rows] = np.arange(len(self.of), len(self.of) + len(rows))
        self.of = np.concatenate([self.of, rows])

    def drop(self, rows: Ids) -> None:
        """The places of these rows are dead; a row that stands nowhere changes nothing."""
        there = rows[rows < len(self._at)]
        places = self._at[there]
        places = places[places >= 0]
        if not self.of.flags.writeable:
            self.of = self.of.copy()
        self.of[places] = -1
        self._at[there] = -1
        self.dead += len(places)

    def standing(self, rows: AnyArray) -> AnyArray:
        """bool: which of the rows stand somewhere."""
        inside = rows < len(self._at)
        return inside & (self._at[np.where(inside, rows, 0)] >= 0)

    def rows(self, places: AnyArray) -> Ids:
        """int32: the rows at these places, -1 where the place is none or dead."""
        return np.where(places < 0, np.int32(-1), self.of[places]).astype(np.int32)
