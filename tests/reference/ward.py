"""Slow twin of kernels/ward.py: means and distances of the clusters themselves, no recurrence."""

import math

import numpy as np


def ward_labels(vectors, items, offsets, last, limit, labels):
    for q in range(len(offsets) - 1):
        begin = max(offsets[q], offsets[q + 1] - last)
        labels[offsets[q] : begin] = -1
        clusters = [[at] for at in range(begin, offsets[q + 1])]
        while len(clusters) > 1:
            height, a, b = min(
                (height_of(vectors, items, one, two), a, a + 1 + b)
                for a, one in enumerate(clusters)
                for b, two in enumerate(clusters[a + 1 :])
            )
            if height > limit:
                break
            clusters[a] += clusters.pop(b)
        for number, members in enumerate(sorted(clusters, key=min)):
            labels[members] = number


def height_of(vectors, items, one, two):
    """sqrt(2 a b / (a + b)) times the distance of the means; no kernel."""
    gap = np.mean(vectors[items[one]].astype(float), axis=0) - np.mean(
        vectors[items[two]].astype(float), axis=0
    )
    return math.sqrt(2 * len(one) * len(two) / (len(one) + len(two))) * float(np.linalg.norm(gap))


def medoids(vectors, items, events, starts, found):
    for c in range(len(found)):
        members = events[starts[c] : starts[c + 1]]
        rows = vectors[items[members]].astype(float)
        away = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1).astype(np.float32)
        found[c] = members[np.flatnonzero(away == away.min())[-1]]
