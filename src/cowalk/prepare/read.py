"""Files or tables -> Events: typed, cleaned with a drop report, ids as codes, sorted; the row work is SQL on DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.columns import Typed, id_column, number_column, order_column, time_column
from cowalk.prepare.database import Database, database, literal
from cowalk.prepare.report import Drop, DropReport, Fact
from cowalk.prepare.rows import Rows, drop_bots, drop_duplicates, drop_repeats
from cowalk.prepare.settings import CleanSettings, ReadSettings
from cowalk.prepare.sources import Loaded, label_of, load
from cowalk.prepare.vocabulary import refit_rows, users_left
from cowalk.tables.events import Events
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray

LAST = {"BIGINT": "9223372036854775807", "DOUBLE": "1.7976931348623157e308", "VARCHAR": "2147483647"}


@dataclass(frozen=True)
class Rule:
    """A rule of cleaning on single rows: the SQL condition that a bad row meets."""

    label: str
    condition: str
    note: str = ""


def read_events(
    source: Any,
    settings: ReadSettings | None = None,
    clean: CleanSettings | None = None,
    *,
    memory_limit: str | int = "4GB",
    workers: int | None = None,
    progress: bool = False,
) -> tuple[Events, DropReport]:
    """The events of a log, sorted by (user or session, time, order, file and row), and what cleaning dropped.

    `source` is a path, a folder, a glob or a list of these (Parquet, CSV, JSON lines, also .gz), or a pandas, polars
    or Arrow table. The rules apply once each, in the order of the report: rules on single rows, exact duplicates,
    bots, repeats, and last `min_count`. DuckDB sorts under half of `memory_limit`, spilling to a temporary folder.
    UsageError for settings that do not go together; DataError for what is wrong with the data.
    """
    settings, clean = settings or ReadSettings(), clean or CleanSettings()
    _check(settings, clean)
    label = label_of(source)
    with ExitStack() as stack:
        say = _narrator(stack, progress)
        db = stack.enter_context(database(label, memory_limit, workers))
        say("reading")
        loaded = load(db, source, _wanted(settings, clean))
        if db.count(loaded.table) == 0:
            raise DataError(f"{label} is empty: it has no rows")
        report, details = _judge(db, loaded, settings, clean, label)
        say("sorting")
        db.run("sorted", columns=", ".join(["usr", "sess", "item", "tim", "weight", *details]))
        db.connection.execute("DROP TABLE coded")
        rows = _fetch(db, settings, details)
        items, users = db.ids("item_ids"), db.ids("user_ids")
    item_vocab, user_vocab = Vocab.of(items), Vocab.of(users)
    del items, users
    vocabularies, later = _clean_rows(rows, item_vocab, user_vocab, settings, clean)
    report += later
    report.check_not_empty(label)
    return (
        Events(
            users=rows.users,
            items=rows.items,
            times=rows.times,
            weights=rows.weights,
            item_vocab=vocabularies[0],
            user_vocab=vocabularies[1],
            sessions=rows.sessions,
            has_times=settings.time_column is not None,
        ),
        report,
    )


def _narrator(stack: ExitStack, progress: bool) -> Callable[[str], None]:
    """A function that shows the stage on the terminal, or none."""
    if not progress:
        return lambda stage: None
    from rich.console import Console

    status = stack.enter_context(Console(stderr=True).status("preparing"))
    return lambda stage: status.update(f"preparing: {stage}")


def _check(settings: ReadSettings, clean: CleanSettings) -> None:
    """UsageError where settings do not go together or cannot be read."""
    if bool(settings.event_weights) != (settings.event_column is not None):
        raise UsageError("event_column and event_weights go together: give both, as view=1,buy=5, or none")
    for kind, weight in settings.event_weights.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise UsageError(f"event weight {kind}={weight}: weights must be finite and not negative")
    if clean.min_dwell is not None and settings.dwell_column is None:
        raise UsageError("min_dwell needs a dwell_column that holds seconds")
    if settings.user_column is None and settings.session_column is None:
        raise UsageError("give a user_column or a session_column: events must belong to someone")
    for bound in (clean.min_time, clean.max_time):
        micros(bound)


def micros(text: str | None) -> int | None:
    """Microseconds UTC of an ISO date or time; UsageError where it cannot be read."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"time {text!r} cannot be read; write it as 2011-01-31 or 2011-01-31T10:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def _wanted(settings: ReadSettings, clean: CleanSettings) -> list[str]:
    """The columns that are used, each once."""
    names = [settings.item_column, settings.user_column, settings.time_column, settings.session_column]
    names += [settings.order_column, settings.event_column, settings.weight_column]
    names += [settings.dwell_column if clean.min_dwell is not None else None]
    return list(dict.fromkeys(one for one in names if one is not None))


