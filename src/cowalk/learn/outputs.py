"""The output side: one row per item, or per inner node of a Huffman tree, and how they are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.kernels import huffman as kernels
from cowalk.kernels.targets import ALL, NEGATIVES, TREE
from cowalk.learn.settings import LearnSettings
from cowalk.types import AnyArray, Ids, Offsets

MOST_SOFTMAX = 5000  # items; a position costs a step of every row
KINDS = {"negative-sampling": NEGATIVES, "hierarchical-softmax": TREE, "softmax": ALL}


@dataclass(frozen=True)
class Outputs:
    """kind: which objective; rows: number of output rows; the path of item v is offsets[v]:offsets[v+1].

    nodes: int32[*], the inner nodes from the root down; bits: uint8[*], which child is taken there. Without a
    tree there are no paths.
    """

    kind: int
    rows: int
    offsets: Offsets
    nodes: Ids
    bits: AnyArray

    @property
    def deepest(self) -> int:
        """Nodes on the longest path."""
        return int(np.diff(self.offsets).max(initial=0))


def outputs_of(counts: Offsets, settings: LearnSettings, first_met: Offsets | None = None) -> Outputs:
    """The output rows for items with these counts; an error where the objective does not suit so many.

    first_met: int64[V], for the tree; see huffman_paths.
    """
    items, kind = len(counts), KINDS[settings.objective]
    if kind == TREE:
        return Outputs(kind, items - 1, *huffman_paths(counts, first_met))
    if kind == ALL and items > MOST_SOFTMAX:
        raise UsageError(
            f"learn.objective=softmax steps {items:,} rows at every position; it is for at most "
            f"{MOST_SOFTMAX:,} items: use negative-sampling, or hierarchical-softmax"
        )
    none = np.zeros(items + 1, dtype=np.int64)
    return Outputs(kind, items, none, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.uint8))


def huffman_paths(counts: Offsets, first_met: Offsets | None = None) -> tuple[Offsets, Ids, AnyArray]:
    """(offsets int64[V+1], inner nodes int32[*], bits uint8[*]) of the Huffman tree over counts.

    Equal counts are taken in the order of first_met, int64[V], then of their rows: equal input, equal tree,
    on any machine. Where first_met says when an item is first read, rare items that are read together stand
    together in the tree and share most of their path, which any other order wastes.
    """
    items = len(counts)
    if items < 2:
        raise DataError("learn.objective=hierarchical-softmax needs at least 2 items to build a tree of")
    order = np.argsort(counts, kind="stable") if first_met is None else np.lexsort((first_met, counts))
    parents = np.empty(2 * items - 1, dtype=np.int32)
    bits = np.empty(2 * items - 1, dtype=np.uint8)
    depths = np.empty(2 * items - 1, dtype=np.int32)
    kernels.huffman_tree(np.ascontiguousarray(counts, dtype=np.int64), order, parents, bits, depths)
    offsets = np.concatenate([[0], np.cumsum(depths[:items])]).astype(np.int64)
    nodes = np.empty(offsets[-1], dtype=np.int32)
    path_bits = np.empty(offsets[-1], dtype=np.uint8)
    kernels.tree_paths(parents, bits, offsets, nodes, path_bits)
    return offsets, nodes, path_bits
