"""Whether an update did good: drift of the old items, Recall before and after on old and on new events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.protocols.next_item import next_item_queries
from cowalk.model import Model
from cowalk.prepare import leave_last, split_by_time
from cowalk.tables import Events
from cowalk.types import AnyArray
from cowalk.updates.drift import Drift, drift, recalls
from cowalk.updates.grown import Grown
from cowalk.updates.probe import questions
from cowalk.updates.state import State

PER_OWNER = 10  # queries on the new events that one user may bring


@dataclass(frozen=True)
class Verdict:
    """drift: by set of rows. recall: `old events` (the probe, known to both models) and `new events` (the
    newest part, unknown to both), each for all targets, old items and new items."""

    drift: dict[str, Drift]
    recall: dict[str, dict[str, dict[str, float]]]
    notes: list[str] = field(default_factory=list)

    @property
    def moved(self) -> float:
        """1 - mean cosine of old items, of the set of rows that moved further."""
        return max(one.moved for one in self.drift.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        drifts = {name: one.to_json() for name, one in self.drift.items()}
        return {"drift": drifts, "recall@20": self.recall, "notes": self.notes}


def newest_part(events: Events, share: float) -> AnyArray:
    """bool[N]: the newest share of the events by time; without times each owner's last event."""
    if share == 0 or len(events) < 2:
        return np.zeros(len(events), dtype=bool)
    if not events.has_times:
        return leave_last(events).test
    try:
        return ~split_by_time(events, (1.0 - share, share, 0.0)).train
    except DataError:  # all at one time
        return np.zeros(len(events), dtype=bool)


def judge_update(
    model: Model, grown: Grown, state: State, judged: State | None, part: AnyArray, seed: int
) -> Verdict:
    """The drift of `state`; Recall of `state` on old events, of `judged` on `part`, which it has not seen."""
    known = grown.known
    notes: list[str] = []
    seen = np.bincount(grown.events.items, minlength=len(grown.past))[:known] > 0
    drifts = {"first": drift(model.learned, state.learned, seen, seed)}
    if model.cold_learned is not None and state.cold_learned is not None:
        drifts["second"] = drift(model.cold_learned, state.cold_learned, seen, seed)
    found: dict[str, dict[str, dict[str, float]]] = {}
    if model.probe is not None:
        queries = questions(model.probe, len(grown.past))
        found["old events"] = recalls(model.recommender, state.recommender, queries, known)
    else:
        notes.append("Recall on old events is not known: the model keeps no probe of its log (fit again)")
    if judged is None:
        return Verdict(drifts, found, [*notes, "Recall on new events is not known: none were held out"])
    try:
        queries, _ = next_item_queries(
            grown.events, part, state.vocab, per_owner=PER_OWNER, seed=seed, name="update"
        )
    except DataError as error:
        return Verdict(drifts, found, [*notes, f"Recall on new events is not known: {error}"])
    found["new events"] = recalls(model.recommender, judged.recommender, queries, known)
    return Verdict(drifts, found, notes)
