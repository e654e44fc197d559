"""Quality on open data by the product's own harness: one data set and one protocol a call, several seeds.

    quality.py beauty next-item           # then cold, link; and the same for online-retail

All methods see the same splits, queries and number of trials, and choose on validation. `eges` is the product
as it comes (--recipe names another); `own` and `mean` are BGE and GES by that recipe's settings, so that side
information is all that differs; bge, ges, eges-paper are the paper's settings. What is judged is kept in
build/bench/quality per method and seed: a killed run goes on, and a changed recipe is judged again while the
others stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import partial
from typing import Any, ClassVar

from common import parser, record, say, table
from cowalk.choosing import method_of
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import (
    AttributeNeighbours,
    AttributeOverlap,
    CompareSettings,
    Comparison,
    Estimate,
    ItemCF,
    Method,
    Popularity,
    Ridge,
)
from cowalk.evaluate.comparison import PRIMARY
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.vectors import FittedVectors, VectorMethod
from cowalk.judging import named
from cowalk.learn import WalkSettings
from cowalk.prepared import read_inputs
from cowalk.settings import Recipe, load_recipe
from gensim_peer import SETTINGS as GENSIM
from gensim_peer import Gensim
from judged_cache import JudgedCache, judging

ALONE = ":vectors"


@dataclass(frozen=True)
class Bar:
    """A claim on the paired difference `first` - `second` in a metric of a task.

    kind: above (lower bound above 0, mean at least `least`), level (not below: mean at 0 or above, or bounds
    that hold 0), least (mean at least `least`). Of several ways to score links a method's best one counts.
    """

    task: str
    metric: str
    first: str
    second: str
    kind: str = "above"
    least: float = 0.0
    only: str = ""  # the one data set that it is asked of; empty = every

    def met(self, found: Estimate) -> bool:
        """Whether the difference found bears it out."""
        if self.kind == "level":
            return found.mean >= 0 or found.low <= 0 <= found.high
        if self.kind == "least":
            return found.mean >= self.least
        return found.low > 0 and found.mean >= self.least

    @property
    def words(self) -> str:
        """What is claimed, in a few words."""
        if self.kind == "least":
            return f"not below by more than {-self.least:g}"
        if self.kind == "level":
            return "not below"
        return f"above by {self.least:g}" if self.least else "above"


def _above(task: str, metric: str, first: str, *others: str) -> tuple[Bar, ...]:
    return tuple(Bar(task, metric, first, other) for other in others)


NEXT, COLD, CANDIDATES, LINK = "next-item", "cold", "cold-candidates", "link"
BGES = ("own:vectors", "bge:vectors")
RIDGES = ("ridge-bge", "ridge-bge (own)")
BARS: tuple[Bar, ...] = (
    *_above(NEXT, "recall@20", "eges", "item-cf", "item-cf+popularity"),
    Bar(NEXT, "ndcg@20", "eges", "item-cf", "level"),
    Bar(NEXT, "ndcg@20", "eges", "item-cf+popularity", "level"),
    *(Bar(NEXT, "recall@20", "eges:vectors", bge, "level", only="online-retail") for bge in BGES),
    *(Bar(NEXT, "recall@20", "eges:vectors", bge, only="beauty") for bge in BGES),
    *_above(NEXT, "recall@20", "eges:vectors", "gensim-item2vec", "gensim-deepwalk"),
    *_above(COLD, "recall@20", "eges", *RIDGES, "attribute-neighbours"),
    *(
        Bar(COLD, "auc matched", "eges", other, "least", -0.005)
        for other in (*RIDGES, "attribute-neighbours")
    ),
    *_above(CANDIDATES, "recall@20", "eges", "attribute-neighbours"),
    *(Bar(LINK, "auc matched", "eges", bge, only="online-retail") for bge in ("own", "bge")),
    *(Bar(LINK, "auc matched", "eges", bge, "above", 0.02, only="beauty") for bge in ("own", "bge")),
    *(Bar(LINK, "auc matched", "eges", ges, "level") for ges in ("mean", "ges")),
)


@dataclass(frozen=True)
class Reusing(VectorMethod):
    """A recipe whose latest rows are used again by the next method that would learn the very same ones."""

    kept: ClassVar[dict[tuple[int, str, int], FittedVectors]] = {}

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Any = None
    ) -> FittedVectors:
        """As VectorMethod's."""
        key = (seed, train.vocab.fingerprint, train.graph.edges)
        known = self.again(self.kept[key]) if key in self.kept else None
        if known is None:
            self.kept.clear()
            self.kept[key] = known = super().fit(train, seed=seed, workers=workers, progress=progress)
        return known