def _judge(
    db: Database, loaded: Loaded, settings: ReadSettings, clean: CleanSettings, label: str
) -> tuple[DropReport, list[str]]:
    """The table `coded` of the rows that break no rule, the report of the others, and the detail columns in use."""
    facts: list[tuple[str, Fact]] = []
    item = id_column(db, loaded, settings.item_column)
    user = id_column(db, loaded, settings.user_column) if settings.user_column else Typed("NULL", "INTEGER")
    session = id_column(db, loaded, settings.session_column) if settings.session_column else None
    time = None
    if settings.time_column:
        time = time_column(db, loaded, settings.time_column, settings.time_unit)
        facts.append(("times", f"{time.fact} in column {settings.time_column!r}"))
    order = order_column(db, loaded, settings.order_column) if settings.order_column else None
    weight = _weight_sql(db, loaded, settings)
    dwell = number_column(db, loaded, settings.dwell_column) if _uses_dwell(settings, clean) else None
    rules = _rules(settings, clean, time)
    cases = " ".join(f"WHEN {rule.condition} THEN {i}" for i, rule in enumerate(rules, 1))
    columns = {
        "seq": "rowid",
        "item": item.sql,
        "usr": user.sql,
        "sess": session.sql if session else "NULL",
        "tim": time.sql if time else "CAST(0 AS BIGINT)",
        "ord": order.sql if order else "0",
        "weight": weight,
        "kind": _kind_sql(loaded, settings),
        "dwell": f"coalesce({dwell.sql}, -1)" if dwell else "0",
    }
    named = ", ".join(f"{sql} AS {column}" for column, sql in columns.items())
    db.run("judged", rules=cases or "WHEN 1 = 0 THEN 0", columns=named, table=loaded.table)
    report = _count_drops(db, rules, facts)
    report.check_not_empty(label)
    _encode(db, session is not None, order)
    details = ["ord"] if order else []
    details += (["kind"] if settings.event_column else []) + (["dwell"] if dwell else [])
    return report, details


def _uses_dwell(settings: ReadSettings, clean: CleanSettings) -> bool:
    return settings.dwell_column is not None and clean.min_dwell is not None


def _kind_sql(loaded: Loaded, settings: ReadSettings) -> str:
    """The place of the event type in event_weights, -1 where it has no weight (or the weight 0)."""
    if not settings.event_column:
        return "0"
    inside = loaded.columns[settings.event_column]
    cases = " ".join(
        f"WHEN CAST({inside} AS VARCHAR) = {literal(kind)} THEN {i}"
        for i, (kind, weight) in enumerate(settings.event_weights.items())
        if weight > 0
    )
    return f"CASE {cases} ELSE -1 END" if cases else "-1"


def _weight_sql(db: Database, loaded: Loaded, settings: ReadSettings) -> str:
    """The weight of an event: of its type, of the weight column, or their product; DataError where one is off."""
    parts = []
    if settings.event_column:
        inside = loaded.columns[settings.event_column]
        cases = " ".join(
            f"WHEN CAST({inside} AS VARCHAR) = {literal(kind)} THEN {weight!r}"
            for kind, weight in settings.event_weights.items()
        )
        parts.append(f"CAST(CASE {cases} ELSE 0 END AS DOUBLE)")
    if settings.weight_column:
        ready = number_column(db, loaded, settings.weight_column)
        bad = check_weights(db, loaded, settings.weight_column, ready, zero_is_bad=False)
        if bad:
            raise DataError(bad)
        parts.append(ready.sql)
    return f"CAST({' * '.join(parts)} AS REAL)" if parts else "CAST(1 AS REAL)"


def check_weights(db: Database, loaded: Loaded, column: str, weight: Typed, *, zero_is_bad: bool) -> str | None:
    """The message about the first weight that is null, NaN, infinite, negative, or 0 where that is bad."""
    below = "<= 0" if zero_is_bad else "< 0"
    bad = f"{weight.sql} IS NULL OR isnan({weight.sql}) OR isinf({weight.sql}) OR {weight.sql} {below}"
    found = db.rows(f"SELECT {weight.sql}, rowid FROM {loaded.table} WHERE {bad} ORDER BY rowid LIMIT 1")
    if not found:
        return None
    value = "null" if found[0][0] is None else found[0][0]
    law = "above 0" if zero_is_bad else "not negative"
    return f"column {column!r}: weight {value} ({loaded.place(int(str(found[0][1])))}); weights must be finite and {law}"


def _rules(settings: ReadSettings, clean: CleanSettings, time: Typed | None) -> list[Rule]:
    """The rules on single rows, in the order in which they are tried; a row falls to the first that it breaks."""
    rules = [Rule("null or empty item id", "item IS NULL", f"column {settings.item_column!r}")]
    if settings.session_column:
        rules.append(Rule("null or empty session", "sess IS NULL", f"column {settings.session_column!r}"))
    else:
        note = f"column {settings.user_column!r}; with a session column such rows stay"
        rules.append(Rule("null or empty user id", "usr IS NULL", note))
    if time:
        rules.append(Rule("null time", "tim IS NULL", f"column {settings.time_column!r}"))
        low, high = micros(clean.min_time), micros(clean.max_time)
        bounds = ([] if low is None else [f"tim < {low}"]) + ([] if high is None else [f"tim >= {high}"])
        if bounds:
            note = f"outside {clean.min_time or '...'} to {clean.max_time or '...'}; times read as {time.fact}"
            rules.append(Rule("impossible time", " OR ".join(bounds), note))
    if settings.event_column:
        known = ", ".join(f"{kind}={weight:g}" for kind, weight in settings.event_weights.items())
        rules.append(Rule("event type without a weight", "kind IS NULL OR kind < 0", f"weights are {known}"))
    if settings.weight_column:
        rules.append(Rule("weight 0", "weight = 0", f"column {settings.weight_column!r}"))
    if _uses_dwell(settings, clean):
        rules.append(Rule(f"dwell below {clean.min_dwell:g} s", f"dwell >= 0 AND dwell < {clean.min_dwell!r}"))
    return rules


