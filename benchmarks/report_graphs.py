"""The sections on graphs and on side vectors of docs/benchmarks.md."""

from __future__ import annotations

import numpy as np

from common import Bars, Result, table

GRAPHS = ("graphs-blogcatalog", "graphs-wiki", "graphs-cora")
ROLES = ("roles",)
CONTENT = ("content-online-retail", "content-beauty")
OURS, PEER = "cowalk, negatives", "PecanPy + gensim"


def f1(values: list[float]) -> str:
    """Mean and deviation over the shuffles."""
    return f"{np.mean(values):.4f} ± {np.std(values):.4f}"


def graphs(*results: Result) -> tuple[str, Bars]:
    """Labels of nodes, beside the peers."""
    parts, bars = [], []
    for result in results:
        s, found = result["settings"], {one["way"]: one for one in result["figures"]}
        rows = [
            (name, f"{one['p']:g}, {one['q']:g}", f1(one["micro"]), f1(one["macro"]),
             "-" if one["seconds"] is None else f"{one['seconds']:.0f}") for name, one in found.items()
        ]  # fmt: skip
        parts.append(table((s["dataset"], "p, q", "Micro-F1", "Macro-F1", "seconds"), rows))
        for metric, aim in s["aims"].items():
            reached = max(float(np.mean(one[metric])) for name, one in found.items() if "cowalk" in name)
            told = f"{reached:.4f}"
            bars.append((f"{s['dataset']}, {metric.capitalize()}-F1", told, f"{aim:.3f}", reached >= aim))
        for name, one in found.items():
            other = found.get(name.replace(OURS, PEER))
            if not name.startswith(OURS) or other is None:
                continue
            gap = np.array(one["micro"]) - np.array(other["micro"])
            bound = 2.26 * float(gap.std(ddof=1)) / np.sqrt(len(gap))
            low, high = float(gap.mean()) - bound, float(gap.mean()) + bound
            told = f"Micro-F1 {gap.mean():+.4f} ({low:+.4f}, {high:+.4f})"
            bars.append((f"{s['dataset']}: {name} beside {PEER}", told, "not below", bool(high >= 0)))
    walks = ", ".join(f"{r['settings']['walks']['num_walks']} on {r['settings']['dataset']}" for r in results)
    seeds = ", ".join(
        f"{len(r['settings'].get('seeds', [0]))} on {r['settings']['dataset']}" for r in results
    )
    words = (
        "Half of the nodes' labels are given; 10 shuffles, the same parts for every way; one logistic "
        "regression a label (L2, C = 1); the number of labels of each node is given. Walks of 40 nodes, from "
        f"every node {walks}; window 10, 128 dimensions, 5 negatives, one pass, steps from .025 down, "
        "1e-3 subsampled, lock-free, for cowalk and the peers alike, means over the seeds of learning "
        f"({seeds}); `tree` is hierarchical softmax. The aim is the DeepWalk "
        "paper's figure. A bound is 2.26 standard errors of the paired differences over shuffles, which "
        "overlap, so it is on the narrow side. Seconds are walking and learning together on a machine that "
        "was busy with other work."
    )
    return "\n\n".join([words, *parts]), bars


def roles(result: Result) -> tuple[str, Bars]:
    """Communities and roles by p and q."""
    s, figures = result["settings"], result["figures"]
    mirrored = figures.get("karate-mirrored", [])
    airports = {name: rows for name, rows in figures.items() if name != "karate-mirrored"}
    ways = [one["way"] for one in next(iter(figures.values()))]
    by_way = {name: {one["way"]: one for one in rows} for name, rows in figures.items()}
    rows = []
    for way in ways:
        cells = [f"{np.mean(by_way[name][way]['accuracy']):.3f}" for name in airports]
        if mirrored:
            cells.insert(0, f"{np.mean(by_way['karate-mirrored'][way]['ranks']):.1f}")
        rows.append((way, *cells))
    head = ("", *(["nodes nearer than the mirror"] if mirrored else []), *airports)
    words = (
        "The first column counts, on two copies of the karate club joined by one edge, how many nodes stand "
        "nearer to a node than the nearest of its role in the other club: 0 is a perfect mirror, 33 is the "
        "other half of the graph. The others are the accuracy of the airports' classes of activity (four of "
        f"equal size, {s['share']:.0%} given, {s['shuffles']} shuffles). Means over {s['seeds']} seeds. Role "
        "features are the degree and, three times over, mean and spread of the neighbours' features: no "
        "walks, no names."
    )
    return f"{words}\n\n{table(head, rows)}", []


def content(*results: Result) -> tuple[str, Bars]:
    """Cold items with graphs of attributes."""
    parts = []
    for result in results:
        s, rows = result["settings"], []
        for task, ways in result["figures"].items():
            for name, one in ways.items():
                mean, gap = one["recall@20"], one["difference"]
                shown = (
                    "" if name == "codes" else f"{gap['mean']:+.4f} ({gap['low']:+.4f}, {gap['high']:+.4f})"
                )
                rows.append((f"{task}: {name}", f"{mean['mean']:.4f}", shown))
        fields = ", ".join(s["fields"])
        parts.append(
            f"{s['dataset']}, graphs of {fields} with {s['vector_size']} dimensions, seeds "
            f"{', '.join(map(str, s['seeds']))}, {s['trials']} trials.\n\n"
            + table((s["dataset"], "Recall@20", "beside codes, paired"), rows)
        )
    words = (
        "The default recipe with an items table as it is (`codes`), with a dense field for the graph of each "
        "many-valued attribute beside it, or in the attribute's stead. No bar was set."
    )
    return "\n\n".join([words, *parts]), []
