"""Histories in one SQLite file: they outlive the process, and processes of one machine share them."""

from __future__ import annotations

import json
import sqlite3
import time as clock
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

from cowalk.errors import DataError, StoreAwayError
from cowalk.model.user_store import Time
from cowalk.online.histories import KEEP, Checked, Event, History, check_bounds, checked, place, user_of
from cowalk.tables import Id

MARK = 0x636F7731  # "cow1" in the file's header: this program, this layout
BUSY = 5.0  # seconds to wait for another process that writes
PRUNED_EVERY = 10_000  # events between two looks for users to drop
ASKED_AT_ONCE = 500  # SQLite bounds the question marks of a statement
TABLE = """
CREATE TABLE histories (user TEXT PRIMARY KEY, seen INTEGER NOT NULL, events TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX by_seen ON histories (seen);
"""
T = TypeVar("T")


class SQLiteHistories:
    """Histories (see there) in the file `path`, made where there is none.

    Every event that `add` or `extend` has answered for is there after a kill of the process. Whether it also
    outlives a power cut in the same second is left to the machine: the log is written at once, and brought to
    the disk from time to time (WAL, synchronous=NORMAL); the file itself stays whole.
    expiry: seconds after the latest event that came in, after which a user is forgotten. most: users kept;
    those whose latest event came first go first, with some delay.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        keep: int = KEEP,
        repeats: bool = False,
        expiry: float | None = None,
        most: int = 1_000_000,
    ) -> None:
        check_bounds(keep, expiry, most)
        self.path = Path(path)
        self.keep, self.repeats, self.expiry, self.most = keep, repeats, expiry, most
        self._lock, self._since_pruned = Lock(), 0
        self._connection = _opened(self.path)
        self._prune()

    def __len__(self) -> int:
        count = self._asked(lambda c: c.execute("SELECT count(*) FROM histories").fetchone()[0])
        return int(count)

    def add(self, user: Id, item: Id, time: Time | None = None) -> bool:
        """Take one event in; gives whether it counts."""
        return self.extend([(user, item, time)]) == 1

    def extend(self, events: Iterable[Event]) -> int:
        """Take events in, in this order, all or none; gives how many count."""
        wanted = [checked(event) for event in events]
        if not wanted:
            return 0
        counted = self._asked(lambda connection: self._write(connection, wanted))
        self._since_pruned += len(wanted)
        if self._since_pruned >= PRUNED_EVERY:
            self._prune()
        return counted

    def get(self, user: Id) -> History:
        """The events of one user; of one who was never seen an empty history."""
        return self.get_many([user])[0]

    def get_many(self, users: Sequence[Id]) -> list[History]:
        """The events of several users."""
        names = [user_of(user) for user in users]
        found = self._asked(lambda connection: self._read(connection, names))
        return [found.get(name) or History([], []) for name in names]

    def forget(self, user: Id) -> bool:
        """Drop all that is kept of a user; gives whether there was anything."""
        name = user_of(user)
        return bool(
            self._asked(lambda c: c.execute("DELETE FROM histories WHERE user = ?", (name,)).rowcount)
        )

    def close(self) -> None:
        """Close the file; what it keeps stays."""
        with self._lock:
            self._connection.close()

    def _write(self, connection: sqlite3.Connection, events: list[Checked]) -> int:
        """One transaction: read the users, place their events, write them back."""
        with _transaction(connection):
            histories = self._read(connection, list(dict.fromkeys(event.user for event in events)))
            counted = 0
            for event in events:
                history = histories.setdefault(event.user, History([], []))
                counted += place(history, event, self.keep, self.repeats)
            now = clock.time_ns() // 1000
            rows = [(user, now, json.dumps(one, ensure_ascii=False)) for user, one in histories.items()]
            connection.executemany("INSERT OR REPLACE INTO histories VALUES (?, ?, ?)", rows)
        return counted

    def _read(self, connection: sqlite3.Connection, users: list[str]) -> dict[str, History]:
        """The histories of those who are there and whose time is not over."""
        found = {}
        for start in range(0, len(users), ASKED_AT_ONCE):
            part = users[start : start + ASKED_AT_ONCE]
            marks = ",".join("?" * len(part))
            question = f"SELECT user, events FROM histories WHERE user IN ({marks}) AND seen > ?"
            for user, events in connection.execute(question, (*part, self._oldest())):
                found[user] = History(*json.loads(events))
        return found

    def _oldest(self) -> int:
        """The time of arrival, in microseconds, up to which users are forgotten."""
        return -1 if self.expiry is None else clock.time_ns() // 1000 - round(self.expiry * 1e6)

    def _prune(self) -> None:
        """Drop users whose time is over, and those above `most`."""

        def drop(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.execute("DELETE FROM histories WHERE seen <= ?", (self._oldest(),))
                count = connection.execute("SELECT count(*) FROM histories").fetchone()[0]
                first = "SELECT user FROM histories ORDER BY seen LIMIT ?"
                connection.execute(
                    f"DELETE FROM histories WHERE user IN ({first})", (max(0, count - self.most),)
                )

        self._asked(drop)
        self._since_pruned = 0

    def _asked(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """What the call gives, one call at a time; StoreAwayError where SQLite cannot."""
        with self._lock:
            try:
                return call(self._connection)
            except sqlite3.Error as error:
                raise StoreAwayError(f"{self.path}: histories cannot be read or written ({error})") from None
            except (ValueError, TypeError):
                raise StoreAwayError(f"{self.path}: holds what is no history; give another file") from None


def _opened(path: Path) -> sqlite3.Connection:
    """A connection to the file, with our table in it; DataError where it is not ours."""
    made = False
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        if mark != MARK and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise DataError(f"{path}: a database of another program; give another file for the histories")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        with _transaction(connection):
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for statement in TABLE.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {MARK}")
        made = True
        return connection
    except sqlite3.Error as error:
        mend = "give a file in a folder that is there and can be written"
        if "not a database" in str(error) or "malformed" in str(error):
            mend = "give another file for the histories, or remove this one"
        raise DataError(f"{path}: cannot be opened ({error}); {mend}") from None
    finally:
        if not made and connection is not None:
            connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken first, so that no one else writes between read and write."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
