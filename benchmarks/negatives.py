"""Negative samplers beside each other: all else equal, one data set and one protocol a call, several seeds.

    negatives.py online-retail next-item          # also cold; and the same for beauty

Every method is the default recipe with one set of rows, its vectors alone, as many negatives as it has; what
differs is which negatives are drawn. Kept in build/bench/quality as what quality.py judges, so that a killed
run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from common import parser, record, say, table
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import CompareSettings
from cowalk.judging import ALONE, named
from cowalk.prepared import read_inputs
from cowalk.settings import Recipe, load_recipe
from judged_cache import JudgedCache, judging
from quality import as_json

FIELD = {"online-retail": "category", "beauty": "attributes"}
METRICS = {"next-item": ("recall@20", "ndcg@20"), "cold": ("recall@20", "auc matched")}
BASE = "popularity"
QUICK = ("popularity", "hardest")


def changes_of(dataset: str) -> dict[str, Mapping[str, Any]]:
    """By name: how each method changes the learning of the recipe."""
    same = f"same-{FIELD[dataset]}"
    alone = ("popularity", "uniform", "log-uniform", "similar", "co-occurring", same, "hardest", "generator")
    mixed = ("similar", same, "hardest")
    return {
        **{name: {"negatives": name} for name in alone},
        **{f"popularity .8, {name} .2": {"negatives": {"popularity": 0.8, name: 0.2}} for name in mixed},
        "popularity, masked": {"mask_positives": True},
        "hardest, masked": {"negatives": "hardest", "mask_positives": True},
        "popularity, self-adversarial": {"self_adversarial": 1.0},
    }


def one_set(recipe: Recipe, protocol: str) -> Recipe:
    """The recipe with one set of rows: those that it asks in this protocol."""
    second = dict(recipe.cold_learn) if protocol == "cold" else {}
    changed = recipe.changed({"learn": second}) if second else recipe
    return changed.changed({"cold_learn": None, "recommend.rows": "first", "cold.cooccurrence": 0.0})


def judged(dataset: str, protocol: str, seeds: tuple[int, ...], options: Any) -> Any:
    """The comparison of all samplers and seeds, from what is kept and what is missing; the commits of it."""
    data = of_dataset(load(dataset))
    quick = {"walks.num_walks": 1} if options.quick else {}
    recipe = one_set(load_recipe("eges", {**data.changes, **quick}), protocol)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    trials = 3 if options.quick else max(recipe.trials, 1)
    settings = CompareSettings.model_validate(
        {"data": prepared.settings(), "trials": trials, "next_item": {"split": data.split}}
    )
    cache = JudgedCache(f"negatives-{dataset}-{protocol}", options.fresh)
    chosen = QUICK if options.quick else options.only
    samplers = {n: c for n, c in changes_of(dataset).items() if not chosen or n in (BASE, *chosen)}

    judge = judging(prepared, protocol, settings, options.workers)
    shared = settings.model_dump_json() + prepared.fingerprint
    methods = {n: named(recipe.changed({"learn": dict(c)}), n + ALONE) for n, c in samplers.items()}
    wanted = [(name, as_json(m) + shared, partial(judge, m)) for name, m in methods.items()]
    return *cache.judged(wanted, seeds), settings


def figures_of(found: Any, protocol: str) -> dict[str, Any]:
    """By method: the metrics with bounds, the paired difference to popularity, the mean seconds of a fit."""
    out = {}
    entries = found.entries[protocol]
    for name in found.estimates(protocol, METRICS[protocol][0]):
        metrics = {}
        for metric in METRICS[protocol]:
            one = found.estimates(protocol, metric)[name]
            gap = found.difference(protocol, metric, name, BASE + ALONE)
            metrics[metric] = {
                "mean": one.mean, "low": one.low, "high": one.high,
                "difference": gap.mean, "gap low": gap.low, "gap high": gap.high,
            }  # fmt: skip
        seconds = entries[name].seconds
        out[name.removesuffix(ALONE)] = {"metrics": metrics, "seconds": sum(seconds) / len(seconds)}
    return out


def show(figures: Mapping[str, Any], protocol: str) -> None:
    """One table."""
    rows = []
    for name, told in figures.items():
        cells: list[str] = []
        for metric in METRICS[protocol]:
            m = told["metrics"][metric]
            cells += [
                f"{m['mean']:.4f}",
                f"{m['difference']:+.4f} ({m['gap low']:+.4f}, {m['gap high']:+.4f})",
            ]
        rows.append((name, *cells, f"{told['seconds']:.0f}"))
    heads = [head for metric in METRICS[protocol] for head in (metric, "to popularity")]
    print(table((protocol, *heads, "seconds"), rows))


def main() -> None:
    """Judge, print, record."""
    options = parser("Negative samplers beside each other, all else equal.")
    options.add_argument("dataset", choices=tuple(FIELD))
    options.add_argument("protocol", choices=tuple(METRICS))
    options.add_argument("--seeds", default="1,2,3", help="seeds, with commas (default 1,2,3)")
    options.add_argument("--only", nargs="*", help="these samplers, beside popularity (default all)")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    found, commits, settings = judged(asked.dataset, asked.protocol, seeds, asked)
    figures = figures_of(found, asked.protocol)
    show(figures, asked.protocol)
    told = {"seeds": list(seeds), "trials": settings.trials, "commits": commits, "workers": asked.workers}
    body = {"dataset": asked.dataset, "protocol": asked.protocol, "methods": figures}
    record(f"negatives-{asked.dataset}-{asked.protocol}", told, body, quick=asked.quick)


if __name__ == "__main__":
    main()
