"""Hema on cold items, beside GES, EGES, a ridge map and attribute overlap: one data set a call.

    hema.py online-retail --seeds 1           # then beauty; more seeds later: what is judged is kept

`hema` is the recipe as it comes: fit chooses how cold items are scored, co-occurrence lists of similar items
included. `hema:transfer` is the paper's rule alone: the direction sum of w_k M_k e_k, by cosine, and a weight
of popularity. It also counts the rows that learning has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, ClassVar

import numpy as np

from common import parser, record, say
from cowalk.choosing import method_of
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import AttributeOverlap, CompareSettings, Comparison, Method, Ridge, compare
from cowalk.evaluate.methods import Fitted, Question, Space
from cowalk.evaluate.vectors import COLD_SCORE_KNOBS, FittedVectors, VectorMethod
from cowalk.learn.hema import learn_hema, new_tables
from cowalk.learn.hema_layout import hema_layout
from cowalk.prepared import Prepared, read_inputs
from cowalk.settings import Recipe, load_recipe
from judged_cache import JudgedCache
from quality import COLD, Bar, figures_of, show, told

BARS = (
    Bar(COLD, "recall@20", "hema", "attribute-overlap"),
    Bar(COLD, "recall@20", "hema:transfer", "attribute-overlap"),
)


@dataclass(frozen=True)
class ColdOnly(VectorMethod):
    """A recipe that is asked about cold items alone."""

    answers: ClassVar[frozenset[Question]] = frozenset({"cold"})


class TransferFitted(FittedVectors):
    """Cold items by the transfer matrices, compared by cosine."""

    def space(self, question: Question) -> Space:
        """Only the weight of popularity is chosen."""
        return {"method": ("transfer",), "score": ("HH",), "popularity": COLD_SCORE_KNOBS["popularity"]}


@dataclass(frozen=True)
class Transfer(ColdOnly):
    """The recipe's rows, asked by the paper's rule alone."""

    def again(self, fitted: Fitted) -> FittedVectors | None:
        """As VectorMethod's."""
        found = super().again(fitted)
        return None if found is None else TransferFitted(self, found.train, found.learned)


def made(kind: type[VectorMethod], recipe: Recipe, name: str, **more: Any) -> VectorMethod:
    """The recipe as a method."""
    method = method_of(recipe)
    told_of = {f.name: getattr(method, f.name) for f in fields(method)}
    return kind(**{**told_of, "name": name, **more})


def groups_of(changes: dict[str, Any], quick: bool) -> list[list[Method]]:
    """What is judged; methods of one group share their rows."""
    fast = {"epochs": 1} if quick else {}
    hema = load_recipe("hema", changes | fast)
    papers = [load_recipe(name, changes | fast) for name in ("ges", "eges-paper", "eges")]
    ridge, overlap = Ridge(), AttributeOverlap()
    ridge.answers = overlap.answers = frozenset({"cold"})
    return [
        [made(ColdOnly, hema, "hema"), made(Transfer, hema, "hema:transfer", lists=False)],
        [overlap],
        [ridge],
        *([made(ColdOnly, recipe, recipe.name)] for recipe in papers),
    ]


def judged(dataset: str, seeds: tuple[int, ...], options: Any) -> tuple[Comparison, list[str], Any, Prepared]:
    """All methods and seeds, from what is kept and what is missing."""
    data = of_dataset(load(dataset))
    recipe = load_recipe("hema", data.changes)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    trials = 3 if options.quick else recipe.trials
    settings = CompareSettings.model_validate({"data": prepared.settings(), "trials": trials})
    cache = JudgedCache(f"hema-{dataset}", options.fresh or options.quick)

    def judge(methods: Sequence[Method], seed: int) -> Comparison:
        say(f"{dataset}: {methods[0].name}, seed {seed}")
        return compare(
            methods, prepared.events, prepared.catalogue, protocols=("cold",), seeds=(seed,),
            settings=settings, workers=options.workers, progress=say,
        )  # fmt: skip

    shared = settings.model_dump_json() + prepared.fingerprint
    wanted = [
        (group[0].name, "".join(map(told, group)) + shared, partial(judge, group))
        for group in groups_of(data.changes, options.quick)
        if not options.methods or group[0].name in options.methods.split(",")
    ]
    return *cache.judged(wanted, seeds), settings, prepared


def against_bars(found: Comparison) -> list[dict[str, Any]]:
    """The paired differences that were asked for."""
    out = []
    for bar in BARS:
        gap = found.difference(bar.task, bar.metric, bar.first, bar.second)
        out.append({
            "task": bar.task, "metric": bar.metric, "first": bar.first, "second": bar.second,
            "claim": bar.words, "difference": gap.mean, "low": gap.low, "high": gap.high, "met": bar.met(gap),
        })  # fmt: skip
    return out


def moved(prepared: Prepared, seed: int, workers: int) -> list[dict[str, Any]]:
    """By table: its rows, those that moved by more than 1e-3 of their length, and whether all is finite."""
    train, settings = prepared.whole(), prepared.recipe.hema
    assert train.sessions is not None
    learned = learn_hema(
        train.sessions, train.vocab, settings, side_info=train.side_info, seed=seed, workers=workers
    )
    layout = hema_layout(train.vocab, train.side_info, settings)
    start = new_tables(layout, seed)
    tables = [("items", learned.vectors, layout.table(start.ids, 0)),
              ("items, context", learned.contexts, layout.table(start.contexts, 0))]  # fmt: skip
    for kind, name in enumerate(learned.field_names, start=1):
        tables.append((name, learned.extra[f"ids {name}"], layout.table(start.ids, kind)))
        tables.append(
            (f"{name}, context", learned.extra[f"contexts {name}"], layout.table(start.contexts, kind))
        )
    out = []
    for name, now, was in tables:
        far = np.linalg.norm(now - was, axis=1) / np.maximum(np.linalg.norm(was, axis=1), 1e-12)
        out.append({
            "table": name, "rows": len(now), "moved": int((far > 1e-3).sum()),
            "least": float(far.min()), "finite": bool(np.isfinite(now).all()),
        })  # fmt: skip
    return out


def asked(arguments: Sequence[str] | None = None) -> Any:
    """The options."""
    options = parser("Hema on cold items.")
    options.add_argument("dataset", choices=("online-retail", "beauty"))
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--methods", default="", help="only these, with commas (default all)")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    return options.parse_args(arguments)


def main() -> None:
    """Judge, print, record."""
    options = asked()
    seeds = (1,) if options.quick else tuple(int(seed) for seed in options.seeds.split(","))
    found, commits, settings, prepared = judged(options.dataset, seeds, options)
    figures, bars = figures_of(found), against_bars(found)
    show(figures, bars)
    rows = moved(prepared, seeds[0], options.workers)
    recipe = prepared.recipe
    record(
        f"hema-{options.dataset}",
        {"seeds": list(seeds), "trials": settings.trials, "commits": commits, "workers": options.workers,
         "hema": recipe.hema.model_dump(), "cold": recipe.cold.model_dump()},
        {"dataset": options.dataset, "tasks": figures, "bars": bars, "moved": rows},
        quick=options.quick,
    )  # fmt: skip


if __name__ == "__main__":
    main()
