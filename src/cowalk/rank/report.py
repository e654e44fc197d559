"""RankReport: the figures of a ranking model on labelled rows, with bounds, and beside another model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.evaluate.bootstrap import Estimate
from cowalk.evaluate.clicks import Calibration, calibration, click_differences, click_figures
from cowalk.types import AnyArray


@dataclass(frozen=True)
class RankReport:
    """figures: auc, gauc (where users are known), log-loss, normalised entropy, each with 95 % bounds over
    resampled users (rows where they are not known). scores float64[N], labels, groups: what they are of.
    """

    figures: dict[str, Estimate]
    calibration: Calibration
    scores: AnyArray
    labels: AnyArray
    groups: AnyArray | None

    def __getitem__(self, name: str) -> float:
        return self.figures[name].mean

    def beside(self, other: RankReport, seed: int = 0) -> dict[str, Estimate]:
        """This model's figures minus the other's on the same rows, paired, with bounds."""
        if len(self.labels) != len(other.labels) or np.any(self.labels != other.labels):
            raise UsageError("the two reports are not of the same rows; evaluate both models on one table")
        groups = other.groups if self.groups is None else self.groups
        return click_differences(self.scores, other.scores, self.labels, groups, seed=seed)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        told = {name: {"mean": e.mean, "low": e.low, "high": e.high} for name, e in self.figures.items()}
        c = self.calibration
        return {
            "rows": len(self.labels),
            "click rate": float(np.mean(self.labels)),
            "figures": told,
            "calibration": {
                "told / seen": c.ratio,
                "error": c.error,
                "scores": c.scores.tolist(),
                "rates": c.rates.tolist(),
                "rows": c.numbers.tolist(),
            },
        }


def report_of(
    scores: AnyArray, labels: AnyArray, groups: AnyArray | None = None, seed: int = 0
) -> RankReport:
    """The report of these scores; groups: who saw each row."""
    scores, labels = np.asarray(scores), np.asarray(labels)
    groups = None if groups is None else np.asarray(groups)
    figures = click_figures(scores, labels, groups, seed=seed)
    return RankReport(figures, calibration(scores, labels), scores, labels, groups)
