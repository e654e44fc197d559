"""Holders: by value of a field the items that hold it, so that a filter costs what it finds."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cowalk.tables import Field
from cowalk.types import Ids, Offsets


class Holders:
    """The rows of a field's items by value, made when they are first asked for."""

    def __init__(self, field: Field) -> None:
        self.field = field

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each value."""
        return {str(label): code for code, label in enumerate(self.field.labels.tolist())}

    @cached_property
    def _by_code(self) -> tuple[Ids, Offsets]:
        """Rows by code, and where each code's begin: int32[*], int64[K + 1]."""
        field = self.field
        rows = np.repeat(np.arange(len(field), dtype=np.int32), np.diff(field.offsets))
        held = np.bincount(field.codes, minlength=field.size)
        starts = np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
        return rows[np.argsort(field.codes, kind="stable")], starts

    def mask(self, *spans: tuple[int, int]) -> NDArray[np.bool_]:
        """bool[V]: the items with a value of one of these spans of codes, first and last."""
        found = np.zeros(len(self.field), dtype=np.bool_)
        rows, starts = self._by_code
        for first, last in spans:
            found[rows[starts[first] : starts[last + 1]]] = True
        return found
