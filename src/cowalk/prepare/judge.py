"""The rules on single rows, in SQL: how many rows each one drops, and the others with ids as codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cowalk.errors import DataError, UsageError
from cowalk.prepare.columns import Typed, check_weights, id_column, number_column, order_column, time_column
from cowalk.prepare.database import Database, literal
from cowalk.prepare.report import Drop, DropReport, Fact
from cowalk.prepare.settings import CleanSettings, ReadSettings
from cowalk.prepare.sources import Loaded

# What stands for a null order: it sorts last.
LAST = {"BIGINT": "9223372036854775807", "DOUBLE": "1.7976931348623157e308", "VARCHAR": "2147483647"}


@dataclass(frozen=True)
class Rule:
    """A rule of cleaning on single rows: the SQL condition that a bad row meets."""

    label: str
    condition: str
    note: str = ""


def micros(text: str | None) -> int | None:
    """Microseconds UTC of an ISO date or time; UsageError where it cannot be read."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"time {text!r} cannot be read; write it as 2011-01-31 or 2011-01-31T10:00"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def used_columns(settings: ReadSettings, clean: CleanSettings) -> list[str]:
    """The columns that are used, each once."""
    names = [settings.item_column, settings.user_column, settings.time_column, settings.session_column]
    names += [settings.order_column, settings.event_column, settings.weight_column]
    names += [settings.dwell_column if clean.min_dwell is not None else None]
    return list(dict.fromkeys(one for one in names if one is not None))


def judge(
    db: Database, loaded: Loaded, settings: ReadSettings, clean: CleanSettings, label: str
) -> tuple[DropReport, list[str]]:
    """The table `coded` of the rows that break no rule, the report of the others, and the detail columns in
    use."""
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
    dwell = None
    if settings.dwell_column is not None and clean.min_dwell is not None:
        dwell = number_column(db, loaded, settings.dwell_column)
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
    """The weight of an event: of its type, of the weight column, or their product; DataError where one is
    off."""
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


def _rules(settings: ReadSettings, clean: CleanSettings, time: Typed | None) -> list[Rule]:
    """The rules on single rows, in the order in which they are tried; a row falls to the first that it
    breaks."""
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
            note = (
                f"outside {clean.min_time or '...'} to {clean.max_time or '...'}; times read as {time.fact}"
            )
            rules.append(Rule("impossible time", " OR ".join(bounds), note))
    if settings.event_column:
        known = ", ".join(f"{kind}={weight:g}" for kind, weight in settings.event_weights.items())
        rules.append(Rule("event type without a weight", "kind IS NULL OR kind < 0", f"weights are {known}"))
    if settings.weight_column:
        rules.append(Rule("weight 0", "weight = 0", f"column {settings.weight_column!r}"))
    if clean.min_dwell is not None:
        rules.append(
            Rule(f"dwell below {clean.min_dwell:g} s", f"dwell >= 0 AND dwell < {clean.min_dwell!r}")
        )
    return rules


def _count_drops(db: Database, rules: list[Rule], facts: list[tuple[str, Fact]]) -> DropReport:
    """The report of the rules on single rows."""
    found = {
        int(str(rule)): int(str(n)) for rule, n in db.rows("SELECT rule, count(*) FROM judged GROUP BY rule")
    }
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
