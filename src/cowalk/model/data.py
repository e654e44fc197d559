"""ModelData: all that a model holds; what is saved, loaded and inspected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cowalk.errors import UsageError
from cowalk.learn import Learned
from cowalk.maps import ItemMap
from cowalk.model.indexes import CarriedIndex
from cowalk.model.item_names import ItemNames
from cowalk.recall import CooccurrenceLists
from cowalk.settings import Recipe
from cowalk.tables import SideInfo, Vectors, Vocab
from cowalk.tables.probe import Probe
from cowalk.types import Floats
from cowalk.users.tower import Runtime


@dataclass(frozen=True)
class ModelData:
    """Everything that was learned, and what it was learned from in figures (`manifest`).

    vocab: the items, most frequent first (behind them those of later updates), with their counts in the log.
    cold_vocab, cold_info: items of the
    items table that are not in the log; they answer under the policy `cold`. cold_learned: the rows that cold
    vectors come from, where they are not `learned` itself. probe: what `update` measures forgetting by.
    """

    recipe: Recipe
    vocab: Vocab
    learned: Learned
    side_info: SideInfo | None = None
    lists: CooccurrenceLists | None = None
    cold_learned: Learned | None = None
    cold_vocab: Vocab | None = None
    cold_info: SideInfo | None = None
    probe: Probe | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    user_vocab: Vocab | None = None
    """The users of whom the engine learned rows (matrix factorization)."""
    map: ItemMap | None = None
    """Where the items lie in the plane, for people to look at; made with an index."""
    names: ItemNames | None = None
    """What people call the items, warm ones and then cold ones; not learned from."""
    runtime: Runtime = "numpy"
    """What runs the user tower, where there is one; not saved."""
    indexes: Mapping[str, CarriedIndex] = field(default_factory=dict)
    """What finds the items of `recommend` and of `similar` without looking at all of them, by these names."""

    @cached_property
    def vectors(self) -> Vectors:
        """The item vectors H."""
        return Vectors(self.vocab, self.learned.vectors)

    @cached_property
    def contexts(self) -> Vectors:
        """The context rows Z: what a history's vectors are multiplied with when items are recommended."""
        if self.learned.contexts.shape[1] == 0:
            raise UsageError("the model has no context rows: hierarchical softmax learns none per item")
        return Vectors(self.vocab, self.learned.contexts)

    @cached_property
    def own(self) -> Vectors:
        """The items' own rows, before side information comes in."""
        return Vectors(self.vocab, self.learned.own)

    @cached_property
    def users(self) -> Vectors | None:
        """The known users' factors, where the engine learned some (als, bpr): times `contexts` its score."""
        if self.user_vocab is None or "users" not in self.learned.extra:
            return None
        return Vectors(self.user_vocab, self.learned.extra["users"])

    @cached_property
    def fields(self) -> dict[str, Vectors]:
        """By field, a row per value."""
        if self.side_info is None:
            return {}
        named = zip(self.learned.field_names, self.learned.fields, strict=True)
        return {name: Vectors(Vocab.of(self.side_info[name].labels), rows) for name, rows in named}

    def called(self, row: int) -> str:
        """What people call the item of a warm or cold row, "" where that is not known."""
        return "" if self.names is None else self.names[row]

    @property
    def names_by_id(self) -> dict[str, str]:
        """What people call the items, by id as a text."""
        if self.names is None:
            return {}
        cold = [] if self.cold_vocab is None else self.cold_vocab.ids.tolist()
        return dict(zip(map(str, [*self.vocab.ids.tolist(), *cold]), self.names.all(), strict=True))

    @property
    def weights(self) -> Floats:
        """float32[V, n+1]: share of own row and fields in each item vector; columns are `weight_names`."""
        return self.learned.weights

    @property
    def weight_names(self) -> tuple[str, ...]:
        """Names of the columns of `weights`: own, then the fields."""
        return ("own", *self.learned.field_names)