def _count_drops(db: Database, rules: list[Rule], facts: list[tuple[str, Fact]]) -> DropReport:
    """The report of the rules on single rows."""
    found = {int(str(rule)): int(str(n)) for rule, n in db.rows("SELECT rule, count(*) FROM judged GROUP BY rule")}
    drops = tuple(Drop(rule.label, found.get(i, 0), rule.note) for i, rule in enumerate(rules, 1))
    return DropReport(sum(found.values()), found.get(0, 0), drops, tuple(facts))


def _encode(db: Database, with_sessions: bool, order: Typed | None) -> None:
    """Ids to codes by rising id, then the table `coded`; the source table is gone afterwards."""
    parts = {"user_code": "coalesce(u.code, -1)", "session_code": "-1", "order_code": "j.ord"}
    joins = ["LEFT JOIN user_ids AS u ON u.id = j.usr"]
    db.run("codes", target="item_ids", column="item", source="judged", condition="rule = 0")
    db.run("codes", target="user_ids", column="usr", source="judged", condition="rule = 0")
    if with_sessions:
        db.run("codes", target="session_ids", column="sess", source="judged", condition="rule = 0")
        joins.append("JOIN session_ids AS s ON s.id = j.sess")
        parts["session_code"] = "s.code"
    if order is not None:
        parts["order_code"] = f"coalesce(j.ord, {LAST[order.kind]})"
        if order.kind == "VARCHAR":
            db.run("codes", target="order_ids", column="ord", source="judged", condition="rule = 0")
            joins.append("LEFT JOIN order_ids AS o ON o.id = j.ord")
            parts["order_code"] = f"coalesce(o.code, {LAST[order.kind]})"
    db.run("coded", joins="\n".join(joins), **parts)
    db.connection.execute("DROP VIEW judged")
    db.connection.execute("DROP TABLE raw")


def _fetch(db: Database, settings: ReadSettings, details: list[str]) -> Rows:
    """The table `sorted` as arrays; a column that is the same everywhere is never fetched."""
    db.connection.execute("SET memory_limit = '200MB'")  # what it holds of the table now belongs to the arrays
    n = db.count("sorted")
    types = db.columns("sorted")
    kinds = {"ord": np.float64 if types.get("ord") == "DOUBLE" else np.int64, "kind": np.int16, "dwell": np.float64}
    more: dict[str, AnyArray] = {one: np.empty(n, dtype=kinds[one]) for one in details}
    weighted = bool(settings.event_column or settings.weight_column)
    rows = Rows(
        users=np.empty(n, dtype=np.int32),
        items=np.empty(n, dtype=np.int32),
        times=np.empty(n, dtype=np.int64) if settings.time_column else np.zeros(n, dtype=np.int64),
        weights=np.empty(n, dtype=np.float32) if weighted else np.ones(n, dtype=np.float32),
        sessions=np.empty(n, dtype=np.int32) if settings.session_column else None,
        details=list(more.values()),
    )
    columns: dict[str, AnyArray] = {"usr": rows.users, "item": rows.items}
    columns |= {"tim": rows.times} if settings.time_column else {}
    columns |= {"weight": rows.weights} if weighted else {}
    columns |= {} if rows.sessions is None else {"sess": rows.sessions}
    db.arrays("sorted", columns | more)
    return rows


def _clean_rows(
    rows: Rows, items: Vocab, users: Vocab, settings: ReadSettings, clean: CleanSettings
) -> tuple[tuple[Vocab, Vocab], DropReport]:
    """The rules that look at more than one row, and the vocabularies of what is left."""
    before = len(rows)
    drops = []
    if clean.drop_duplicates and (settings.time_column or settings.order_column):
        drops.append(drop_duplicates(rows))
    elif clean.drop_duplicates:
        drops.append(Drop("exact duplicates of an earlier row", 0, "off: without times or order every row stands alone"))
    rows.details.clear()
    if clean.max_user_events is not None:
        drops.append(drop_bots(rows, clean.max_user_events))
    if clean.drop_repeats:
        drops.append(drop_repeats(rows))
    item_vocab, rare = refit_rows(rows, items, clean.min_count)
    drops += [rare] if clean.min_count > 1 else []
    user_vocab = users_left(rows, users)
    return (item_vocab, user_vocab), DropReport(before, len(rows), tuple(drops))
