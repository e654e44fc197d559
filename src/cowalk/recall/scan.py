"""Exact search: every row that may answer is looked at; the best are scored again, to the last digit."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from cowalk.kernels import rerank as kernels
from cowalk.kernels.half import half_products
from cowalk.kernels.topk import top_k_rows
from cowalk.tables import Hits
from cowalk.tables.search import best_keys
from cowalk.types import AnyArray, Floats, Ids

MARGIN = 16
"""More than k are looked at again, for a product of blocks may round two near scores the other way round."""
FEW_QUERIES = 4
STEP = 1 << 17  # rows at a time
GATHER = 0.25  # up to this share of rows that may answer they are copied out, above the others are barred


def reranked(queries: Floats, rows: Floats, candidates: Ids, k: int, l2: bool) -> Hits:
    """The k best of each query's candidates int32[Q, C] (-1 = none), scored exactly, ties by lower row."""
    ids = np.empty((len(queries), k), dtype=np.int32)
    scores = np.empty((len(queries), k), dtype=np.float32)
    kernels.rerank(queries, rows, candidates, l2, ids, scores)
    return Hits(ids, scores)


def squares_of(rows: AnyArray) -> Floats:
    """float32[V]: the squared length of each row."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows), dtype=np.float32)


def scan(
    queries: Floats,
    rows: Floats,
    k: int,
    *,
    l2: bool,
    mask: NDArray[np.bool_] | None = None,
    table: AnyArray | None = None,
    squares: Floats | None = None,
    margin: int = MARGIN,
) -> Hits:
    """The k rows nearest to each query float32[Q, d], best first, ties by lower row; -1 = none.

    rows: float32[V, d]; mask: bool[V], who may answer. table: the same rows in fewer bits (float16), to look
    through first; squares: the squared lengths of the rows, for `l2`. Where rows lie far from 0 against their
    distances, `l2` loses digits in the first look: margin (k + margin rows are scored again) makes up for it.
    """
    few = None
    if mask is not None and np.count_nonzero(mask) <= GATHER * len(rows):
        few = np.flatnonzero(mask).astype(np.int32)
        if len(queries) <= FEW_QUERIES:  # scored as they lie: to copy them out would cost more
            return reranked(queries, rows, np.tile(few, (len(queries), 1)), k, l2)
    bias = _bias(rows, few, mask, l2, squares)
    wide, asked = k + margin, 2 * queries if l2 else queries
    pools = []
    for start in range(0, len(rows) if few is None else len(few), STEP):
        at: slice | Ids = slice(start, start + STEP) if few is None else few[start : start + STEP]
        part = (rows if table is None else table)[at]
        found = _best(asked, part, min(wide, len(part)), None if bias is None else bias[start : start + STEP])
        places = found + np.int32(start) if few is None else few[start : start + STEP][found]
        pools.append(np.where(found < 0, np.int32(-1), places))
    pool = np.concatenate(pools, axis=1) if pools else np.zeros((len(queries), 0), np.int32)
    return reranked(queries, rows, np.ascontiguousarray(pool, dtype=np.int32), k, l2)


def _best(queries: Floats, part: AnyArray, k: int, bias: Floats | None) -> Ids:
    """int32[Q, k]: the places of the largest products (+ bias). Of few queries and float16 they are taken as
    the rows lie; of many the rows are made float32 first, which a product of blocks makes up for.
    """
    if part.dtype != np.float16 or len(queries) > FEW_QUERIES:
        return best_keys(queries, np.asarray(part, dtype=np.float32), k, bias=bias).ids
    products = np.empty((len(queries), len(part)), dtype=np.float32)
    half_products(queries, part.view(np.uint16), products)
    if bias is not None:
        products += bias
    ids, scores = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
    top_k_rows(products, ids, scores)
    return ids


def _bias(
    rows: Floats, few: Ids | None, mask: NDArray[np.bool_] | None, l2: bool, squares: Floats | None
) -> Floats | None:
    """What is added to 2 q.x (L2) or q.x: -|x|^2, and -inf for those who may not answer."""
    bias: Floats | None = None
    if l2:
        lengths = squares if squares is not None else squares_of(rows if few is None else rows[few])
        bias = -(lengths[few] if squares is not None and few is not None else lengths)
    if mask is not None and few is None:
        barred = np.where(mask, np.float32(0), np.float32(-np.inf))
        bias = barred if bias is None else bias + barred
    return bias


def few_enough(eligible: int, size: int, k: int) -> bool:
    """Whether looking at all rows that may answer costs no more than a search structure would."""
    return eligible <= ceil(0.05 * size) or 4 * k >= eligible
