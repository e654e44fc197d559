"""What the figures say in words: findings, headings and the columns that a reader needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.evaluate.bootstrap import Estimate
from cowalk.evaluate.comparison import PRIMARY, Comparison


@dataclass(frozen=True)
class TaskWords:
    """How a task is called, what it asks, and the metrics that its table shows."""

    title: str
    about: str
    columns: tuple[str, ...]


TASKS = {
    "next-item": TaskWords(
        "Next item",
        "Given what somebody did so far, is the item that came next among the first K of the whole "
        "catalogue? Items already seen are candidates; columns that begin with “new” leave them out. Head: "
        "the most frequent items that hold half of the training events; tail: the others. Popularity bias: "
        "popularity percentile of what is shown above that of the truth.",
        ("recall@20", "recall@10", "recall@50", "recall@100", "ndcg@20", "mrr@100", "recall@20 head",
         "recall@20 tail", "new recall@20", "new ndcg@20", "popularity bias@20"),
    ),
    "cold": TaskWords(
        "Cold items",
        "Items were hidden with all their events before anything was counted, and asked for by their "
        "attributes alone. True are the known items that stood next to them. Recall@K = hits / min(K, true "
        "neighbours); matched = against items of about the same popularity.",
        ("recall@20", "recall@10", "recall@50", "mrr", "auc", "auc matched"),
    ),
    "cold-candidates": TaskWords(
        "Cold items as candidates",
        "A history of known items whose next item was hidden: known and hidden items are ranked together, "
        "and only the hidden one is right. Settings by which cold items take more than half of the "
        "places are marked down on validation; cold share: their part of the first 20 places.",
        ("recall@20", "recall@10", "recall@50", "recall@100", "mrr@100"),
    ),
    "link": TaskWords(
        "Links",
        "A share of the unordered item pairs was taken out of the graph, both directions; AUC of telling "
        "them from pairs that never were an edge. Matched: non-edges with the same ends as the edges, so "
        "that popularity alone does not help; kept nodes: without nodes that lost every edge.",
        ("auc matched", "auc uniform", "auc matched kept nodes", "auc uniform kept nodes"),
    ),
}  # fmt: skip


def columns(comparison: Comparison, task: str) -> list[str]:
    """The metrics of the task's table that were measured; recall by known attributes comes last."""
    there = comparison.metrics(task)
    known = sorted((m for m in there if " known=" in m), key=lambda m: int(m.rsplit("=", 1)[1]))
    return [m for m in TASKS[task].columns if m in there] + known


def finding(comparison: Comparison, task: str) -> str:
    """One sentence: who leads, and whether the lead over the second holds within 95 % bounds."""
    metric = PRIMARY[task]
    ranked = [name for name, e in comparison.estimates(task, metric).items() if np.isfinite(e.mean)]
    if not ranked:
        return f"{TASKS[task].title}: no query could be asked"
    if len(ranked) == 1:
        return f"{TASKS[task].title}: {ranked[0]} was judged alone"
    gap, first, second = comparison.difference(task, metric, *ranked[:2]), ranked[0], ranked[1]
    how = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    if not gap.above_zero:
        return f"{TASKS[task].title}: {first} and {second} are level in {metric}, {how}"
    return f"{TASKS[task].title}: {first} is ahead of {second} in {metric} by {how}"


def headline(comparison: Comparison, task: str) -> str:
    """The finding without its bounds, for the title of a picture that shows them."""
    return finding(comparison, task).split(": ", 1)[1].split(", +")[0].split(", -")[0].split(" [")[0]


def told(estimate: Estimate) -> str:
    """Mean and bounds, as 0.352 (0.341 to 0.363)."""
    if not np.isfinite(estimate.mean):
        return "-"
    return f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def figure_text(name: str, value: float) -> str:
    """A figure of a task: counts as whole numbers, shares in percent."""
    if value == int(value) and value > 1:
        return f"{name}: {int(value):,}"
    return f"{name}: {value:.1%}"
