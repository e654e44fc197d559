"""Layers of a learned network as numpy arrays: what serves without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cowalk.types import Floats


@dataclass(frozen=True)
class Layer:
    """x -> x weight + bias, then max(0, .) where `relu`; weight: float32[n, m], bias: float32[m]."""

    weight: Floats
    bias: Floats
    relu: bool

    def __call__(self, rows: Floats) -> Floats:
        out: Floats = rows @ self.weight + self.bias
        return np.maximum(out, np.float32(0)) if self.relu else out


def layer_arrays(name: str, layers: Sequence[Layer]) -> dict[str, Floats]:
    """Weights and biases by name and number."""
    out = {f"{name}{n}.weight": layer.weight for n, layer in enumerate(layers)}
    return out | {f"{name}{n}.bias": layer.bias for n, layer in enumerate(layers)}


def layers_of(name: str, arrays: Mapping[str, Floats], relu: Sequence[bool]) -> tuple[Layer, ...]:
    """The layers that `layer_arrays` named."""
    return tuple(
        Layer(np.asarray(arrays[f"{name}{n}.weight"]), np.asarray(arrays[f"{name}{n}.bias"]), bool(on))
        for n, on in enumerate(relu)
    )


def normalize(rows: Floats) -> Floats:
    """The rows at length 1; a zero row stays zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    out: Floats = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return out
