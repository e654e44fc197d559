"""Ranking networks in loops and float64: what one row's logit is, from plain arrays."""

import math

import numpy as np

Layer = tuple[np.ndarray, np.ndarray]


def machine(bias: float, weights: list[float], factors: list[np.ndarray]) -> float:
    """Rendle 2010, equation 1, by every pair, from the active values' rows (times their numbers)."""
    total = bias + sum(weights)
    for i in range(len(factors)):
        for j in range(i + 1, len(factors)):
            total += float(factors[i] @ factors[j])
    return total


def tower(x: np.ndarray, layers: list[Layer], act: str) -> float:
    """One logit: linear layers with the activation between."""
    for number, (weight, bias) in enumerate(layers):
        x = weight @ x + bias
        if number < len(layers) - 1:
            x = np.tanh(x) if act == "tanh" else np.maximum(x, 0)
    return float(x[0])


def fnn(bias: float, weights: list[float], factors: list[np.ndarray], layers: list[Layer]) -> float:
    """z = (w_0, w_1, v_1, w_2, v_2, ...), then tanh layers."""
    z = [bias]
    for w, v in zip(weights, factors, strict=True):
        z += [w, *v]
    return tower(np.array(z), layers, "tanh")


def attention(q: np.ndarray, k: np.ndarray, first: Layer, slope: float, second: Layer) -> float:
    """DIN's unit of one history item: linear, PReLU, linear."""
    hidden = first[0] @ np.concatenate([q, k, q - k, q * k]) + first[1]
    hidden = np.where(hidden > 0, hidden, slope * hidden)
    return float((second[0] @ hidden + second[1])[0])


def history_logit(
    target: np.ndarray, history: list[np.ndarray], base: str, layers: list[Layer],
    unit: tuple[Layer, float, Layer] | None = None, context: tuple[float, ...] = (),
) -> float:  # fmt: skip
    """mlp, pnn or din over the vectors of a target and of the items of its history (no padding)."""
    pooled = np.zeros_like(target)
    for k in history:
        pooled += k if unit is None else attention(target, k, *unit) * k
    parts = [target, pooled, *([target * pooled] if base == "pnn" else []), np.array(context)]
    return tower(np.concatenate(parts), layers, "relu")


def cross_entropy(logits: list[float], labels: list[int]) -> float:
    """Mean of -log of the chance that was given to what happened."""
    total = 0.0
    for logit, label in zip(logits, labels, strict=True):
        chance = 1 / (1 + math.exp(-logit))
        total -= math.log(chance if label else 1 - chance)
    return total / len(logits)
