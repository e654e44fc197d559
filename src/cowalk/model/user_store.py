"""UserStore: users kept up to date event by event, with the very vectors that a batch would give."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cowalk.errors import DataError, UsageError
from cowalk.model.answers import Answer, Hit
from cowalk.recommend import Recommender
from cowalk.tables import Id, Vectors, Vocab
from cowalk.tables.hits import check_k
from cowalk.tables.parquet import read_table, write_table
from cowalk.tables.vector_files import whole
from cowalk.types import AnyArray, Floats, Ids, Offsets
from cowalk.users.log import UserHistories

Time = int | datetime | np.datetime64 | str
"""Microseconds since 1970 UTC, a date and time (UTC unless it has a zone), or its ISO text."""
RUN = 32  # events on one item on end of which all times are kept; of more, those of the first and the latest
FALLBACK = "no item of this user is known: the most popular items"


def as_micros(time: Time) -> int:
    """The time as microseconds since 1970 UTC."""
    if isinstance(time, int | np.integer) and not isinstance(time, bool):
        return int(time)
    try:
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        if isinstance(time, datetime):
            at = time if time.tzinfo else time.replace(tzinfo=UTC)
            return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
        return int(np.datetime64(time, "us").astype(np.int64))  # type: ignore[call-overload]
    except (ValueError, TypeError):
        raise UsageError(f"time {time!r} cannot be read; give microseconds, a datetime or ISO text") from None


def request_times(history: Sequence[Id], times: Sequence[Time] | None, without: set[Id]) -> Offsets | None:
    """int64 microseconds of the history's ids that are not in `without`; UsageError unless they rise."""
    if times is None:
        return None
    if len(times) != len(history):
        raise UsageError(f"the history has {len(history)} ids but {len(times)} times; give one for each")
    known = [as_micros(at) for item, at in zip(history, times, strict=True) if item not in without]
    when = np.array(known, dtype=np.int64)
    if np.any(np.diff(when) < 0):
        raise UsageError("the times of the history fall; give ids and times oldest first")
    return when


@dataclass
class UserState:
    """The latest events of one user, oldest first: rows of items (-1 where the model lacks it) and times.

    Events that do not count stand here too, because a late one may come between an event and its repeat; and
    one event before those that are kept, which tells whether the oldest of them is a repeat.
    """

    rows: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def counted(self, repeats: bool) -> list[int]:
        """The places of the events that count: known items, and with `repeats` those of the item before."""
        rows = self.rows
        return [j for j, row in enumerate(rows) if row >= 0 and (repeats or j == 0 or row != rows[j - 1])]

    def add(self, row: int, time: int, keep: int, repeats: bool) -> bool:
        """Put the event where its time says, behind its equals; gives whether it counts there."""
        at, rows = bisect_right(self.times, time), self.rows
        counts = row >= 0 and (repeats or at == 0 or rows[at - 1] != row)
        rows.insert(at, row)
        self.times.insert(at, time)
        dull = row < 0 or not repeats
        if dull and at >= RUN and all(before == row for before in rows[at - RUN : at]):
            del rows[at - 1], self.times[at - 1]
        places = self.counted(repeats) if len(rows) > keep + 1 else []
        if len(places) > keep and places[-keep] > 1:
            del rows[: places[-keep] - 1], self.times[: places[-keep] - 1]
        return counts


