"""From settings to a network: fresh ones for training, and empty ones that stored weights are put into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from cowalk.nn.attributes import ItemsWithAttributes, value_table
from cowalk.nn.ctr.deep import DeepTable
from cowalk.nn.ctr.fnn import FNN
from cowalk.nn.ctr.fnn import HIDDEN as DIAMOND
from cowalk.nn.ctr.history import HistoryNetwork
from cowalk.nn.ctr.linear import FactorizationMachine, LogisticRegression
from cowalk.nn.ctr.network import ClickNetwork
from cowalk.nn.interest_graph import InterestGraph, Mixing
from cowalk.nn.items import ItemEmbedding, PlainItems
from cowalk.nn.residual import ResidualEmbedding
from cowalk.rank.layers import empty_vector_items, vector_items
from cowalk.rank.settings import PRETRAINED, RESIDUAL, RankSettings
from cowalk.tables import SideInfo, Vocab

if TYPE_CHECKING:
    from cowalk.rank.layers import Given

TOWER = (400, 120)
MIXINGS: dict[str, Mixing] = {"res-avg": "avg", "res-gcn": "gcn", "res-att": "att"}


def items_of(
    s: RankSettings, vocab: Vocab, *, graph: InterestGraph | None = None,
    vectors: Given | None = None,
) -> ItemEmbedding:  # fmt: skip
    """The item embedding that the settings name; Res-embedding needs the graph, vectors the vectors."""
    if s.embedding in RESIDUAL:
        assert graph is not None
        mixing = MIXINGS[s.embedding]
        return ResidualEmbedding(graph, s.vector_size, mixing, s.penalty, s.penalty_over)
    if s.embedding == "vectors" or s.embedding in PRETRAINED:
        assert vectors is not None
        return vector_items(s, vocab, vectors)
    size = s.vector_size * (2 if s.embedding == "double" else 1)
    l2 = s.l2 if s.embedding == "l2" else 0.0
    return PlainItems(len(vocab), size, l2, s.train.sparse)


def empty_items(s: RankSettings, vocab: Vocab, tensors: Mapping[str, Tensor]) -> ItemEmbedding:
    """An embedding of the stored shapes, its numbers still to be put in."""
    if s.attributes:
        inner = {"items." + name.removeprefix("items.inner."): one for name, one in tensors.items()}
        number = sum(name.startswith("items.tables.") for name in tensors)
        sizes = [len(tensors[f"items.tables.{k}.weight"]) for k in range(number)]
        values = [tensors[f"items.values{k}"][:-1].numpy() for k in range(number)]
        plain = empty_items(s.model_copy(update={"attributes": False}), vocab, inner)
        return ItemsWithAttributes(plain, values, sizes, s.attribute_size)
    if s.embedding in RESIDUAL:
        width = tensors["items.neighbors"].shape[1]
        none = np.full((len(vocab), width), -1, dtype=np.int32)
        return items_of(s, vocab, graph=InterestGraph(none, np.zeros(none.shape, dtype=np.float32)))
    if s.embedding == "vectors" or s.embedding in PRETRAINED:
        return empty_vector_items(s, vocab, tensors)
    return items_of(s, vocab)


def with_attributes(s: RankSettings, items: ItemEmbedding, side_info: SideInfo) -> ItemEmbedding:
    """The items with the attributes that have codes (dense ones are left out)."""
    fields = [field for field in side_info.fields if field.kind != "dense"]
    values = [value_table(field) for field in fields]
    return ItemsWithAttributes(items, values, [field.size for field in fields], s.attribute_size)


def history_network(
    s: RankSettings, items: ItemEmbedding, context: dict[str, int], coded: dict[str, int]
) -> HistoryNetwork:
    """DIN, MLP or PNN over these items, columns of numbers (by width) and of codes (by how many)."""
    base: Any = s.model
    return HistoryNetwork(
        items, base, TOWER if s.hidden is None else s.hidden, context=context, dropout=s.dropout or 0.0,
        activation=s.activation or "relu", rate=s.rows_rate, coded=coded, size=s.attribute_size,
    )  # fmt: skip


def table_network(
    s: RankSettings, sizes: Sequence[int], numbers: int, machine: FactorizationMachine | None = None
) -> ClickNetwork:
    """The network over a table of these columns; FNN begins with the machine where one is given."""
    l2 = s.l2 if s.embedding == "l2" else 0.0
    sparse, size = s.train.sparse, s.vector_size * (2 if s.embedding == "double" else 1)
    if s.model in ("lr", "gbdt-lr"):
        return LogisticRegression(sizes, numbers, l2, sparse)
    if s.model == "fm":
        return FactorizationMachine(sizes, numbers, size, l2, sparse)
    if s.model == "fnn":
        machine = machine or FactorizationMachine(sizes, numbers, size, l2, sparse)
        return FNN(
            machine, DIAMOND if s.hidden is None else s.hidden, frozen=s.frozen,
            dropout=0.2 if s.dropout is None else s.dropout, activation=s.activation or "tanh",
            rate=s.rows_rate,
        )  # fmt: skip
    return DeepTable(
        sizes, numbers, size, TOWER if s.hidden is None else s.hidden, products=s.model == "pnn", l2=l2,
        dropout=s.dropout or 0.0, activation=s.activation or "relu", sparse=sparse,
    )  # fmt: skip
