"""ItemGraph -> a stream of blocks of Walks, made when asked for and never stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.kernels import alias as alias_kernels
from cowalk.kernels import walk as kernels
from cowalk.kernels.flags import threads
from cowalk.learn.settings import WalkSettings
from cowalk.tables import ItemGraph, Walks
from cowalk.types import AnyArray, Floats, Ids


@dataclass(frozen=True)
class Walker:
    """A graph made ready for walking.

    Walk number n starts at place n mod V of a fresh permutation of the nodes per V walks; its draws depend on
    (seed, n, step) only, so any block can be made again, and threads do not matter.
    First order: DeepWalk by edge weight. p, q other than 1: node2vec (Grover & Leskovec 2016), by exact
    rejection with no per-edge tables. A dead end ends the walk.
    """

    graph: ItemGraph
    settings: WalkSettings
    seed: int = 0

    def __post_init__(self) -> None:
        if self.graph.edges == 0:
            raise DataError(
                "the graph has no edges to walk on; every session holds one item only, "
                "or cleaning was too strict"
            )

    @cached_property
    def _records(self) -> AnyArray:
        records = np.empty((self.graph.edges, 3), dtype=np.uint32)
        alias_kernels.edge_records(self.graph.offsets, self.graph.targets, self.graph.weights, records)
        return records

    @cached_property
    def _shares(self) -> Floats:
        shares = np.empty(self.graph.edges, dtype=np.float32)
        alias_kernels.edge_shares(self.graph.offsets, self.graph.weights, shares)
        return shares

    @property
    def rows_per_epoch(self) -> int:
        """Walks in one epoch: num_walks from every node."""
        return self.settings.num_walks * len(self.graph)

    @property
    def second_order(self) -> bool:
        """Whether p or q asks for node2vec's walk."""
        return self.settings.p != 1.0 or self.settings.q != 1.0

    def _starts(self, first_row: int, rows: int) -> Ids:
        nodes = len(self.graph)
        parts: list[Ids] = []
        row, end = first_row, first_row + rows
        while row < end:
            turn, at = divmod(row, nodes)
            take = min(end - row, nodes - at)
            order = seeds.generator(self.seed, f"walk starts {turn}").permutation(nodes)
            parts.append(order[at : at + take].astype(np.int32))
            row += take
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)

    def block(self, first_row: int, rows: int, workers: int | None = None) -> Walks:
        """Walks number first_row .. first_row + rows - 1, equal bit for bit on any number of threads."""
        starts = self._starts(first_row, rows)
        out = np.empty((rows, self.settings.walk_length), dtype=np.int32)
        seed = np.uint64(seeds.stream(self.seed, "walk steps"))
        graph = self.graph
        with threads(workers):
            if self.second_order:
                kernels.second_order(
                    graph.offsets, graph.targets, self._shares, self._records, starts, seed, first_row,
                    self.settings.p, self.settings.q, out,
                )  # fmt: skip
            else:
                kernels.first_order(graph.offsets, self._records, starts, seed, first_row, out)
        return Walks(out, self.seed, first_row)


def walk_blocks(
    graph: ItemGraph,
    settings: WalkSettings | None = None,
    *,
    seed: int = 0,
    epoch: int = 0,
    block: int = 65536,
    workers: int | None = None,
) -> Iterator[Walks]:
    """The walks of one epoch in blocks of at most `block`: int32[block, walk_length], -1 after the end."""
    walker = Walker(graph, settings or WalkSettings(), seed)
    first, end = epoch * walker.rows_per_epoch, (epoch + 1) * walker.rows_per_epoch
    for row in range(first, end, block):
        yield walker.block(row, min(block, end - row), workers)
