"""fit: from a log (or a graph) and a table of items to a Model; the stages in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.choosing import Inside, choose_settings, method_of
from cowalk.errors import DataError
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.vectors import FittedVectors
from cowalk.learn import Learned, LearnSettings
from cowalk.learn.engines import learned_from
from cowalk.model import Model
from cowalk.model.item_names import names_of
from cowalk.prepare import encode_items
from cowalk.prepared import Prepared, health, read_inputs
from cowalk.recall import cooccurrence_lists
from cowalk.settings import Recipe, load_recipe
from cowalk.tables import SideInfo, Vocab
from cowalk.tables.folder import check_target
from cowalk.updates.probe import probe_of
from cowalk.users.tower import tower_of
from cowalk.work import Work

Progress = Callable[[str, float | None], None]
"""Told what is being done, and the share of it that is done (None = not known)."""


def fit(
    events: Any = None,
    *,
    items: Any = None,
    edges: Any = None,
    users: Any = None,
    recipe: str | Path | Recipe | Mapping[str, Any] = "eges",
    seed: int | None = None,
    workers: int | None = None,
    vector_size: int | None = None,
    memory_limit: str | None = None,
    refit: bool = True,
    out: str | Path | None = None,
    progress: Progress | None = None,
    **overrides: Any,
) -> Model:
    """A model of everything given, with the scorer that a validation part inside the data chose.

    events: a log as a path, a glob, pandas, polars or Arrow; or edges: a ready graph as a table, networkx or
    scipy. items: what the items are; users: who the users are, for the networks
    that look at them. recipe: a preset, a TOML file, a Recipe or a table; `overrides` change
    it by `stage__name` or by a name that one stage has (window=3, p=0.5). refit=False keeps the model of the
    training part. With `out` the model is saved there, and an interrupted fit goes on when called again.
    """
    given = {"seed": seed, "workers": workers, "vector_size": vector_size, "memory_limit": memory_limit}
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {name.replace("__", "."): value for name, value in overrides.items()}
    chosen = load_recipe(recipe, changes)
    folder = None if out is None else Path(out)
    if folder is not None:
        check_target(folder)
    tell = progress or (lambda words, share: None)
    prepared = read_inputs(events, items, edges, chosen, lambda words: tell(words, None), users)
    return _Fit(prepared, refit, folder, tell).run()


class _Fit:
    """One fit, and the folder in which it keeps what is done so far."""

    def __init__(self, prepared: Prepared, refit: bool, out: Path | None, tell: Progress) -> None:
        self.prepared, self.recipe, self.refit, self.out, self.tell = (
            prepared,
            prepared.recipe,
            refit,
            out,
            tell,
        )
        self.work = Work(out, self.recipe, f"{prepared.fingerprint} {refit}")
        if self.work.resumed:
            tell("going on where an earlier run of this fit stopped", None)

    def run(self) -> Model:
        """Choose, learn, save; an error forgets what was done, an interruption keeps it."""
        with self.work.kept():
            model = self._model()
            if self.out is not None:
                self.tell("saving", None)
                model.save(self.out)
        return model

    def _model(self) -> Model:
        prepared, fitted = self.prepared, None
        chosen: dict[str, Any] = {}
        if prepared.events is not None and self.recipe.trials > 0:
            chosen, fitted = self._choose()
            self.recipe = self.recipe.changed(chosen.get("changes", {}))
        elif not self.refit:
            raise DataError(
                "without a refit there must be something to choose: give events and trials above 0"
            )
        if fitted is not None and not self.refit:
            return self._assemble(fitted.train, fitted.learned, fitted.cold_learned, chosen)
        train = prepared.whole()
        learned = self._learn(train, self.recipe.learn, "learning")
        second = self.recipe.learn_for_cold
        cold = None if second is None else self._learn(train, second, "learning for cold items")
        return self._assemble(train, learned, cold, chosen)

    def _choose(self) -> tuple[dict[str, Any], FittedVectors | None]:
        """What is chosen, kept for a later run; and the fit it was chosen on, if that is wanted."""
        made: list[FittedVectors] = []

        def make() -> dict[str, Any]:
            try:
                inside = Inside(self.prepared, hide=self.refit)
                made.append(self._fit_inside(inside))
                self.tell("choosing how histories are scored", None)
                return choose_settings(inside, made[0])
            except DataError as error:
                if not self.refit:
                    raise
                return {"changes": {}, "figures": {"kept the recipe's settings": str(error)}}

        chosen = self.work.once("chosen", make)
        if not made and not self.refit:
            made.append(self._fit_inside(Inside(self.prepared, hide=False)))
        return chosen, made[0] if made and not self.refit else None

    def _fit_inside(self, inside: Inside) -> FittedVectors:
        learned = self._learn(inside.train, self.recipe.learn, "learning on the training part")
        second = self.recipe.learn_for_cold
        words = "learning for cold items on the training part"
        cold = None if second is None else self._learn(inside.train, second, words)
        return FittedVectors(method_of(self.recipe), inside.train, learned, cold)

    def _learn(self, train: TrainData, settings: LearnSettings, words: str) -> Learned:
        self.tell(words, 0.0)
        return learned_from(
            train, self.recipe.stages.with_learn(settings),
            seed=self.recipe.seed, workers=self.recipe.workers,
            progress=lambda share, told: self.tell(f"{words}: {told}", share),
            checkpoint=self.work.checkpoint(words.replace(" ", "-")),
        )  # fmt: skip

    def _assemble(
        self, train: TrainData, learned: Learned, cold_learned: Learned | None, chosen: dict[str, Any]
    ) -> Model:
        lists = None
        if train.sessions is not None and self.recipe.recommend.cooccurrence > 0:
            self.tell("counting co-occurrences", None)
            n, settings = len(train.vocab), self.recipe.cooccurrence
            lists = cooccurrence_lists(train.sessions, n, settings, workers=self.recipe.workers)
        cold_vocab, cold_info = self._cold_items(train)
        events = self.prepared.events
        probe = None if events is None else probe_of(events, train.vocab, seed=self.recipe.seed)
        manifest = {
            "data": self.prepared.summary(),
            "fingerprints": {"data": self.prepared.fingerprint},
            "fitted on": "everything" if self.refit else "the training part",
            "dropped": {name: report.to_json() for name, report in self.prepared.reports.items()},
            "graph": health(train),
            "notes": list(dict.fromkeys([*learned.notes, *(cold_learned.notes if cold_learned else ())])),
            "chosen": chosen,
            "metrics": chosen.get("figures", {}),
        }
        return Model(
            self.recipe,
            train.vocab,
            learned,
            train.side_info,
            lists,
            cold_learned,
            cold_vocab,
            cold_info,
            probe,
            manifest,
            self._users(learned),
            names=names_of(self.prepared.catalogue, (train.vocab, cold_vocab), {}),
        )

    def _users(self, learned: Learned) -> Vocab | None:
        """The users of whom the engine learned rows; a row stands for each user code up to the last."""
        if self.prepared.events is None:
            return None
        users = self.prepared.events.user_vocab
        tower = tower_of(learned.extra)
        if tower is not None and len(tower.people):
            return users
        if "users" not in learned.extra:
            return None
        return users.select(np.arange(len(learned.extra["users"])))

    def _cold_items(self, train: TrainData) -> tuple[Vocab | None, SideInfo | None]:
        """Items of the items table that the log does not hold, by the codes that were fitted."""
        catalogue = self.prepared.catalogue
        if catalogue is None or train.side_info is None:
            return None, None
        rows = (train.vocab.find(catalogue.ids.ids) < 0).nonzero()[0]
        if not len(rows):
            return None, None
        vocab = Vocab.of(catalogue.ids.ids[rows])
        fields, _ = encode_items(train.side_info, catalogue.align(vocab))
        return vocab, SideInfo(vocab.fingerprint, fields)
