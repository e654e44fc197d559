"""The indexes that a model carries: what they are built from, and when they are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from cowalk.errors import ModelError, UsageError
from cowalk.recall import Index, IndexMetric, opened
from cowalk.recall.building import Built, build_index
from cowalk.recommend import Recommender, with_one
from cowalk.seeds import generator
from cowalk.tables.probe import Probe
from cowalk.types import AnyArray, Floats

Purpose = Literal["recommend", "similar"]
PURPOSES: tuple[Purpose, ...] = ("recommend", "similar")
WHOLE = 64 << 20  # bytes up to which a fingerprint reads all of a table
BLOCKS, BLOCK = 256, 64 << 10  # of a larger one so many blocks of so many bytes, evenly over it
NEIGHBORS = 100  # at which recall is measured


@dataclass(frozen=True)
class CarriedIndex:
    """An index as it lies in the model folder; opened when it is first asked.

    told: index (what `Index.stored` told), rows (fingerprint of what it was built from), wanted (kind, recall
    and settings asked for) and found (recall measured, at which k, on how many queries, and why this kind).
    """

    told: Mapping[str, Any]
    arrays: Mapping[str, AnyArray]

    @cached_property
    def index(self) -> Index:
        """The index; ModelError where its arrays are not what was stored."""
        return opened(self.told["index"], self.arrays)


def fingerprint(*tables: AnyArray) -> str:
    """32 hex digits of the tables' shapes and numbers; of one above 64 MiB, of 256 blocks evenly over it."""
    digest = blake2b(digest_size=16)
    for table in tables:
        digest.update(str((table.shape, table.dtype.str)).encode())
        if table.nbytes <= WHOLE:
            digest.update(np.ascontiguousarray(table).data)
            continue
        rows = max(1, BLOCK * len(table) // table.nbytes)
        for start in np.linspace(0, len(table) - rows, BLOCKS).astype(int):
            digest.update(np.ascontiguousarray(table[start : start + rows]).data)
    return digest.hexdigest()


def sources(plain: Recommender, vectors: Floats, purpose: str) -> tuple[AnyArray, ...]:
    """The tables that an index of this purpose is built from."""
    return (plain.keys, plain.bias) if purpose == "recommend" else (vectors,)


def rows_to_index(plain: Recommender, vectors: Floats, purpose: Purpose) -> tuple[Floats, IndexMetric]:
    """The rows of an index and their metric.

    recommend: [keys | bias] float32[V, d + 1] by inner product, so that [q | 1] gives q . key + bias;
    similar: the item vectors by cosine.
    """
    if purpose == "similar":
        return vectors, "cosine"
    return np.concatenate([plain.keys, plain.bias[:, None]], axis=1), "ip"


def check_age(carried: CarriedIndex, plain: Recommender, vectors: Floats, purpose: str) -> None:
    """ModelError where the index was built from other rows than the model has now."""
    if purpose not in PURPOSES or carried.told.get("rows") != fingerprint(*sources(plain, vectors, purpose)):
        raise ModelError(
            f"the index for {purpose} is older than the model's vectors; build it again: "
            f"`cowalk index MODEL`, or model.with_index()"
        )


def sample_queries(plain: Recommender, probe: Probe | None, seed: int) -> Floats:
    """float32[Q, d + 1]: what `recommend` asks with, of the model's probe, else of histories of one item."""
    timed = plain.settings.half_life > 0
    if probe is not None and len(probe) and (len(probe.times) or not timed):
        vectors = plain.queries(probe.items, probe.offsets, probe.times if len(probe.times) else None)
    else:
        size = len(plain.counts)
        items = generator(seed, "index/histories").permutation(size)[:1000].astype(np.int32)
        ends = np.arange(len(items) + 1, dtype=np.int64)
        vectors = plain.queries(items, ends, np.zeros(len(items), np.int64) if timed else None)
    return with_one(vectors)


def build_for(
    plain: Recommender, vectors: Floats, probe: Probe | None, purpose: Purpose, kind: str, recall: float,
    *, k: int = NEIGHBORS, seed: int = 0, workers: int | None = None,
    progress: Callable[[str], None] | None = None, settings: Mapping[str, Any],
) -> tuple[CarriedIndex, Built]:  # fmt: skip
    """An index of this purpose for the recall, measured on what it will be asked; and how it came about."""
    if purpose not in PURPOSES:
        raise UsageError(f"an index is for {' or '.join(PURPOSES)}, not {purpose!r}")
    rows, metric = rows_to_index(plain, vectors, purpose)
    queries = sample_queries(plain, probe, seed) if purpose == "recommend" else None
    built = build_index(
        rows, metric, kind, recall=recall, k=k, queries=queries, seed=seed, workers=workers,
        progress=progress, **settings,
    )  # fmt: skip
    told, arrays = built.index.stored()
    found = {"recall": round(built.recall, 4), "k": built.k, "queries": built.queries, "why": built.why}
    wanted = {"kind": kind, "recall": recall, "k": k, "settings": dict(settings)}
    rows_by = fingerprint(*sources(plain, vectors, purpose))
    carried = CarriedIndex({"index": told, "rows": rows_by, "wanted": wanted, "found": found}, arrays)
    carried.__dict__["index"] = built.index  # it is open already
    return carried, built
