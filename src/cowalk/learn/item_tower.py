"""The item side of a two-tower network as arrays: a vector for any item whose attributes are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cowalk.layers import Layer, layer_arrays, layers_of, normalize
from cowalk.tables import Field
from cowalk.types import Floats

PREFIX = "item."
"""Before the names of the arrays in Learned.extra."""


@dataclass(frozen=True)
class ItemTower:
    """From attributes to the vectors of a two-tower network, for items that have no row of their own.

    default: float32[1, d], the row that stands for an item's own; rows: one [K, d] per field in the order of
    the side information (of a dense field the map [k, d]); a multi-valued field counts with the mean of its
    values, a missing one with nothing. The sum goes through `layers` and is brought to length 1.
    """

    default: Floats
    rows: tuple[Floats, ...]
    layers: tuple[Layer, ...]

    def inputs(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, d]: the sum of the rows, as histories take it in."""
        n = len(fields[0]) if fields else 0
        out = np.repeat(self.default, n, axis=0)
        for field, rows in zip(fields, self.rows, strict=True):
            out += field.product(rows) if field.vectors is not None else mean_of_values(field, rows)
        return out

    def vectors(self, fields: tuple[Field, ...]) -> Floats:
        """float32[N, d], at length 1."""
        return self.top(self.inputs(fields))

    def top(self, inputs: Floats) -> Floats:
        """float32[N, d]: input rows through the layers, at length 1."""
        for layer in self.layers:
            inputs = layer(inputs)
        return normalize(inputs)

    def arrays(self) -> dict[str, Floats]:
        """The tower as float32 arrays by name, which `item_tower_of` reads back."""
        out = {"default": self.default, "flags": np.array([x.relu for x in self.layers], dtype=np.float32)}
        out |= {f"rows{number}": rows for number, rows in enumerate(self.rows)}
        out |= layer_arrays("layer", self.layers)
        return {PREFIX + name: array for name, array in out.items()}


def mean_of_values(field: Field, rows: Floats) -> Floats:
    """float32[N, d]: the mean row of each item's values; 0 where it has none that has a row."""
    item = np.repeat(np.arange(len(field)), np.diff(field.offsets))
    known = field.codes < len(rows)
    number = np.maximum(np.bincount(item[known], minlength=len(field)), 1)
    out = np.zeros((len(field), rows.shape[1]), dtype=np.float32)
    np.add.at(out, item[known], rows[field.codes[known]] / number[item[known], None].astype(np.float32))
    return out


def item_tower_of(extra: Mapping[str, Floats]) -> ItemTower | None:
    """The item tower among what an engine learned; None where it learned none."""
    if PREFIX + "flags" not in extra:
        return None
    arrays = {name.removeprefix(PREFIX): array for name, array in extra.items() if name.startswith(PREFIX)}
    number = sum(name.startswith("rows") for name in arrays)
    rows = tuple(np.asarray(arrays[f"rows{n}"]) for n in range(number))
    layers = layers_of("layer", arrays, arrays["flags"].tolist())
    return ItemTower(np.asarray(arrays["default"]), rows, layers)
