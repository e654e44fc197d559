"""Item rows that begin as given vectors, of one set or of several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from torch import Tensor

from cowalk.errors import UsageError
from cowalk.nn.items import ItemEmbedding, VectorItems
from cowalk.nn.joined import JoinedEmbedding
from cowalk.nn.pretrained import VectorEmbedding, embedding
from cowalk.rank.settings import RankSettings
from cowalk.tables import Vectors, Vocab

if TYPE_CHECKING:
    from cowalk.model import Model

    Given: TypeAlias = Vectors | Model | Sequence[Vectors | Model]

AT = "items.vectors."


def given_vectors(given: Given | None) -> list[Vectors]:
    """The vectors of each set, those of models among them; UsageError for what is neither."""
    sets = [] if given is None else list(given) if isinstance(given, Sequence) else [given]
    for one in sets:
        if not isinstance(one, Vectors) and not isinstance(getattr(one, "vectors", None), Vectors):
            raise UsageError(f"vectors is {type(one).__name__}; give Vectors, a model, or a list of these")
    return [one if isinstance(one, Vectors) else one.vectors for one in sets]


def vector_items(s: RankSettings, vocab: Vocab, given: Given) -> VectorItems:
    """Rows that begin as the vectors; of a model with cold vectors for items that only its table knows."""
    if not isinstance(given, Sequence):
        layer = _layer(s, vocab, given)
        return VectorItems(layer, len(vocab), layer.embedding_dim)
    joined = JoinedEmbedding([_layer(s, vocab, one) for one in given], s.join)
    return VectorItems(joined, len(vocab), joined.size)


def _layer(s: RankSettings, vocab: Vocab, given: Vectors | Model) -> VectorEmbedding:
    model = None if isinstance(given, Vectors) else given
    return embedding(
        given if isinstance(given, Vectors) else given.vectors, vocab, trainable=not s.frozen,
        cold=model if model is not None and model.cold_vocab is not None else None,
        learning_rate=s.rows_rate, sparse=s.train.sparse, spread=s.spread,
    )  # fmt: skip


def with_vectors(items: ItemEmbedding) -> list[int]:
    """How many items have a vector of their own in each of the sets that the rows begin as."""
    layers = [part for part in items.modules() if isinstance(part, VectorEmbedding)]
    return [len(layer.vocab) - layer.missing for layer in layers]


def empty_vector_items(s: RankSettings, vocab: Vocab, tensors: Mapping[str, Tensor]) -> VectorItems:
    """Layers of the stored shapes, their numbers still to be put in."""
    if f"{AT}weight" in tensors:
        layer = _empty(s, vocab, tensors[f"{AT}weight"])
        return VectorItems(layer, len(vocab), layer.embedding_dim)
    number = sum(name.startswith(f"{AT}layers.") and name.endswith(".weight") for name in tensors)
    layers = [_empty(s, vocab, tensors[f"{AT}layers.{k}.weight"]) for k in range(number)]
    joined = JoinedEmbedding(layers, s.join)
    return VectorItems(joined, len(vocab), joined.size)


def _empty(s: RankSettings, vocab: Vocab, weight: Tensor) -> VectorEmbedding:
    rows = np.zeros((len(vocab), weight.shape[1]), dtype=np.float32)
    known = np.ones(len(vocab), dtype=bool)
    return VectorEmbedding(vocab, rows, known, not s.frozen, s.rows_rate, s.train.sparse)
