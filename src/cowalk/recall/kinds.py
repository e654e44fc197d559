"""The kinds of index by their names; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cowalk.errors import UsageError

HOMES = {
    "exact": ("cowalk.recall.exact_index", "ExactIndex"),
    "lsh": ("cowalk.recall.lsh", "LSHIndex"),
    "ivf": ("cowalk.recall.ivf_index", "IVFIndex"),
    "hnsw": ("cowalk.recall.hnsw_index", "HNSWIndex"),
    "kdtree": ("cowalk.recall.kdtree_index", "KDTreeIndex"),
}


def kind_named(name: str) -> Any:
    """The class of a kind; UsageError where there is none of that name."""
    if name not in HOMES:
        raise UsageError(f"kind is {name!r}; it must be auto or one of {', '.join(HOMES)}")
    home, what = HOMES[name]
    return getattr(import_module(home), what)