class UserStore:
    """Users by their latest events; every vector equals that of a batch over the same events.

    recommender, vocab: those of a model (`model.user_store()`). keep: events kept per user, as many as the
    scorer looks at unless given; `exclude_seen` leaves out those that are kept. repeats: whether an event on
    the very item of the one before counts again; `clean.drop_repeats` of a recipe says no. rows_of:
    `Model.user_rows`. Events of one user may come late: they are put where their time says, and
    judged there.
    """

    def __init__(
        self, recommender: Recommender, vocab: Vocab, *, keep: int | None = None, repeats: bool = False,
        rows_of: Callable[[AnyArray], Ids | None] | None = None,
    ) -> None:  # fmt: skip
        least = recommender.looks_at
        if keep is not None and keep < least:
            raise UsageError(f"keep is {keep}, but the scorer looks at the latest {least} events")
        self.recommender, self.vocab = recommender, vocab
        self.keep, self.repeats = keep or least, repeats
        self._rows_of = rows_of or (lambda users: None)
        self.users: dict[str, UserState] = {}
        self._timed: bool | None = None

    def __len__(self) -> int:
        return len(self.users)

    def __contains__(self, user: object) -> bool:
        return str(user) in self.users

    def update(self, user: Id, item: Id, time: Time | None = None) -> bool:
        """Take one event in; gives whether it counts: the item is known and no repeat.

        Where no event has a time, the order of the calls tells.
        """
        timed = time is not None
        if self._timed is not None and self._timed != timed:
            raise UsageError(
                "some events have a time and others none; give a time with every event, or with none"
            )
        if not timed and self.recommender.settings.half_life > 0:
            raise UsageError("recommend.half_life counts by age: give the time of every event")
        at = 0 if time is None else as_micros(time)
        self._timed = timed
        state = self.users.setdefault(str(user), UserState())
        return state.add(int(self.vocab.find([item])[0]), at, self.keep, self.repeats)

    def extend(self, users: Iterable[Id], items: Iterable[Id], times: Iterable[Time] | None = None) -> int:
        """Take events in, one after another; how many counted."""
        if times is None:
            return sum(self.update(user, item) for user, item in zip(users, items, strict=True))
        return sum(self.update(user, item, at) for user, item, at in zip(users, items, times, strict=True))

    def histories(self, users: Sequence[Id] | None = None) -> UserHistories:
        """The latest `keep` events that count of these users, or of all; none of one who was never seen."""
        names = list(self.users) if users is None else [str(user) for user in users]
        states = [self.users.get(name, UserState()) for name in names]
        kept = [(state, state.counted(self.repeats)[-self.keep :]) for state in states]
        counts = np.array([len(places) for _, places in kept], dtype=np.int64)
        items: Ids = np.array([state.rows[j] for state, places in kept for j in places], dtype=np.int32)
        times: Offsets = np.array([state.times[j] for state, places in kept for j in places], dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        known = Vocab(np.array(names, dtype=object), counts)
        return UserHistories(known, items, offsets, times if self._timed else None)

    def vector(self, user: Id) -> Floats:
        """float32[d] of one user, as `Model.user_vectors` gives it; zeros where no item is known."""
        return np.asarray(self._queries(self.histories([user]))[0])

    def vectors(self) -> Vectors:
        """The vectors of all users seen; ids are texts."""
        asked = self.histories()
        return Vectors(asked.users, self._queries(asked))

    def _queries(self, asked: UserHistories) -> Floats:
        users = self._rows_of(asked.users.ids)
        return self.recommender.queries(asked.items, asked.offsets, asked.times, users)

    def recommend(self, user: Id, k: int = 10, *, exclude_seen: bool | None = None) -> Answer:
        """The k items to show the user next.

        A user without a known item gets the most popular ones, and a note says so.
        """
        asked = self.histories([user])
        if not len(asked.items):
            return popular(self.vocab, k, FALLBACK)
        hits = self.recommender.recommend(
            asked.items,
            asked.offsets,
            k,
            times=asked.times,
            exclude_seen=exclude_seen,
            users=self._rows_of(asked.users.ids),
        )
        found = hits.ids[0] >= 0
        names = self.vocab.names(hits.ids[0][found])
        return Answer(
            tuple(
                Hit(name, score) for name, score in zip(names, hits.scores[0][found].tolist(), strict=True)
            ),
            "score of the user's history",
        )

    def save(self, path: str | Path) -> None:
        """Write what is kept as Parquet (user, item, time in microseconds), which `load` reads back.

        An event on an item that the model lacks is kept as the empty text, which is no id of a log.
        """
        users = [name for name, state in self.users.items() for _ in state.rows]
        rows = np.array([row for state in self.users.values() for row in state.rows], dtype=np.int64)
        items = np.where(rows < 0, "", self.vocab.ids[rows].astype(object))
        times = np.array([at for state in self.users.values() for at in state.times], dtype=np.int64)
        timed = np.full(len(rows), bool(self._timed))
        columns = {"user": np.array(users, dtype=object), "item": items, "time": times, "timed": timed}
        kinds = {"user": "VARCHAR", "item": "VARCHAR", "time": "BIGINT", "timed": "BOOLEAN"}
        with whole(Path(path)) as draft:
            write_table(draft, columns, kinds)

    def load(self, path: str | Path) -> UserStore:
        """Take in the events that `save` wrote, of this model or an older one; gives itself."""
        if not Path(path).is_file():
            raise DataError(f"{path}: no such file")
        table = read_table(Path(path), ("user", "item", "time", "timed"))
        for user, item, at, timed in zip(*(table[name].tolist() for name in table), strict=True):
            self.update(user, item, at if timed else None)
        return self


def popular(vocab: Vocab, k: int, note: str, allowed: NDArray[np.bool_] | None = None) -> Answer:
    """The k most frequent items (of those allowed, bool[V]) with their counts, and why they stand here."""
    check_k(k)
    rows = most_popular(vocab, k, allowed)
    counts = vocab.counts[rows].tolist()
    hits = tuple(Hit(name, float(n)) for name, n in zip(vocab.names(rows), counts, strict=True))
    return Answer(hits, "events in the log", notes=(note,))


def most_popular(vocab: Vocab, k: int, allowed: NDArray[np.bool_] | None = None) -> Ids:
    """int32[<= k]: rows of the most frequent items of those allowed, ties by row."""
    ranked = vocab.by_count
    return ranked[:k] if allowed is None else ranked[allowed[ranked]][:k]
