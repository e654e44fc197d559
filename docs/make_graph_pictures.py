"""Draws docs/pictures/homophily.png, communities beside roles: python docs/make_graph_pictures.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import cowalk as cw
from cowalk.evaluate.plots import GREY, PALETTE
from cowalk.learn import WalkSettings, learn
from cowalk.learn.settings import LearnSettings

OUT = Path(__file__).parent / "pictures" / "homophily.png"
CLUB = 34


def main() -> None:
    """Embed the mirrored club both ways and draw."""
    graph, vocab = cw.graph_from_networkx(mirrored())
    walks = WalkSettings(num_walks=20, walk_length=40, q=0.5)
    settings = LearnSettings(input="own", vector_size=32, window=5, epochs=4)
    vectors = learn(graph, vocab, settings, walks=walks, seed=3).vectors
    matplotlib.rcParams.update({"font.size": 10, "axes.titlesize": 11, "axes.titlelocation": "left"})
    figure = Figure(figsize=(10.5, 4.6), dpi=110, layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    _panel(left, plane(vectors), "node2vec (q = 0.5): who belongs together")
    _panel(right, plane(roles(mirrored())), "role features: who stands alike")
    left.legend(loc="center", fontsize=9, framealpha=1, edgecolor="white")
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, metadata={"Software": None})
    print(OUT)


def mirrored() -> Any:
    """Two copies of Zachary's karate club, n and n + 34 being mirror images, and one edge between them."""
    one = nx.karate_club_graph()
    both = nx.Graph([*one.edges, *((u + CLUB, v + CLUB) for u, v in one.edges), (0, CLUB)])
    out = nx.Graph()
    out.add_nodes_from(range(2 * CLUB))
    out.add_edges_from(both.edges)
    return out


def roles(graph: Any, hops: int = 3) -> Any:
    """float64[N, *]: log degree, then `hops` times mean and spread of it around; columns standardised."""
    near = [list(graph.neighbors(node)) for node in range(len(graph))]
    found = [np.log1p([[len(others)] for others in near])]
    for _ in range(hops):
        last = found[-1]
        found.append(np.array([np.hstack([last[o].mean(axis=0), last[o].std(axis=0)]) for o in near]))
    table = np.hstack(found)
    return (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-12)


def plane(rows: Any) -> Any:
    """float64[N, 2]: the two directions of the largest spread."""
    centred = np.asarray(rows, dtype=np.float64) - np.mean(rows, axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T


def _panel(axes: Any, places: Any, title: str) -> None:
    """Both clubs in their colours; a thin line joins each node with its mirror image."""
    axes.add_collection(
        LineCollection(
            np.stack([places[:CLUB], places[CLUB:]], axis=1), colors=GREY, linewidths=0.6, alpha=0.7
        )
    )
    for club, (marker, label) in enumerate((("o", "first club"), ("^", "its mirror image"))):
        mine = places[club * CLUB : (club + 1) * CLUB]
        axes.scatter(*mine.T, s=34, color=PALETTE[club], marker=marker, alpha=0.8, linewidths=0, label=label)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)


if __name__ == "__main__":
    main()
