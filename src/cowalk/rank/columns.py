"""Columns that a network over histories reads beside items: of a users table, and of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples import Examples
from cowalk.prepare.side_info import as_labels, as_numbers
from cowalk.rank.settings import RankSettings
from cowalk.tables import Catalogue, RawField, Vocab
from cowalk.tables.catalogue import Kind
from cowalk.tables.clicks import ClickColumn
from cowalk.tables.vocab import STRING, Id
from cowalk.types import AnyArray

Side = Literal["user", "log"]
NONE = Vocab.of(np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class InputColumns:
    """What is known of users and moments, by columns that were fitted on training.

    users, log: how each column is read. people: the users of the table; values: of each column of `users`, a
    row per user: codes int32[U], or float32[U, 2], the standardised number and whether it is missing. Code 0
    is that of values that training does not know, and of unknown users.
    """

    users: tuple[ClickColumn, ...] = ()
    log: tuple[ClickColumn, ...] = ()
    people: Vocab = NONE
    values: tuple[AnyArray, ...] = ()

    def __post_init__(self) -> None:
        for column, values in zip(self.users, self.values, strict=True):
            if len(values) != len(self.people):
                raise DataError(
                    f"users: {len(self.people)} users but {len(values)} values of {column.name!r}"
                )
            if values.ndim == 1 and len(values) and not 0 <= values.min() <= values.max() < column.size:
                raise DataError(f"users: a code of {column.name!r} lies outside its {column.size} values")

    @property
    def sizes(self) -> dict[str, int]:
        """By the name that batches use, the codes of each column of categories."""
        return {name: column.size for name, column in self._named() if column.kind == "categorical"}

    def kinds(self, side: Literal["users", "log"]) -> dict[str, Kind]:
        """By name of a column, the kind it was fitted as."""
        columns = self.users if side == "users" else self.log
        return {c.name: "categorical" if c.kind == "categorical" else "numeric" for c in columns}

    def _named(self) -> list[tuple[str, ClickColumn]]:
        sides: dict[Side, tuple[ClickColumn, ...]] = {"user": self.users, "log": self.log}
        return [(batch_name(side, c.name), c) for side, columns in sides.items() for c in columns]

    def applied(self, examples: Examples) -> Examples:
        """The examples with these columns in their context; DataError where one of the log is missing."""
        known = {one.name: one for one in examples.raw}
        made = {}
        for column in self.log:
            if column.name not in known:
                raise DataError(
                    f"the examples have no column {column.name!r} of the log, which the network was trained "
                    f"with; read the events with context=[{column.name!r}]"
                )
            raw = known[column.name]
            made[batch_name("log", column.name)] = coded(column, raw, np.arange(len(raw)))
        if self.users:
            made |= self.of_users(_rows_of(self.people, examples))
        return replace(examples, context={**examples.context, **made}) if made else examples

    def told(self, examples: Examples) -> dict[str, int]:
        """How many users the examples have, and how many of them are known here."""
        rows = _rows_of(self.people, examples)
        users = [len(np.unique(examples.owners[kept])) for kept in (rows >= -1, rows >= 0)]
        return dict(zip(("users", "users in the table"), users, strict=True))

    def of_users(self, rows: AnyArray) -> dict[str, AnyArray]:
        """By batch name, the values of the users in these rows of `people`, -1 = unknown."""
        made = {}
        for column, values in zip(self.users, self.values, strict=True):
            none: Any = 0 if values.ndim == 1 else np.array([0.0, 1.0], dtype=np.float32)
            found = np.empty((len(rows), *values.shape[1:]), dtype=values.dtype)
            found[:] = none
            found[rows >= 0] = values[rows[rows >= 0]]
            made[batch_name("user", column.name)] = found
        return made

    def of_moments(self, given: Mapping[str, Any]) -> dict[str, AnyArray]:
        """By batch name, the columns of the log from values by name, one for each question."""
        missing = [column.name for column in self.log if column.name not in given]
        if missing:
            raise UsageError(f"score: the network was trained with the column {missing[0]!r}; give it too")
        made = {}
        for column in self.log:
            raw = _raw(column, given[column.name])
            made[batch_name("log", column.name)] = coded(column, raw, np.arange(len(raw)))
        return made

    def with_users(self, table: Catalogue) -> InputColumns:
        """The same columns with the users of this table; DataError where it lacks one of them."""
        return replace(self, people=table.ids, values=_values_of(self.users, table))


def batch_name(side: Side, name: str) -> str:
    """How a batch calls a column."""
    return f"{side} {name}"


def fit_inputs(s: RankSettings, examples: Examples, users: Catalogue | None) -> InputColumns:
    """The columns fitted on these examples: of the users table on their users, each once; of the log on their
    moments, each once. DataError where one tells nothing, or no user is known.
    """
    # a sampled negative repeats the moment of its click
    sampled = "negatives" in examples.about
    moments = np.flatnonzero(examples.labels > 0) if sampled else np.arange(len(examples))
    log = tuple(_fitted(s, raw, moments, "context", "leave it out of --context") for raw in examples.raw)
    kept = tuple(column for column in log if column is not None)
    if users is None:
        return InputColumns(log=kept)
    rows = np.unique(_rows_of(users.ids, examples))
    rows = rows[rows >= 0]
    if not len(rows):
        raise DataError("no user of the training examples is in the users table; are the ids the same?")
    fitted = [_fitted(s, raw, rows, "users", f"leave it out by --without {raw.name}") for raw in users.fields]
    columns = tuple(column for column in fitted if column is not None)
    return InputColumns(columns, kept, users.ids, _values_of(columns, users))


def _values_of(columns: tuple[ClickColumn, ...], table: Catalogue) -> tuple[AnyArray, ...]:
    """Of each column, the values of all users of the table."""
    known = {one.name: one for one in table.fields}
    missing = [column.name for column in columns if column.name not in known]
    if missing:
        raise DataError(f"the users table has no column {missing[0]!r}, which the model knows")
    return tuple(coded(column, known[column.name], np.arange(len(table))) for column in columns)


def _rows_of(people: Vocab, examples: Examples) -> AnyArray:
    """int[E]: the row of each example's user among these people, -1 where unknown."""
    if examples.user_vocab is None:
        raise UsageError("a users table goes with examples of known users; these are of sessions")
    found = np.append(people.find(examples.user_vocab.ids), -1)  # the last place is where -1 points
    rows: AnyArray = found[examples.users]
    return rows


