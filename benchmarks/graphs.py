"""Node classification on labelled graphs: DeepWalk and node2vec beside PecanPy + gensim, in one harness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from common import RESULTS, parser, peer, record, say, scratch, table
from cowalk import datasets
from cowalk.evaluate import classification
from cowalk.learn import learn
from cowalk.prepare import read_edges
from cowalk.settings import load_recipe
from cowalk.tables import ItemGraph, Vectors, Vocab
from walks import as_npz

DATASETS = ("cora", "wiki", "blogcatalog")
SHARE, SHUFFLES = 0.5, 10
SEEDS = {"blogcatalog": (0,), "wiki": (0, 1, 2, 3, 4), "cora": (0, 1, 2, 3, 4)}  # of learning, both sides
WALKS = {"blogcatalog": 80, "wiki": 20, "cora": 20}  # from every node; the paper has 80
LENGTH = 40  # nodes in a walk
GENSIM = {"vector_size": 128, "window": 10, "negative": 5, "alpha": 0.025, "min_alpha": 0.0001}
SAME: Mapping[str, Any] = {
    "learn.vector_size": 128, "learn.window": 10, "learn.mode": "hogwild", "learn.init": 1.0,
    "learn.sample": 1e-3, "learn.sample_rule": "word2vec", "learn.counts": "walks",
}  # fmt: skip  # gensim's defaults, its subsampling among them
AIMS = {"blogcatalog": {"micro": 0.410, "macro": 0.273}}  # Perozzi et al. 2014, table 2


@dataclass(frozen=True)
class Way:
    """One way to embed a graph: by cowalk (a recipe and its changes), or by the peers."""

    recipe: str
    p: float = 1.0
    q: float = 1.0
    changes: Mapping[str, Any] | None = None


WAYS: dict[str, Way] = {
    "cowalk, negatives": Way("bge"),
    "PecanPy + gensim": Way("peer"),
    "cowalk, tree": Way("bge", changes={"learn.objective": "hierarchical-softmax"}),
    "cowalk, negatives, q=0.5": Way("bge", q=0.5),
    "PecanPy + gensim, q=0.5": Way("peer", q=0.5),
    "cowalk, negatives, q=2": Way("bge", q=2.0),
    "PecanPy + gensim, q=2": Way("peer", q=2.0),
}


@lru_cache(maxsize=1)
def graph_of(dataset: str) -> tuple[ItemGraph, Vocab]:
    """The graph, and its nodes."""
    return read_edges(datasets.load(dataset).edges)


def ours(way: Way, graph: ItemGraph, vocab: Vocab, walks: Mapping[str, int], seed: int, workers: int) -> Any:
    """The vectors of a recipe."""
    changes = {**SAME, **{f"walks.{name}": value for name, value in walks.items()}, **(way.changes or {})}
    recipe = load_recipe(way.recipe, {**changes, "walks.p": way.p, "walks.q": way.q})
    return learn(graph, vocab, recipe.learn, walks=recipe.walks, seed=seed, workers=workers).vectors


def theirs(way: Way, graph: ItemGraph, walks: Mapping[str, int], seed: int, workers: int) -> tuple[Any, Any]:
    """The vectors of PecanPy's walks and gensim's skip-gram, and what the peer told."""
    with scratch() as folder:
        as_npz(graph, folder / "graph.npz")
        request = {
            "graph": str(folder / "graph.npz"), "out": str(folder / "rows.npz"), "p": way.p, "q": way.q,
            "seed": seed + 1, "workers": workers, "settings": GENSIM, **walks,
        }  # fmt: skip
        (folder / "request.json").write_text(json.dumps(request))
        told = peer("pecanpy_embed.py", folder / "request.json", workers=workers)
        with np.load(folder / "rows.npz") as rows:
            return rows["vectors"], told


def measured(
    dataset: str, name: str, walks: Mapping[str, int], seeds: tuple[int, ...], workers: int
) -> dict[str, Any]:
    """Micro- and Macro-F1 of one way on one graph, shuffle by shuffle, means over the seeds of learning."""
    runs = [of_seed(dataset, name, walks, seed, workers) for seed in seeds]
    means = {part: np.mean([run[part] for run in runs], axis=0).tolist() for part in ("micro", "macro")}
    return {**runs[0], **means, "seconds": float(np.mean([run["seconds"] for run in runs]))}


def of_seed(dataset: str, name: str, walks: Mapping[str, int], seed: int, workers: int) -> dict[str, Any]:
    """One way on one graph, learned once."""
    graph, vocab = graph_of(dataset)
    way, versions = WAYS[name], {}
    start = perf_counter()
    if way.recipe == "peer":
        vectors, told = theirs(way, graph, walks, seed, workers)
        versions = told["versions"]
    else:
        vectors = ours(way, graph, vocab, walks, seed, workers)
    seconds = perf_counter() - start
    found = classification(
        Vectors(vocab, vectors), datasets.load(dataset).labels, shares=(SHARE,), shuffles=SHUFFLES
    )
    return {
        "way": name, "p": way.p, "q": way.q, "seconds": seconds, "versions": versions,
        "micro": found.micro[SHARE].tolist(), "macro": found.macro[SHARE].tolist(),
    }  # fmt: skip


def kept(path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Ways that an earlier run measured by the same settings."""
    if not path.exists():
        return {}
    told = json.loads(path.read_text())
    return {one["way"]: one for one in told["figures"]} if told["settings"] == settings else {}


def main() -> None:
    """Measure way by way, print, record after each."""
    asked = parser(__doc__ or "")
    asked.add_argument("datasets", nargs="*", default=list(DATASETS), help="cora, wiki, blogcatalog")
    asked.add_argument("--ways", default=",".join(map(str, range(len(WAYS)))), help="numbers of the ways")
    asked.add_argument("--again", action="store_true", help="measure anew what was measured before")
    options = asked.parse_args()
    for dataset in options.datasets:
        walks = {"num_walks": 2 if options.quick else WALKS[dataset], "walk_length": LENGTH}
        seeds = SEEDS[dataset][:1] if options.quick else SEEDS[dataset]
        settings = {
            "dataset": dataset, "share": SHARE, "shuffles": SHUFFLES, "walks": walks, "gensim": GENSIM,
            "cowalk": dict(SAME), "seeds": list(seeds), "workers": options.workers,
            "aims": AIMS.get(dataset, {}),
        }  # fmt: skip
        found = {} if options.again else kept(RESULTS / f"graphs-{dataset}.json", settings)
        for name in [list(WAYS)[int(number)] for number in options.ways.split(",")]:
            if name not in found:
                say(f"{dataset}: {name}")
                found[name] = measured(dataset, name, walks, seeds, options.workers)
                figures = [found[way] for way in WAYS if way in found]
                peers = {key: value for one in figures for key, value in one["versions"].items()}
                record(f"graphs-{dataset}", settings, figures, quick=options.quick, peers=peers)
        rows = [
            (
                one["way"],
                f"{np.mean(one['micro']):.4f}",
                f"{np.mean(one['macro']):.4f}",
                "-" if one["seconds"] is None else f"{one['seconds']:.0f}",
            )
            for one in found.values()
        ]
        print(table((dataset, "Micro-F1", "Macro-F1", "seconds"), rows))


if __name__ == "__main__":
    main()
