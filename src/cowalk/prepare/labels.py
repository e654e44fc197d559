"""A table of labelled nodes, a row per label of a node -> Labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cowalk.errors import DataError
from cowalk.prepare.columns import id_column
from cowalk.prepare.database import database
from cowalk.prepare.sources import label_of, load
from cowalk.prepare.vocabulary import frequent_first, renumber
from cowalk.tables.vocab import Id, Vocab, as_ids
from cowalk.types import AnyArray, Ids, Offsets


@dataclass(frozen=True)
class Labels:
    """Which labels each node has: node i the codes codes[offsets[i]:offsets[i+1]], rising, at least one.

    nodes: outside ids; names: the labels by code, on most nodes first.
    """

    nodes: Vocab
    offsets: Offsets
    codes: Ids
    names: Vocab

    def __len__(self) -> int:
        return len(self.nodes)

    @classmethod
    def of(cls, nodes: Iterable[Id] | AnyArray, labels: Iterable[Id] | AnyArray) -> Labels:
        """From pairs (node, label); a pair that stands twice counts once."""
        known, kinds = _numbered(nodes), _numbered(labels)
        if len(known[1]) == 0:
            raise DataError("there are no labels")
        counts = np.bincount(np.unique(known[1] * len(kinds[0]) + kinds[1]) % len(kinds[0]))
        ranked = frequent_first(kinds[0], counts.astype(np.int64))
        code = renumber(len(kinds[0]), ranked)[kinds[1]]
        pairs = np.unique(known[1] * len(ranked) + code)
        per_node = np.bincount(pairs // len(ranked), minlength=len(known[0]))
        offsets = np.append(0, np.cumsum(per_node)).astype(np.int64)
        names = Vocab(kinds[0][ranked], counts[ranked])
        return cls(Vocab.of(known[0]), offsets, (pairs % len(ranked)).astype(np.int32), names)

    def table(self, rows: AnyArray) -> AnyArray:
        """bool[len(rows), labels]: which labels these nodes have."""
        out = np.zeros((len(self), len(self.names)), dtype=bool)
        out[np.repeat(np.arange(len(self)), np.diff(self.offsets)), self.codes] = True
        chosen: AnyArray = out[rows]
        return chosen


def _numbered(values: Iterable[Id] | AnyArray) -> tuple[AnyArray, AnyArray]:
    """The distinct ids, rising, and the number of each value among them."""
    ids, number = np.unique(as_ids(values), return_inverse=True)
    return ids, number.astype(np.int64)


def read_labels(
    source: Any, *, node_column: str = "node", label_column: str = "label", memory_limit: str | int = "4GB"
) -> Labels:
    """The labels of a table (a row per label of a node; rows without a label are left out), or of a mapping
    from node to label or list of labels.

    DataError names the column that is not there, or the row that has no node.
    """
    if isinstance(source, Labels):
        return source
    if isinstance(source, Mapping):
        pairs = [(node, one) for node, given in source.items() for one in _each(given)]
        return Labels.of([node for node, _ in pairs], [one for _, one in pairs])
    label = label_of(source)
    with database(label, memory_limit) as db:
        loaded = load(db, source, [node_column, label_column])
        node, kind = id_column(db, loaded, node_column), id_column(db, loaded, label_column)
        bad = db.rows(
            f"SELECT rowid FROM raw WHERE {node.sql} IS NULL AND {kind.sql} IS NOT NULL "
            "ORDER BY rowid LIMIT 1"
        )
        if bad:
            raise DataError(f"column {node_column!r}: no id ({loaded.place(int(str(bad[0][0])))})")
        for name, typed in (("nodes", node), ("kinds", kind)):
            db.connection.execute(
                f"CREATE TABLE {name} AS SELECT {typed.sql} AS id FROM raw "
                f"WHERE {kind.sql} IS NOT NULL ORDER BY rowid"
            )
        nodes, kinds = db.ids("nodes"), db.ids("kinds")
    if len(nodes) == 0:
        raise DataError(f"{label}: column {label_column!r} holds no label")
    return Labels.of(nodes, kinds)


def _each(given: Any) -> list[Id]:
    if isinstance(given, str):
        return [given]
    return [int(given)] if isinstance(given, int | np.integer) else list(given)
