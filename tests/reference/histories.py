"""Slow twins of kernels/histories.py."""

import numpy as np


def mean_rows(vectors, items, offsets, last, decay, factors, out):
    for q in range(len(out)):
        events = list(range(offsets[q], offsets[q + 1]))[::-1][:last]
        weights = [decay**back * (factors[at] if len(factors) else 1.0) for back, at in enumerate(events)]
        total = sum(
            (w * vectors[items[at]].astype(float) for w, at in zip(weights, events, strict=True)), 0.0
        )
        out[q] = total / sum(weights) if events else 0.0


def leave_out(ids, scores, items, offsets, out_ids, out_scores):
    for q in range(len(out_ids)):
        seen = {*items[offsets[q] : offsets[q + 1]].tolist(), -1}
        left = [(i, s) for i, s in zip(ids[q].tolist(), scores[q].tolist(), strict=True) if i not in seen]
        k = out_ids.shape[1]
        left = (left + [(-1, -np.inf)] * k)[:k]
        out_ids[q], out_scores[q] = [i for i, _ in left], [s for _, s in left]
