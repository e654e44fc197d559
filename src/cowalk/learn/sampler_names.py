"""The names of the negative samplers, alone or with their shares in a mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cowalk.setting_names import did_you_mean

SAMPLERS = ("popularity", "uniform", "log-uniform", "similar", "co-occurring", "hardest", "generator")
SAME = "same-"
"""Before the name of a field: items that share a value of it."""


def sampler_weights(value: Any) -> dict[str, float]:
    """Weight by sampler, from one name or from weights by name, checked.

    Raises ValueError, in words that name the mend.
    """
    if isinstance(value, str):
        value = {value: 1.0}
    if isinstance(value, bool | int | float):
        raise ValueError("negatives names the samplers; how many are drawn is the setting negative")
    if not isinstance(value, Mapping) or not value:
        raise ValueError("give a sampler's name, or weights by name as in {popularity = 0.8, uniform = 0.2}")
    for name, weight in value.items():
        _check(name, weight)
    return {name: float(weight) for name, weight in value.items()}


def mixture(weights: Mapping[str, float]) -> dict[str, float]:
    """Share by sampler, summing to 1, in an order that does not depend on the order they were given in."""
    total = math.fsum(weights.values())
    return {name: weights[name] / total for name in sorted(weights, key=lambda name: (-weights[name], name))}


def _check(name: Any, weight: Any) -> None:
    if not isinstance(name, str) or (name not in SAMPLERS and not name.startswith(SAME)):
        guess = did_you_mean(str(name), (*SAMPLERS, "same-category"))
        raise ValueError(
            f"no sampler {name!r}{guess}; the samplers are {', '.join(SAMPLERS)}, and same-FIELD"
        )
    if name == SAME:
        raise ValueError("same- needs the name of a field behind it, as in same-category")
    number = isinstance(weight, int | float) and not isinstance(weight, bool) and math.isfinite(weight)
    if not number or weight <= 0:
        raise ValueError(f"the weight of {name} must be a number above 0, not {weight!r}")
