"""Where rows begin, if not at random, and which of them are held in place."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.kernels.bundles import NONE_HELD, Table
from cowalk.learn.parts import PartsTable
from cowalk.learn.result import Learned, Squares
from cowalk.types import AnyArray, Floats

LEAST = 1e-12  # a weight below it counts as this one, so that its logarithm is a number


@dataclass(frozen=True)
class Start:
    """Rows to begin at (none: at random), items that are held (none: no one), and whether field rows are."""

    learned: Learned | None = None
    held: NDArray[np.bool_] | None = None
    hold_fields: bool = False

    def fingerprint(self) -> str:
        """32 hex digits, equal only for equal rows and held items; empty where nothing is asked."""
        if self.learned is None and self.held is None and not self.hold_fields:
            return ""
        digest = blake2b(f"hold_fields={self.hold_fields}".encode(), digest_size=16)
        one = self.learned
        arrays: list[AnyArray] = [] if self.held is None else [self.held]
        if one is not None:
            arrays += [one.own, one.contexts, one.weights, *one.fields, *(one.squares or ())]
        for array in arrays:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        return digest.hexdigest()

    def check(self, items: int, fingerprint: str) -> None:
        """DataError where the rows or the mask belong to other items."""
        if self.held is not None and (self.held.shape != (items,) or self.held.dtype != np.bool_):
            raise DataError(
                f"held must be bool[{items}], one per item of the vocabulary, not "
                f"{self.held.dtype}{list(self.held.shape)}"
            )
        if self.learned is not None and self.learned.fingerprint != fingerprint:
            raise DataError(
                "the rows to start from belong to another vocabulary; bring them to this one's rows first"
            )

    def fill(self, table: Table, parts: PartsTable, prior: Floats) -> None:
        """Write the rows to start from into a new table; DataError where a shape does not fit.

        Adagrad's sums begin at what the start holds, at 0 where it holds none. Context rows of a start
        without any stay as they are, and so do the inner rows of a Huffman tree, which hangs on the counts.
        """
        if self.learned is None:
            return
        one, items = self.learned, len(prior)
        _copy("own rows", one.own, table.rows[:items])
        if one.contexts.size and len(table.contexts) == items:
            _copy("context rows", one.contexts, table.contexts)
        n_fields = parts.n_slots - 1
        if len(one.fields) != n_fields:
            raise DataError(
                f"the start has {len(one.fields)} fields ({', '.join(one.field_names) or 'none'}), "
                f"but {n_fields} are learned; use the fields it was learned with"
            )
        for f, rows in enumerate(one.fields):
            if f in parts.dense:  # its rows follow from its map: `DenseMaps.begin`
                continue
            name = one.field_names[f] if f < len(one.field_names) else str(f)
            _copy(
                f"rows of field {name!r}", rows, table.rows[parts.field_starts[f] : parts.field_starts[f + 1]]
            )
        if len(table.logits):
            _copy("weights", _logits(one.weights, prior), table.logits)
        if one.squares is not None:
            self._fill_squares(one.squares, table)

    @staticmethod
    def _fill_squares(squares: Squares, table: Table) -> None:
        mine = (table.row_squares, table.context_squares, table.logit_squares)
        names = ("row", "context", "weight")
        for name, given, to in zip(names, squares, mine, strict=True):
            if len(to) and len(given):
                _copy(f"Adagrad's {name} sums", given, to)

    def held_masks(self, table: Table, items: int) -> tuple[bool, AnyArray, AnyArray, AnyArray]:
        """(whether any row is held, uint8 masks of rows, context rows and logits); see `Steps`.

        Inner rows of a Huffman tree belong to no item and are never held.
        """
        if self.held is None and not self.hold_fields:
            return False, NONE_HELD, NONE_HELD, NONE_HELD
        held = np.zeros(items, dtype=np.uint8) if self.held is None else self.held.astype(np.uint8)
        rows = np.full(len(table.rows), self.hold_fields, dtype=np.uint8)
        rows[:items] = held
        contexts = held if len(table.contexts) == items else np.zeros(len(table.contexts), dtype=np.uint8)
        return True, rows, contexts, held[: len(table.logits)]


def _copy(name: str, given: AnyArray, to: AnyArray) -> None:
    if given.shape != to.shape:
        raise DataError(
            f"{name} of the start are {list(given.shape)}, but {list(to.shape)} are learned; "
            "use the same vector_size, input and items"
        )
    to[...] = given


def _logits(weights: Floats, prior: Floats) -> Floats:
    """float32[V, n+1], logits whose softmax with the prior gives these weights; 0 where a weight is 0.

    Their mean over the slots at hand is 0: a constant changes nothing.
    """
    there = weights > 0
    logits = np.log(np.maximum(weights, LEAST).astype(np.float64))
    logits[:, 0] -= prior
    mean = np.where(there, logits, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    out: Floats = np.where(there, logits - mean[:, None], 0.0).astype(np.float32)
    return out


def started(learned: Learned | None, held: NDArray[np.bool_] | None, hold_fields: bool) -> Start:
    """The start that `learn` was asked for; UsageError for held rows that would stand at random places."""
    if learned is None and (held is not None or hold_fields):
        raise UsageError("held rows need a start: without one they would stand still where chance put them")
    return Start(learned, held, hold_fields)
