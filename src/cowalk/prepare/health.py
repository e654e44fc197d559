"""How well an item graph hangs together: components, dead ends, hubs, nodes with no edge."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from cowalk.kernels.pairs import count_reciprocal, weak_components
from cowalk.tables.graph import ItemGraph
from cowalk.tables.vocab import Vocab
from cowalk.types import AnyArray


@dataclass(frozen=True)
class Hub:
    """One of the nodes with the most weight on its edges; share is of the weight of all edges."""

    row: int
    in_degree: int
    out_degree: int
    in_share: float
    out_share: float


@dataclass(frozen=True)
class GraphHealth:
    """Counts and shares of a graph.

    components: weakly connected ones of two nodes or more, largest_share: part of all nodes in the largest;
    dead ends: nodes that edges lead to but none leave; isolated: nodes with no edge at all (self-loops
    aside); reciprocity: part of the edges between two nodes whose reverse is there too; hubs: the five
    largest by weight in and by weight out.
    """

    nodes: int
    edges: int
    mean_degree: float
    components: int
    largest_share: float
    dead_ends: int
    dead_end_share: float
    isolated: int
    isolated_share: float
    reciprocity: float
    hubs: tuple[Hub, ...]

    def lines(self, vocab: Vocab | None = None) -> list[str]:
        """The same for people, hubs by their outside ids where the vocabulary is given."""
        parts = f"{self.components:,} component" + ("" if self.components == 1 else "s")
        out = [
            f"{self.nodes:,} nodes, {self.edges:,} edges, {self.mean_degree:.1f} out of a node on average",
            f"  {parts}; the largest holds {self.largest_share:.1%} of the nodes",
            f"  {self.dead_ends:,} dead ends ({self.dead_end_share:.1%})",
            f"  {self.isolated:,} nodes with no edge ({self.isolated_share:.1%})",
            f"  {self.reciprocity:.1%} of the edges have their reverse",
        ]
        for hub in self.hubs:
            name = hub.row if vocab is None else vocab.names(np.array([hub.row], dtype=np.int32))[0]
            out.append(
                f"  hub {name}: {hub.in_degree:,} in ({hub.in_share:.1%} of all weight), "
                f"{hub.out_degree:,} out ({hub.out_share:.1%})"
            )
        return out

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_json(self) -> dict[str, object]:
        """The same as plain values for a manifest."""
        return asdict(self) | {"hubs": [asdict(hub) for hub in self.hubs]}


def graph_health(graph: ItemGraph, hubs: int = 5) -> GraphHealth:
    """The health of a graph, in a few passes over its edges."""
    n = len(graph)
    sources = graph.sources()
    loops = sources == graph.targets
    out_degree = np.diff(graph.offsets)
    in_degree = np.bincount(graph.targets, minlength=n)
    own = np.bincount(graph.targets[loops], minlength=n)
    leaves, enters = out_degree - own, in_degree - own
    isolated = int(np.sum((leaves == 0) & (enters == 0)))
    dead = int(np.sum((leaves == 0) & (enters > 0)))
    sizes = np.bincount(weak_components(graph.offsets, graph.targets), minlength=n)
    between = graph.edges - int(loops.sum())
    return GraphHealth(
        nodes=n,
        edges=graph.edges,
        mean_degree=graph.edges / max(n, 1),
        components=int(np.sum(sizes > 1)),
        largest_share=int(sizes.max(initial=0)) / max(n, 1),
        dead_ends=dead,
        dead_end_share=dead / max(n, 1),
        isolated=isolated,
        isolated_share=isolated / max(n, 1),
        reciprocity=int(count_reciprocal(graph.offsets, graph.targets)) / max(between, 1),
        hubs=_hubs(graph, sources, in_degree, out_degree, hubs),
    )


def _hubs(
    graph: ItemGraph, sources: AnyArray, in_degree: AnyArray, out_degree: AnyArray, k: int
) -> tuple[Hub, ...]:
    """The k largest by weight in and the k largest by weight out, each once, largest first."""
    n = len(graph)
    weight_in = np.bincount(graph.targets, weights=graph.weights, minlength=n)
    weight_out = np.bincount(sources, weights=graph.weights, minlength=n)
    total = max(float(weight_out.sum()), np.finfo(float).tiny)
    top = np.union1d(np.argsort(-weight_in, kind="stable")[:k], np.argsort(-weight_out, kind="stable")[:k])
    top = top[np.argsort(-(weight_in + weight_out)[top], kind="stable")]
    return tuple(
        Hub(
            int(u),
            int(in_degree[u]),
            int(out_degree[u]),
            float(weight_in[u] / total),
            float(weight_out[u] / total),
        )
        for u in top
        if weight_in[u] + weight_out[u] > 0
    )
