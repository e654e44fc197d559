"""State: what an update makes of some of the new events: counts, lists, and both sets of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cowalk.learn import Learned, LearnSettings
from cowalk.learn.sets import rows_for
from cowalk.model import Model
from cowalk.recall import CooccurrenceLists, lists_of_part, merged_lists
from cowalk.recommend import Recommender
from cowalk.settings import Recipe
from cowalk.tables import Events, ItemGraph, Sessions, Vocab
from cowalk.updates.grown import Grown
from cowalk.updates.moving import Course
from cowalk.updates.probe import mixed, probe_of
from cowalk.updates.warm import Places, started

Tell = Callable[[str, float, str], None]
"""Told which set of rows, the share done, a few words."""


@dataclass(frozen=True)
class State:
    """Everything of a model that new events change, over the grown vocabulary."""

    vocab: Vocab
    learned: Learned
    cold_learned: Learned | None
    lists: CooccurrenceLists | None
    recipe: Recipe

    @classmethod
    def after(
        cls, model: Model, grown: Grown, events: Events, sessions: Sessions, graph: ItemGraph, recipe: Recipe,
        places: tuple[Places, Places | None], tell: Tell, at: Path | None,
    ) -> State:  # fmt: skip
        """Both sets learned on from where the model's rows stand, new items from where they may start."""
        vocab = grown.vocab(events)
        fresh = lists_of_part(sessions, len(vocab), recipe.cooccurrence, recipe.workers)
        lists = None
        if model.lists is not None:
            keep = recipe.update.keep_past
            lists = merged_lists(model.lists, fresh, vocab.counts, recipe.cooccurrence, keep, recipe.workers)
        course = Course(
            graph, sessions, vocab, grown.side_info, recipe.walks, grown.known, recipe.seed, recipe.workers,
            recipe.update,
        )  # fmt: skip

        how = recipe.update.warm_start

        def run(old: Learned, learn_by: LearnSettings, place: Places | None, name: str) -> Learned:
            start = started(old, learn_by, vocab, grown.side_info, fresh, place, how)
            told = lambda share, words: tell(name, share, words)  # noqa: E731
            return course.learned(
                start, learn_by, told, None if at is None else at / (name.strip() or "first")
            )

        second = recipe.learn_for_cold
        cold = None
        if model.cold_learned is not None and second is not None:
            cold = run(model.cold_learned, second, places[1], " for cold items")
        return cls(vocab, run(model.learned, recipe.learn, places[0], ""), cold, lists, recipe)

    @property
    def recommender(self) -> Recommender:
        """The scorer of histories with the settings that fit chose."""
        rows = rows_for(self.learned, self.cold_learned, self.recipe.recommend.rows)
        return Recommender(rows.vectors, rows.contexts, self.vocab.counts, self.lists, self.recipe.recommend)

    def model(self, old: Model, grown: Grown, manifest: dict[str, Any]) -> Model:
        """The updated model; its recipe is the old one's, for changes hold for one update."""
        share = len(grown.events) / max(int(self.vocab.counts.sum()), 1)
        seed = self.recipe.seed
        cold_vocab, cold_info = grown.cold or (None, None)
        return replace(
            old,
            vocab=self.vocab,
            learned=self.learned,
            cold_learned=self.cold_learned,
            lists=self.lists,
            side_info=grown.side_info,
            cold_vocab=cold_vocab,
            cold_info=cold_info,
            probe=mixed(old.probe, probe_of(grown.events, self.vocab, seed=seed), share, seed),
            manifest=manifest,
            names=None,  # `_Update` tells those of the grown items
            indexes={},
            map=None,  # its places are those of the old vectors
        )
