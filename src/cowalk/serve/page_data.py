"""What the page reads of a model in bulk: places, colours, ids and names, each made once a version."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.maps import ItemMap, between, make_map
from cowalk.model import Model
from cowalk.model.filters import Mask
from cowalk.tables import Field, Id
from cowalk.types import AnyArray, Ids

MAGIC = b"CWMAP1\0\0"
CAPTION = 3  # fields that stand for a name
SHOWN = 300  # values of a field that the page is told by name
LEAST = 0.05  # share of a group that a value must hold to name it


@dataclass(frozen=True)
class FieldColours:
    """A field as one code an item: codes uint16[V], 0 where missing, 1 the first of `values`.

    Values come by how many items hold them, most first; those of a numeric field in their order. An item of
    several values counts by the one that most items hold.
    """

    codes: AnyArray
    values: list[str]
    counts: list[int]


class PageData:
    """The page's view of one model: built when first asked for, the same bytes from then on."""

    def __init__(self, model: Model, version: str, title: str, names: Sequence[str] = ()) -> None:
        self.model, self.version, self.title, self.names = model, version, title, names
        self._lock = Lock()
        self._fields: dict[str, FieldColours] = {}

    @cached_property
    def map(self) -> ItemMap:
        """The map that the model folder holds; one by PCA where it holds none."""
        with self._lock:
            kept = self.model.map
            return kept or make_map(np.asarray(self.model.learned.vectors), "pca", self.model.recipe.seed)

    @property
    def _side(self) -> tuple[Field, ...]:
        return () if self.model.side_info is None else self.model.side_info.fields

    def places(self) -> bytes:
        """CWMAP1, uint32 V, uint32 groups, then float32 x, y [V, 2], uint32 counts [V], uint8 groups [V].

        All little-endian; rows in the order of the ids.
        """
        drawn = self.map
        head = np.array([len(drawn.places), len(self.about["clusters"])], dtype="<u4")
        parts = [
            MAGIC,
            head.tobytes(),
            drawn.places.astype("<f4").tobytes(),
            self.model.vocab.counts.astype("<u4").tobytes(),
            drawn.clusters.astype(np.uint8).tobytes(),
        ]
        return b"".join(parts)

    @cached_property
    def ids(self) -> tuple[bytes, bytes]:
        """{"ids": [...], "names": [...]} as JSON, plain and gzipped, in the order of rows.

        Where the model knows no names, the values of the first fields stand for them.
        """
        ids = self.model.vocab.ids.tolist()
        names = list(self.names[: len(ids)])
        told = {"ids": ids, "names": names if any(names) else captions(self._side, len(ids))}
        plain = json.dumps(told, ensure_ascii=False).encode()
        return plain, gzip.compress(plain, 5, mtime=0)

    @cached_property
    def about(self) -> dict[str, Any]:
        """Title, version, sizes, fields with their values, and what the groups are called."""
        fields = []
        for field in self._side:
            told: dict[str, Any] = {"name": field.name, "kind": field.kind, "values": [], "counts": []}
            if field.kind != "dense":
                colours = self.field(field.name)
                told |= {"values": colours.values[:SHOWN], "counts": colours.counts[:SHOWN]}
            fields.append(told)
        return {
            "title": self.title,
            "version": self.version,
            "recipe": self.model.recipe.name,
            "items": len(self.model.vocab),
            "dimensions": int(self.model.learned.vectors.shape[1]),
            "map": self.map.method,
            "fields": fields,
            "clusters": self._group_names(),
        }

    def field(self, name: str) -> FieldColours:
        """The colours of one field; UsageError for a name that is none, or of vectors."""
        if name not in self._fields:
            known = {field.name: field for field in self._side if field.kind != "dense"}
            if name not in known:
                raise UsageError(f"no field {name!r} to colour by; fields are {', '.join(known) or 'none'}")
            self._fields[name] = colours_of(known[name])
        return self._fields[name]

    def _group_names(self) -> list[str]:
        """By group its number, and the value that tells it best from the others."""
        groups = self.map.clusters
        count = int(groups.max(initial=-1)) + 1
        best = [(0.0, "")] * count
        for field in self._side:
            if field.kind in ("numeric", "dense") or not field.size:
                continue
            for group, (telling, label) in enumerate(telling_values(field, groups, count)):
                best[group] = max(best[group], (telling, label))
        return [f"{group + 1} {label}".strip() for group, (_, label) in enumerate(best)]

    def place(self, items: list[Id], scores: list[float]) -> list[float]:
        """Where an item with these neighbours, nearest first, lies on the map: [x, y]."""
        rows = self.model.vocab.find(items)
        near = self.map.places[rows[rows >= 0]]
        if not len(near):
            raise UsageError("items: none of them is on the map")
        weights = np.asarray(scores, dtype=np.float32)[rows >= 0]
        return [float(value) for value in between(near[None], weights[None])[0]]


def captions(fields: Sequence[Field], items: int) -> list[str]:
    """By item its values in the first CAPTION fields that are words."""
    wordy = [field for field in fields if field.kind in ("categorical", "multi") and _wordy(field).any()]
    parts: list[list[str]] = [[] for _ in range(items)]
    for field in wordy[:CAPTION]:
        labels = [str(label) for label in field.labels.tolist()]
        rows = np.repeat(np.arange(items), np.diff(field.offsets)).tolist()
        for row, code in zip(rows, field.codes.tolist(), strict=True):
            if labels[code] not in parts[row]:
                parts[row].append(labels[code])
    return [", ".join(part) for part in parts]


def _wordy(field: Field) -> Mask:
    """bool[K]: which values hold a letter; a bare number tells a person nothing."""
    return np.array([any(sign.isalpha() for sign in str(one)) for one in field.labels.tolist()], dtype=bool)


def colours_of(field: Field) -> FieldColours:
    """One code an item; see FieldColours."""
    held = np.bincount(field.codes, minlength=field.size)
    order = np.arange(field.size) if field.kind == "numeric" else np.argsort(-held, kind="stable")
    rank = np.empty(field.size, dtype=np.int64)
    rank[order] = np.arange(field.size)
    size, none = len(field), np.iinfo(np.int64).max
    best: AnyArray = np.full(size, none, dtype=np.int64)
    np.minimum.at(best, np.repeat(np.arange(size), np.diff(field.offsets)), rank[field.codes])
    codes = np.where(best == none, 0, np.minimum(best, 65534) + 1).astype("<u2")
    labels = [str(label) for label in np.asarray(field.labels)[order]]
    counts = np.bincount(codes, minlength=min(field.size, 65535) + 1)[1:]
    return FieldColours(codes, labels, counts.tolist())


def telling_values(field: Field, groups: Ids, count: int) -> list[tuple[float, str]]:
    """By group (how telling, value): the largest share there * log(share there / share everywhere)."""
    rows = np.repeat(groups, np.diff(field.offsets)).astype(np.int64)
    table = np.bincount(rows * field.size + field.codes, minlength=count * field.size)
    table = table.reshape(count, field.size).astype(np.float64)
    sizes = np.maximum(np.bincount(groups, minlength=count), 1)
    inside, everywhere = table / sizes[:, None], table.sum(axis=0) / max(len(groups), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        telling = np.where(inside >= LEAST, inside * np.log(inside / everywhere), 0.0)
    labels = np.asarray(field.labels)
    telling[:, ~_wordy(field)] = 0
    best = telling.argmax(axis=1)
    return [
        (float(telling[group, at]), str(labels[at])) if telling[group, at] > 0 else (0.0, "")
        for group, at in enumerate(best.tolist())
    ]
