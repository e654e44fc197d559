"""LSHIndex: neighbours by locality-sensitive hashing, every candidate scored exactly; it adds and forgets."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import ModelError, UsageError
from cowalk.kernels import lsh_search as kernels
from cowalk.kernels.flags import threads
from cowalk.recall.base import RowIndex
from cowalk.recall.index import Abilities, IndexMetric
from cowalk.recall.lifted import longest_of
from cowalk.recall.lsh.hashing import Lines, Sides, centre_of, query_scales
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.tables import LOW_ROW, Buckets
from cowalk.recall.rows import Rows, checked, with_rows
from cowalk.tables import Hits
from cowalk.tables.hits import check_k
from cowalk.types import AnyArray, Floats, Ids

LOOSE = 1 / 128
"""Share of rows up to which those outside the tables stay there, where every query looks at them."""
LEAST_LOOSE = 1024
MOST = 2**62
KINDS = {
    "directions": "f4", "shifts": "f4", "multipliers": "u8", "entries": "u8", "directory": "i4",
    "sides": "f4", "side_shifts": "f4", "sketches": "u8", "loose": "i4",
}  # fmt: skip
"""The arrays of its own that an index stores."""
MOST_PROBES = 1 << 20


class LSHIndex(RowIndex):
    """p-stable hashing (Datar et al. 2004) in (k, L) tables, with multi-probe (Lv et al. 2007).

    A row is a candidate where all k functions of a table agree with the query's, in any of L tables, or agree
    with one of the `probes` likeliest neighbouring buckets over all tables. cosine: the distance on the unit
    sphere. ip: rows divided by the longest length M and lifted to length 1; where a longer row comes, all are
    hashed again. Rows that are added are looked at by every query until they are more than 1 / 128 of all,
    then sorted into the tables: adding gives the same index as building. Not for searches of one thread while
    another one adds.
    """

    kind: ClassVar[str] = "lsh"
    abilities: ClassVar[Abilities] = Abilities(exact=False, removes=True, filters=True)

    def __init__(
        self, rows: Rows, metric: IndexMetric, settings: LSHSettings, lines: Lines, buckets: Buckets,
        sides: Sides, sketches: AnyArray, loose: Ids, longest: float,
    ) -> None:  # fmt: skip
        super().__init__(rows, metric)
        self.settings = settings
        self._lines, self._buckets = lines, buckets
        self._sides, self._sketches = sides, sketches
        self._loose, self._longest = loose, longest
        self._alive_words: AnyArray | None = None

    @classmethod
    def build(
        cls, vectors: AnyArray, metric: str = "cosine", settings: LSHSettings | None = None, *,
        seed: int = 0, workers: int | None = None,
    ) -> LSHIndex:  # fmt: skip
        """An index over float32[N, d]; row i is vector i. Equal for equal seeds, on any number of threads."""
        chosen = settings or LSHSettings()
        rows, known = cls._checked(vectors, metric)
        if chosen.lines > 1 and known == "l2":
            raise UsageError("lsh: several lines a function hash by angle, for cosine and ip; for l2 lines=1")
        longest = longest_of(rows.array) if known == "ip" else 0.0
        centre = centre_of(rows.array, longest)
        lines = Lines.drawn(centre, chosen, seed)
        everyone = np.arange(rows.size, dtype=np.int32)
        buckets = Buckets.of(lines.entries(rows.array, everyone, longest, workers))
        sides = Sides.drawn(centre, chosen, seed)
        sketches = sides.sketches(rows.array, everyone, longest, workers)
        return cls(rows, known, chosen, lines, buckets, sides, sketches, everyone[:0], longest)

    def searched(self, **changes: int) -> LSHIndex:
        """The same rows, tables and sketches, searched by other `probes`, `candidates` or `scored`.

        They share the rows: add to, and remove from, one of them alone.
        """
        settings = LSHSettings.model_validate(self.settings.model_dump() | changes)
        return self._like(settings, self._sides, self._sketches)

    def sketched(self, words: int, seed: int = 0) -> LSHIndex:
        """The same rows and tables, shared as by `searched`, with sketches of so many words."""
        settings = LSHSettings.model_validate(self.settings.model_dump() | {"sketch": words})
        sides = Sides.drawn(centre_of(self.vectors, self._longest), settings, seed)
        sketches = sides.sketches(self.vectors, np.arange(self.size, dtype=np.int32), self._longest, None)
        return self._like(settings, sides, sketches)

    def _like(self, settings: LSHSettings, sides: Sides, sketches: AnyArray) -> LSHIndex:
        """An index that shares the rows and tables."""
        return LSHIndex(
            self._rows, self.metric, settings, self._lines, self._buckets, sides, sketches, self._loose,
            self._longest,
        )  # fmt: skip

    def _nearest(
        self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, share: float, workers: int
    ) -> Hits:
        return self._looked(queries, k, mask, round(share * self.size), workers)[0]

    def looked(self, queries: Floats, k: int, *, workers: int | None = None) -> tuple[Hits, AnyArray]:
        """What the buckets alone give, with no last resort where they give too few, for measuring.

        Also int64[Q, 3]: the rows that were scored for a query, its candidates, the buckets read.
        """
        asked = checked(queries, self.dimension, self.metric, "queries")
        mask = None if self._rows.dead == 0 else self.alive
        with threads(workers) as count:
            return self._looked(asked, check_k(k), mask, len(self), count)

    def _looked(
        self, queries: Floats, k: int, mask: NDArray[np.bool_] | None, eligible: int, workers: int
    ) -> tuple[Hits, AnyArray]:
        ids = np.empty((len(queries), k), dtype=np.int32)
        scores = np.empty((len(queries), k), dtype=np.float32)
        work = np.empty((len(queries), 3), dtype=np.int64)
        told = (
            queries, query_scales(queries, self.metric), self.vectors, self._l2,
            self._lines.directions, self._lines.shifts, self._lines.each, self.settings.choices,
            self._lines.multipliers,
            self._buckets.entries, self._buckets.directory, self._buckets.bits,
            self._sides.directions, self._sides.shifts, self._sketches,
            self._blocked(mask, eligible), self._loose,
            min(ceil(self.settings.probes * len(self) / max(eligible, 1)), MOST_PROBES),
            self.settings.candidates or MOST, self.settings.scored * k,
        )  # fmt: skip
        if len(queries) == 1 or workers == 1:
            kernels.search(*told, ids, scores, work)
        else:
            kernels.search_many(*told, min(workers, len(queries)), ids, scores, work)
        return Hits(ids, scores), work

    def _blocked(self, mask: NDArray[np.bool_] | None, eligible: int) -> AnyArray:
        """uint64[*]: a bit for each row that may not answer."""
        if mask is not None and eligible < len(self):
            return words_of(~mask)
        if self._alive_words is None:
            self._alive_words = words_of(~self.alive)
        return self._alive_words

    def _added(self, rows: Ids) -> None:
        self._alive_words = None
        self._loose = np.concatenate([self._loose, rows])
        self._sketch(rows)
        if self.metric == "ip" and (longest := longest_of(self.vectors[rows])) > self._longest:
            self._longest = longest
            self._sketch(np.arange(self.size, dtype=np.int32))
            self._sort_in(everyone=True)
        elif len(self._loose) > self._spare:
            self._sort_in()

    def _removed(self, rows: Ids) -> None:
        self._alive_words = None
        self._loose = self._loose[~np.isin(self._loose, rows)]

    def _sketch(self, rows: Ids) -> None:
        """Sketch these rows, which are new or have changed."""
        fresh = self._sides.sketches(self.vectors, rows, self._longest, None)
        self._sketches = with_rows(self._sketches, rows, fresh)

    @property
    def _spare(self) -> int:
        return max(LEAST_LOOSE, int(self.size * LOOSE))

    def _sort_in(self, everyone: bool = False) -> None:
        """Put the loose rows into the tables, or make these anew; dead rows leave them."""
        rows = np.flatnonzero(self.alive).astype(np.int32) if everyone else self._loose
        fresh = self._lines.entries(self.vectors, rows, self._longest, None)
        keep = np.zeros(self.size, dtype=bool) if everyone else self.alive.copy()
        keep[self._loose] = False  # a replaced row may still stand where its old numbers were
        self._buckets = self._buckets.merged(fresh, keep)
        self._loose = self._loose[:0]

    def stored(self) -> tuple[Mapping[str, Any], Mapping[str, AnyArray]]:
        """See Index.stored."""
        told, arrays = super().stored()
        own = {
            "entries": self._buckets.entries, "directory": self._buckets.directory,
            "sketches": self._sketches[: self.size], "loose": self._loose,
        }  # fmt: skip
        told = {**told, "settings": self.settings.model_dump(), "longest": self._longest}
        return told, {**arrays, **self._lines.stored(), **self._sides.stored(), **own}

    @classmethod
    def opened(cls, told: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Self:
        """See RowIndex.opened."""
        settings = LSHSettings.model_validate(told["settings"])
        rows, metric = cls._opened(told, arrays)
        _check_shapes(arrays, rows.size, rows.array.shape[1], settings)
        buckets = Buckets(arrays["entries"], arrays["directory"])
        return cls(
            rows, metric, settings, Lines.opened(arrays), buckets, Sides.opened(arrays), arrays["sketches"],
            arrays["loose"], float(told["longest"]),
        )  # fmt: skip


def words_of(flags: NDArray[np.bool_]) -> AnyArray:
    """uint64[ceil(N / 64)]: flag i is bit i % 64 of word i // 64."""
    packed = np.packbits(flags, bitorder="little")
    padded = np.zeros(-(-len(flags) // 64) * 8, dtype=np.uint8)
    padded[: len(packed)] = packed
    return padded.view("<u8").astype(np.uint64, copy=False)


def _check_shapes(arrays: Mapping[str, AnyArray], size: int, dimension: int, settings: LSHSettings) -> None:
    """ModelError unless the arrays fit the rows, the settings and one another."""
    tables, functions = settings.tables, settings.functions
    count = tables * functions * settings.lines
    entries, directory, loose = arrays["entries"], arrays["directory"], arrays["loose"]
    fits = (
        arrays["directions"].shape == (dimension + 1, count)
        and arrays["shifts"].shape == (count,)
        and arrays["multipliers"].shape == (tables, functions)
        and arrays["sides"].shape == (dimension + 1, 64 * settings.sketch)
        and arrays["side_shifts"].shape == (64 * settings.sketch,)
        and arrays["sketches"].shape == (size, settings.sketch)
        and entries.ndim == directory.ndim == 2
        and len(entries) == len(directory) == tables
        and (directory[:, 0] == 0).all()
        and (directory[:, -1] == entries.shape[1]).all()
        and (np.diff(directory, axis=1) >= 0).all()
        and (directory.shape[1] - 1).bit_count() == 1
        and all(int((table & LOW_ROW).max(initial=0)) < size for table in entries)
        and loose.ndim == 1
        and (loose.min(initial=0) >= 0)
        and (loose.max(initial=0) < size)
    )  # fmt: skip
    if not fits or any(arrays[name].dtype != np.dtype(kind) for name, kind in KINDS.items()):
        raise ModelError("index: the tables of the LSH index do not fit together; build it again")
