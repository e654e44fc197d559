"""The arrays and scalars of the skip-gram kernels, bundled by what they belong to."""

from typing import NamedTuple

import numpy as np

from cowalk.types import AnyArray

NONE_HELD = np.zeros(0, dtype=np.uint8)
NO_INTS, NO_LONGS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
NO_FLOATS, NO_ROWS = np.zeros(0, dtype=np.float32), np.zeros((0, 0), dtype=np.float32)


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
    contexts: AnyArray  # float32[V, d]; [V - 1, d] inner nodes of a tree
    logits: AnyArray  # float32[V, n+1]
    row_squares: AnyArray  # float32[T]
    context_squares: AnyArray  # float32[V]
    logit_squares: AnyArray  # float32[V]
    generator_inputs: AnyArray = NO_ROWS  # float32[V, g], a: the generator of negatives scores a_v.b_u
    generator_outputs: AnyArray = NO_ROWS  # float32[V, g], b
    generator_means: AnyArray = NO_FLOATS  # float32[V], running mean of each item's rewards
    generator_input_squares: AnyArray = NO_FLOATS  # float32[V]
    generator_output_squares: AnyArray = NO_FLOATS  # float32[V]


class Draw(NamedTuple):
    """How pairs are drawn, what they weigh, and what a context is told apart from.

    Where negatives are not `plain`, sampler s of S draws for item v from the lists
    keys[key_offsets[s * V + v]:key_offsets[s * V + v + 1]], each with the same chance; list r is the alias
    table records[list_offsets[r]:list_offsets[r + 1]].
    """

    seed: np.uint64
    threshold: AnyArray  # uint32[V], alias table of the negatives
    alias: AnyArray  # int32[V]
    window: int
    shrink: bool
    forward: bool
    negative: int
    per_pair: bool
    cbow: bool  # the contexts' mean is the input, the item the target
    undivided: bool  # CBOW: each context takes the whole gradient of the mean
    bound: int  # > 0: a sequence is a set, and a position has this many contexts at most
    reweigh: bool  # of a set: contexts that were drawn stand for those that were not
    objective: int  # NEGATIVES, TREE or ALL, see targets.py
    path_offsets: AnyArray  # int64[V+1], of TREE: the inner nodes above each item
    path_nodes: AnyArray  # int32[*]
    path_bits: AnyArray  # uint8[*], 0 = the label 1
    weighted: bool  # whether pairs weigh by event or time
    event_weights: AnyArray  # float32[N] by a position's number, empty = 1
    times: AnyArray  # int64[N] by a position's number, microseconds
    time_scale: float  # microseconds, 0 = times do not matter
    bought: AnyArray  # int32[N] by a position's number, -1 = nothing; empty = not asked
    looked_up: bool = False  # the sigmoid as word2vec's C code has it, see losses.py
    stair: int = 1  # positions after which the step falls anew
    plain: bool = True  # negatives by popularity alone, nothing masked
    temperature: float = 0.0  # of self-adversarial weights, 0 = all alike
    kinds: AnyArray = NO_INTS  # int32[S], see negative_draws.py
    cumulative: AnyArray = NO_FLOATS  # float32[S], shares of the mixture, summed up
    alone: AnyArray = np.zeros(0, dtype=np.bool_)  # bool[S], whether an item is never its own negative
    key_offsets: AnyArray = NO_LONGS  # int64[S * V + 1]
    keys: AnyArray = NO_INTS  # int32[*]
    list_offsets: AnyArray = NO_LONGS  # int64[R + 1]
    records: AnyArray = np.zeros((0, 3), dtype=np.uint32)  # (threshold, item, alias item)
    known_offsets: AnyArray = NO_LONGS  # int64[V + 1]
    known: AnyArray = NO_INTS  # int32[*], known positives by item, rising: never drawn
    pool: int = 0  # candidates of a sampler that chooses
    generator_step: float = 0.0


class Mix(NamedTuple):
    """How the input vector is mixed."""

    weighted: bool
    drop_own: float
    drop_field: float


class Steps(NamedTuple):
    """Step sizes by kind of row, whether Adagrad divides them, and which rows are held (1), never moved."""

    own: float
    contexts: float
    fields: float
    logits: float
    adagrad: bool
    holding: bool = False  # whether the three below are looked at
    held_rows: AnyArray = NONE_HELD  # uint8[T]
    held_contexts: AnyArray = NONE_HELD  # uint8, one per context row
    held_logits: AnyArray = NONE_HELD  # uint8[V]


class Room(NamedTuple):
    """Room for what is computed of each position of a block."""

    inputs: AnyArray  # float32[B, d], H
    grads: AnyArray  # float32[B, d], dL/dH
    input_squares: AnyArray  # float32[B], mean square of H
    grad_squares: AnyArray  # float32[B], mean square of dL/dH
    contexts: AnyArray  # int32[B, most contexts], items
    context_weights: AnyArray  # float32[B, most contexts]
    context_counts: AnyArray  # int64[B]
    weight_sums: AnyArray  # float64[B], sum of the contexts' weights
    targets: AnyArray  # int32[B, most targets], output rows
    labels: AnyArray  # uint8[B, most targets], y
    weights: AnyArray  # float32[B, most targets], factor of a target's loss
    errors: AnyArray  # float32[B, most targets], weight * (sigmoid(H.Z) - y)
    target_counts: AnyArray  # int64[B]
    losses: AnyArray  # float64[B]
    alpha: AnyArray  # float32[B, n+1], weights of the slots
    slopes: AnyArray  # float32[B, n+1], dL/da
    part_rows: AnyArray  # int32[B, most parts], what the input is summed from
    part_weights: AnyArray  # float32[B, most parts], alpha * scale, and the share of a context
    part_counts: AnyArray  # int64[B]
    pools: AnyArray = np.zeros((0, 0, 0), dtype=np.int32)  # [B, N, n], what the generator chose from
    pool_slopes: AnyArray = np.zeros((0, 0, 0), dtype=np.float32)  # [B, N, n], d expected reward / d score
    pool_sizes: AnyArray = np.zeros((0, 0), dtype=np.int32)  # [B, N], 0 = another sampler drew
    generator_inputs: AnyArray = NO_ROWS  # float32[B, g], a_v as it was
    generator_grads: AnyArray = NO_ROWS  # float32[B, g], d expected reward / d a_v
    rewards: AnyArray = NO_FLOATS  # float32[B], their sum
    reward_counts: AnyArray = NO_INTS  # int32[B]
