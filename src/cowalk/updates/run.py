"""update: new events and items into a model, without the old log; judged, bounded, published whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.model import Model, load, unknown_values
from cowalk.model.item_names import names_of
from cowalk.prepare import item_graph, sessionize
from cowalk.prepared import named
from cowalk.settings import Recipe
from cowalk.tables import Events
from cowalk.tables.folder import check_target
from cowalk.types import AnyArray
from cowalk.update_settings import UpdateSettings
from cowalk.updates.grown import grow, read_new
from cowalk.updates.judged import Verdict, judge_update, newest_part
from cowalk.updates.state import State
from cowalk.updates.warm import places_by_attributes
from cowalk.work import Work

Progress = Callable[[str, float | None], None]
OPEN = ("update", "read", "workers", "memory_limit", "seed")  # what an update may change of the recipe


def update(
    model: Model | str | Path,
    events: Any,
    *,
    items: Any = None,
    mode: str | None = None,
    out: str | Path | None = None,
    max_drift: float | None = None,
    seed: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Model:
    """The model after it has learned from new events, with its new items behind the old ones.

    events: what happened since the model's last event, as `fit` takes a log. items: what the new items are.
    mode: frozen (old rows do not move), anchored (they are pulled back) or free (they move and are turned
    back); the recipe's `update` stage says the rest, changed by `overrides` (update__passes=2). The drift
    report stands in `manifest["updates"][-1]`. With `out` the model is saved there (a new version, the old
    one is kept), and an interrupted update goes on when called again. DataError, and nothing is changed,
    where old items would move by more than `max_drift`.
    """
    model = model if isinstance(model, Model) else load(model)
    given = {"update.mode": mode, "update.max_drift": max_drift, "seed": seed, "workers": workers}
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {name.replace("__", "."): value for name, value in overrides.items()}
    recipe = model.recipe.changed(changes)
    _check(model, recipe)
    folder = None if out is None else Path(out)
    if folder is not None:
        check_target(folder)
    tell = progress or (lambda words, share: None)
    return _Update(model, recipe, events, items, folder, tell).run()


def _check(model: Model, recipe: Recipe) -> None:
    """UsageError where the model cannot be updated, or where the changes ask for another recipe."""
    for name in Recipe.model_fields:
        if name not in OPEN and getattr(recipe, name) != getattr(model.recipe, name):
            raise UsageError(
                f"an update keeps the recipe of the model, but {name} differs; "
                f"only {', '.join(OPEN)} may be changed; to change {name} fit again"
            )
    if recipe.engine != "skip-gram":
        raise UsageError(f"a model of engine {recipe.engine} cannot be updated; fit again with all events")
    if not model.learned.contexts.size:
        raise UsageError(
            f"a model learned by {recipe.learn.objective} has no context rows to go on from; "
            "fit again with all events, or with learn.objective=negative-sampling"
        )
    if "edges source" in model.manifest.get("data", {}):
        raise UsageError("the model was fitted on a ready graph; events cannot update it, fit again")


class _Update:
    """One update, and the folder in which it keeps what is done so far."""

    def __init__(
        self, model: Model, recipe: Recipe, events: Any, items: Any, out: Path | None, tell: Progress
    ) -> None:
        self.model, self.recipe, self.out, self.tell = model, recipe, out, tell
        self.settings: UpdateSettings = recipe.update
        tell("reading new events", None)
        found, report = read_new(events, replace(model, recipe=recipe), self.settings)
        self.source = named(events)
        self.digest = _digest(model, found)
        self.catalogue = catalogue = None
        if items is not None:
            if model.side_info is None:
                raise UsageError(
                    "the model was fitted without items, so it knows no attributes; leave items out"
                )
            self.catalogue = catalogue = model.read_items(items)
        self.grown = grow(model, found, report, catalogue, self.settings.keep_past)
        self.places = places_by_attributes(model, self.grown.side_info, self.settings.warm_start)
        self.work = Work(out, recipe, f"update {self.digest}")
        if self.work.resumed:
            tell("going on where an earlier run of this update stopped", None)

    def run(self) -> Model:
        """Judge, learn, compare with the bound, save; an error forgets what was done."""
        with self.work.kept():
            model = self._model()
            if self.out is not None:
                self.tell("saving", None)
                model.save(self.out)
        return model

    def _model(self) -> Model:
        events, part = self.grown.events, newest_part(self.grown.events, self.settings.judged)
        judged, notes = None, unknown_values(self.grown.unknown)
        if part.any():
            try:
                judged = self._learned(events.select(~part), "learning on all but the newest events")
            except DataError as error:  # too few events to part: learned all the same, unjudged
                notes.append(f"too few new events to hold some out: {error}")
        state = self._learned(events, "learning from the new events")
        self.tell("comparing old and new", None)
        verdict = judge_update(self.model, self.grown, state, judged, part, self.recipe.seed)
        verdict.notes.extend((*notes, *_carried(self.model)))
        self._bound(verdict)
        model = state.model(self.model, self.grown, self._manifest(verdict))
        names = names_of(self.catalogue, (model.vocab, model.cold_vocab), self.model.names_by_id)
        model = replace(model, names=names)
        for purpose, carried in self.model.indexes.items():
            self.tell(f"building the index for {purpose} again", None)
            model = model.with_same_index(purpose, carried, self.recipe.workers)
        return model

    def _learned(self, events: Events, words: str) -> State:
        """Counts, lists and both sets of rows after these events."""
        recipe, grown = self.recipe, self.grown
        sessions, _ = sessionize(events, recipe.sessions, recipe.clean)
        graph_by = recipe.graph.model_copy(update={"content_fields": (), "content_strength": 0.0})
        graph = item_graph(sessions, len(grown.past), graph_by, grown.side_info)
        return State.after(
            self.model, grown, events, sessions, graph, recipe, self.places,
            lambda name, share, told: self.tell(f"{words}{name}: {told}", share),
            self.work.checkpoint(words.replace(" ", "-")),
        )  # fmt: skip

    def _bound(self, verdict: Verdict) -> None:
        """DataError where old items moved further than is allowed."""
        moved, most = verdict.moved, self.settings.max_drift
        if moved > most:
            raise DataError(
                f"the update moves old items by {moved:.3g} (1 - mean cosine of old and new vectors), above "
                f"the bound {most:g}; nothing was changed. Use --mode anchored or frozen, fit again, or let "
                f"it pass with --max-drift {min(moved * 1.1 + 0.01, 2.0):.2f}"
            )

    def _manifest(self, verdict: Verdict) -> dict[str, Any]:
        """The model's manifest with this update at the end of `updates`."""
        old, grown = self.model.manifest, self.grown
        told = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings": self.settings.model_dump(mode="json"),
            "events source": self.source,
            "events": len(grown.events),
            "users": len(np.unique(grown.events.users[grown.events.users >= 0])),
            "new items": len(grown.past) - grown.known,
            "dropped": grown.report.to_json(),
            **verdict.to_json(),
        }
        data = dict(old.get("data", {}))
        data["events"] = int(data.get("events", 0)) + len(grown.events)
        data["items in vocabulary"] = len(grown.past)
        if grown.events.has_times:
            low, high = int(grown.events.times.min()), int(grown.events.times.max())
            told["from"], told["to"] = _date(low), _date(high)
            data["to"] = max(str(data.get("to", "")), _date(high))
        return {
            **old,
            "data": data,
            "fingerprints": {**old.get("fingerprints", {}), "data": self.digest},
            "updates": [*old.get("updates", []), told],
        }


def _carried(model: Model) -> list[str]:
    """What becomes of what the model carries beside its vectors."""
    told = []
    if model.indexes:
        told.append(f"built again: the index for {' and for '.join(model.indexes)}")
    if model.map is not None:
        told.append("the map is dropped, for the vectors have moved; `cowalk index` draws it anew")
    return told


def _date(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[s]")) + "Z"


def _digest(model: Model, events: Events) -> str:
    """32 hex digits that name the model's data, the new events and the update of this model by them."""
    digest = blake2b(digest_size=16)
    digest.update(str(model.manifest.get("fingerprints", {}).get("data")).encode())
    digest.update(str(model.manifest.get("checksum")).encode())
    digest.update(events.item_vocab.fingerprint.encode())
    columns: list[AnyArray] = [events.users, events.items, events.times, events.weights]
    for column in columns:
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()
