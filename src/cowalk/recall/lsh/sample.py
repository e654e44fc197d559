"""The sample that an LSH index is tuned on: queries, their true neighbours, and how far all lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.recall.index import IndexMetric
from cowalk.recall.lsh.theory import Distances
from cowalk.recall.rows import checked
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
    """

    queries: Floats
    own: Ids
    neighbors: Ids
    distances: Distances

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
        return cls(asked, own, hits.ids, Distances.of(near, apart, len(rows)))

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
