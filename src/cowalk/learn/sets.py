"""Two sets of rows, and which of them a question is asked with."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cowalk.learn.result import Learned
from cowalk.types import Floats

Rows = Literal["first", "second", "both"]


def rows_for(first: Learned, second: Learned | None, which: Rows) -> Learned:
    """The set that is asked: one of the two, or both side by side; the first where there is no second."""
    if second is None or which == "first":
        return first
    return second if which == "second" else both(first, second)


def both(first: Learned, second: Learned) -> Learned:
    """The rows of two sets side by side: d = d1 + d2, scaled so that H.Z is the mean of the two sets' H.Z.

    Weights, and how multi-valued fields are summed, are the first set's.
    """

    def halves(one: Floats, two: Floats) -> Floats:
        return np.hstack([one, two]) * np.float32(0.5)

    whole = first.contexts.shape[1] > 0 and second.contexts.shape[1] > 0  # a Huffman tree leaves no rows
    return Learned(
        first.fingerprint,
        halves(first.vectors, second.vectors),
        np.hstack([first.contexts, second.contexts]) if whole else first.contexts[:, :0],
        halves(first.own, second.own),
        tuple(halves(one, two) for one, two in zip(first.fields, second.fields, strict=True)),
        first.weights,
        first.field_names,
        first.losses,
        first.multi,
    )
