"""What LSH is timed beside, one query at a time on one thread: exact search, faiss IndexLSH, faiss IVF."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import thread_time
from typing import Any

import numpy as np

from cowalk.kernels.flags import threads
from cowalk.recall.scan import reranked
from cowalk.recall.truth import found_shares, without_own
from cowalk.tables import Hits
from cowalk.types import Floats, Ids

BITS = (128, 256, 512, 1024)
DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # rows scored exactly, as multiples of k
PASSES = 5
Answer = Callable[[Floats], Any]


@dataclass(frozen=True)
class Asked:
    """Queries float32[Q, d], each with its own row that is no answer (-1: none), and the true neighbours."""

    queries: Floats
    own: Ids
    truth: Ids

    @property
    def k(self) -> int:
        """How many neighbours are asked for."""
        return int(self.truth.shape[1])

    def recall(self, hits: Hits) -> float:
        """Mean share of the true neighbours that are found, a query's own row aside."""
        return float(found_shares(without_own(hits, self.own, self.k).ids, self.truth).mean())


def seconds(answers: Mapping[str, Answer], queries: Floats, repeats: int = PASSES) -> dict[str, float]:
    """For each way to answer the processor's seconds of one query asked alone: of the passes, which alternate
    between the ways, the quickest, as other processes only make them slower.
    """
    best = dict.fromkeys(answers, np.inf)
    for _ in range(repeats):
        for name, answer in answers.items():
            answer(queries[:1])
            start = thread_time()
            for q in range(len(queries)):
                answer(queries[q : q + 1])
            best[name] = min(best[name], (thread_time() - start) / len(queries))
    return best


def flat(rows: Floats) -> Answer:
    """Exact search by faiss: the quicker of the exact ones at a single query."""
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return lambda queries: index.search(queries, 100)


def index_lsh(rows: Floats, asked: Asked, recall: float) -> list[tuple[dict[str, Any], Answer]]:
    """faiss IndexLSH with exact scores of the nearest codes: for each code length the fewest rows scored
    that reach the recall.
    """
    import faiss

    out = []
    for bits in BITS:
        index = faiss.IndexLSH(rows.shape[1], bits, True, False)
        index.add(rows)
        for depth in DEPTHS:
            wide = min(depth * asked.k, len(rows))

            def answer(queries: Floats, wide: int = wide, index: Any = index) -> Hits:
                codes = index.search(queries, wide)[1].astype(np.int32)
                with threads(1):
                    return reranked(queries, rows, codes, asked.k + 1, False)

            found = asked.recall(answer(asked.queries))
            if found >= recall:
                out.append(({"bits": bits, "scored": wide, "recall": found}, answer))
                break
    return out


def ivf(rows: Floats, asked: Asked, recall: float) -> tuple[dict[str, Any], Answer]:
    """faiss IVF over inner products: the fewest lists that reach the recall, and the rows in them."""
    import faiss

    lists = int(4 * len(rows) ** 0.5)
    center = faiss.IndexFlatIP(rows.shape[1])
    index = faiss.IndexIVFFlat(center, rows.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.train(rows[np.random.default_rng(0).permutation(len(rows))[: 40 * lists]])
    index.add(rows)
    sizes = np.array([index.invlists.list_size(i) for i in range(lists)])
    found = 0.0
    probes = 1
    while True:
        index.nprobe = probes
        scores, ids = index.search(asked.queries, asked.k + 1)
        found = asked.recall(Hits(ids.astype(np.int32), scores))
        if found >= recall or probes >= lists:
            break
        probes *= 2
    near = center.search(asked.queries, min(probes, lists))[1]
    told = {
        "lists": lists, "nprobe": probes, "recall": found, "scanned": float(sizes[near].sum(axis=1).mean()),
    }  # fmt: skip
    return told, lambda queries: index.search(queries, asked.k + 1)
