"""Judged: what one method reached on one task, kept per query so that methods can be compared in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.metrics import Values
from cowalk.types import AnyArray, Offsets


@dataclass(frozen=True)
class Judged:
    """groups int64[Q]; values: float64[Q] by metric, NaN = undefined there; figures: numbers that are no
    means.
    """

    groups: Offsets
    values: dict[str, Values]
    figures: dict[str, float]

    def __post_init__(self) -> None:
        for name, column in self.values.items():
            if len(column) != len(self.groups):
                raise DataError(f"judged: {len(column)} values of {name!r} for {len(self.groups)} queries")


def join(parts: list[Judged]) -> Judged:
    """The queries of several seeds one after another; figures are averaged over the seeds."""
    names = list(dict.fromkeys(name for part in parts for name in part.values))
    values = {
        name: np.concatenate([part.values.get(name, np.full(len(part.groups), np.nan)) for part in parts])
        for name in names
    }
    figures = {
        name: float(np.mean([p.figures[name] for p in parts if name in p.figures]))
        for name in dict.fromkeys(name for part in parts for name in part.figures)
    }
    return Judged(np.concatenate([part.groups for part in parts]), values, figures)


def metric_matrix(judged: list[Judged], metric: str) -> AnyArray:
    """float64[Q, M]: one metric of several methods over the same queries, NaN where a method has none."""
    missing = np.full(len(judged[0].groups), np.nan)
    return np.stack([one.values.get(metric, missing) for one in judged], axis=1)