def _fitted(s: RankSettings, raw: RawField, rows: AnyArray, what: str, mend: str) -> ClickColumn | None:
    """The column as these rows have it; None where it tells nothing and such columns are dropped."""
    if raw.kind not in ("numeric", "categorical"):
        raise UsageError(f"{what} column {raw.name!r} holds several values in a row; {mend}")
    column = _fit_number(raw, rows) if raw.kind == "numeric" else _fit_category(raw, rows, s.min_count)
    if column is None and s.constant == "error":
        raise DataError(
            f"{what} column {raw.name!r} tells nothing: it holds the same value in all training rows (or "
            f"values rarer than min_count {s.min_count}); {mend}, or all such by --constant drop"
        )
    return column


def _fit_number(raw: RawField, rows: AnyArray) -> ClickColumn | None:
    assert raw.numbers is not None
    found = raw.numbers[rows]
    known = found[~np.isnan(found)]
    if len(known) == 0 or (known.min() == known.max() and len(known) == len(found)):
        return None
    return ClickColumn(raw.name, "number", mean=float(known.mean()), spread=float(known.std()) or 1.0)


def _fit_category(raw: RawField, rows: AnyArray, least: int) -> ClickColumn | None:
    """Values of at least `least` rows, most frequent first, ties by text; "" is a missing value."""
    labels, codes = _texts(raw)
    counts = np.bincount(codes[rows], minlength=len(labels))
    frequent = np.flatnonzero(counts >= least)
    if np.count_nonzero(counts) < 2 or not len(frequent):
        return None
    order = np.lexsort((labels[frequent].astype(object), -counts[frequent]))
    return ClickColumn(raw.name, "categorical", labels=labels[frequent[order]])


def _texts(raw: RawField) -> tuple[AnyArray, AnyArray]:
    """The values as texts, and the code of each row; the last text is "", the missing one."""
    labels, offsets, codes = as_labels(raw)
    out = np.full(len(offsets) - 1, len(labels), dtype=np.int64)
    out[np.diff(offsets) > 0] = codes
    return np.append(labels.astype(STRING), np.array([""], dtype=STRING)), out


def coded(column: ClickColumn, raw: RawField, rows: AnyArray) -> AnyArray:
    """Codes int32[n], or float32[n, 2] of a number, of these rows of a column as it was read."""
    if raw.kind not in ("numeric", "categorical"):
        raise UsageError(f"column {raw.name!r} holds several values in a row; the model takes one")
    if column.labels is not None:
        labels, codes = _texts(raw)
        found: AnyArray = (Vocab.of(column.labels).find(labels) + 1).astype(np.int32)[codes[rows]]
        return found
    numbers, odd = (raw.numbers, []) if raw.numbers is not None else as_numbers(raw)
    if odd:
        raise DataError(f"column {raw.name!r}: {odd[0]!r} is not a number, and the model takes numbers")
    assert numbers is not None
    plain = column.coded(numbers[rows])
    return np.stack([plain, np.isnan(numbers[rows])], axis=1).astype(np.float32)


def _raw(column: ClickColumn, values: Sequence[Id] | AnyArray) -> RawField:
    """A column of values as people give them, None = missing."""
    given = np.asarray(values)
    if column.labels is None:
        return RawField(column.name, "numeric", numbers=np.asarray(values, dtype=np.float64))
    held = np.array([one is not None and one == one for one in given.tolist()], dtype=bool)
    texts = np.array([str(one) for one in given[held].tolist()], dtype=STRING)
    labels, codes = np.unique(texts, return_inverse=True)
    offsets = np.append(0, np.cumsum(held)).astype(np.int64)
    return RawField(column.name, "categorical", labels, offsets, codes.astype(np.int32))


EMPTY = InputColumns()
