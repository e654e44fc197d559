"""The vocabulary of a selection of events: its items, most frequent first, ties by id."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cowalk.prepare.report import Drop, DropReport
from cowalk.prepare.rows import Rows
from cowalk.tables.events import Events
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray, Ids, Offsets


def frequent_first(ids: AnyArray, counts: Offsets, min_count: int = 1) -> AnyArray:
    """The rows with at least `min_count` (and at least 1), by falling count, ties by rising id."""
    rows = np.flatnonzero(counts >= max(min_count, 1))
    rows = rows[np.argsort(ids[rows], kind="stable")]
    ranked: AnyArray = rows[np.argsort(-counts[rows], kind="stable")]
    return ranked


def renumber(n: int, rows: AnyArray) -> Ids:
    """int32[n]: the new number of each old row, -1 where it is gone."""
    table = np.full(n, -1, dtype=np.int32)
    table[rows] = np.arange(len(rows), dtype=np.int32)
    return table


def refit_rows(rows: Rows, vocab: Vocab, min_count: int) -> tuple[Vocab, Drop]:
    """The vocabulary of these rows; rows of rarer items are dropped and the others renumbered in place."""
    counts = np.bincount(rows.items, minlength=len(vocab)).astype(np.int64)
    kept = frequent_first(vocab.ids, counts, min_count)
    rare = int(np.count_nonzero(counts) - len(kept))
    dropped = int(len(rows) - counts[kept].sum())
    rows.items = renumber(len(vocab), kept)[rows.items]
    rows.keep(rows.items >= 0)
    drop = Drop(f"items with fewer than {min_count:,} events", dropped, f"{rare:,} items")
    return vocab.select(kept, counts[kept]), drop


def refit_vocab(events: Events, min_count: int = 1) -> tuple[Events, DropReport]:
    """The events under the vocabulary of their own items, most frequent first, ties by id; counts are of
    these events.

    Events of items seen fewer than `min_count` times are dropped. Users keep their rows and get new counts,
    so that the users of two parts of a log stay comparable.
    """
    places = np.arange(len(events)) if events.columns else None
    rows = Rows(events.users, events.items, events.times, events.weights, events.sessions, places)
    vocab, drop = refit_rows(rows, events.item_vocab, min_count)
    counts = np.bincount(rows.users[rows.users >= 0], minlength=len(events.user_vocab)).astype(np.int64)
    users = Vocab(events.user_vocab.ids, counts)
    fitted = replace(
        events,
        users=rows.users,
        items=rows.items,
        times=rows.times,
        weights=rows.weights,
        sessions=rows.sessions,
        item_vocab=vocab,
        user_vocab=users,
        columns=tuple(field.take(rows.places) for field in events.columns if rows.places is not None),
    )
    return fitted, DropReport(len(events), len(fitted), (drop,))


def users_left(rows: Rows, vocab: Vocab) -> Vocab:
    """The users that still have events, by rising id, with their counts; the rows are renumbered in place."""
    known = rows.users >= 0
    all_known = bool(known.all())
    counts = np.bincount(rows.users if all_known else rows.users[known], minlength=len(vocab)).astype(
        np.int64
    )
    kept = np.flatnonzero(counts)
    if len(kept) < len(vocab):
        table = np.append(renumber(len(vocab), kept), np.int32(-1))  # the last place is where -1 points
        rows.users = table[rows.users]
    return vocab.select(kept, counts[kept])
