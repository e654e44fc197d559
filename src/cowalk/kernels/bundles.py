"""The arrays and scalars of the skip-gram kernels, bundled by what they belong to."""

from typing import NamedTuple

import numpy as np

from cowalk.types import AnyArray

NONE_HELD = np.zeros(0, dtype=np.uint8)


class Stream(NamedTuple):
    """n positions of many sequences, one after another; begins and ends bound each position's sequence."""

    tokens: AnyArray  # int32[n], the item
    begins: AnyArray  # int32[n]
    ends: AnyArray  # int32[n]
    numbers: AnyArray  # int64[n], names the position within the epoch


class Parts(NamedTuple):
    """What each item's input vector is made of; item v is the parts offsets[v]:offsets[v+1]."""

    offsets: AnyArray  # int64[V+1]
    rows: AnyArray  # int32[*], row of the table of own and field rows
    slots: AnyArray  # int32[*], 0 = own row, s = field s
    scales: AnyArray  # float32[*], factor within the slot
    prior: AnyArray  # float32[V], added to the own row's logit


class Table(NamedTuple):
    """All that learning changes; squares are row-wise Adagrad's sums, empty for SGD."""

    rows: AnyArray  # float32[T, d], V own rows, then field rows
    contexts: AnyArray  # float32[V, d]
    logits: AnyArray  # float32[V, n+1]
    row_squares: AnyArray  # float32[T]
    context_squares: AnyArray  # float32[V]
    logit_squares: AnyArray  # float32[V]


class Draw(NamedTuple):
    """How pairs are drawn."""

    seed: np.uint64
    threshold: AnyArray  # uint32[V], alias table of the negatives
    alias: AnyArray  # int32[V]
    window: int
    shrink: bool
    forward: bool
    negative: int
    per_pair: bool


class Mix(NamedTuple):
    """How the input vector is mixed."""

    weighted: bool
    drop_own: float
    drop_field: float


class Steps(NamedTuple):
    """Step sizes by kind of row, whether Adagrad divides them, and which rows are held (1): they never move.

    An empty array of held rows holds none.
    """

    own: float
    contexts: float
    fields: float
    logits: float
    adagrad: bool
    held_rows: AnyArray = NONE_HELD  # uint8[T]
    held_contexts: AnyArray = NONE_HELD  # uint8[V]
    held_logits: AnyArray = NONE_HELD  # uint8[V]


class Room(NamedTuple):
    """Room for what is computed of each position of a block."""

    inputs: AnyArray  # float32[B, d], H
    grads: AnyArray  # float32[B, d], dL/dH
    input_squares: AnyArray  # float32[B], mean square of H
    grad_squares: AnyArray  # float32[B], mean square of dL/dH
    targets: AnyArray  # int32[B, most targets], contexts first, then negatives
    errors: AnyArray  # float32[B, most targets], sigmoid(H.Z) - y
    target_counts: AnyArray  # int64[B]
    context_counts: AnyArray  # int64[B]
    losses: AnyArray  # float64[B]
    alpha: AnyArray  # float32[B, n+1], weights of the slots
    slopes: AnyArray  # float32[B, n+1], dL/da
    part_weights: AnyArray  # float32[B, most parts], alpha * scale
