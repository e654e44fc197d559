"""Every kind of index, with what may be asked of it; one list, so that no kind goes without the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cowalk.recall import ExactIndex, Index

METRICS = ("cosine", "ip", "l2")


@dataclass(frozen=True)
class Kind:
    """How an index is built, and the recall that it has to reach on the contract's vectors (1 = exact)."""

    name: str
    build: Callable[[Any, str], Index]
    recall: float

    def __str__(self) -> str:
        return self.name


KINDS = [
    Kind("exact", lambda vectors, metric: ExactIndex.build(vectors, metric), 1.0),
    Kind("exact float16", lambda v, metric: ExactIndex.build(v, metric, storage="float16"), 1.0),
]
