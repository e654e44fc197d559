"""The sections on user vectors and on matrix factorization."""

from __future__ import annotations

from common import Bars, Result, table

USERS = ("users-online-retail", "users-movielens-100k")
FACTORS = ("mf-online-retail", "mf-beauty")


def users(*results: Result) -> tuple[str, Bars]:
    """Ways to make a user of a history, beside the default one."""
    parts = [
        "The default recipe, learned once a seed on the training part; then several ways to make a user "
        "of a history. Each has the same number of tries on validation over its own settings and the "
        "scorer's, and is judged on the test: next item, full catalogue. `vectors` asks with the vectors "
        "alone, `blend` with the co-occurrence channel beside them. Differences are paired, in Recall@20, "
        "to the weights by step (`decay`) that the recipe has. Ages count alone (`by age`) or beside it."
    ]
    for result in results:
        figures, s = result["figures"], result["settings"]
        rows = []
        for name, way in figures["ways"].items():
            gap = way["difference"]
            told = f"{gap['mean']:+.4f} ({gap['low']:+.4f}, {gap['high']:+.4f})" if gap else ""
            validation = sum(way["validation"]) / len(way["validation"])
            rows.append((name, f"{validation:.4f}", *(f"{v:.4f}" for v in way["metrics"].values()), told))
        head = (figures["dataset"], "validation", "recall@20", "ndcg@20", "recall@50", "paired difference")
        seeds = ", ".join(map(str, s["seeds"]))
        parts.append(f"Seeds {seeds}; {s['trials']} tries each.\n\n{table(head, rows)}")
    return "\n\n".join(parts), []


def factors(*results: Result) -> tuple[str, Bars]:
    """ALS and BPR beside item-CF and the library's own way."""
    parts = [
        "Next item by the harness as above. `als` and `bpr` are the recipes as `recommend` serves them, "
        "`:vectors` their vectors alone; `implicit ALS` is the library as it comes: raw counts, a user "
        "folded in from the whole history by its own solver. The aim is what the same library reached in "
        "another harness on the same data."
    ]
    bars: Bars = []
    for result in results:
        figures, s = result["figures"], result["settings"]
        rows = [
            (name, *(f"{m['mean']:.4f} ({m['low']:.4f}, {m['high']:.4f})" for m in one["metrics"].values()),
             f"{sum(one['fit_seconds']) / len(one['fit_seconds']):.0f}")
            for name, one in figures["methods"].items()
        ]  # fmt: skip
        head = (figures["dataset"], "recall@20", "ndcg@20", "recall@50", "seconds")
        seeds = ", ".join(map(str, s["seeds"]))
        parts.append(f"Seeds {seeds}; {s['trials']} tries each on validation.\n\n{table(head, rows)}")
        for name, aim in figures["targets"].items():
            one = figures["methods"].get(f"{name}:vectors")
            if one is not None:
                reached = one["metrics"]["recall@20"]
                told = f"{reached['mean']:.4f} ({reached['low']:.4f}, {reached['high']:.4f})"
                bars.append((f"{figures['dataset']}, {name}:vectors, Recall@20", told, f"{aim:g}",
                             reached["high"] >= aim))  # fmt: skip
    return "\n\n".join(parts), bars
