"""Slow twins of preparing, in plain Python: reading and cleaning rule by rule; sessions; graphs."""

import re
from collections import Counter

import numpy as np

MIN_TIME, MAX_TIME = 631_152_000_000_000, 4_102_444_800_000_000  # 1990-01-01 and 2100-01-01 in microseconds


def as_id(value, whole):
    """An id as the reader gives it: None where null or empty, an integer where all of the column are."""
    if value is None or value == "" or value != value:
        return None
    return int(value) if whole else str(value)


def whole_text(values):
    """Whether all texts are whole numbers in their usual writing, of at most 18 digits."""
    held = [v for v in values if v not in (None, "")]
    return bool(held) and all(re.fullmatch("0|-?[1-9][0-9]{0,17}", text) for text in held)


def read_events(table, *, session=False, order=False, max_user_events=None, min_count=1, untyped=False):
    """Rows (user, session, item, time) as outside ids in the order of Events, and (rule, dropped) by rule.

    `table` is a list of dicts with user_id, item_id, timestamp (microseconds or None), and visit and place
    where these are used.
    """
    kinds = {}
    for column in ("user_id", "item_id", "visit"):
        values = [row.get(column) for row in table]
        held = [v for v in values if v is not None]
        typed = bool(held) and all(isinstance(v, int | float) for v in held)
        kinds[column] = whole_text([None if v is None else str(v) for v in values]) if untyped else typed
    drops, rows = Counter(), []
    for seq, row in enumerate(table):
        item, user = as_id(row["item_id"], kinds["item_id"]), as_id(row["user_id"], kinds["user_id"])
        visit = as_id(row["visit"], kinds["visit"]) if session else None
        time = row["timestamp"]
        if item is None:
            drops["item"] += 1
        elif (session and visit is None) or (not session and user is None):
            drops["owner"] += 1
        elif time is None:
            drops["null time"] += 1
        elif not MIN_TIME <= time < MAX_TIME:
            drops["time"] += 1
        else:
            place = row["place"] if order else 0
            place = float("inf") if place is None else place
            found = {"user": user, "visit": visit, "item": item, "time": time, "place": place, "seq": seq}
            rows.append(found)
    rows = _distinct(rows, drops)
    rows.sort(key=lambda r: (_owner(r), r["time"], r["place"], r["seq"]))
    if max_user_events is not None:
        sizes = Counter(_owner(r) for r in rows)
        drops["bots"] = sum(n for n in sizes.values() if n > max_user_events)
        rows = [r for r in rows if sizes[_owner(r)] <= max_user_events]
    kept = []
    for i, row in enumerate(rows):
        before = rows[i - 1] if i else None
        same = before is not None and _owner(before) == _owner(row)
        if same and before["visit"] == row["visit"] and before["item"] == row["item"]:
            drops["repeats"] += 1
        else:
            kept.append(row)
    counts = Counter(r["item"] for r in kept)
    drops["rare"] = sum(n for n in counts.values() if n < min_count)
    kept = [r for r in kept if counts[r["item"]] >= min_count]
    return [(r["user"], r["visit"], r["item"], r["time"]) for r in kept], drops


def _owner(row):
    """Unknown users come first, by session; the others by id."""
    return (1, row["user"], 0) if row["user"] is not None else (0, 0, row["visit"])


def _distinct(rows, drops):
    seen, kept = set(), []
    for row in rows:
        key = tuple(v for k, v in row.items() if k != "seq")
        if key in seen:
            drops["duplicates"] += 1
        else:
            seen.add(key)
            kept.append(row)
    return kept


def vocabulary(items):
    """(id, count) most frequent first, ties by id."""
    return sorted(Counter(items).items(), key=lambda pair: (-pair[1], pair[0]))


def sessions(events, by, gap=None, window=None):
    """Lists of item rows: the events cut by the rule `by`; by column gathered at their first event."""
    out, last = {}, None
    for i in range(len(events)):
        user = int(events.users[i])
        visit = None if events.sessions is None else int(events.sessions[i])
        owner = ("u", user) if user >= 0 else ("s", visit)
        time = int(events.times[i])
        if by == "column":
            key = (owner, visit)
        elif by == "history":
            key = owner
        elif by == "window":
            key = (owner, time // window)
        else:
            fresh = last is None or last[0] != owner or time - last[1] > gap
            key = (owner, i) if fresh else last[2]
        last = (owner, time, key)
        out.setdefault(key, []).append(int(events.items[i]))
    return list(out.values())


def dense(graph):
    """The graph as a float64 [V, V] table."""
    table = np.zeros((len(graph), len(graph)))
    np.add.at(table, (graph.sources(), graph.targets), graph.weights)
    return table