def made(recipe: Recipe, name: str) -> VectorMethod:
    """The recipe as a method."""
    method = named(recipe, name)
    return Reusing(**{f.name: getattr(method, f.name) for f in fields(method)})


def of_input(recipe: Recipe, kind: str) -> Recipe:
    """The recipe with another input vector; a second set of rows for cold items would not be its own."""
    return recipe.changed({"learn.input": kind})


def methods_for(protocol: str, recipe: Recipe, changes: Mapping[str, Any]) -> list[Method]:
    """The methods that one protocol is about."""
    own, mean = of_input(recipe, "own"), of_input(recipe, "mean")
    paper = {name: load_recipe(name, changes) for name in ("bge", "ges", "eges-paper")}
    if protocol == "next-item":
        ours = {"eges": recipe, "own": own, "mean": mean}
        alone = [made(r, name + ALONE) for name, r in (ours | paper).items()]
        gensims = [
            Gensim("gensim-item2vec", False),
            Gensim("gensim-deepwalk", True, WalkSettings(num_walks=20)),
        ]
        return [
            made(recipe, "eges"),
            *alone,
            ItemCF(),
            ItemCF(popularity=True),
            Popularity(),
            *gensims,
        ]
    papers = [made(r, name) for name, r in paper.items()]
    if protocol == "link":
        both = [made(own, "own"), made(mean, "mean")]
        return [made(recipe, "eges"), *both, *papers, ItemCF(), AttributeOverlap(), Popularity()]
    ridge = Ridge(recipe.learn_for_cold or recipe.learn, recipe.walks)
    ridge.name = "ridge-bge (own)"
    baselines = [Ridge(), ridge, AttributeNeighbours(), AttributeOverlap(), Popularity()]
    return [made(recipe, "eges"), made(mean, "mean"), *papers[1:], *baselines]


def told(method: Method) -> str:
    """All settings of a method as text, for the name of its file."""
    if is_dataclass(method) and not isinstance(method, type):
        return as_json(method) + (str(GENSIM) if isinstance(method, Gensim) else "")
    known = vars(method).values()
    return method.name + "".join(s.model_dump_json() for s in known if hasattr(s, "model_dump_json"))


def as_json(method: Any) -> str:
    """A method that is a dataclass of settings, as text."""
    return json.dumps(
        asdict(method), default=lambda s: s.model_dump() if hasattr(s, "model_dump") else sorted(s)
    )


def judged(dataset: str, protocol: str, recipe_name: str, seeds: tuple[int, ...], options: Any) -> Any:
    """The comparison of all methods and seeds, from what is kept and what is missing; the commits of it."""
    data = of_dataset(load(dataset))
    changes = data.changes | ({"walks.num_walks": 1} if options.quick else {})
    recipe = load_recipe(recipe_name, changes)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    trials = 3 if options.quick else max(recipe.trials, 1)
    settings = CompareSettings.model_validate(
        {"data": prepared.settings(), "trials": trials, "next_item": {"split": data.split}}
    )
    cache = JudgedCache(f"{dataset}-{protocol}", options.fresh)
    methods = methods_for(protocol, recipe, changes)
    if options.quick:
        methods = [m for m in methods if m.name in QUICK]

    judge = judging(prepared, protocol, settings, options.workers)
    shared = settings.model_dump_json() + prepared.fingerprint
    return *cache.judged([(m.name, told(m) + shared, partial(judge, m)) for m in methods], seeds), settings


