"""Vectors of a model into the files that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from cowalk.errors import UsageError
from cowalk.model import ModelData
from cowalk.tables import Vectors
from cowalk.tables.vector_files import FORMATS, Format, Table, write
from cowalk.tables.vocab import STRING
from cowalk.types import AnyArray, Floats
from cowalk.users.tower import tower_of

What = Literal["items", "contexts", "fields", "weights", "users"]
WHATS: tuple[What, ...] = ("items", "contexts", "fields", "weights", "users")


def table_of(model: ModelData, what: What) -> Table:
    """items, contexts, weights: a row per item; fields: one per value, named field=value; users: per user."""
    counts = {"count": model.vocab.counts}
    if what == "items":
        return Table(model.vocab.ids, model.learned.vectors, counts)
    if what == "contexts":
        return Table(model.vocab.ids, model.contexts.array, counts)
    if what == "weights":
        return Table(model.vocab.ids, model.weights, counts, model.weight_names)
    if what == "users":
        if model.users is None:
            raise UsageError(
                "the model learned no rows of users, as als and bpr do; `cowalk users` makes them of a log"
            )
        return Table(model.users.vocab.ids, model.users.array)
    if what != "fields":
        raise UsageError(f"--what is {what!r}; it must be one of {', '.join(WHATS)}")
    if not model.fields:
        raise UsageError(
            "the model has no fields: it was fitted without items, or by a recipe that uses none (bge)"
        )
    names = [f"{name}={value}" for name, vectors in model.fields.items() for value in vectors]
    fields = [name for name, vectors in model.fields.items() for _ in range(len(vectors))]
    values = [str(value) for vectors in model.fields.values() for value in vectors]
    rows = np.concatenate([vectors.array for vectors in model.fields.values()])
    return Table(_text(names), rows, {"field": _text(fields), "value": _text(values)})


def _text(values: list[str]) -> AnyArray:
    return np.array(values, dtype=STRING)


def export(model: ModelData, to: Format | Literal["onnx"], what: What, out: Path) -> list[str]:
    """Write the file (projector: two) and give notes; a file appears whole or not at all.

    onnx: the user tower of a two-tower or YouTubeDNN model, whatever `what` is; see `nn.onnx.export_tower`.
    """
    if to == "onnx":
        return _tower(model, out)
    table = table_of(model, what)
    if to not in FORMATS:
        raise UsageError(f"--to is {to!r}; it must be one of {', '.join(FORMATS)}, onnx")
    return write(table, to, out)


def _tower(model: ModelData, out: Path) -> list[str]:
    """Write the user tower as ONNX."""
    tower = tower_of(model.learned.extra)
    if tower is None:
        raise UsageError("--to onnx writes the user tower of two-tower and youtube-dnn; this model has none")
    from cowalk.nn.onnx import export_tower

    export_tower(tower, out)
    user = " and user int64[Q] (rows of users)" if len(tower.people) else ""
    return [
        f"input history int64[Q, {tower.last}] (rows of items, newest last, -1 = none){user}; output vector, "
        "to be multiplied with the rows of --what contexts"
    ]


def write_vectors(names: AnyArray, rows: Floats, out: Path, extra: dict[str, AnyArray] | None = None) -> None:
    """One Parquet file: id, vector FLOAT[d] as a fixed-size list, and the extra columns."""
    write(Table(names, rows, extra or {}), "parquet", out)


def read_word2vec(path: Path, *, binary: bool = False) -> Vectors:
    """The vectors of a word2vec file that `export` wrote, under the ids as they were."""
    return Vectors.load(path, "word2vec-bin" if binary else "word2vec")
