"""State: one version of a model with all that answers need; never changed, only replaced whole."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cowalk.errors import UsageError
from cowalk.model import Model
from cowalk.model.asking import Question, ask
from cowalk.serve.names import Names, name_field
from cowalk.tables import Id
from cowalk.types import Ids


@dataclass(frozen=True)
class State:
    """The model that answers. ids: outside ids by row, warm then cold; names: what search looks in."""

    model: Model
    version: str
    ids: list[Id]
    names: Names
    since: float = field(default_factory=time.time)

    def named(self, rows: Ids) -> list[Id]:
        """The outside ids of these rows."""
        vocab = self.model.vocab
        if vocab.is_integer and len(rows) and int(rows.max()) < len(vocab):
            return vocab.names(rows)  # numbers beside each other; the others lie all over the memory
        return list(map(self.ids.__getitem__, rows.tolist()))

    @classmethod
    def of(cls, model: Model, version: str, name: str | None = None) -> State:
        """The state of a model, made ready: what is made on first use is made here, so that no request waits.

        A model that cannot answer fails here, before it takes anyone's place.
        """
        ids: list[Id] = model.vocab.ids.tolist()
        if model.cold_vocab is not None:
            ids = ids + model.cold_vocab.ids.tolist()
        made = cls(model, version, ids, Names.of(model, name_field(model, name)))
        _warm(model)
        return made


def _warm(model: Model) -> None:
    """Ask once in each way that makes something on its first use."""
    if not len(model.vocab):
        raise UsageError("the model has no items")
    times = [0] if model.recipe.recommend.half_life > 0 else None
    first = model.vocab.ids[:1].tolist()
    for more in ({}, {"interests": 2}, {"diversity": 0.5}):
        ask(model, first, Question(k=1, times=times, workers=1, **more))
    ask(model, [], Question(k=1, fallback="popularity", may_be_empty=True))
    model.similar(first[0], k=1, explain=True)
