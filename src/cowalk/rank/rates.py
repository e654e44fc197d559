"""What trees read of a table: of a category its click rate and how frequent it is, of a number its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cowalk.seeds import generator
from cowalk.tables.clicks import ClickTable
from cowalk.types import AnyArray, Floats

PARTS = 5
PRIOR = 20.0  # rows of the base rate that each category begins with


@dataclass(frozen=True)
class Rates:
    """rates: float32[K], the damped click rate of each code of each coded column, one after another."""

    rates: Floats

    def features(self, table: ClickTable) -> Floats:
        """float32[N, 2F + M]: of each coded column the code (the more frequent the lower, or the bucket) and
        its rate; the numbers.
        """
        return _features(table, self.rates[table.codes + _starts(table)])

    def arrays(self) -> dict[str, AnyArray]:
        """By name, for a file."""
        return {"rates": self.rates}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, AnyArray]) -> Rates:
        """What `arrays` gave."""
        return cls(arrays["rates"])


def _starts(table: ClickTable) -> AnyArray:
    return np.append(0, np.cumsum(table.sizes))[:-1].astype(np.int64)


def _features(table: ClickTable, rates: Floats) -> Floats:
    parts = [table.codes.astype(np.float32), rates, table.numbers]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def rates_of(table: ClickTable, seed: int = 0) -> tuple[Rates, Floats]:
    """The rates of these rows, and the features of the rows themselves.

    (clicks + 20 * base rate) / (rows + 20) of a code. A training row gets the rate among the other four
    fifths of the rows, so that its own label does not tell itself.
    """
    assert table.labels is not None
    part = generator(seed, "rank/rates").integers(PARTS, size=len(table))
    flat = table.codes + _starts(table)
    base, total = float(table.labels.mean()), sum(table.sizes)
    shown = np.zeros((PARTS, total))
    clicked = np.zeros((PARTS, total))
    for column in flat.T:
        np.add.at(shown, (part, column), 1.0)
        np.add.at(clicked, (part, column), table.labels)
    every = (clicked.sum(axis=0) + PRIOR * base) / (shown.sum(axis=0) + PRIOR)
    others = (clicked.sum(axis=0) - clicked + PRIOR * base) / (shown.sum(axis=0) - shown + PRIOR)
    mine = others.astype(np.float32)[part[:, None], flat]
    return Rates(every.astype(np.float32)), _features(table, mine)
