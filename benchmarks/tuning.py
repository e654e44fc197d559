"""What tuning is worth on the test: the default recipe, and what 50 trials made of it, judged side by side.

    tuning.py movielens-100k next-item     # then cold; online-retail, beauty

The search sees nothing of the test: for the next item the log without its test part, for cold items the log
without the items hidden for the test. Then both recipes learn from the training part of the harness, choose
their scorer on its validation part with as many tries, and are judged on its test part, for several seeds of
learning. For cold items one set of hidden items serves all seeds, since a search goes with it. A killed run
goes on: the study and what is judged lie in build/bench/tuning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from common import CACHE, parser, record, say, table
from cowalk.cli.options import Inputs, of_dataset
from cowalk.datasets import load
from cowalk.evaluate import CompareSettings, Comparison, compare
from cowalk.evaluate.data import train_data
from cowalk.evaluate.methods import choose
from cowalk.evaluate.protocols.cold import (
    ColdTaskSettings,
    cold_queries,
    cold_recall,
    hidden_parts,
    judge_cold,
)
from cowalk.evaluate.protocols.next_item import NextItemSettings, next_item_masks
from cowalk.judging import named
from cowalk.prepare import sessionize
from cowalk.prepared import Prepared, read_inputs
from cowalk.settings import Recipe, load_recipe
from cowalk.tuning import Tuned, TuneSettings, search, space_of
from judged_cache import JudgedCache

METRIC = "recall@20"
SPLIT_SEED = 1  # of the items hidden for the cold test
DEFAULT, TUNED = "eges", "eges-tuned"


@dataclass(frozen=True)
class Case:
    """A data set and a purpose, read once."""

    dataset: str
    purpose: Any
    inputs: Inputs
    prepared: Prepared
    trials: int

    @property
    def cold(self) -> ColdTaskSettings:
        """How the harness hides items."""
        return ColdTaskSettings()

    def seen(self) -> Prepared:
        """What the search may see."""
        events = self.prepared.events
        assert events is not None
        if self.purpose == "cold":
            keep = ~np.isin(events.items, hidden_parts(events, self.cold, SPLIT_SEED)[1])
        else:
            keep = ~next_item_masks(events, NextItemSettings(split=self.inputs.split))[2]  # type: ignore[arg-type]
        told = f"{self.prepared.fingerprint} without the test of {self.purpose}"
        return replace(self.prepared, events=events.select(keep), fingerprint=told, reports={}, sources={})

    def judged(self, recipe: Recipe, name: str, seed: int) -> Comparison:
        """The recipe on the test, one seed of learning."""
        method = named(recipe, name)
        p = self.prepared
        settings = CompareSettings.model_validate(
            {"data": p.settings(), "trials": self.trials, "next_item": {"split": self.inputs.split}}
        )
        if self.purpose == "next-item":
            return compare(
                [method], p.events, p.catalogue, protocols=("next-item",), seeds=(seed,), settings=settings,
                workers=recipe.workers, progress=say,
            )  # fmt: skip
        return self._judged_cold(method, seed)

    def _judged_cold(self, method: Any, seed: int) -> Comparison:
        """As the harness judges cold items, with one set of hidden items for all seeds of learning."""
        p, out = self.prepared, Comparison((seed,))
        assert p.events is not None
        assert p.catalogue is not None
        hidden = hidden_parts(p.events, self.cold, SPLIT_SEED)
        warm = ~np.isin(p.events.items, np.concatenate(hidden))
        train = train_data(p.events.select(warm), p.catalogue, p.settings())
        sessions, _ = sessionize(p.events, p.recipe.sessions, p.recipe.clean)
        first, test = (
            cold_queries(sessions, p.events.item_vocab, rows, train, p.catalogue, seed=SPLIT_SEED)
            for rows in hidden
        )
        begun = perf_counter()
        only = replace(method, learn=method.cold_learn or method.learn, cold_learn=None)
        fitted = only.fit(train, seed=seed, workers=p.recipe.workers)
        best = choose(fitted, "cold", lambda c: cold_recall(fitted, first, c), trials=self.trials, seed=seed)
        out.figures["cold"] = [{"hidden for the test": float(len(hidden[1]))}]
        judged = judge_cold(fitted, test, best.choice)
        out.add("cold", method.name, judged, best, perf_counter() - begun)
        return out


def judged_pair(case: Case, tuned: Tuned, seeds: tuple[int, ...], fresh: bool) -> Comparison:
    """Both recipes and all seeds, from what is kept and what is missing."""
    cache = JudgedCache(f"tuning-{case.dataset}-{case.purpose}", fresh)

    def judged(name: str, recipe: Recipe, seed: int) -> Comparison:
        say(f"judging {name}, seed {seed}")
        return case.judged(recipe, name, seed)

    wanted = [
        (name, f"{recipe.model_dump_json()} {case.trials} {case.prepared.fingerprint}",
         partial(judged, name, recipe))
        for name, recipe in ((DEFAULT, tuned.before), (TUNED, tuned.recipe))
    ]  # fmt: skip
    return cache.judged(wanted, seeds)[0]


def figures_of(case: Case, tuned: Tuned, found: Comparison) -> dict[str, Any]:
    """What the table and the bar need."""
    task = case.purpose
    gap = found.difference(task, METRIC, TUNED, DEFAULT)
    means = {name: e.mean for name, e in found.estimates(task, METRIC).items()}
    return {
        "dataset": case.dataset, "purpose": task, "default": means[DEFAULT], "tuned": means[TUNED],
        "difference": gap.mean, "low": gap.low, "high": gap.high, "queries": gap.number,
        "validation default": tuned.trials[0].score, "validation best": tuned.best(1)[0].score,
        "verdict": tuned.verdict, "kept": tuned.winner is None, "changes": tuned.changes,
        "trials": len(tuned.trials), "ended early": sum(not t.done for t in tuned.trials),
        "trial seconds": round(float(np.mean([t.seconds for t in tuned.trials])), 1),
        "fit seconds": {
            name: round(float(np.mean(entry.seconds)), 1) for name, entry in found.entries[task].items()
        },
        "importance": {name: round(share, 3) for name, share in tuned.importance.items()},
    }  # fmt: skip


def show(f: dict[str, Any]) -> None:
    """The figures of one case."""
    row = (
        f"{f['dataset']}, {f['purpose']}", f"{f['default']:.4f}", f"{f['tuned']:.4f}",
        f"{f['difference']:+.4f}", f"({f['low']:+.4f}, {f['high']:+.4f})",
    )  # fmt: skip
    print(table(("test Recall@20", "default", "tuned", "difference", "95 %"), [row]))
    print(f"{f['verdict']}\n{f['changes']}")


def main() -> None:
    """Search, judge, print, record."""
    options = parser(__doc__.partition("\n")[0])
    options.add_argument("dataset", choices=("online-retail", "beauty", "movielens-100k"))
    options.add_argument("purpose", choices=("next-item", "cold"))
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--trials", type=int, default=50, help="trials of the search (default 50)")
    options.add_argument(
        "--most-work", type=float, default=1.0, help="of a trial, as a share of the recipe's"
    )
    options.add_argument("--finalists", type=int, default=3, help="in the last round (default 3)")
    options.add_argument("--final-seeds", type=int, default=2, help="of the last round (default 2)")
    options.add_argument("--fresh", action="store_true", help="judge again what is kept")
    asked = options.parse_args()
    inputs = of_dataset(load(asked.dataset))
    quick = {"walks.num_walks": 1, "learn.epochs": 2} if asked.quick else {}
    recipe = load_recipe("eges", inputs.changes | quick | {"workers": asked.workers})
    prepared = read_inputs(inputs.events, inputs.items, None, recipe, say)
    case = Case(asked.dataset, asked.purpose, inputs, prepared, 3 if asked.quick else recipe.trials)
    folder = CACHE / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    settings = TuneSettings(
        trials=4 if asked.quick else asked.trials, most_work=asked.most_work, finalists=asked.finalists,
        seeds=1 if asked.quick else asked.final_seeds,
        split="leave-last" if inputs.split == "leave-last" else "auto",
    )  # fmt: skip
    out = folder / f"{asked.dataset}-{asked.purpose}{'-quick' if asked.quick else ''}.toml"
    space = space_of(None, recipe, asked.purpose)
    tuned = search(case.seen(), asked.purpose, space, settings, out, lambda words, share: say(words))
    say(tuned.verdict)
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    figures = figures_of(case, tuned, judged_pair(case, tuned, seeds, asked.fresh))
    show(figures)
    told = {
        "seeds": list(seeds), "scorer trials": case.trials, "workers": asked.workers,
        "tune": settings.model_dump(), "space": {name: str(knob) for name, knob in space.items()},
    }  # fmt: skip
    record(f"tuning-{asked.dataset}-{asked.purpose}", told, figures, quick=asked.quick)


if __name__ == "__main__":
    main()
