"""Examples: who, when, what came next or did not; histories are slices of a shared stream, not copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples.stream import Stream
from cowalk.tables import Sessions, Vocab
from cowalk.tables.catalogue import RawField, take_ragged
from cowalk.types import AnyArray, Floats, Ids, Offsets

COLUMNS = ("owners", "stops", "targets", "labels", "weights", "times", "places")


@dataclass(frozen=True)
class Examples:
    """E examples: the history of an owner before a place of the stream, a target item, and its label.

    History of example e: stream.items[stream.offsets[owners[e]]:stops[e]], oldest first; networks look at its
    latest `last`. owners: int32[E] rows of the stream; stops: int64[E]; targets: int32[E] rows of
    `item_vocab`; labels: float32[E], 0 or 1; weights: float32[E] (rewards); times: int64[E] microseconds of
    the moment, 0 where the log has no times; places: int64[E], where the target's own event stands in the
    stream, -1 = nowhere (a sampled negative, an event that is no part of histories); context: further columns
    float32[E] or [E, n] by name (codes int32[E] where `rank.fit` made them); raw: columns of the log at the
    moment, as they were read; about: how the examples were made, in plain values. A history never holds
    its own target's event: a DataError at birth.
    """

    stream: Stream
    item_vocab: Vocab
    user_vocab: Vocab | None
    owners: Ids
    stops: Offsets
    targets: Ids
    labels: Floats
    weights: Floats
    times: Offsets
    places: Offsets
    context: Mapping[str, AnyArray] = field(default_factory=dict)
    raw: tuple[RawField, ...] = ()
    last: int = 50
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.targets)
        for name in COLUMNS:
            if len(getattr(self, name)) != n:
                raise DataError(f"examples: {n} targets but {len(getattr(self, name))} {name}")
        for name, column in self.context.items():
            if len(column) != n:
                raise DataError(f"examples: {n} targets but {len(column)} rows of context {name!r}")
        for one in self.raw:
            if len(one) != n:
                raise DataError(f"examples: {n} targets but {len(one)} rows of column {one.name!r}")
        if self.last < 1:
            raise UsageError(f"examples: last must be at least 1, not {self.last}")
        items, users = len(self.item_vocab), len(self.user_vocab) if self.user_vocab is not None else None
        _check_range("a target", self.targets, 0, items)
        _check_range("an item of the stream", self.stream.items, 0, items)
        _check_range("an owner", self.owners, 0, len(self.stream))
        if users is not None:
            _check_range("a user", self.stream.users, -1, users)
        self._check_histories()
        odd = np.flatnonzero((self.labels != 0) & (self.labels != 1))
        if len(odd):
            raise DataError(
                f"examples: the label of example {odd[0] + 1:,} is {self.labels[odd[0]]:g}; labels must be 0 "
                "or 1 (rated_examples makes them of ratings)"
            )

    def _check_histories(self) -> None:
        offsets = self.stream.offsets
        if np.any(self.stops < offsets[self.owners]) or np.any(self.stops > offsets[self.owners + 1]):
            raise DataError("examples: a history reaches beyond the events of its owner")
        own = np.flatnonzero((self.places >= 0) & (self.places < self.stops))
        if len(own):
            name = self.item_vocab.names(self.targets[own[:1]])[0]
            raise DataError(
                f"examples: the history of example {own[0] + 1:,} holds its own target {name!r}; a history "
                "must end before its target's event"
            )

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def starts(self) -> Offsets:
        """int64[E]: where each history begins in the stream."""
        begins: Offsets = self.stream.offsets[self.owners]
        return begins

    @property
    def lengths(self) -> Offsets:
        """int64[E]: events in each whole history."""
        return self.stops - self.starts

    @property
    def users(self) -> Ids:
        """int32[E]: the user's row, -1 where unknown."""
        return self.stream.users[self.owners]

    def select(self, rows: AnyArray) -> Examples:
        """The examples `rows` (places or bool[E]) in that order, over the same stream."""
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        context = {name: column[rows] for name, column in self.context.items()}
        raw = self.raw and tuple(one.take(np.arange(len(self))[rows]) for one in self.raw)
        return replace(self, **columns, context=context, raw=raw)

    def with_context(self, **columns: Floats) -> Examples:
        """The same examples with these further columns, float32[E] or [E, n]; DataError where one holds
        something else than finite numbers.
        """
        new = {name: _numbers(name, column) for name, column in columns.items()}
        return replace(self, context={**self.context, **new})

    def history(self, example: int) -> Ids:
        """int32[*]: the whole history of one example, oldest first."""
        return self.stream.items[self.starts[example] : self.stops[example]]

    @cached_property
    def sequences(self) -> Sessions:
        """What these examples show of the log and no more: each owner's events up to the last that is in a
        history or a target of it, as one sequence. Count and build graphs on this, not on the stream.
        """
        ends = self.stream.offsets[:-1].copy()
        np.maximum.at(ends, self.owners, np.maximum(self.stops, self.places + 1))
        shown = np.unique(self.owners)
        starts, ends = self.stream.offsets[shown], ends[shown]
        kept = ends > starts
        shown, starts, ends = shown[kept], starts[kept], ends[kept]
        bounds = np.ravel(np.column_stack([starts, ends]))
        flat = np.concatenate([[0], bounds, [len(self.stream.items)]]).astype(np.int64)
        offsets, at = take_ragged(flat, np.arange(len(self.stream.items)), 2 * np.arange(len(shown)) + 1)
        times = self.stream.times
        return Sessions(
            self.stream.items[at], offsets, self.stream.users[shown],
            np.zeros(len(shown), np.int64) if times is None else times[starts],
            self.stream.weights[at], None if times is None else times[at],
        )  # fmt: skip

    @cached_property
    def counts(self) -> Offsets:
        """int64[V]: events of each item in `sequences`."""
        return np.bincount(self.sequences.items, minlength=len(self.item_vocab)).astype(np.int64)

    def save(self, folder: str | Path) -> Path:
        """Write the folder that `Examples.open` maps; see `examples.store`."""
        from cowalk.examples.store import save_examples

        return save_examples(self, Path(folder))

    @staticmethod
    def open(folder: str | Path) -> Examples:
        """The examples that `save` wrote, their arrays memory-mapped; ModelError where not whole."""
        from cowalk.examples.store import open_examples

        return open_examples(Path(folder))


def _numbers(name: str, column: Any) -> Floats:
    """The column as float32, every number finite."""
    try:
        found: Floats = np.asarray(column, dtype=np.float32)
    except (ValueError, TypeError):
        raise DataError(
            f"examples: context {name!r} holds something else than numbers; a column of the log goes in by "
            f"read_events(..., context=[{name!r}])"
        ) from None
    odd = np.argwhere(~np.isfinite(found))
    if len(odd):
        raise DataError(
            f"examples: context {name!r} holds {found[tuple(odd[0])]:g} (example {odd[0][0] + 1:,}); fill in "
            "what is missing"
        )
    return found


def _check_range(what: str, rows: AnyArray, least: int, size: int) -> None:
    if len(rows) and (rows.min() < least or rows.max() >= size):
        raise DataError(f"examples: {what} lies outside {least}..{size - 1}")
