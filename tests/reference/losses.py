"""Slow twins of nn/losses.py in float64."""

import numpy as np


def in_batch_softmax(
    users, items, rows, temperature=1.0, log_p=None, weights=None, mask_hits=True, correct_positive=True
):
    total = 0.0
    for i in range(len(users)):
        corrected = []
        for j in range(len(items)):
            score = float(np.dot(users[i].astype(float), items[j].astype(float))) / temperature
            if log_p is not None and (correct_positive or j != i):
                score -= float(log_p[j])
            if j == i or not (mask_hits and rows[j] == rows[i]):
                corrected.append(score)
            if j == i:
                own = score
        log_softmax = own - np.log(sum(np.exp(s) for s in corrected))
        total -= (1.0 if weights is None else float(weights[i])) * log_softmax
    return total / len(users)


def sampled_softmax(users, true, sampled, log_q, hits, weights=None):
    total = 0.0
    for i in range(len(users)):
        own = float(np.dot(users[i].astype(float), true[i].astype(float)))
        scores = [own]
        for s in range(len(sampled)):
            if not hits[i, s]:
                product = float(np.dot(users[i].astype(float), sampled[s].astype(float)))
                scores.append(product - float(log_q[s]))
        log_softmax = own - np.log(sum(np.exp(s) for s in scores))
        total -= (1.0 if weights is None else float(weights[i])) * log_softmax
    return total / len(users)
