"""Items most like an item: by cosine, dot product, distance or shared attributes; and why."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cowalk.recall import CooccurrenceLists
from cowalk.tables import SideInfo
from cowalk.types import AnyArray, Floats, Ids

Metric = Literal["cosine", "dot", "l2", "context", "attributes"]
METRICS: dict[str, str] = {
    "cosine": "cosine of the item vectors",
    "dot": "dot product of the item vectors",
    "l2": "distance of the item vectors, with a minus",
    "context": "item vector . context rows + popularity",
    "attributes": "Jaccard overlap of the attributes",
}


def lengths(vectors: Floats) -> Floats:
    """float32[V]: the L2 length of each row."""
    return np.asarray(np.linalg.norm(vectors, axis=1), dtype=np.float32)


def vector_scores(query: Floats, vectors: Floats, norms: Floats, metric: Metric) -> Floats:
    """float32[V]: likeness of each row to the query; larger is nearer, whatever the metric."""
    dots: Floats = np.asarray(vectors @ query, dtype=np.float32)  # [V]
    if metric == "dot":
        return dots
    size = float(np.linalg.norm(query))
    if metric == "cosine":
        return np.asarray(dots / np.maximum(norms * size, 1e-12), dtype=np.float32)
    squares = norms.astype(np.float64) ** 2 - 2 * dots + size**2
    return np.asarray(-np.sqrt(np.maximum(squares, 0)), dtype=np.float32)


def attribute_scores(codes: list[Ids], side_info: SideInfo) -> Floats:
    """float32[V]: |shared values| / |values of either| over all fields; codes: the query's, by field."""
    shared: NDArray[np.int64] = np.zeros(len(side_info.fields[0]), dtype=np.int64)
    held = np.zeros_like(shared)
    for field, mine in zip(side_info.fields, codes, strict=True):
        wanted = np.zeros(field.size + 1, dtype=bool)
        wanted[mine] = True
        before = np.concatenate([[0], np.cumsum(wanted[field.codes])])
        shared += before[field.offsets[1:]] - before[field.offsets[:-1]]
        held += np.diff(field.offsets)
    either = held + sum(len(mine) for mine in codes) - shared
    overlap: Floats = (shared / np.maximum(either, 1)).astype(np.float32)
    return overlap


def best(scores: Floats, k: int, leave_out: int = -1) -> Ids:
    """int32[<=k] rows of the highest scores, ties by lower row."""
    scores = scores.copy()
    if leave_out >= 0:
        scores[leave_out] = -np.inf
    k = min(k, len(scores) - (leave_out >= 0))
    if k <= 0:
        return np.zeros(0, dtype=np.int32)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    rows = np.flatnonzero(scores >= least)
    return rows[np.argsort(-scores[rows], kind="stable")][:k].astype(np.int32)


def codes_of(side_info: SideInfo, row: int) -> list[Ids]:
    """The values of one item, by field."""
    return [field.codes[field.offsets[row] : field.offsets[row + 1]] for field in side_info.fields]


def shared_attributes(side_info: SideInfo, mine: list[Ids], row: int) -> list[str]:
    """`field=value` for each value that item `row` shares with the query's values."""
    told = []
    for field, codes, other in zip(side_info.fields, mine, codes_of(side_info, row), strict=True):
        told += [f"{field.name}={field.labels[code]}" for code in np.intersect1d(codes, other)]
    return told


def times_together(lists: CooccurrenceLists, one: int, two: int) -> float:
    """How often the two stood near each other in a session, as far as the lists tell."""
    for a, b in ((one, two), (two, one)):
        rows: AnyArray = lists.ids[lists.offsets[a] : lists.offsets[a + 1]]
        at = np.flatnonzero(rows == b)
        if len(at):
            return float(lists.together[lists.offsets[a] + at[0]])
    return 0.0
