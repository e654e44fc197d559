"""Recipes and baselines by their names, judged side by side; and a saved model judged again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cowalk.choosing import method_of
from cowalk.errors import DataError, UsageError
from cowalk.evaluate import (
    AttributeNeighbours,
    AttributeOverlap,
    CompareSettings,
    Comparison,
    Extras,
    Fitted,
    ItemCF,
    Method,
    Popularity,
    Random,
    Ridge,
    VectorMethod,
    compare,
)
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.harness import ALL, Protocol
from cowalk.evaluate.methods import Choice, Chosen
from cowalk.evaluate.protocols.next_item import judge_next_item, next_item_queries
from cowalk.evaluate.queries import NextItemQueries
from cowalk.index_loss import index_loss, probe_loss, without_index
from cowalk.model import Model
from cowalk.prepare import read_events
from cowalk.prepared import Prepared, read_inputs
from cowalk.recommend import Recommender
from cowalk.setting_names import did_you_mean
from cowalk.settings import Recipe, load_recipe, recipe_names
from cowalk.tables import Hits, ItemGraph
from cowalk.types import Ids, Offsets

BASELINES: dict[str, Callable[[], Method]] = {
    "popularity": Popularity,
    "item-cf": ItemCF,
    "item-cf+popularity": lambda: ItemCF(popularity=True),
    "attribute-overlap": AttributeOverlap,
    "attribute-neighbours": AttributeNeighbours,
    "ridge-bge": Ridge,
    "random": Random,
}
ALONE = ":vectors"
"""Behind a recipe's name: its vectors are judged alone, without the co-occurrence channel."""
NEED_ITEMS = ("attribute-overlap", "attribute-neighbours", "ridge-bge")


@dataclass
class Verdict:
    """What was judged, on what, and what pictures of it need."""

    comparison: Comparison
    extras: Extras
    facts: dict[str, object]
    notes: list[str] = field(default_factory=list)


def known_methods() -> list[str]:
    """Names of all recipes and baselines."""
    return [*recipe_names(), *BASELINES]


def methods_of(names: Sequence[str], changes: Mapping[str, Any]) -> tuple[list[Method], Recipe]:
    """The methods of these names (a TOML file is a recipe too), and the recipe that prepares the data."""
    methods: list[Method] = []
    first: Recipe | None = None
    for name in dict.fromkeys(names):
        if name in BASELINES:
            methods.append(BASELINES[name]())
            continue
        plain = name.removesuffix(ALONE)
        if plain not in recipe_names() and not plain.endswith(".toml"):
            guess = did_you_mean(plain, known_methods())
            raise UsageError(
                f"no method {plain!r}{guess}; there are {', '.join(known_methods())}, or a TOML file"
            )
        recipe = load_recipe(plain, changes)
        first = first or recipe
        methods.append(named(recipe, recipe.name + (ALONE if name.endswith(ALONE) else "")))
    return methods, first or load_recipe({}, changes)


def named(recipe: Recipe, name: str) -> VectorMethod:
    """The recipe as a method under this name."""
    return replace(method_of(recipe), name=name, lists=not name.endswith(ALONE))


