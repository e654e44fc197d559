"""Slow twin of kernels/mmr.py: every likeness is taken anew, by the definition."""

import numpy as np


def marginal(units, scores, weight, chosen, values):
    taken: list[int] = []
    for place in range(len(chosen)):
        best = None
        for i in range(len(units)):
            if i in taken:
                continue
            likeness = max([0.0, *(float(units[i].astype(np.float64) @ units[j]) for j in taken)])
            value = weight * float(scores[i]) - (1 - weight) * likeness
            if best is None or value > best[1] + 1e-9:
                best = (i, value)
        taken.append(best[0])
        chosen[place], values[place] = best
