"""The sample that an LSH index is tuned on: queries, their true neighbours, and how far all lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.recall.index import IndexMetric
from cowalk.recall.lifted import lifted, lifted_queries
from cowalk.recall.lsh.hashing import centre_of
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.theory import Distances
from cowalk.recall.rows import checked, unit_rows
from cowalk.recall.scan import scan
from cowalk.recall.truth import found_shares, without_own
from cowalk.seeds import generator
from cowalk.tables import Hits
from cowalk.tables.hits import check_k
from cowalk.types import AnyArray, Floats, Ids

QUERIES = 400
OTHERS = 4096  # rows that stand for all


@dataclass(frozen=True)
class Sample:
    """queries: float32[Q, d]; own: int32[Q], the row that each query is, never its own neighbour, or -1.

    neighbors: int32[Q, k], the true ones, nearest first, -1 = none; of a small catalogue k is all of it.
    distances: how far these and all rows lie from the queries, as one line a function sees them; angles: as
    several lines do, on the unit sphere around the rows' centre (None: l2).
    """

    queries: Floats
    own: Ids
    neighbors: Ids
    distances: Distances
    angles: Distances | None

    @classmethod
    def drawn(
        cls, rows: Floats, metric: IndexMetric, k: int, longest: float, *, queries: AnyArray | None, seed: int
    ) -> Sample:
        """Of rows float32[N, d] as an index holds them; `queries` are asked where given, else drawn rows."""
        k = max(1, min(check_k(k), len(rows) - (queries is None)))
        rng = generator(seed, "lsh sample")
        if queries is None:
            own = np.sort(rng.permutation(len(rows))[:QUERIES]).astype(np.int32)
            asked = rows[own]
        else:
            asked = checked(queries, rows.shape[1], metric, "queries")[:QUERIES]
            own = np.full(len(asked), -1, dtype=np.int32)
        if not len(asked):
            raise UsageError("tuning needs at least one query; give queries, or none to have rows drawn")
        hits = without_own(scan(asked, rows, min(k + 1, len(rows)), l2=metric == "l2"), own, k)
        others = rows[np.sort(rng.permutation(len(rows))[:OTHERS])]
        near = _distances(hits.scores, asked, metric, longest)[hits.ids >= 0]
        apart = _distances(_scores(asked, others, metric), asked, metric, longest)
        angles = None if metric == "l2" else _angles(rows, asked, hits.ids, others, longest)
        return cls(asked, own, hits.ids, Distances.of(near, apart, len(rows)), angles)

    def seen_by(self, settings: LSHSettings) -> Distances:
        """The distances that these settings' functions go by; UsageError where they have none."""
        if settings.lines == 1:
            return self.distances
        if self.angles is None:
            raise UsageError("lsh: several lines a function hash by angle, for cosine and ip; for l2 lines=1")
        return self.angles

    def recalls(self, hits: Hits) -> AnyArray:
        """float64[Q]: the share of each query's true neighbours that was found; hits: k + 1 of each."""
        found = without_own(hits, self.own, self.neighbors.shape[1])
        return found_shares(found.ids, self.neighbors)


def _scores(queries: Floats, rows: Floats, metric: IndexMetric) -> AnyArray:
    products = queries.astype(np.float64) @ rows.T.astype(np.float64)
    if metric != "l2":
        return np.asarray(products)
    squares = [np.einsum("ij,ij->i", table, table, dtype=np.float64) for table in (queries, rows)]
    return np.asarray(-np.sqrt(np.maximum(squares[0][:, None] + squares[1] - 2 * products, 0)))


def _distances(scores: AnyArray, queries: Floats, metric: IndexMetric, longest: float) -> AnyArray:
    """The distance in the space that is hashed, of each score [Q, *] of an index."""
    if metric == "l2":
        return -scores
    lengths = np.linalg.norm(queries, axis=1)[:, None] * longest if metric == "ip" else 1.0
    with np.errstate(invalid="ignore"):
        cosines = scores / np.maximum(lengths, 1e-30)
    return np.asarray(np.sqrt(np.maximum(2 - 2 * cosines, 0)))


def _angles(rows: Floats, queries: Floats, near: Ids, others: Floats, longest: float) -> Distances:
    """Chords of the unit sphere around the rows' centre: of each query's true neighbours, and of others."""
    centre = centre_of(rows, longest)
    asked = _seen(lifted_queries(queries) if longest else queries, centre)
    true = np.concatenate([
        _seen(lifted(rows[ids[ids >= 0]], longest) if longest else rows[ids[ids >= 0]], centre) @ one
        for one, ids in zip(asked, near, strict=True)
    ])  # fmt: skip
    apart = asked @ _seen(lifted(others, longest) if longest else others, centre).T
    chords = [np.sqrt(np.maximum(2 - 2 * c.astype(np.float64), 0)) for c in (true, apart)]
    return Distances.of(chords[0], chords[1], len(rows))


def _seen(rows: Floats, centre: Floats) -> Floats:
    return unit_rows(rows - centre[: rows.shape[1]])
