"""Files or tables -> Events: typed, cleaned with a drop report, ids as codes, sorted; in SQL on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.prepare.context import as_detail, read_context
from cowalk.prepare.database import Database, database
from cowalk.prepare.judge import judge, micros, used_columns
from cowalk.prepare.report import Drop, DropReport
from cowalk.prepare.rows import Rows, drop_bots, drop_duplicates, drop_repeats
from cowalk.prepare.settings import CleanSettings, ReadSettings
from cowalk.prepare.sources import label_of, load
from cowalk.prepare.vocabulary import refit_rows, users_left
from cowalk.tables.catalogue import Kind
from cowalk.tables.events import Events
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray


def read_events(
    source: Any,
    settings: ReadSettings | None = None,
    clean: CleanSettings | None = None,
    *,
    memory_limit: str | int = "4GB",
    workers: int | None = None,
    progress: bool = False,
    context: Sequence[str] = (),
    kinds: Mapping[str, Kind] | None = None,
) -> tuple[Events, DropReport]:
    """The events of a log, sorted by (user or session, time, order, file and row), and what cleaning dropped.

    `source` is a path, a folder, a glob or a list of these (Parquet, CSV, JSON lines, also .gz), or a pandas,
    polars or Arrow table. The rules apply once each, in the order of the report: rules on single rows, exact
    duplicates, bots, repeats, and last `min_count`. DuckDB sorts under half of `memory_limit`, spilling to a
    temporary folder. context: further columns, kept as `Events.columns`; kinds: categorical or numeric, by
    name, where the guess is not wanted. UsageError for settings that do not go together; DataError for what
    is wrong with the data.
    """
    settings, clean = settings or ReadSettings(), clean or CleanSettings()
    _check(settings, clean)
    label = label_of(source)
    with ExitStack() as stack:
        say = _narrator(stack, progress)
        db = stack.enter_context(database(label, memory_limit, workers))
        say("reading")
        loaded = load(db, source, [*used_columns(settings, clean), *context])
        if db.count(loaded.table) == 0:
            raise DataError(f"{label} is empty: it has no rows")
        columns = read_context(db, loaded, context, kinds or {})
        report, details = judge(db, loaded, settings, clean, label)
        say("sorting")
        wanted = ["usr", "sess", "item", "tim", "weight", *(["seq"] if columns else []), *details]
        db.run("sorted", columns=", ".join(wanted))
        db.connection.execute("DROP TABLE coded")
        rows = _fetch(db, settings, details, with_places=bool(columns))
        items, users = db.ids("item_ids"), db.ids("user_ids")
    item_vocab, user_vocab = Vocab.of(items), Vocab.of(users)
    del items, users
    if rows.places is not None:
        rows.details += [as_detail(field, rows.places) for field in columns]
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
            columns=tuple(field.take(rows.places) for field in columns if rows.places is not None),
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


def _fetch(db: Database, settings: ReadSettings, details: list[str], *, with_places: bool) -> Rows:
    """The table `sorted` as arrays; a column that is the same everywhere is never fetched."""
    db.connection.execute(
        "SET memory_limit = '200MB'"
    )  # what it holds of the table now belongs to the arrays
    n = db.count("sorted")
    types = db.columns("sorted")
    kinds = {
        "ord": np.float64 if types.get("ord") == "DOUBLE" else np.int64,
        "kind": np.int16,
        "dwell": np.float64,
    }
    more: dict[str, AnyArray] = {one: np.empty(n, dtype=kinds[one]) for one in details}
    weighted = bool(settings.event_column or settings.weight_column)
    rows = Rows(
        users=np.empty(n, dtype=np.int32),
        items=np.empty(n, dtype=np.int32),
        times=np.empty(n, dtype=np.int64) if settings.time_column else np.zeros(n, dtype=np.int64),
        weights=np.empty(n, dtype=np.float32) if weighted else np.ones(n, dtype=np.float32),
        sessions=np.empty(n, dtype=np.int32) if settings.session_column else None,
        places=np.empty(n, dtype=np.int64) if with_places else None,
        details=list(more.values()),
    )
    columns: dict[str, AnyArray] = {"usr": rows.users, "item": rows.items}
    columns |= {"tim": rows.times} if settings.time_column else {}
    columns |= {"weight": rows.weights} if weighted else {}
    columns |= {} if rows.sessions is None else {"sess": rows.sessions}
    columns |= {} if rows.places is None else {"seq": rows.places}
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
        drops.append(
            Drop(
                "exact duplicates of an earlier row", 0, "off: without times or order every row stands alone"
            )
        )
    rows.details.clear()
    if clean.max_user_events is not None:
        drops.append(drop_bots(rows, clean.max_user_events))
    if clean.drop_repeats:
        drops.append(drop_repeats(rows))
    item_vocab, rare = refit_rows(rows, items, clean.min_count)
    drops += [rare] if clean.min_count > 1 else []
    user_vocab = users_left(rows, users)
    return (item_vocab, user_vocab), DropReport(before, len(rows), tuple(drops))
