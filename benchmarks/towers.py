"""Two-tower and YouTubeDNN beside EGES, ALS and item-CF: next item and cold items; logQ.

    towers.py online-retail --seeds 1       # then beauty; more seeds later: what is judged is kept

`:vectors` are a recipe's vectors alone, without the co-occurrence channel; `:scores` are they without a term
of popularity either, as the papers serve them: nothing is chosen. `plain` is in-batch softmax
without the correction, `streaming` with the estimate of Yi et al.; `without fields` learns from ids alone,
and its cold items come through a ridge map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from common import parser, plain, record, say, table, within
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import CompareSettings, Comparison, ItemCF, Method, Popularity, compare
from cowalk.evaluate.baselines import AttributeNeighbours
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Fitted
from cowalk.evaluate.vectors import FittedVectors, VectorMethod
from cowalk.judging import named
from cowalk.prepared import read_inputs
from cowalk.settings import load_recipe
from judged_cache import JudgedCache
from quality import told

DATASETS = ("online-retail", "beauty")
METRICS = {"next-item": ("recall@20", "ndcg@20", "recall@50"), "cold": ("recall@20", "auc matched")}
PAIRS = {
    "next-item": (
        ("recall@20", "two-tower:scores", "two-tower plain:scores"),
        ("recall@20", "two-tower streaming:scores", "two-tower plain:scores"),
        ("recall@20", "two-tower:vectors", "two-tower plain:vectors"),
        ("recall@20", "two-tower", "item-cf"),
        ("recall@20", "youtube-dnn", "item-cf"),
    ),
    "cold": (("recall@20", "two-tower", "two-tower without fields"),),
}
QUICK = {"train.epochs": 1, "train.validation": 100, "youtube.per_user": 2, "youtube.negatives": 200}
VARIANTS: dict[str, dict[str, Any]] = {
    "two-tower plain": {"tower.logq": "off"},
    "two-tower streaming": {"tower.logq": "streaming"},
    "two-tower without fields": {"tower.fields": False, "cold.method": "ridge", "cold.score": "HZ"},
}


def methods_of(protocol: str, changes: dict[str, Any], quick: bool) -> list[Method]:
    """What is judged."""
    changes = changes | (QUICK if quick else {})

    def recipe(name: str, home: str = "", kind: str = "") -> Method:
        made = named(load_recipe(home or name, changes | VARIANTS.get(name, {})), name + kind)
        return replace(made, lists=not kind)

    if protocol == "cold":
        out: list[Method] = [Popularity(), AttributeNeighbours(), recipe("eges"), recipe("two-tower")]
        return [*out, recipe("two-tower without fields", "two-tower"), recipe("youtube-dnn")]
    out = [ItemCF(), Popularity(), recipe("eges"), recipe("als")]
    for name in ("two-tower", "youtube-dnn"):
        out += [recipe(name), recipe(name, kind=":vectors"), recipe(name, kind=":scores")]
    out.append(recipe("two-tower plain", "two-tower", ":vectors"))
    return out + [recipe(f"two-tower {how}", "two-tower", ":scores") for how in ("plain", "streaming")]


@dataclass(frozen=True)
class Once:
    """A recipe that takes over what another one with the same stages has learned from the same part."""

    method: VectorMethod
    learned: list[FittedVectors]

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def answers(self) -> frozenset[Any]:
        return self.method.answers

    def fit(self, train: TrainData, *, seed: int, workers: int | None = None, progress: Any = None) -> Fitted:
        """Learned once."""
        for one in self.learned:
            known = self.method.again(one)
            if known is not None and one.train.vocab.fingerprint == train.vocab.fingerprint:
                return known
        self.learned.append(self.method.fit(train, seed=seed, workers=workers, progress=progress))
        return self.learned[-1]


def judged(dataset: str, protocol: str, seeds: tuple[int, ...], options: Any) -> tuple[Comparison, list[str]]:
    """All methods and seeds, from what is kept and what is missing."""
    data = of_dataset(load(dataset))
    prepared = read_inputs(data.events, data.items, None, load_recipe("two-tower", data.changes), say)
    methods = methods_of(protocol, data.changes, options.quick)
    if options.methods:
        methods = [m for m in methods if m.name in options.methods.split(",")]
    trials = 3 if options.quick else prepared.recipe.trials
    settings = CompareSettings.model_validate(
        {"data": prepared.settings(), "trials": trials, "next_item": {"split": data.split}}
    )
    cache = JudgedCache(f"towers-{dataset}-{protocol}", options.fresh)
    asked: Any = (protocol,)
    learned: dict[int, list[FittedVectors]] = {seed: [] for seed in seeds}

    def judge(method: Method, seed: int) -> Comparison:
        say(f"{dataset} {protocol}: {method.name}, seed {seed}")
        few = {"trials": 1} if method.name.endswith(":scores") else {}
        once = Once(method, learned[seed]) if isinstance(method, VectorMethod) else method
        return compare(
            [once], prepared.events, prepared.catalogue, protocols=asked, seeds=(seed,),
            settings=settings.model_copy(update=few), workers=options.workers,
        )  # fmt: skip

    shared = settings.model_dump_json() + prepared.fingerprint
    wanted = [(m.name.replace(" ", "-"), told(m) + shared, partial(judge, m)) for m in methods]
    return cache.judged(wanted, seeds)


def figures_of(found: Comparison, protocol: str) -> dict[str, Any]:
    """By method: metrics with bounds, what was chosen, seconds to learn; and the paired differences."""
    estimates = {metric: found.estimates(protocol, metric) for metric in METRICS[protocol]}
    entries = found.entries[protocol]
    methods = {
        name: {
            "metrics": {metric: plain(e[name]) for metric, e in estimates.items() if name in e},
            "chosen": [dict(c.choice) for c in entry.chosen],
            "fit_seconds": [round(s, 1) for s in entry.seconds],
        } for name, entry in entries.items()
    }  # fmt: skip
    pairs = {
        f"{metric}: {one} - {two}": plain(found.difference(protocol, metric, one, two))
        for metric, one, two in PAIRS[protocol]
        if one in entries and two in entries
    }
    return {"methods": methods, "differences": pairs}


def main() -> None:
    """Judge, print, record."""
    options = parser("Two-tower and YouTubeDNN: next item and cold items.")
    options.add_argument("dataset", choices=DATASETS)
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--protocols", default="next-item,cold", help="next-item, cold, or both")
    options.add_argument("--methods", default="", help="only these, by name, with commas (default all)")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    asked = options.parse_args()
    torch.set_num_threads(asked.workers)
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    out: dict[str, Any] = {"dataset": asked.dataset}
    commits: list[str] = []
    for protocol in asked.protocols.split(","):
        found, made_at = judged(asked.dataset, protocol, seeds, asked)
        commits += made_at
        out[protocol] = figures = figures_of(found, protocol)
        rows = [
            (name, *(within(m) for m in one["metrics"].values())) for name, one in figures["methods"].items()
        ]
        print(table((f"{asked.dataset} {protocol}", *METRICS[protocol]), rows))
        for name, e in figures["differences"].items():
            print(f"{name}: {within(e, '+')}")
    settings = {"seeds": list(seeds), "commits": sorted(set(commits)), "workers": asked.workers}
    record(f"towers-{asked.dataset}", settings, out, quick=asked.quick)


if __name__ == "__main__":
    main()
