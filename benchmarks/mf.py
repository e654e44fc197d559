"""Matrix factorization beside item-CF and beside implicit as it comes: next item on Online Retail and Beauty.

    mf.py online-retail --seeds 1           # then beauty; more seeds later: what is judged is kept

`als` and `bpr` are the recipes as `recommend` serves them, `:vectors` their vectors alone, asked with a
history's mean H. `implicit ALS` is the library's own way: raw counts, and a user folded in from the whole
history by its solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

from common import parser, record, say, table
from cowalk import seeds as streams
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import CompareSettings, Comparison, ItemCF, Method, Popularity, compare
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Question
from cowalk.judging import named
from cowalk.learn.matrix import _Tools, user_items
from cowalk.prepared import read_inputs
from cowalk.recall import top_k
from cowalk.settings import load_recipe
from cowalk.tables import Hits
from cowalk.types import Ids, Offsets
from judged_cache import JudgedCache
from quality import told

TARGETS = {"online-retail": {"als": 0.325, "bpr": 0.304}, "beauty": {"als": 0.091, "bpr": 0.068}}
"""HR@20 of the same library by another harness, tuned lightly; bounds about .014 and .004."""
METRICS = ("recall@20", "ndcg@20", "recall@50")
STEP = 2048  # histories folded in at once


@dataclass(frozen=True)
class Implicit:
    """implicit's ALS on raw counts, its users folded in by its own solver from their whole histories."""

    name: str = "implicit ALS"
    factors: int = 64
    regularization: float = 0.01
    alpha: float = 10.0
    iterations: int = 15

    answers: ClassVar[frozenset[Question]] = frozenset({"next-item"})

    def fit(self, train: TrainData, *, seed: int, workers: int | None = None, progress: Any = None) -> FoldIn:
        """The library's model of the training part."""
        assert train.sessions is not None
        tools = _Tools()
        counts, _ = user_items(tools, train.sessions, len(train.vocab))
        with tools.limits(1, "blas"):
            model = tools.als(
                self.factors, self.regularization, self.alpha, iterations=self.iterations,
                num_threads=workers or 0, random_state=streams.stream(seed, "implicit") % 2**31,
            )  # fmt: skip
            model.fit(counts, show_progress=False)
        return FoldIn(tools, model)


@dataclass
class FoldIn(Fitted):
    """Histories as new users of an ALS model."""

    tools: Any
    model: Any
    kept: dict[str, Any] = field(default_factory=dict)

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        """The best by the folded-in factor times the item factors."""
        parts = []
        for start in range(0, len(offsets) - 1, STEP):
            ends = offsets[start : start + STEP + 1]
            mine, rows = items[ends[0] : ends[-1]], np.repeat(np.arange(len(ends) - 1), np.diff(ends))
            shape = (len(ends) - 1, len(self.model.item_factors))
            counts = self.tools.sparse.coo_matrix((np.ones(len(mine), np.float32), (rows, mine)), shape=shape)
            with self.tools.limits(1, "blas"):
                users = self.model.recalculate_user(np.arange(shape[0]), counts.tocsr())
            seen = (mine, ends - ends[0]) if exclude_seen else None
            parts.append(top_k(users, self.model.item_factors, k, exclude=seen))
        return Hits(np.concatenate([p.ids for p in parts]), np.concatenate([p.scores for p in parts]))


def methods_of(changes: dict[str, Any], quick: bool) -> list[Method]:
    """What is judged."""
    out: list[Method] = [ItemCF(), Popularity(), Implicit(iterations=2 if quick else 15)]
    for name in ("als", "bpr"):
        recipe = load_recipe(name, changes | ({"mf.epochs": 2} if quick else {}))
        out += [named(recipe, name + ":vectors"), named(recipe, name)]
    return out


def judged(dataset: str, seeds: tuple[int, ...], options: Any) -> tuple[Comparison, list[str], int]:
    """All methods and seeds, from what is kept and what is missing."""
    data = of_dataset(load(dataset))
    methods = methods_of(data.changes, options.quick)
    if options.methods:
        methods = [m for m in methods if m.name in options.methods.split(",")]
    recipe = load_recipe("als", data.changes)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    trials = 3 if options.quick else recipe.trials
    settings = CompareSettings.model_validate(
        {"data": prepared.settings(), "trials": trials, "next_item": {"split": data.split}}
    )
    cache = JudgedCache(f"mf-{dataset}", options.fresh)

    def judge(method: Method, seed: int) -> Comparison:
        say(f"{dataset}: {method.name}, seed {seed}")
        return compare(
            [method], prepared.events, prepared.catalogue, protocols=("next-item",), seeds=(seed,),
            settings=settings, workers=options.workers,
        )  # fmt: skip

    shared = settings.model_dump_json() + prepared.fingerprint
    wanted = [(m.name.replace(" ", "-"), told(m) + shared, partial(judge, m)) for m in methods]
    return *cache.judged(wanted, seeds), trials


def figures_of(found: Comparison) -> dict[str, Any]:
    """By method: metrics with bounds, what was chosen, seconds to learn."""
    estimates = {metric: found.estimates("next-item", metric) for metric in METRICS}
    return {
        name: {
            "metrics": {m: {"mean": e[name].mean, "low": e[name].low, "high": e[name].high}
                        for m, e in estimates.items()},
            "chosen": [dict(c.choice) for c in entry.chosen],
            "fit_seconds": [round(s, 1) for s in entry.seconds],
        } for name, entry in found.entries["next-item"].items()
    }  # fmt: skip


def main() -> None:
    """Judge, print, record."""
    options = parser("Matrix factorization: next item.")
    options.add_argument("dataset", choices=tuple(TARGETS))
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--methods", default="", help="only these, by name, with commas (default all)")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    found, commits, trials = judged(asked.dataset, seeds, asked)
    figures = figures_of(found)
    rows = [
        (name, *(f"{m['mean']:.4f} ({m['low']:.4f}, {m['high']:.4f})" for m in one["metrics"].values()))
        for name, one in figures.items()
    ]
    print(table((asked.dataset, *METRICS), rows))
    record(
        f"mf-{asked.dataset}",
        {"seeds": list(seeds), "trials": trials, "commits": commits, "workers": asked.workers},
        {"dataset": asked.dataset, "methods": figures, "targets": TARGETS[asked.dataset]},
        quick=asked.quick,
    )


if __name__ == "__main__":
    main()
