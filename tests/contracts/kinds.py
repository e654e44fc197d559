"""Every kind of index, with what may be asked of it; one list, so that no kind goes without the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cowalk.recall import ExactIndex, Index
from cowalk.recall.hnsw_index import HNSWIndex
from cowalk.recall.ivf_index import IVFIndex
from cowalk.recall.kdtree_index import KDTreeIndex
from cowalk.recall.lsh import LSHIndex
from cowalk.recall.lsh.settings import LSHSettings

METRICS = ("cosine", "ip", "l2")

HASHED = {
    metric: LSHSettings(width=width, functions=4, tables=8, probes=512, scored=40)
    for metric, width in (("cosine", 0.6), ("ip", 1.3), ("l2", 3.0))
}
"""Buckets that suit the contract's vectors."""


@dataclass(frozen=True)
class Kind:
    """How an index is built, and the recall that it has to reach on the contract's vectors (1 = exact).

    outliers: the recall for inner products where a few rows are five times as long as the others.
    """

    name: str
    build: Callable[[Any, str], Index]
    recall: float
    outliers: float = 0.9

    def __str__(self) -> str:
        return self.name


KINDS = [
    Kind("exact", lambda vectors, metric: ExactIndex.build(vectors, metric), 1.0),
    Kind("exact float16", lambda v, metric: ExactIndex.build(v, metric, storage="float16"), 1.0),
    Kind("lsh", lambda vectors, metric: LSHIndex.build(vectors, metric, HASHED.get(metric)), 0.9, 0.7),
    Kind("ivf", lambda vectors, metric: IVFIndex.build(vectors, metric, workers=1), 0.95),
    Kind("hnsw", lambda vectors, metric: HNSWIndex.build(vectors, metric, workers=1), 0.95, 0.7),
    Kind("kdtree", lambda vectors, metric: KDTreeIndex.build(vectors, metric), 1.0),
]
