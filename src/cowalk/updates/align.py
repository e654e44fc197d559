"""Orthogonal alignment: rows that moved freely are turned to lie as near the old ones as they can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cowalk.learn import Learned
from cowalk.types import AnyArray, Floats


def procrustes(moved: Floats, still: Floats, weights: AnyArray | None = None) -> NDArray[np.float64]:
    """float64[d, d]: the orthogonal R that minimises sum_r weights_r |moved_r R - still_r|^2.

    Source: Schoenemann 1966: R = U V' of the singular value decomposition of moved' W still.
    """
    scaled = moved.astype(np.float64)
    if weights is not None:
        scaled *= np.asarray(weights, dtype=np.float64)[:, None]
    left, _, right = np.linalg.svd(scaled.T @ still.astype(np.float64))
    turn: NDArray[np.float64] = left @ right
    return turn


def turned(learned: Learned, turn: NDArray[np.float64]) -> Learned:
    """All rows turned alike: H, Z, own and field rows; H.Z, cosines and weights stay as they were."""

    def rows(array: Floats) -> Floats:
        out: Floats = (array.astype(np.float64) @ turn).astype(np.float32)
        return out

    return replace(
        learned,
        vectors=rows(learned.vectors),
        contexts=rows(learned.contexts),
        own=rows(learned.own),
        fields=tuple(rows(field) for field in learned.fields),
    )


def aligned(learned: Learned, old: Learned) -> Learned:
    """The rows turned so that the vectors of the old items, the first rows, lie nearest their old places."""
    return turned(learned, procrustes(learned.vectors[: len(old.vectors)], old.vectors))
