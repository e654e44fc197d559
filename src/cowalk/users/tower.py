"""User towers: a history to a user vector by a learned network, run by numpy wherever histories are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol, Self

import numpy as np

from cowalk.errors import DataError
from cowalk.layers import Layer, layer_arrays, layers_of, normalize
from cowalk.types import Floats, Ids, Offsets
from cowalk.users.histories import history_vectors

Runtime = Literal["numpy", "onnx"]
"""What runs a user tower: numpy, or onnxruntime (extra onnx)."""
PREFIX = "tower."
"""Before the names of a tower's arrays in Learned.extra."""


class UserTower(Protocol):
    """What makes a history a vector that is multiplied with the context rows."""

    @property
    def inputs(self) -> Floats:
        """float32[V, n]: what it takes in for each item."""
        ...

    @property
    def last(self) -> int:
        """Latest items of a history that it looks at."""
        ...

    def vectors(self, items: Ids, offsets: Offsets, users: Ids | None = None) -> Floats:
        """float32[Q, d] for histories items[offsets[q]:offsets[q+1]], oldest first; users: int32[Q] rows of
        the users that were learned from, -1 = unknown.
        """
        ...

    def beside(self, inputs: Floats) -> Self:
        """The same tower, which also takes the items of these input rows, from row V on."""
        ...


@dataclass(frozen=True)
class NumpyTower:
    """The user side of a network as arrays: pooled input rows, plus a row of the user, through layers.

    inputs: float32[V, n], a row per item; places: float32[last], logits by steps back from the newest; query:
    float32[n]: an event weighs softmax(inputs . query + places) among the latest `last` (zeros: the plain
    mean). people: float32[U + 1, n], added by user, the last row where the user is unknown; or no rows.
    unit: the top is brought to length 1; scale: what it is multiplied with; one: a last number 1 is added,
    opposite a bias in the context rows.
    """

    inputs: Floats
    places: Floats
    query: Floats
    people: Floats
    layers: tuple[Layer, ...]
    unit: bool
    scale: float
    one: bool = False

    @property
    def last(self) -> int:
        """Latest items of a history that it looks at."""
        return len(self.places)

    @cached_property
    def _logits(self) -> Floats:
        return np.asarray(self.inputs @ self.query, dtype=np.float32)

    def pooled(self, items: Ids, offsets: Offsets) -> Floats:
        """float32[Q, n]: the weighted mean of the input rows; zeros for an empty history."""
        lengths = np.diff(offsets)
        back = np.repeat(offsets[1:], lengths) - 1 - np.arange(offsets[-1])
        logits = self._logits[items] + self.places[np.minimum(back, self.last - 1)]
        logits[back >= self.last] = -np.inf
        full = lengths > 0
        tops = np.repeat(np.maximum.reduceat(logits, offsets[:-1][full]) if full.any() else logits[:0],
                         lengths[full])  # fmt: skip
        return history_vectors(self.inputs, items, offsets, self.last, 1.0, np.exp(logits - tops))

    def vectors(self, items: Ids, offsets: Offsets, users: Ids | None = None) -> Floats:
        """See UserTower.vectors."""
        rows = self.pooled(items, offsets)
        if len(self.people):
            who = np.full(len(rows), -1, dtype=np.int32) if users is None else users
            known = np.where((who >= 0) & (who < len(self.people) - 1), who, len(self.people) - 1)
            rows = rows + self.people[known]
        for layer in self.layers:
            rows = layer(rows)
        out = (normalize(rows) if self.unit else rows) * np.float32(self.scale)
        if self.one:
            out = np.concatenate([out, np.ones((len(out), 1), dtype=np.float32)], axis=1)
        return np.asarray(out, dtype=np.float32)

    def beside(self, inputs: Floats) -> Self:
        """See UserTower.beside."""
        return replace(self, inputs=np.concatenate([self.inputs, inputs]))

    def arrays(self) -> dict[str, Floats]:
        """The tower as float32 arrays by name, which `tower_of` reads back."""
        flags = [self.unit, self.scale, self.one, *(layer.relu for layer in self.layers)]
        out = {
            "inputs": self.inputs, "places": self.places, "query": self.query, "people": self.people,
            "flags": np.array(flags, dtype=np.float32),
        }  # fmt: skip
        out |= layer_arrays("layer", self.layers)
        return {PREFIX + name: array for name, array in out.items()}


def tower_of(extra: Mapping[str, Floats]) -> NumpyTower | None:
    """The tower among what an engine learned; None where it learned none."""
    if PREFIX + "flags" not in extra:
        return None
    arrays = {name.removeprefix(PREFIX): array for name, array in extra.items() if name.startswith(PREFIX)}
    try:
        unit, scale, one, *relu = arrays["flags"].tolist()
        return NumpyTower(
            arrays["inputs"], arrays["places"], arrays["query"], arrays["people"],
            layers_of("layer", arrays, relu), bool(unit), float(scale), bool(one),
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise DataError(f"the user tower is damaged ({error}); fit again") from None