QUICK = ("eges", "own", "mean", "item-cf", "attribute-neighbours", "eges:vectors", "gensim-item2vec")


def best(found: Comparison, task: str, metric: str, name: str) -> str | None:
    """The method of this name; of the ways in which it scores links, the best one."""
    names = [
        m for m in found.estimates(task, metric) if m == name or (task == LINK and m.startswith(f"{name} "))
    ]
    return names[0] if names else None


def against_bars(found: Comparison, dataset: str) -> list[dict[str, Any]]:
    """Each bar of the tasks at hand, the paired difference, and whether it is met."""
    out = []
    for bar in BARS:
        if bar.task not in found.entries or (bar.only and bar.only != dataset):
            continue
        first, second = (best(found, bar.task, bar.metric, name) for name in (bar.first, bar.second))
        if first is None or second is None:
            continue
        gap = found.difference(bar.task, bar.metric, first, second)
        out.append({
            "task": bar.task, "metric": bar.metric, "first": first, "second": second, "claim": bar.words,
            "difference": gap.mean, "low": gap.low, "high": gap.high, "met": bar.met(gap),
        })  # fmt: skip
    return out


def figures_of(found: Comparison) -> dict[str, Any]:
    """By task, by method: the metrics of the tables with bounds, and what was chosen for each seed."""
    wanted = {
        NEXT: ("recall@20", "ndcg@20", "recall@50"),
        COLD: ("recall@20", "auc matched", "auc"),
        CANDIDATES: ("recall@20", "recall@50"),
        LINK: ("auc matched", "auc uniform"),
    }
    out: dict[str, Any] = {}
    for task, methods in found.entries.items():
        estimates = {metric: found.estimates(task, metric) for metric in wanted[task]}
        out[task] = {"figures": found.mean_figures(task), "methods": {
            name: {
                "metrics": {m: {"mean": e[name].mean, "low": e[name].low, "high": e[name].high}
                            for m, e in estimates.items()},
                "chosen": [dict(c.choice) for c in methods[name].chosen],
                "fit_seconds": [round(s, 1) for s in methods[name].seconds],
            } for name in estimates[PRIMARY[task]]
        }}  # fmt: skip
    return out


def show(figures: dict[str, Any], bars: list[dict[str, Any]]) -> None:
    """One table a task, and the bars."""
    for task, told_of in figures.items():
        metrics = next(iter(told_of["methods"].values()))["metrics"]
        rows = [
            (name, *(f"{m['mean']:.4f} ({m['low']:.4f}, {m['high']:.4f})" for m in one["metrics"].values()))
            for name, one in told_of["methods"].items()
        ]
        print(table((task, *metrics), rows), end="\n\n")
    rows = [
        (f"{b['first']} {b['claim']} {b['second']}", b["metric"], f"{b['difference']:+.4f}",
         f"({b['low']:+.4f}, {b['high']:+.4f})", "yes" if b["met"] else "no") for b in bars
    ]  # fmt: skip
    print(table(("claim", "metric", "difference", "95 %", "met"), rows))


def main() -> None:
    """Judge, print, record."""
    options = parser("Quality on open data by the product's own harness.")
    options.add_argument("dataset", choices=("online-retail", "beauty"))
    options.add_argument("protocol", choices=("next-item", "cold", "link"))
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--recipe", default="eges", help="the recipe that is judged as the product")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    found, commits, settings = judged(asked.dataset, asked.protocol, asked.recipe, seeds, asked)
    figures, bars = figures_of(found), against_bars(found, asked.dataset)
    show(figures, bars)
    told_settings = {
        "seeds": list(seeds), "trials": settings.trials, "commits": commits, "workers": asked.workers,
        "recipe": json.loads(as_json(method_of(load_recipe(asked.recipe)))),
    }  # fmt: skip
    name = f"quality-{asked.dataset}-{asked.protocol}"
    told_figures = {"dataset": asked.dataset, "tasks": figures, "bars": bars}
    record(name, told_settings, told_figures, quick=asked.quick)


if __name__ == "__main__":
    main()
