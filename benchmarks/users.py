"""Which weights of a history help: one fit, several ways to make a user of it, each chosen on validation.

    users.py online-retail --seeds 1        # then movielens-100k

The default recipe is learned once a seed; every way has as many tries on validation, over its own settings
and over the scorer's, and is judged on the test. `vectors` asks with the vectors alone, `blend` with both
channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from common import parser, record, say, table
from cowalk.choosing import method_of
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import Comparison
from cowalk.evaluate.data import train_data
from cowalk.evaluate.methods import Choice, Fitted, Question, Space, choose
from cowalk.evaluate.protocols.next_item import (
    NextItemSettings,
    judge_next_item,
    next_item_masks,
    next_item_queries,
    next_item_recall,
)
from cowalk.evaluate.vectors import FittedVectors
from cowalk.prepared import read_inputs
from cowalk.settings import load_recipe
from cowalk.tables import Hits
from cowalk.types import Ids, Offsets

LONG = (5, 10, 20, 50)
HALF_LIVES = (0.02, 0.1, 0.5, 2.0, 7.0, 30.0, 90.0, 180.0)  # days
STEPS = "latest, by step"
WAYS: Mapping[str, Space] = {
    STEPS: {},
    "plain mean": {"history": (1, 2, 3, *LONG), "decay": (1.0,)},
    "by age": {"history": LONG, "decay": (1.0,), "half_life": HALF_LIVES},
    "by step and age": {"history": (3, *LONG), "half_life": HALF_LIVES},
    "by step, idf": {"item_weights": ("idf",)},
    "by step, sif": {"item_weights": ("sif",), "sif": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)},
    "interests": {
        "history": (5, 10, 20, 50), "decay": (0.7, 0.9, 1.0), "interests": (2, 3, 5),
        "interest_distance": (0.5, 0.8, 1.0, 1.2),
    },
}  # fmt: skip
METRICS = ("recall@20", "ndcg@20", "recall@50")


@dataclass
class Way(Fitted):
    """The same rows, asked in one way."""

    fitted: FittedVectors
    knobs: Space

    def space(self, question: Question) -> Space:
        """The scorer's knobs, with this way's own."""
        return {**self.fitted.space(question), **self.knobs}

    def recommend_at(
        self, items: Ids, offsets: Offsets, times: Offsets | None, k: int, exclude_seen: bool, choice: Choice
    ) -> Hits:
        """As the recipe."""
        return self.fitted.recommend_at(items, offsets, times, k, exclude_seen, choice)


def judged(fits: Mapping[str, FittedVectors], queries: Any, seed: int, trials: int) -> Comparison:
    """All ways of one seed on the test, each by what it chose on validation."""
    validation, test, told = queries
    out = Comparison((seed,), figures={"next-item": [told]})
    for channel, fitted in fits.items():
        for name, knobs in WAYS.items():
            way = Way(fitted, knobs)
            measure = partial(next_item_recall, way, validation)
            found = choose(way, "next-item", measure, trials=trials, seed=seed)
            say(f"{channel}, {name}: {found.score:.4f} {dict(found.choice)}")
            result = judge_next_item(way, test, fitted.train.vocab.counts, found.choice)
            out.add("next-item", f"{channel}: {name}", result, found, 0.0)
    return out


def of_seed(dataset: str, seed: int, options: Any) -> Comparison:
    """Fit once, judge every way."""
    data = of_dataset(load(dataset))
    quick = {"walks.num_walks": 1, "learn.vector_size": 8} if options.quick else {}
    recipe = load_recipe("eges", data.changes | quick)
    prepared = read_inputs(data.events, data.items, None, recipe, say)
    assert prepared.events is not None
    events, settings = prepared.events, NextItemSettings(split=data.split)  # type: ignore[arg-type]
    train_mask, validation_mask, test_mask = next_item_masks(events, settings)
    train = train_data(events.select(train_mask), prepared.catalogue, prepared.settings())
    validation, _ = next_item_queries(events, validation_mask, train.vocab, seed=seed, name="validation")
    test, told = next_item_queries(events, test_mask, train.vocab, seed=seed)
    say(f"{dataset}: learning, seed {seed}")
    blend = method_of(recipe).fit(train, seed=seed, workers=options.workers)
    alone = replace(blend, method=replace(blend.method, lists=False))
    trials = 3 if options.quick else options.trials
    fits = {"vectors": alone, "blend": blend}
    asked = {name: fits[name] for name in options.channels.split(",")}
    return judged(asked, (validation, test, told), seed, trials)


def figures_of(seeds: tuple[Comparison, ...]) -> dict[str, Any]:
    """By way: metrics with bounds, and the paired difference to the default way, over all seeds."""
    found = Comparison(tuple(one.seeds[0] for one in seeds), figures={"next-item": []})
    for one in seeds:
        found.figures["next-item"] += one.figures["next-item"]
        for name, entry in one.entries["next-item"].items():
            found.add("next-item", name, entry.judged[0], entry.chosen[0], 0.0)
    out = {}
    for name, entry in found.entries["next-item"].items():
        base = f"{name.split(':')[0]}: {STEPS}"
        gap = found.difference("next-item", "recall@20", name, base) if name != base else None
        out[name] = {
            "metrics": {m: found.estimates("next-item", m)[name].mean for m in METRICS},
            "difference": None if gap is None else {"mean": gap.mean, "low": gap.low, "high": gap.high},
            "validation": [c.score for c in entry.chosen],
            "chosen": [dict(c.choice) for c in entry.chosen],
        }
    return out


def main() -> None:
    """Judge, print, record."""
    options = parser("Which weights of a history help.")
    options.add_argument("dataset", choices=("online-retail", "movielens-100k"))
    options.add_argument("--seeds", default="1", help="seeds, with commas (default 1)")
    options.add_argument("--trials", type=int, default=30, help="tries on validation, each way (default 30)")
    options.add_argument("--channels", default="vectors,blend", help="which are asked (default both)")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    figures = figures_of(tuple(of_seed(asked.dataset, seed, asked) for seed in seeds))
    rows = []
    for name, one in figures.items():
        gap = one["difference"]
        told_gap = f"{gap['mean']:+.4f} ({gap['low']:+.4f}, {gap['high']:+.4f})" if gap else ""
        rows.append((name, *(f"{value:.4f}" for value in one["metrics"].values()), told_gap))
    print(table((asked.dataset, *METRICS, "to the default way"), rows))
    told = {"seeds": list(seeds), "trials": asked.trials, "workers": asked.workers}
    record(f"users-{asked.dataset}", told, {"dataset": asked.dataset, "ways": figures}, quick=asked.quick)


if __name__ == "__main__":
    main()
