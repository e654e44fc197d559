"""Making the probe of a log, mixing it with that of newer events, and asking its questions."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.protocols.next_item import next_item_queries
from cowalk.evaluate.queries import NextItemQueries
from cowalk.evaluate.ragged import slices
from cowalk.seeds import generator
from cowalk.tables import Events, Vocab
from cowalk.tables.probe import Probe
from cowalk.types import AnyArray

MOST = 1000  # queries
LATEST = 50  # items of each history that are kept


def questions(probe: Probe, n_items: int) -> NextItemQueries:
    """The queries of judging over a vocabulary of n_items, each in a group of its own."""
    times = probe.times if len(probe.times) == len(probe.items) else None
    groups = np.arange(len(probe), dtype=np.int64)
    return NextItemQueries(probe.items, probe.offsets, probe.targets, groups, n_items, times)


def probe_of(events: Events, vocab: Vocab, part: AnyArray | None = None, seed: int = 0) -> Probe | None:
    """At most MOST queries on the events (of `part`, bool[N]), one an owner; None where there are none."""
    part = np.ones(len(events), dtype=bool) if part is None else part
    try:
        found, _ = next_item_queries(events, part, vocab, per_owner=1, seed=seed, name="probe")
    except DataError:
        return None
    return _part(found, drawn(len(found), MOST, seed))


def mixed(old: Probe | None, new: Probe | None, share: float, seed: int = 0) -> Probe | None:
    """A probe of the whole log, of which the new part is this share of all events."""
    if old is None or new is None:
        return old or new
    most = min(MOST, len(old) + len(new))
    of_new = min(len(new), max(round(most * share), most - len(old)))
    n = int(max(old.items.max(), old.targets.max(), new.items.max(), new.targets.max())) + 1
    parts = [
        _part(questions(old, n), drawn(len(old), most - of_new, seed)),
        _part(questions(new, n), drawn(len(new), of_new, seed)),
    ]
    items, targets = (np.concatenate([getattr(p, name) for p in parts]) for name in ("items", "targets"))
    lengths = np.concatenate([np.diff(p.offsets) for p in parts])
    timed = all(len(p.times) == len(p.items) for p in parts)
    times = np.concatenate([p.times for p in parts]) if timed else np.zeros(0, dtype=np.int64)
    return Probe(items, np.append(0, np.cumsum(lengths)).astype(np.int64), targets, times)


def drawn(n: int, most: int, seed: int) -> AnyArray:
    """At most `most` of n rows, in rising order."""
    if n <= most:
        return np.arange(n)
    return np.sort(generator(seed, "probe").permutation(n)[:most])


def _part(queries: NextItemQueries, rows: AnyArray) -> Probe:
    """The queries `rows`, each history cut to its LATEST items."""
    stops = queries.offsets[1:][rows]
    offsets, at = slices(np.maximum(queries.offsets[:-1][rows], stops - LATEST), stops)
    times = np.zeros(0, dtype=np.int64) if queries.times is None else queries.times[at]
    return Probe(queries.items[at], offsets, queries.targets[rows], times)
