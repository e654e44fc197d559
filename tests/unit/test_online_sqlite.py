"""Histories in a file: they outlive kills, are shared by processes, and foreign files are refused."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import cowalk as cw
from cowalk.online import MemoryHistories, SQLiteHistories, sqlite_histories

WRITER = """
import sys
from cowalk.online import SQLiteHistories
store = SQLiteHistories(sys.argv[1], keep=5000)
for n in range(int(sys.argv[3])):
    store.add("u", f"{sys.argv[2]}:{n}", n)
    print(n, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_what_was_answered_for_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    with writer(path, "a", 1_000_000) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 50:
            pass
        process.send_signal(signal.SIGKILL)
        answered = max(map(int, process.stdout.read().split()), default=50)
    with closing(SQLiteHistories(path, keep=5000)) as store:
        found = store.get("u")
        assert found.times[: answered + 1] == list(range(answered + 1))
        assert len(found.times) <= answered + 2  # one may be written and its answer lost
        assert store.add("u", "more", 10**6)


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    both = [writer(path, name, 60) for name in "ab"]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    with closing(SQLiteHistories(path, keep=5000)) as store:
        found = store.get("u")
    assert sorted(found.items) == sorted(f"{name}:{n}" for name in "ab" for n in range(60))
    assert found.times == sorted([*range(60), *range(60)])


def test_a_restart_keeps_histories(tmp_path: Path) -> None:
    with closing(SQLiteHistories(tmp_path / "h.db")) as store:
        store.extend([("u", 5, 1), ("u", "5", 2), ("v", "ü", 3)])
    with closing(SQLiteHistories(tmp_path / "h.db")) as store:
        assert store.get("u") == ([5], [1])
        assert store.get("v") == (["ü"], [3])
        assert len(store) == 2


def test_users_that_are_too_many_or_too_old_are_pruned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_histories, "PRUNED_EVERY", 5)
    with closing(SQLiteHistories(tmp_path / "h.db", most=3)) as store:
        for n in range(10):
            store.add(f"u{n}", 1, n)
        assert len(store) == 3
        assert [len(one.items) for one in store.get_many(["u6", "u7", "u8", "u9"])] == [0, 1, 1, 1]
    with closing(SQLiteHistories(tmp_path / "short.db", expiry=0.2)) as store:
        store.add("u", 1, 1)
        time.sleep(0.3)
        assert len(store) == 1  # it is there, and not given out
        assert store.get("u").items == []
        for n in range(5):
            store.add("v", n, n)
        assert len(store) == 1
    time.sleep(0.3)
    with closing(SQLiteHistories(tmp_path / "short.db", expiry=0.2)) as store:
        assert len(store) == 0


def test_memory_forgets_who_was_longest_not_asked_for() -> None:
    store = MemoryHistories(most=2)
    store.add("a", 1)
    store.add("b", 1)
    store.get("a")
    store.add("c", 1)
    assert len(store) == 2
    assert [bool(one.items) for one in store.get_many(["a", "b", "c"])] == [True, False, True]
    with pytest.raises(cw.UsageError, match="most is 0"):
        MemoryHistories(most=0)


def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "diary.txt"
    text.write_text("dear diary, " * 100)
    with pytest.raises(cw.DataError, match=r"diary\.txt: cannot be opened .*remove this one"):
        SQLiteHistories(text)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE histories (mine)")
    with pytest.raises(cw.DataError, match="of another program"):
        SQLiteHistories(other)
    with pytest.raises(cw.DataError, match="folder that is there"):
        SQLiteHistories(tmp_path / "none" / "h.db")
    with pytest.raises(cw.DataError, match="folder that is there"):
        SQLiteHistories(tmp_path)
    assert text.read_text().startswith("dear diary")


def test_trouble_while_it_runs_is_a_store_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_histories, "BUSY", 0.1)
    path = tmp_path / "h.db"
    with closing(SQLiteHistories(path)) as store:
        store.add("u", 1, 1)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(cw.StoreAwayError, match="locked"):
                store.add("u", 2, 2)
            assert store.get("u").items == [1]  # readers go on
            other.execute("ROLLBACK")
            store.add("u", 2, 2)
            other.execute("UPDATE histories SET events = '[1, 2, 3]'")
        with pytest.raises(cw.StoreAwayError, match="no history"):
            store.get("u")
