"""Comparison: what several methods reached on the same questions, query by query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.evaluate.bootstrap import Estimate, bounds, paired_difference
from cowalk.evaluate.judged import Judged, join, metric_matrix
from cowalk.evaluate.methods import Chosen

PRIMARY = {
    "next-item": "recall@20",
    "cold": "recall@20",
    "cold-candidates": "recall@20",
    "link": "auc matched",
}
"""The metric that leads each table and picture, and that settings are chosen by where there is a choice."""


@dataclass
class Entry:
    """One row of a table: a method on a task, a Judged per seed, and what was chosen for each."""

    judged: list[Judged] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def joined(self) -> Judged:
        """The queries of all seeds one after another."""
        return join(self.judged)


@dataclass
class Comparison:
    """entries: task -> method -> Entry; figures: task -> seed -> what was left out of the task and how large
    it is.
    """

    seeds: tuple[int, ...]
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)
    figures: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    _known: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def add(self, task: str, name: str, judged: Judged, chosen: Chosen, seconds: float) -> None:
        """Keep what a method reached on a task with one more seed."""
        entry = self.entries.setdefault(task, {}).setdefault(name, Entry())
        entry.judged.append(judged)
        entry.chosen.append(chosen)
        entry.seconds.append(seconds)
        self._known.clear()

    def metrics(self, task: str) -> list[str]:
        """Names of the per-query metrics of a task, in their order."""
        return list(dict.fromkeys(name for e in self._task(task).values() for name in e.joined.values))

    def estimates(self, task: str, metric: str) -> dict[str, Estimate]:
        """Mean and 95 % bounds by method, best first; all methods see the same resampled groups."""
        found = self._bounds(task)[metric]
        return dict(sorted(found.items(), key=lambda pair: -np.nan_to_num(pair[1].mean, nan=-np.inf)))

    def _bounds(self, task: str) -> dict[str, dict[str, Estimate]]:
        """By metric, by method: all from one set of resampled groups, kept until something is added."""
        if (task,) not in self._known:
            entries, names = self._task(task), self.metrics(task)
            joined = [entry.joined for entry in entries.values()]
            table = np.concatenate([metric_matrix(joined, name) for name in names], axis=1)
            found = iter(bounds(table, joined[0].groups))
            self._known[(task,)] = {name: {method: next(found) for method in entries} for name in names}
        known: dict[str, dict[str, Estimate]] = self._known[(task,)]
        return known

    def difference(self, task: str, metric: str, first: str, second: str) -> Estimate:
        """Mean of first - second over the same queries with its 95 % bounds, groups resampled in pairs."""
        key = (task, metric, first, second)
        if key not in self._known:
            one, two = (self._entry(task, name).joined for name in (first, second))
            table = metric_matrix([one, two], metric)
            self._known[key] = paired_difference(table[:, 0], table[:, 1], one.groups)
        known: Estimate = self._known[key]
        return known

    def mean_figures(self, task: str) -> dict[str, float]:
        """What was left out of a task, and its size: means over the seeds."""
        rows = self.figures.get(task, [])
        return {name: float(np.mean([row[name] for row in rows])) for name in (rows[0] if rows else {})}

    def to_dict(self) -> dict[str, Any]:
        """Plain values: every metric with bounds, the settings chosen, paired differences to the best by
        task.
        """
        return {"seeds": list(self.seeds), "tasks": {task: self._task_dict(task) for task in self.entries}}

    def _task_dict(self, task: str) -> dict[str, Any]:
        table = {metric: self.estimates(task, metric) for metric in self.metrics(task)}
        leader = next(iter(self.estimates(task, PRIMARY[task])))
        return {
            "primary": PRIMARY[task],
            "figures": self.mean_figures(task),
            "methods": {
                name: {
                    "metrics": {metric: _plain(found[name]) for metric, found in table.items()},
                    "figures": {key: _number(value) for key, value in entry.joined.figures.items()},
                    "chosen": [{"settings": c.choice, "validation": _number(c.score), "trials": c.trials}
                               for c in entry.chosen],
                    "fit_seconds": entry.seconds,
                    "behind": None if name == leader else _plain(
                        self.difference(task, PRIMARY[task], leader, name)
                    ),
                }
                for name, entry in self.entries[task].items()
            },
        }  # fmt: skip

    def _task(self, task: str) -> dict[str, Entry]:
        if task not in self.entries:
            raise UsageError(f"no task {task!r} was judged; there are {', '.join(self.entries) or 'none'}")
        return self.entries[task]

    def _entry(self, task: str, name: str) -> Entry:
        entries = self._task(task)
        if name not in entries:
            raise UsageError(f"no method {name!r} in {task}; there are {', '.join(entries)}")
        return entries[name]


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return float(value) if np.isfinite(value) else None


def _plain(estimate: Estimate) -> dict[str, Any]:
    low, high = _number(estimate.low), _number(estimate.high)
    return {"mean": _number(estimate.mean), "low": low, "high": high, "queries": estimate.number}
