"""Prepared: the inputs of a fit, read once: events or a ready graph, the catalogue, and what was dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.evaluate.data import DataSettings, TrainData
from cowalk.learn.engines import NETWORKS
from cowalk.prepare import (
    as_undirected,
    encode_side_info,
    graph_from_networkx,
    graph_from_scipy,
    graph_health,
    item_graph,
    read_edges,
    read_events,
    read_items,
    sessionize,
)
from cowalk.prepare.report import DropReport
from cowalk.prepare.settings import SideSettings
from cowalk.settings import Recipe
from cowalk.tables import Catalogue, Events, ItemGraph, SideInfo, Vocab

Say = Callable[[str], None]
"""Told what is being done, in a few words."""


@dataclass
class Prepared:
    """What was read. Either events, or graph and vocab, are there; reports: what each step dropped."""

    recipe: Recipe
    events: Events | None = None
    graph: ItemGraph | None = None
    vocab: Vocab | None = None
    catalogue: Catalogue | None = None
    reports: dict[str, DropReport] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def items(self) -> Vocab:
        """The items of the log or graph."""
        vocab = self.vocab if self.events is None else self.events.item_vocab
        assert vocab is not None
        return vocab

    def settings(self) -> DataSettings:
        """How parts of the log are prepared, all alike."""
        r = self.recipe
        return DataSettings(clean=r.clean, session=r.sessions, graph=r.graph, side=r.side)

    def whole(self) -> TrainData:
        """Everything that was read, ready to be learned from."""
        side = self.side_info()
        settings = self.settings()
        if self.events is None:
            assert self.graph is not None
            return TrainData(self.items, self.graph, None, side, settings)
        sessions, report = sessionize(self.events, self.recipe.sessions, self.recipe.clean)
        self.reports["sessions"] = report
        graph = item_graph(sessions, len(self.items), self.recipe.graph, side)
        return TrainData(self.items, graph, sessions, side, settings, self.events.user_info)

    def side_info(self) -> SideInfo | None:
        """Attributes of the items, fitted on them; DataError where no item of the table is among them."""
        if self.catalogue is None:
            return None
        if len(self.catalogue) and (self.items.find(self.catalogue.ids.ids) < 0).all():
            one, two = (
                self.catalogue.ids.names(np.zeros(1, np.int32))[0],
                self.items.names(np.zeros(1, np.int32))[0],
            )
            raise DataError(
                f"no id of the items table is in the log: {one!r} there, {two!r} here; are ids the same?"
            )
        return encode_side_info(self.catalogue, self.items, self.recipe.side)

    def summary(self) -> dict[str, Any]:
        """The data in figures, for the manifest."""
        out: dict[str, Any] = {**self.sources, "items in vocabulary": len(self.items)}
        if self.events is not None:
            out["events"] = len(self.events)
            out["users"] = len(self.events.user_vocab)
            if self.events.has_times and len(self.events):
                low, high = int(self.events.times.min()), int(self.events.times.max())
                out["from"], out["to"] = _date(low), _date(high)
        if self.catalogue is not None:
            out["items in table"] = len(self.catalogue)
            out["items with attributes"] = int((self.catalogue.ids.find(self.items.ids) >= 0).sum())
        return out


def _date(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[s]")) + "Z"


def read_inputs(events: Any, items: Any, edges: Any, recipe: Recipe, say: Say, users: Any = None) -> Prepared:
    """The inputs of a fit, read and cleaned; UsageError unless there is one of log and graph."""
    if (events is None) == (edges is None):
        raise UsageError(
            "give either events (a log, --events) or edges (a ready graph, --edges)"
            + ("" if events is None else ", not both")
        )
    out = Prepared(recipe)
    digest = blake2b(digest_size=16)
    if events is not None:
        say("reading events")
        out.events, out.reports["events"] = read_events(
            events, recipe.read, recipe.clean, memory_limit=recipe.memory_limit, workers=recipe.workers
        )
        for column in (out.events.users, out.events.items, out.events.times, out.events.weights):
            digest.update(np.ascontiguousarray(column).data)
        out.sources["events source"] = named(events)
    else:
        say("reading edges")
        out.graph, out.vocab = _graph(edges, recipe)
        for column in (out.graph.offsets, out.graph.targets, out.graph.weights):
            digest.update(np.ascontiguousarray(column).data)
        out.sources["edges source"] = named(edges)
    digest.update(out.items.fingerprint.encode())
    if items is not None:
        say("reading items")
        out.catalogue = read_catalogue(items, recipe)
        out.sources["items source"] = named(items)
        _digest_catalogue(digest, out.catalogue)
    if users is not None:
        say("reading users")
        _read_users(out, users, recipe, digest)
    out.fingerprint = digest.hexdigest()
    return out


def _read_users(out: Prepared, users: Any, recipe: Recipe, digest: Any) -> None:
    """Put what is known of the users beside the events; kinds of fields are guessed."""
    if out.events is None or recipe.read.user_column is None:
        raise UsageError("a users table goes with events that have a user column (--events, --user-column)")
    if recipe.engine not in NETWORKS:
        raise UsageError(
            f"a users table is read by engines {' and '.join(NETWORKS)}, not by {recipe.engine}; leave it out"
        )
    settings = SideSettings(buckets=recipe.side.buckets, min_value_count=recipe.side.min_value_count)
    table = users
    if not isinstance(users, Catalogue):
        column = recipe.read.user_column
        table = read_items(users, settings, item_column=column, memory_limit=recipe.memory_limit)
    known = out.events.user_vocab
    if not table.fields:
        raise DataError("the users table has no attributes beside the ids; leave it out, or add some")
    if len(table) and (known.find(table.ids.ids) < 0).all():
        raise DataError("no id of the users table is in the log; are the ids the same?")
    out.events = replace(out.events, user_info=encode_side_info(table, known, settings))
    out.sources["users source"] = named(users)
    _digest_catalogue(digest, table)


def read_catalogue(items: Any, recipe: Recipe) -> Catalogue:
    """The items table, as it is or read by the recipe."""
    if isinstance(items, Catalogue):
        return items
    return read_items(
        items, recipe.side, item_column=recipe.read.item_column, memory_limit=recipe.memory_limit
    )


def _digest_catalogue(digest: Any, catalogue: Catalogue) -> None:
    digest.update(catalogue.ids.fingerprint.encode())
    for raw in catalogue.fields:
        digest.update(f"{raw.name}/{raw.kind}".encode())
        for column in (raw.offsets, raw.codes, raw.numbers):
            if column is not None:
                digest.update(np.ascontiguousarray(column).data)


def _graph(edges: Any, recipe: Recipe) -> tuple[ItemGraph, Vocab]:
    """A ready graph from a table of edges, networkx or scipy, told apart without importing either."""
    if isinstance(edges, tuple) and len(edges) == 2 and isinstance(edges[0], ItemGraph):
        return edges[0], edges[1]
    if hasattr(edges, "tocsr"):
        return _undirected(graph_from_scipy(edges), recipe)
    if hasattr(edges, "adjacency") and hasattr(edges, "nodes"):
        made = graph_from_networkx(edges)  # an undirected one goes both ways already
        return _undirected(made, recipe) if edges.is_directed() else made
    names = recipe.edges
    return read_edges(
        edges,
        source_column=names.source_column,
        target_column=names.target_column,
        weight_column=names.weight_column,
        undirected=names.undirected,
    )


def _undirected(made: tuple[ItemGraph, Vocab], recipe: Recipe) -> tuple[ItemGraph, Vocab]:
    """The graph with every edge's reverse, where the recipe asks for it."""
    return (as_undirected(made[0]), made[1]) if recipe.edges.undirected else made


def named(source: Any) -> Any:
    """How the manifest names a source: paths in full, tables in memory by their type."""
    if isinstance(source, str | Path):
        return str(Path(source).expanduser().resolve())
    if isinstance(source, list | tuple) and all(isinstance(one, str | Path) for one in source):
        return [str(Path(one).expanduser().resolve()) for one in source]
    return f"<{type(source).__module__.split('.')[0]} {type(source).__name__}>"


def health(train: TrainData) -> dict[str, Any]:
    """The graph's health, for the manifest, hubs by their ids."""
    found = graph_health(train.graph)
    out = dict(found.to_json())
    out["lines"] = found.lines(train.vocab)
    return out