def judge(
    methods: Sequence[Method],
    prepared: Prepared,
    *,
    seeds: Iterable[int] = (1,),
    protocols: Iterable[Protocol] = ALL,
    one_fit: bool = False,
    split: str = "auto",
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """The methods on one data set: next item, cold items, links; all is kept that a report needs."""
    recipe = prepared.recipe
    notes = []
    if prepared.catalogue is None:
        left = [m.name for m in methods if m.name in NEED_ITEMS]
        methods = [m for m in methods if m.name not in NEED_ITEMS]
        if left:
            notes.append(f"left out for lack of an items table: {', '.join(left)}")
    settings = CompareSettings.model_validate(
        {
            "data": prepared.settings(),
            "trials": max(recipe.trials, 1),
            "one_fit": one_fit,
            "next_item": {"split": split},
        }
    )
    extras = Extras()
    graph = None
    if prepared.graph is not None and prepared.vocab is not None:
        graph = (prepared.graph, prepared.vocab)
    comparison = compare(
        methods, prepared.events, prepared.catalogue, graph=graph,
        protocols=tuple(protocols), seeds=tuple(seeds),
        settings=settings, workers=recipe.workers, progress=progress, watch=extras.watch,
    )  # fmt: skip
    return Verdict(comparison, extras, dict(prepared.summary()), notes)


def judge_model(
    model: Model,
    *,
    events: Any = None,
    items: Any = None,
    users: Any = None,
    baselines: bool = True,
    seeds: Iterable[int] = (1,),
    protocols: Iterable[Protocol] = ALL,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """The model's recipe, learned again on the training part of the data that it was fitted on.

    events, items, users: where the data are now, if not where the manifest says. What was chosen at the fit
    is where the choice starts, and it is made again on the validation part.
    """
    data = model.manifest.get("data", {})
    edges = data.get("edges source")
    events = data.get("events source") if events is None else events
    items = data.get("items source") if items is None else items
    users = data.get("users source") if users is None else users
    for kind, source in (("events", events), ("items", items), ("users", users), ("edges", edges)):
        if isinstance(source, str) and source.startswith("<"):
            raise UsageError(f"the model was fitted on a table in memory ({source}); give --{kind}")
    edges = None if events is not None else edges
    prepared = read_inputs(events, items, edges, model.recipe, progress or (lambda words: None), users)
    names = [*BASELINES] if baselines else []
    methods: list[Method] = [
        named(model.recipe, model.recipe.name),
        named(model.recipe, model.recipe.name + ALONE),
    ]
    methods += methods_of(names, {})[0]
    verdict = judge(methods, prepared, seeds=seeds, protocols=protocols, progress=progress)
    verdict.notes.append("judged by learning again on the training part, by the recipe in the manifest")
    fitted_on = model.manifest.get("fingerprints", {}).get("data")
    if fitted_on and fitted_on != prepared.fingerprint:
        verdict.notes.append("the data are not those that the model was fitted on")
    loss = probe_loss(model)
    if loss is not None:
        verdict.notes.append(loss.told("histories of its own log, which the model has learned from"))
    return verdict


class _Saved(Fitted):
    """A saved model as it stands, asked through its own recommender, or with exact search."""

    def __init__(self, asked: Recommender) -> None:
        self.asked = asked

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        return self.recommend_at(items, offsets, None, k, exclude_seen, choice)

    def recommend_at(
        self, items: Ids, offsets: Offsets, times: Offsets | None, k: int, exclude_seen: bool, choice: Choice
    ) -> Hits:
        """See Recommender.recommend."""
        return self.asked.recommend(items, offsets, k, times=times, exclude_seen=exclude_seen)

    def recommend_for(self, asked: NextItemQueries, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        """See Recommender.recommend."""
        return self.asked.recommend(
            asked.items, asked.offsets, k, times=asked.times, exclude_seen=exclude_seen, users=asked.users
        )


def judge_held_out(model: Model, events: Any) -> Verdict:
    """The model as it stands on events that it has not seen: next item, popularity beside it.

    Where the model has an index for `recommend`, it is judged with exact search as well, so that what the
    index loses stands apart from what the model does.
    """
    recipe = model.recipe
    found, _ = read_events(events, recipe.read, recipe.clean.model_copy(update={"min_count": 1}))
    queries, told = next_item_queries(found, np.ones(len(found), dtype=bool), model.vocab, name="held-out")
    rows = model.user_rows(found.user_vocab.ids)  # the model's rows of its users, none where it has none
    if rows is not None and queries.users is not None:
        rows = np.append(rows, np.int32(-1))[queries.users]
    queries = replace(queries, users=rows)
    if not len(queries):
        raise DataError("no held-out event has both a known history and a known target")
    v = len(model.vocab)
    nothing = ItemGraph(np.zeros(v + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    train = TrainData(model.vocab, nothing)
    out = Comparison((recipe.seed,), figures={"next-item": [told]})
    judges: list[tuple[str, Fitted]] = [(recipe.name, _Saved(model.recommender))]
    loss = index_loss(model, queries.items, queries.offsets, queries.targets, queries.times)
    if loss is not None:
        judges.append((f"{recipe.name}, exact search", _Saved(without_index(model))))
    judges.append(("popularity", Popularity().fit(train, seed=recipe.seed)))
    for name, fitted in judges:
        judged = judge_next_item(fitted, queries, model.vocab.counts, {})
        out.add("next-item", name, judged, Chosen({}, float("nan"), 0), 0.0)
    notes = ["judged as it stands, on the held-out events given; each history is what the log given tells"]
    if loss is not None:
        notes.append(loss.told("held-out histories"))
    return Verdict(out, Extras(), {"held-out events": len(found)}, notes)
