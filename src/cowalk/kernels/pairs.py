"""Consecutive pairs and edges: where sessions start, edges bucketed by source, rows sorted and merged."""

from __future__ import annotations

import numpy as np

from cowalk.kernels.flags import kernel, parallel_kernel, prange
from cowalk.kernels.rows import row_holds
from cowalk.types import AnyArray, Floats, Ids, Offsets


@kernel
def mark_gaps(times: Offsets, gap: int, starts: AnyArray) -> None:
    """Set starts[i] where the pause before event i is longer than `gap`."""
    for i in range(1, len(times)):
        if times[i] - times[i - 1] > gap:
            starts[i] = True


@kernel
def mark_windows(times: Offsets, window: int, starts: AnyArray) -> None:
    """Set starts[i] where event i lies in another window [k * window, (k + 1) * window) than the event
    before."""
    for i in range(1, len(times)):
        if times[i] // window != times[i - 1] // window:
            starts[i] = True


@kernel
def count_transitions(
    items: Ids, offsets: Offsets, self_loops: bool, symmetric: bool, counts: Offsets
) -> None:
    """Add to counts[u] the transitions that leave u (with `symmetric` also the reversed ones)."""
    for s in range(len(offsets) - 1):
        for i in range(offsets[s], offsets[s + 1] - 1):
            if self_loops or items[i] != items[i + 1]:
                counts[items[i]] += 1
                if symmetric:
                    counts[items[i + 1]] += 1


@kernel
def scatter_transitions(
    items: Ids,
    event_weights: Floats,
    offsets: Offsets,
    self_loops: bool,
    symmetric: bool,
    at: Offsets,
    targets: Ids,
    weights: Floats,
) -> None:
    """Write each transition into its source's row at at[source]; no weights if `event_weights` is empty."""
    weighted = len(event_weights) > 0
    for s in range(len(offsets) - 1):
        for i in range(offsets[s], offsets[s + 1] - 1):
            u, v = items[i], items[i + 1]
            if u == v and not self_loops:
                continue
            targets[at[u]] = v
            if weighted:
                weights[at[u]] = event_weights[i + 1]
            at[u] += 1
            if symmetric:
                targets[at[v]] = u
                if weighted:
                    weights[at[v]] = event_weights[i + 1]
                at[v] += 1


@kernel
def scatter_edges(
    src: Ids, dst: Ids, edge_weights: Floats, at: Offsets, targets: Ids, weights: Floats
) -> None:
    """Write each edge into its source's row at at[source]."""
    for e in range(len(src)):
        place = at[src[e]]
        targets[place] = dst[e]
        weights[place] = edge_weights[e]
        at[src[e]] += 1


@parallel_kernel
def merge_counts(offsets: Offsets, targets: Ids, weights: Floats, lengths: Offsets) -> None:
    """Sort each row and merge equal targets in place; weights[.] = how many there were; lengths[u] = what is
    left."""
    for u in prange(len(offsets) - 1):
        first, last = offsets[u], offsets[u + 1]
        row = np.sort(targets[first:last])
        kept = first
        i = 0
        while i < len(row):
            j = i
            while j < len(row) and row[j] == row[i]:
                j += 1
            targets[kept] = row[i]
            weights[kept] = j - i
            kept += 1
            i = j
        lengths[u] = kept - first


@parallel_kernel
def merge_sums(offsets: Offsets, targets: Ids, weights: Floats, lengths: Offsets) -> None:
    """As merge_counts, with weights[.] = the float64 sum of the merged weights in the order they came in."""
    for u in prange(len(offsets) - 1):
        first, last = offsets[u], offsets[u + 1]
        row, given = targets[first:last].copy(), weights[first:last].copy()
        order = np.argsort(row, kind="mergesort")
        kept = first
        i = 0
        while i < len(row):
            total = np.float64(0.0)
            j = i
            while j < len(row) and row[order[j]] == row[order[i]]:
                total += given[order[j]]
                j += 1
            targets[kept] = row[order[i]]
            weights[kept] = total
            kept += 1
            i = j
        lengths[u] = kept - first


@kernel
def close_rows(offsets: Offsets, lengths: Offsets, targets: Ids, weights: Floats, closed: Offsets) -> None:
    """Move the first lengths[u] entries of each row together in place; `closed` gets the new row starts."""
    kept = 0
    for u in range(len(lengths)):
        closed[u] = kept
        for i in range(offsets[u], offsets[u] + lengths[u]):
            targets[kept] = targets[i]
            weights[kept] = weights[i]
            kept += 1
    closed[len(lengths)] = kept


@kernel
def weak_components(offsets: Offsets, targets: Ids) -> Ids:
    """int32[V]: the smallest node of each node's weak component (union-find with path halving)."""
    n = len(offsets) - 1
    parent = np.arange(n, dtype=np.int32)
    for u in range(n):
        for i in range(offsets[u], offsets[u + 1]):
            a, b = np.int32(u), targets[i]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            if a < b:
                parent[b] = a
            elif b < a:
                parent[a] = b
    for u in range(n):  # parents are never above their children, so one pass upwards ends it
        parent[u] = parent[parent[u]]
    return parent


@kernel
def count_reciprocal(offsets: Offsets, targets: Ids) -> int:
    """Number of edges u -> v, u != v, whose reverse v -> u is there too."""
    found = 0
    for u in range(len(offsets) - 1):
        for i in range(offsets[u], offsets[u + 1]):
            v = targets[i]
            if v != u and row_holds(offsets, targets, v, u):
                found += 1
    return found
