"""What is in a model, as plain values: data, drops, graph health, losses, learned weights, scorer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cowalk.model.data import ModelData

BLOCK = 65536


def inspect(model: ModelData) -> dict[str, Any]:
    """Sections by name; values are texts, numbers, and lists or tables of these."""
    told = model.manifest
    learned = model.learned
    return {
        "model": {
            "recipe": model.recipe.name,
            "items": len(model.vocab),
            "vector_size": int(learned.vectors.shape[1]),
            "seed": model.recipe.seed,
            "created": told.get("created"),
            "cold items": 0 if model.cold_vocab is None else len(model.cold_vocab),
            "co-occurrence lists": model.lists is not None,
            "vocabulary fingerprint": model.vocab.fingerprint,
        },
        "data": told.get("data", {}),
        "dropped": told.get("dropped", []),
        "graph": told.get("graph", {}),
        "losses": [round(float(loss), 6) for loss in learned.losses],
        "weights": weight_summary(model),
        "fields": field_summary(model),
        "scorer": model.recipe.recommend.model_dump(),
        "indexes": {purpose: index_summary(carried.told) for purpose, carried in model.indexes.items()},
        "chosen": told.get("chosen", {}),
        "metrics": told.get("metrics", {}),
        "libraries": told.get("libraries", {}),
        "files": {name: entry["size"] for name, entry in told.get("files", {}).items()},
    }


def index_summary(told: Mapping[str, Any]) -> dict[str, Any]:
    """Kind, recall measured when it was built, at which k, and why this kind."""
    found = told["found"]
    return {
        "kind": told["index"]["kind"], "metric": told["index"]["metric"],
        f"recall@{found['k']}": found["recall"], "why": found["why"],
    }  # fmt: skip


def weight_summary(model: ModelData) -> dict[str, dict[str, float]]:
    """By own row and field: mean share, share among the items that have it, and mean |share x row|.

    The last tells how much a part adds to the item vectors: a large weight on a short row adds little.
    """
    weights = model.weights
    out: dict[str, dict[str, float]] = {}
    for slot, name in enumerate(model.weight_names):
        column = np.asarray(weights[:, slot], dtype=np.float64)
        has = column > 0
        out[name] = {
            "mean": float(column.mean()) if len(column) else 0.0,
            "mean where known": float(column[has].mean()) if has.any() else 0.0,
            "known": float(has.mean()) if len(column) else 0.0,
            "mean length": _mean_length(model, slot, column),
        }
    return out


def _mean_length(model: ModelData, slot: int, column: Any) -> float:
    """Mean over the items of |weight x (own row, or mean of the item's value rows)|."""
    if not len(column):
        return 0.0
    if slot == 0:
        rows = model.learned.own
        total = sum(
            float((np.linalg.norm(rows[i : i + BLOCK], axis=1) * column[i : i + BLOCK]).sum())
            for i in range(0, len(rows), BLOCK)
        )
        return total / len(column)
    assert model.side_info is not None
    field = model.side_info[model.learned.field_names[slot - 1]]
    table, total = model.learned.fields[slot - 1], 0.0
    if field.vectors is not None:
        lengths = np.linalg.norm(field.product(table), axis=1)
        return float((lengths * column).sum()) / len(column)
    for start in range(0, len(column), BLOCK):
        offsets = field.offsets[start : start + BLOCK + 1]
        codes = field.codes[offsets[0] : offsets[-1]]
        lengths = np.diff(offsets)
        sums = np.zeros((len(lengths), table.shape[1]))
        np.add.at(sums, np.repeat(np.arange(len(lengths)), lengths), table[codes])
        means = np.linalg.norm(sums, axis=1) / np.maximum(lengths, 1)
        total += float((means * column[start : start + BLOCK]).sum())
    return total / len(column)


def field_summary(model: ModelData) -> dict[str, dict[str, Any]]:
    """By field: kind, number of values, share of the items that have one, edges of numeric buckets."""
    out: dict[str, dict[str, Any]] = {}
    for field in model.side_info.fields if model.side_info is not None else ():
        known = float(field.known.mean()) if len(field) else 0.0
        out[field.name] = {"kind": field.kind, "values": field.size, "known": known}
        if field.edges is not None:
            out[field.name]["edges"] = [float(edge) for edge in field.edges]
    return out
