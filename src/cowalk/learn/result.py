"""What learning gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cowalk.types import Floats


class Squares(NamedTuple):
    """Row-wise Adagrad's sums at the end: of own and field rows [T], context rows, logits; empty for SGD."""

    rows: Floats
    contexts: Floats
    logits: Floats


@dataclass(frozen=True)
class Learned:
    """What learning gives back, all float32 over the rows of the vocabulary with this fingerprint.

    vectors: [V, d], the input vectors H; contexts: [V, d], the context rows Z; own: [V, d], the own rows W^0;
    fields: one [K, d] per field, rows of its values; weights: [V, n+1], the softmax weights of own row and
    fields (0 where a value is missing); losses: mean loss per context pair, by epoch, before each update
    (float64).
    """

    fingerprint: str
    vectors: Floats
    contexts: Floats
    own: Floats
    fields: tuple[Floats, ...]
    weights: Floats
    field_names: tuple[str, ...]
    losses: tuple[float, ...]
    multi: str = "mean"
    """How the values of a multi-valued field were summed: mean, or idf."""
    extra: Mapping[str, Floats] = field(default_factory=dict)
    """What another engine learned beside, by name."""
    squares: Squares | None = None
    """Adagrad's sums, so that a later run can go on with the steps that these rows had come down to."""
    notes: tuple[str, ...] = ()
    """What the user should know of the run, a sentence each."""
