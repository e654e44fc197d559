"""Steps per second of random walks, first and second order, beside PecanPy on the same graph and run."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from common import parser, peer, record, say, scratch, table
from cowalk.learn import WalkSettings
from cowalk.tables import ItemGraph
from cowalk.walk import Walker

LENGTH = 10  # nodes in a walk
PEER_RUNS = 3
P, Q = 0.25, 4.0
AIMS = {"first order": 12e6, "second order": 4e6}
PEER = {"first order": "PreCompFirstOrder", "second order": "SparseOTF"}


def shop_graph(nodes: int, edges: int, seed: int = 0) -> ItemGraph:
    """A seeded digraph as a shop's log gives: popular targets (1 / rank^0.75), half of the edges among
    neighbours in a hidden order, uneven out-degrees, weights 1, 2, ... (geometric); exactly `edges` edges.
    """
    rng = np.random.default_rng(seed)
    popular = np.cumsum(np.arange(1, nodes + 1) ** -0.75)
    popular /= popular[-1]
    activity = np.cumsum(rng.lognormal(0.0, 0.8, nodes))
    activity /= activity[-1]
    place = rng.permutation(nodes)
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < edges:
        n = int((edges - len(keys)) * 1.5) + 1000
        source = np.searchsorted(activity, rng.random(n))
        far = place[np.searchsorted(popular, rng.random(n))]
        near = (source + np.rint(rng.standard_normal(n) * 50).astype(np.int64)) % nodes
        target = np.where(rng.random(n) < 0.5, near, far)
        fresh = (source * nodes + target)[source != target]
        keys = np.unique(np.concatenate([keys, fresh]))
    keys = np.sort(rng.choice(keys, edges, replace=False))
    source, target = np.divmod(keys, nodes)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=nodes))]).astype(np.int64)
    return ItemGraph(offsets, target.astype(np.int32), rng.geometric(0.5, edges).astype(np.float32))


def ours(graph: ItemGraph, p: float, q: float, num_walks: int, repeats: int, workers: int) -> list[float]:
    """Steps per second of each repeat, after one small block that compiles and builds the tables."""
    walker = Walker(graph, WalkSettings(num_walks=num_walks, walk_length=LENGTH, p=p, q=q), seed=1)
    walker.block(0, 1000, workers)
    rates = []
    for turn in range(repeats):
        start = perf_counter()
        walks = walker.block(turn * walker.rows_per_epoch, walker.rows_per_epoch, workers)
        seconds = perf_counter() - start
        rates.append(int((walks.nodes[:, 1:] >= 0).sum()) / seconds)
    return rates


def as_npz(graph: ItemGraph, path: Path) -> None:
    """The graph in the form that PecanPy reads."""
    np.savez(path, data=graph.weights, indptr=graph.offsets, indices=graph.targets)


def main() -> None:
    """Measure, print, record."""
    options = parser(__doc__ or "").parse_args()
    nodes, edges = (2_000, 40_000) if options.quick else (100_000, 2_000_000)
    num_walks, repeats = (5, 3) if options.quick else (20, 7)
    say(f"a graph of {nodes:,} nodes and {edges:,} edges")
    graph = shop_graph(nodes, edges)
    figures, found = [], {}
    with scratch() as folder:
        as_npz(graph, folder / "graph.npz")
        for order, p, q in (("first order", 1.0, 1.0), ("second order", P, Q)):
            say(order)
            rates = ours(graph, p, q, num_walks, repeats, options.workers)
            words = (folder / "graph.npz", p, q, num_walks, LENGTH, PEER_RUNS, PEER[order])
            theirs = peer("pecanpy_walk.py", *words, workers=options.workers)
            rates += ours(graph, p, q, num_walks, repeats, options.workers)  # before and after the peer
            others = [
                steps / seconds for steps, seconds in zip(theirs["steps"], theirs["seconds"], strict=True)
            ]
            found = theirs["versions"]
            figures.append({
                "walks": order, "p": p, "q": q, "cowalk": median(rates), "cowalk runs": rates,
                "pecanpy": median(others), "pecanpy runs": others, "pecanpy kind": PEER[order],
                "pecanpy seconds before": theirs["before"], "aim": AIMS[order],
            })  # fmt: skip
    rows = [
        (f["walks"], f"{f['cowalk'] / 1e6:.1f}", f"{f['pecanpy'] / 1e6:.2f}",
         f"{f['cowalk'] / f['pecanpy']:.1f}", f"{f['aim'] / 1e6:.0f}") for f in figures
    ]  # fmt: skip
    print(table(("million steps/s", "cowalk", "PecanPy", "ratio", "aim"), rows))
    settings = {
        "nodes": nodes, "edges": edges, "walk length": LENGTH, "walks per node": num_walks,
        "workers": options.workers, "runs": repeats, "peer runs": PEER_RUNS,
    }  # fmt: skip
    record("walks", settings, figures, quick=options.quick, peers=found)


if __name__ == "__main__":
    main()
