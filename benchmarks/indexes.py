"""Recall against queries a second of every kind of index, over learned vectors, on one thread.

similar: item vectors by cosine, items ask. recommend: rows [context | popularity term] by inner product,
histories of three items ask. k = 100 (20 on small tables). Both are what a model's two indexes hold.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from common import parser, record, say, table
from cowalk.recall.curves import KINDS, Line, index_lines
from cowalk.recommend_settings import RecommendSettings
from cowalk.types import Floats
from cowalk.users import history_vectors
from lsh_data import World, world

WORLDS = ("shop-200k", "beauty")
QUERIES = 300
TREE = 50_000  # rows up to which the k-d tree is asked: in many dimensions it looks at all of them, slowly


def recommend_rows(found: World) -> Floats:
    """float32[V, d + 1]: what an index for `recommend` holds, by the default settings."""
    bias = RecommendSettings().popularity * np.log1p(found.counts)
    return np.concatenate([found.contexts, bias[:, None].astype(np.float32)], axis=1)


def histories(found: World) -> Floats:
    """float32[Q, d + 1]: histories of three items near one another, as `recommend` asks with them."""
    rng = np.random.default_rng(0)
    settings = RecommendSettings()
    units = found.vectors / np.maximum(np.linalg.norm(found.vectors, axis=1, keepdims=True), 1e-12)
    first = rng.integers(len(units), size=QUERIES)
    near = np.argpartition(-(units[first] @ units.T), 10, axis=1)[:, :10]
    items = np.stack([first, *(near[np.arange(QUERIES), rng.integers(10, size=QUERIES)] for _ in "12")], 1)
    ends = np.arange(0, 3 * QUERIES + 1, 3, dtype=np.int64)
    flat = items.astype(np.int32).ravel()
    queries = history_vectors(found.vectors, flat, ends, settings.history, settings.decay)
    return np.concatenate([queries, np.ones((QUERIES, 1), np.float32)], axis=1)


def measured(found: World, k: int, workers: int) -> dict[str, list[Line]]:
    """The lines of all kinds, for `similar` and for `recommend`."""
    kinds = KINDS if len(found.vectors) <= TREE else tuple(kind for kind in KINDS if kind != "kdtree")
    out = {}
    for purpose, rows, metric, queries in (
        ("similar", found.vectors, "cosine", None),
        ("recommend", recommend_rows(found), "ip", histories(found)),
    ):
        out[purpose], notes = index_lines(
            rows, metric, k=k, queries=queries, kinds=kinds, workers=workers,
            progress=lambda words: say(f"{found.name}: {words}"),
        )  # fmt: skip
        for note in notes:
            say(note)
    return out


def show(name: str, lines: dict[str, list[Line]]) -> None:
    """The tables on the terminal."""
    for purpose, mine in lines.items():
        rows = [
            (a.kind, a.setting, f"{a.recall:.4f}", f"{a.single:,.0f}", f"{a.batch:,.0f}", f"{a.build:.1f}")
            for a in mine
        ]
        head = (f"{name}, {purpose}", "setting", "recall", "queries/s", "in batches", "built in s")
        print(f"\n{table(head, rows)}\n")


def alone() -> None:
    """Start again with one thread for the products of exact search; numpy reads that when it is imported."""
    limits = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if any(os.environ.get(name) != one for name, one in limits.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | limits)


def main() -> None:
    """Measure and record."""
    options = parser(__doc__ or "")
    options.add_argument("worlds", nargs="*", default=WORLDS, help=f"of {', '.join(WORLDS)} (default all)")
    given = options.parse_args()
    names = ("shop-20k",) if given.quick else tuple(given.worlds)
    figures: dict[str, Any] = {}
    for name in names:
        found = world(name, given.workers)
        k = 20 if len(found.vectors) <= TREE else 100
        lines = measured(found, k, given.workers)
        show(name, lines)
        figures[name] = {
            "rows": len(found.vectors), "dimension": int(found.vectors.shape[1]), "k": k,
            "lines": {purpose: [asdict(line) for line in mine] for purpose, mine in lines.items()},
        }  # fmt: skip
    record("indexes", {"queries": QUERIES, "worlds": list(names)}, figures, quick=given.quick)


if __name__ == "__main__":
    alone()
    main()
