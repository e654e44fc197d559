"""Communities or roles: what node2vec's p and q can do for each, beside features of what a node sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from common import parser, record, say, table
from cowalk import datasets
from cowalk.evaluate import classification
from cowalk.learn import learn
from cowalk.prepare import read_edges, read_labels
from cowalk.settings import load_recipe
from cowalk.tables import ItemGraph, Vectors, Vocab

AIRPORTS = ("airports-brazil", "airports-europe", "airports-usa")
GRID = ((1.0, 0.25), (1.0, 1.0), (1.0, 4.0), (0.25, 4.0), (4.0, 0.25))
SHARE, SHUFFLES, HOPS, SEEDS = 0.8, 10, 3, 3  # share and shuffles as in struc2vec, section 4.3
SETTINGS: Mapping[str, Any] = {
    "learn.vector_size": 64, "learn.window": 10, "learn.epochs": 2, "walks.num_walks": 20,
    "walks.walk_length": 40,
}  # fmt: skip


def role_features(graph: ItemGraph, hops: int = HOPS) -> np.ndarray:
    """float32[V, *]: logarithm of the degree, then again and again the mean of the neighbours' features, each
    column standardised: what a node sees around it, not whom (after ReFeX, Henderson et al. 2011).
    """
    degree = np.diff(graph.offsets).astype(np.float64)
    found = [np.log1p(degree)[:, None]]
    sources = graph.sources()
    for _ in range(hops):
        sums = np.zeros_like(found[-1])
        np.add.at(sums, sources, found[-1][graph.targets])
        squares = np.zeros_like(found[-1])
        np.add.at(squares, sources, found[-1][graph.targets] ** 2)
        many = np.maximum(degree, 1)[:, None]
        mean = sums / many
        found.append(np.hstack([mean, np.sqrt(np.maximum(squares / many - mean**2, 0))]))
    table = np.hstack(found)
    deviation = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(deviation > 0, deviation, 1), dtype=np.float32)


def walked(graph: ItemGraph, vocab: Vocab, p: float, q: float, seed: int, workers: int) -> np.ndarray:
    """node2vec's vectors."""
    recipe = load_recipe("bge", {**SETTINGS, "walks.p": p, "walks.q": q})
    return np.asarray(
        learn(graph, vocab, recipe.learn, walks=recipe.walks, seed=seed, workers=workers).vectors
    )


def mirror_ranks(vectors: np.ndarray, vocab: Vocab, labels: Any) -> np.ndarray:
    """int64[V]: how many nodes stand nearer (by cosine) than the nearest one of the other club with the same
    role."""
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    place = labels.nodes.find(vocab.ids)
    role, second = labels.codes[place], np.array(vocab.ids.tolist()) > datasets.graphs.CLUB
    twin = (role[:, None] == role) & (second[:, None] != second)
    best = np.where(twin, likeness, -np.inf).max(axis=1)
    return np.asarray((likeness > best[:, None]).sum(axis=1))


def ways(seeds: int) -> list[tuple[str, float, float]]:
    """node2vec by p and q, and the features."""
    return [*((f"p={p:g}, q={q:g}", p, q) for p, q in GRID), ("role features", 0.0, 0.0)]


def judged(dataset: str, seeds: int, workers: int) -> list[dict[str, Any]]:
    """Each way on one graph: accuracy of classes (airports), or ranks of mirrored nodes (karate club)."""
    data = datasets.load(dataset)
    (graph, vocab), labels = read_edges(data.edges), read_labels(data.labels)
    out = []
    for name, p, q in ways(seeds):
        say(f"{dataset}: {name}")
        scores, ranks = [], []
        for seed in range(seeds if p else 1):
            vectors = walked(graph, vocab, p, q, seed, workers) if p else role_features(graph)
            if dataset in AIRPORTS:
                found = classification(
                    Vectors(vocab, vectors), labels, shares=(SHARE,), shuffles=SHUFFLES, seed=seed
                )
                scores += found.micro[SHARE].tolist()
            else:
                ranks += mirror_ranks(vectors, vocab, labels).tolist()
        out.append({"way": name, "accuracy": scores, "ranks": ranks, "nodes": len(vocab)})
    return out


def main() -> None:
    """Measure, print, record."""
    asked = parser(__doc__ or "")
    asked.add_argument("datasets", nargs="*", default=["karate-mirrored", *AIRPORTS])
    options = asked.parse_args()
    figures = {
        name: judged(name, 1 if options.quick else SEEDS, options.workers) for name in options.datasets
    }
    for name, rows in figures.items():
        shown = [
            (
                one["way"],
                f"{np.mean(one['accuracy']):.3f}" if one["accuracy"] else f"{np.mean(one['ranks']):.1f}",
            )
            for one in rows
        ]
        print(table((name, "accuracy" if rows[0]["accuracy"] else "nodes nearer than the mirror"), shown))
    settings = {"share": SHARE, "shuffles": SHUFFLES, "hops": HOPS, "seeds": SEEDS, "cowalk": dict(SETTINGS)}
    record("roles", settings, figures, quick=options.quick)


if __name__ == "__main__":
    main()
