"""Content vectors: a graph of what items have in common, walked and embedded; a vector an item to fuse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.learn import learn
from cowalk.prepare import as_undirected, encode_side_info, graph_of_edges
from cowalk.prepare.settings import SideSettings
from cowalk.settings import Recipe, load_recipe
from cowalk.tables import Catalogue, Field, ItemGraph, Vectors, Vocab

WALKED: Mapping[str, Any] = {
    "name": "content",
    "walks": {"num_walks": 10, "walk_length": 40},
    "learn": {"input": "own", "window": 4, "step": 0.1, "epochs": 2},
}
"""DeepWalk in a few passes: a graph of attributes is small and simple beside a log."""


def content_vectors(
    catalogue: Catalogue,
    fields: str | tuple[str, ...],
    *,
    recipe: str | Path | Recipe | Mapping[str, Any] = WALKED,
    vector_size: int = 64,
    seed: int = 0,
    workers: int | None = None,
    side: SideSettings | None = None,
) -> Vectors:
    """A vector for each item of the catalogue that shares a value of these fields with another item.

    The graph holds items and values, an edge for each value of an item (the content-based knowledge graph of
    the field), so that a walk goes from item to value to item. Walks and learning are the recipe's; deepwalk
    and node2vec will do too. No log is looked at, so that items nobody has clicked have vectors as well.
    `with_vectors` makes a dense field of them.
    UsageError where a field is not there or dense; DataError where no two items share a value.
    """
    names = (fields,) if isinstance(fields, str) else tuple(fields)
    chosen = load_recipe(recipe, {"learn.vector_size": vector_size})
    info = encode_side_info(catalogue, catalogue.ids, side)
    asked = [_field(info[name]) for name in names if _known(name, info.names)]
    graph, nodes = _items_and_values(asked, len(catalogue))
    learned = learn(
        graph, nodes, chosen.learn.model_copy(update={"input": "own", "sequences": "walks"}),
        walks=chosen.walks, seed=seed, workers=workers,
    )  # fmt: skip
    linked = np.flatnonzero(np.diff(graph.offsets)[: len(catalogue)])
    return Vectors(Vocab.of(catalogue.ids.ids[linked]), np.ascontiguousarray(learned.vectors[linked]))


def _known(name: str, names: list[str]) -> bool:
    if name not in names:
        raise UsageError(f"no field {name!r}; the fields are {', '.join(names) or 'none'}")
    return True


def _field(field: Field) -> Field:
    if field.kind == "dense":
        raise UsageError(f"field {field.name!r} is dense already: its vectors share no values")
    return field


def _items_and_values(fields: list[Field], items: int) -> tuple[ItemGraph, Vocab]:
    """The undirected graph of items (the first nodes) and of values that two or more items carry."""
    src, dst, start = [], [], items
    for field in fields:
        owner = np.repeat(np.arange(items, dtype=np.int32), np.diff(field.offsets))
        shared = np.bincount(field.codes, minlength=field.size)[field.codes] > 1
        src.append(owner[shared])
        dst.append((field.codes[shared] + start).astype(np.int32))
        start += field.size
    sources, targets = np.concatenate(src), np.concatenate(dst)
    if not len(sources):
        names = ", ".join(field.name for field in fields)
        raise DataError(f"content vectors: no two items share a value of {names}")
    graph = graph_of_edges(sources, targets, np.ones(len(sources), dtype=np.float32), start)
    both = as_undirected(graph)
    return both, Vocab(np.arange(start), np.diff(both.offsets))
