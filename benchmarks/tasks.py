"""Next-item tasks for timing: a training part, walks made beforehand, validation queries; one H.Z scorer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from common import say
from cowalk.datasets import load, simulate
from cowalk.evaluate import metrics
from cowalk.evaluate.data import DataSettings, TrainData, train_data
from cowalk.evaluate.protocols.next_item import next_item_queries
from cowalk.evaluate.queries import NextItemQueries
from cowalk.learn import WalkSettings
from cowalk.prepare import leave_last, read_events, read_items
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.tables import Catalogue, Events, ItemGraph, Sessions
from cowalk.types import Floats
from cowalk.walk import Walker

SCORER = RecommendSettings(score="HZ", history=3, decay=0.7, popularity=0.0)
MOST_QUERIES = 10_000


@dataclass(frozen=True)
class Task:
    """A training part and what its vectors are judged by."""

    name: str
    train: TrainData
    queries: NextItemQueries

    def recall(self, vectors: Floats, contexts: Floats, k: int = 20) -> float:
        """Validation Recall@k of H.Z over the full catalogue, the same history for every engine."""
        asked = self.queries
        hits = Recommender(vectors, contexts, self.train.vocab.counts, None, SCORER).recommend(
            asked.items, asked.offsets, k, exclude_seen=False
        )
        return float(metrics.recall_at(metrics.target_ranks(hits.ids, asked.targets), k).mean())


def walked(graph: ItemGraph, settings: WalkSettings, seed: int) -> Sessions:
    """The walks of one epoch, made once, as sequences that every engine can be given."""
    walker = Walker(graph, settings, seed)
    nodes = walker.block(0, walker.rows_per_epoch).nodes
    lengths = (nodes >= 0).sum(axis=1)
    return as_sessions(nodes[nodes >= 0], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def as_sessions(items: np.ndarray, offsets: np.ndarray) -> Sessions:
    """Sequences with no users, times and weights to speak of."""
    n = len(offsets) - 1
    return Sessions(
        items, offsets, np.full(n, -1, np.int32), np.zeros(n, np.int64), np.ones(len(items), np.float32)
    )


def corpus(sessions: Sessions, path: Path) -> None:
    """One sequence a line, as gensim's corpus_file reads it."""
    words = sessions.items.astype(str).tolist()
    cuts = sessions.offsets.tolist()
    with path.open("w") as file:
        for start, stop in pairwise(cuts):
            file.write(" ".join(words[start:stop]) + "\n")


def _task(name: str, events: Events, catalogue: Catalogue | None, settings: DataSettings) -> Task:
    split = leave_last(events)
    train = train_data(events.select(split.train), catalogue, settings)
    queries, _ = next_item_queries(
        events, split.validation, train.vocab, per_owner=1, seed=0, name="validation"
    )
    if len(queries) > MOST_QUERIES:
        drawn = np.random.default_rng(0).permutation(len(queries))[:MOST_QUERIES]
        queries = queries.part(np.sort(drawn))
    say(f"{name}: {len(train.vocab):,} items, {train.graph.edges:,} edges, {len(queries):,} queries")
    return Task(name, train, queries)


def beauty() -> Task:
    """Amazon Beauty, leave-last: the event before the last one is asked for; the last one stays unseen."""
    data = load("beauty")
    assert data.events is not None
    assert data.items is not None
    events, _ = read_events(data.events, data.read, data.clean)
    catalogue = read_items(data.items, data.side, item_column=data.read.item_column)
    return _task(
        "beauty", events, catalogue, DataSettings(clean=data.clean, session=data.sessions, side=data.side)
    )


def shop(items: int, events: int, folder: Path, fields: int = 4) -> Task:
    """A simulated shop, leave-last as above; `fields` of its four fields are used."""
    made = simulate(items, events, out=folder, seed=0)
    log, _ = read_events(made.events)
    catalogue = read_items(made.items)
    some = Catalogue(catalogue.ids, catalogue.fields[:fields])
    return _task(f"simulated shop, {items:,} items", log, some, DataSettings())
