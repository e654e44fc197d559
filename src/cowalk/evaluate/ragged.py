"""Helpers on runs of a flat column: gather slices, draw a few positions per run."""

from __future__ import annotations

import numpy as np

from cowalk.types import AnyArray, Offsets


def slices(starts: AnyArray, stops: AnyArray) -> tuple[Offsets, AnyArray]:
    """(offsets int64[Q+1], positions): positions starts[i]..stops[i]-1 of each slice, one after another."""
    lengths = np.maximum(stops - starts, 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return offsets, np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def run_of(offsets: Offsets) -> Offsets:
    """int64[N]: the run that each position belongs to."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def draw_per_run(positions: AnyArray, runs: AnyArray, most: int, rng: np.random.Generator) -> AnyArray:
    """At most `most` of the positions of each run, drawn without replacement, in rising order."""
    order = np.lexsort((rng.random(len(positions)), runs))
    ranked = runs[order]
    first = np.searchsorted(ranked, ranked)  # where each run starts among the ranked
    return np.sort(positions[order[np.arange(len(order)) - first < most]])
