"""Embedding layers that begin as learned vectors, for anybody's own network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from cowalk.errors import DataError, UsageError
from cowalk.tables import Catalogue, Vectors, Vocab
from cowalk.tables.vocab import Id
from cowalk.types import AnyArray, Floats

if TYPE_CHECKING:
    from cowalk.model import Model

Missing = Literal["cold", "default"]


class VectorEmbedding(nn.Embedding):
    """torch.nn.Embedding over the V ids of `vocab` and, behind them, one default row.

    weight: [V + 1, d]. Rows are those of `vocab`; -1, V and every id without a vector share the default row,
    which begins as the mean of the vectors. missing: how many ids of the vocabulary those are.
    """

    place: Tensor
    learning_rate: float | None

    def __init__(
        self, vocab: Vocab, rows: Floats, known: AnyArray, trainable: bool, learning_rate: float | None,
        sparse: bool,
    ) -> None:  # fmt: skip
        super().__init__(len(vocab) + 1, rows.shape[1], sparse=sparse)
        self.vocab, self.learning_rate = vocab, learning_rate
        self.missing = int((~known).sum())
        place = np.append(np.where(known, np.arange(len(vocab)), len(vocab)), len(vocab))
        self.register_buffer("place", torch.from_numpy(place))
        with torch.no_grad():
            self.weight[:-1] = torch.from_numpy(rows)
            self.weight[-1] = torch.from_numpy(rows[known].mean(axis=0, dtype=np.float64))
        self.weight.requires_grad_(trainable)

    def rows(self, ids: Sequence[Id] | AnyArray) -> Tensor:
        """int64[n] rows of outside ids, for `forward`; V, the default row, where an id is not known."""
        found = torch.from_numpy(self.vocab.find(ids).astype(np.int64))
        return torch.where(found < 0, len(self.vocab), found)

    def forward(self, rows: Tensor) -> Tensor:
        """[*, d] of integer rows [*]."""
        return super().forward(self.place[rows.long()])

    @torch.no_grad()
    def vectors(self) -> Vectors:
        """What the ids have now, as a table that is saved, indexed and asked like any other."""
        every = torch.arange(len(self.vocab), device=self.weight.device)
        return Vectors(self.vocab, self(every).cpu().float().numpy())


def embedding(
    vectors: Vectors, vocab: Vocab | Sequence[Id] | None = None, *, trainable: bool = True,
    missing: Missing | None = None, cold: Model | None = None, attributes: Catalogue | None = None,
    learning_rate: float | None = None, sparse: bool = False, spread: float | None = None,
) -> VectorEmbedding:  # fmt: skip
    """An embedding layer whose rows begin as these vectors; `layer(layer.rows(ids))` looks ids up.

    vocab: ids in the order of the rows that your network uses, the vectors' own unless given. trainable:
    False freezes the rows. missing: what an id without a vector gets: default (the learned default row, which
    all share) or cold (a vector from its attributes by `cold`, a model with an items table; `attributes` are
    those of ids that its table lacks, as `model.read_items` reads them); cold where a model is given.
    learning_rate: of these rows, for `parameter_groups`. sparse: sparse gradients, for SparseAdam. spread:
    multiply all vectors so that their entries have this standard deviation.
    DataError where no id of the vocabulary has a vector; UsageError for options that do not go together.
    """
    _check(vectors, cold, attributes, learning_rate, spread)
    own = vectors.vocab if vocab is None else vocab if isinstance(vocab, Vocab) else Vocab.of(vocab)
    missing = missing or ("default" if cold is None else "cold")
    if missing not in ("cold", "default"):
        raise UsageError(f"missing is {missing!r}; it must be cold or default")
    if missing == "cold" and cold is None:
        raise UsageError("missing='cold' needs the model that knows the attributes: cold=model")
    found = vectors.vocab.find(own.ids)
    known = found >= 0
    if not known.any():
        raise DataError(
            f"no id of the vocabulary has a vector: it names {_first(own)}, the vectors "
            f"{_first(vectors.vocab)}; are the ids the same?"
        )
    rows = np.zeros((len(own), vectors.vector_size), dtype=np.float32)
    rows[known] = vectors.array[found[known]]
    if cold is not None and missing == "cold" and not known.all():
        asked = np.flatnonzero(~known)
        made, at = _cold_rows(cold, own.select(asked), attributes)
        if made.shape[1] != rows.shape[1]:
            raise UsageError(
                f"the vectors have {rows.shape[1]} numbers, the model's cold vectors {made.shape[1]}; "
                "give cold= the model that the vectors are from"
            )
        rows[asked[at]] = made
        known[asked[at]] = True
    if spread is not None:
        rows *= np.float32(spread / max(float(rows[known].std()), 1e-12))
    return VectorEmbedding(own, rows, known, trainable, learning_rate, sparse)


def _check(
    vectors: object, cold: object, attributes: object, learning_rate: float | None, spread: float | None
) -> None:
    """UsageError for what is of another kind, or out of range."""
    if not isinstance(vectors, Vectors):
        raise UsageError(
            f"embedding takes Vectors, not {type(vectors).__name__}; give model.vectors, or "
            "Vectors(Vocab.of(ids), array)"
        )
    if attributes is not None and cold is None:
        raise UsageError("attributes need the model that makes vectors of them: cold=model")
    if attributes is not None and not isinstance(attributes, Catalogue):
        raise UsageError(
            f"attributes is {type(attributes).__name__}; read the table: attributes=model.read_items(table)"
        )
    if learning_rate is not None and not learning_rate > 0:
        raise UsageError(f"learning_rate is {learning_rate}; give one above 0, or freeze by trainable=False")
    if spread is not None and not spread > 0:
        raise UsageError(f"spread is {spread}; give one above 0, or None for the vectors as they are")


def _first(vocab: Vocab) -> str:
    return repr(vocab.names(np.zeros(1, np.int64))[0]) if len(vocab) else "nothing"


def _cold_rows(model: Model, asked: Vocab, attributes: Catalogue | None) -> tuple[Floats, AnyArray]:
    """Cold vectors of those of `asked` whose attributes are known, and which those are."""
    if attributes is not None:
        at = np.flatnonzero(attributes.ids.find(asked.ids) >= 0)
        return model.cold_items(attributes.align(asked.select(at))).vectors, at
    if model.cold_vocab is None or model.cold_info is None:
        if model.side_info is None:
            raise UsageError("the model knows no attributes of items; fit with --items")
        return np.zeros((0, model.vectors.vector_size), np.float32), np.zeros(0, np.int64)
    found = model.cold_vocab.find(asked.ids)
    at = np.flatnonzero(found >= 0)
    fields = tuple(field.take(found[at]) for field in model.cold_info.fields)
    return model.cold.vectors(fields), at
