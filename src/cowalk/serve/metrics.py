"""Metrics for Prometheus: latencies by route, what was not known, fallbacks, swaps, the model's version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


Samples = dict[str, list[tuple[str, dict[str, str], float]]]
"""By family, its samples: name, labels, value."""


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        on: dict[str, Any] = {"registry": self.registry}
        self.seconds = Histogram(
            "cowalk_request_seconds", "Time from a request's head to its answer's end.",
            ["route", "status"], buckets=SECONDS, **on,
        )  # fmt: skip
        self.ids = Counter("cowalk_ids", "Ids in histories that were asked with.", **on)
        self.unknown = Counter("cowalk_unknown_ids", "Those of them that the model does not know.", **on)
        self.fallbacks = Counter(
            "cowalk_fallbacks", "Answers that were not found by a history.", ["by"], **on
        )
        self.degraded = Gauge("cowalk_degraded", "1 while the store of histories does not answer.", **on)
        self.without = Counter("cowalk_degraded_answers", "Answers given without the store.", **on)
        self.events = Counter("cowalk_events", "Events taken in.", ["outcome"], **on)
        self.swaps = Counter("cowalk_swaps", "New versions of the model that came.", ["outcome"], **on)
        self.model = Gauge("cowalk_model", "1 for the version that answers.", ["version"], **on)
        self.items = Gauge("cowalk_model_items", "Items of the model that answers.", **on)
        self.loaded = Gauge("cowalk_model_loaded_timestamp_seconds", "When it was loaded.", **on)
        for by in ("popularity", "nothing"):
            self.fallbacks.labels(by)
        for outcome in ("swapped", "refused"):
            self.swaps.labels(outcome)
        self._children: dict[tuple[str, int], Histogram] = {}

    def took(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        child = self._children.get((route, status))
        if child is None:
            child = self._children[route, status] = self.seconds.labels(route, str(status))
        child.observe(seconds)

    def answers(self, version: str, items: int, at: float) -> None:
        """From now on this version answers."""
        self.model.clear()
        self.model.labels(version).set(1)
        self.items.set(items)
        self.loaded.set(at)

    def samples(self) -> Samples:
        """All figures as plain values."""
        return {
            family.name: [(one.name, dict(one.labels), one.value) for one in family.samples]
            for family in self.registry.collect()
        }

    def text(self, others: Iterable[tuple[Samples, bool]] = ()) -> bytes:
        """All of them as Prometheus reads them, with those of other processes and whether these run."""
        return generate_latest(_Together(self.registry, list(others)))


class _Together:
    """The families of a registry, their samples together with others': sums, and the largest of gauges.

    A process that ended counts on in sums, and has no part in gauges.
    """

    def __init__(self, registry: CollectorRegistry, others: list[tuple[Samples, bool]]) -> None:
        self.registry, self.others = registry, others

    def collect(self) -> Iterator[Metric]:
        for family in self.registry.collect():
            own = [(one.name, one.labels, one.value) for one in family.samples]
            found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
            told = [one.get(family.name, []) for one, runs in self.others if runs or family.type != "gauge"]
            for samples in (own, *told):
                for name, labels, value in samples:
                    key = name, tuple(sorted(labels.items()))
                    found[key] = _both(found.get(key), value, name, family.type)
            out = Metric(family.name, family.documentation, family.type)
            for (name, pairs), value in found.items():
                out.add_sample(name, dict(pairs), value)
            yield out


def _both(before: float | None, value: float, name: str, kind: str) -> float:
    if before is None:
        return value
    if name.endswith("_created"):  # when it began to count
        return min(before, value)
    return max(before, value) if kind == "gauge" else before + value
