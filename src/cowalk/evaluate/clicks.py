"""What scores of clicks are worth: AUC, grouped AUC, log-loss, normalised entropy, calibration.

A figure comes as one value per row whose mean it is, so that users can be resampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.bootstrap import Estimate, bounds
from cowalk.evaluate.metrics import Values, auc, placements
from cowalk.types import AnyArray

SMALLEST = 1e-15  # chances are kept this far from 0 and 1 before a logarithm
METRICS = ("auc", "gauc", "log-loss", "normalised entropy")


def check_clicks(scores: AnyArray, labels: AnyArray, groups: AnyArray | None = None) -> None:
    """DataError unless labels are 0 and 1, both are there, and each has a score (and a group)."""
    if len(scores) != len(labels) or (groups is not None and len(groups) != len(labels)):
        told = "" if groups is None else f" and {len(groups)} groups"
        raise DataError(f"metrics: {len(scores)} scores{told} for {len(labels)} labels")
    values = np.unique(labels)
    if not np.isin(values, (0, 1)).all():
        odd = values[~np.isin(values, (0, 1))][0]
        raise DataError(f"metrics: a label is {odd:g}; labels must be 0 or 1")
    if len(values) < 2:
        told = f"all labels are {values[0]:g}" if len(values) else "there are no labels"
        raise DataError(f"metrics: {told}; AUC and normalised entropy need both 0 and 1")
    if not np.isfinite(scores).all():
        raise DataError("metrics: a score is not a finite number")


def auc_values(scores: AnyArray, labels: AnyArray) -> Values:
    """float64[N] whose mean is the AUC (mid-ranks for ties) and whose spread is its DeLong spread.

    A row of the P clicks has AUC + (N / P) (its placement - AUC), the others likewise: a row's influence on
    the AUC, so that resampling rows (or users) resamples it to first order.
    """
    clicked = labels > 0
    won, lost = placements(scores[clicked], scores[~clicked])
    area = won.mean()
    out = np.empty(len(labels))
    out[clicked] = area + len(labels) / len(won) * (won - area)
    out[~clicked] = area + len(labels) / len(lost) * (lost - area)
    return out


def grouped_auc_values(scores: AnyArray, labels: AnyArray, groups: AnyArray) -> Values:
    """float64[N]: the AUC within each row's group, NaN where a group has one class only.

    The mean over rows is the grouped AUC weighted by impressions (Zhou et al. 2018, DIN, section 6.2).
    """
    order = np.argsort(groups, kind="stable")
    ends = np.flatnonzero(np.append(groups[order][1:] != groups[order][:-1], True)) + 1
    out = np.empty(len(labels))
    start = 0
    for end in ends.tolist():
        rows = order[start:end]
        mine, clicked = scores[rows], labels[rows] > 0
        out[rows] = auc(mine[clicked], mine[~clicked])
        start = end
    return out


def log_loss_values(scores: AnyArray, labels: AnyArray) -> Values:
    """float64[N]: -log of the chance that was given to what happened; scores are chances."""
    if len(scores) and (np.min(scores) < 0 or np.max(scores) > 1):
        raise DataError("metrics: log-loss needs chances between 0 and 1")
    given = np.where(labels > 0, scores, 1.0 - np.asarray(scores, dtype=np.float64))
    values: Values = -np.log(np.maximum(given, SMALLEST))
    return values


def base_entropy(labels: AnyArray) -> float:
    """Entropy of the base rate in nats: the log-loss of one who knows only the click rate."""
    rate = float(np.mean(labels))
    return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def normalised_entropy_values(scores: AnyArray, labels: AnyArray) -> Values:
    """float64[N] whose mean is log-loss / entropy of the base rate (He et al. 2014, section 3); below 1 is
    better than the base rate. The base rate is held fixed when rows are resampled.
    """
    values: Values = log_loss_values(scores, labels) / base_entropy(labels)
    return values


@dataclass(frozen=True)
class Calibration:
    """Bins of equal numbers of rows by rising score: the mean score and the click rate of each.

    scores, rates: float64[B]; numbers: int64[B]. ratio: clicks told / clicks seen over all rows. error: mean
    |score - rate| over the bins, weighted by rows (expected calibration error).
    """

    scores: Values
    rates: Values
    numbers: AnyArray
    ratio: float
    error: float


def calibration(scores: AnyArray, labels: AnyArray, bins: int = 20) -> Calibration:
    """How chances and click rates agree; rows of one score stay in one bin, so there may be fewer bins."""
    if bins < 1:
        raise DataError(f"calibration: {bins} bins; give 1 or more")
    scores = np.asarray(scores, dtype=np.float64)
    values, code = np.unique(scores, return_inverse=True)
    before = np.append(0, np.cumsum(np.bincount(code, minlength=len(values))))[:-1]  # rows of lower scores
    place = np.unique(before * bins // max(len(scores), 1), return_inverse=True)[1][code]
    numbers = np.bincount(place)
    told = np.bincount(place, scores) / numbers
    seen = np.bincount(place, labels) / numbers
    error = float(numbers @ np.abs(told - seen) / len(scores))
    return Calibration(told, seen, numbers, float(scores.sum() / max(labels.sum(), SMALLEST)), error)


def click_values(scores: AnyArray, labels: AnyArray, groups: AnyArray | None = None) -> dict[str, Values]:
    """By figure of METRICS, one value per row whose mean it is; grouped AUC only where groups are given."""
    check_clicks(scores, labels, groups)
    out = {"auc": auc_values(scores, labels)}
    if groups is not None:
        out["gauc"] = grouped_auc_values(scores, labels, groups)
    out["log-loss"] = log_loss_values(scores, labels)
    out["normalised entropy"] = normalised_entropy_values(scores, labels)
    return out


def click_figures(
    scores: AnyArray, labels: AnyArray, groups: AnyArray | None = None, *, seed: int = 0
) -> dict[str, Estimate]:
    """Each figure with 95 % bounds over resampled groups (users), or rows where there are none."""
    owners = np.arange(len(labels)) if groups is None else groups
    values = click_values(scores, labels, groups)
    told = bounds(np.stack(list(values.values()), axis=1), owners, seed=seed)  # all by the same draws
    return dict(zip(values, told, strict=True))


def click_differences(
    first: AnyArray, second: AnyArray, labels: AnyArray, groups: AnyArray | None = None, *, seed: int = 0
) -> dict[str, Estimate]:
    """First - second of each figure on the same rows, paired, with 95 % bounds."""
    owners = np.arange(len(labels)) if groups is None else groups
    mine, other = click_values(first, labels, groups), click_values(second, labels, groups)
    told = bounds(np.stack([mine[name] - other[name] for name in mine], axis=1), owners, seed=seed)
    return dict(zip(mine, told, strict=True))
