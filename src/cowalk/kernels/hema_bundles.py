"""The arrays and scalars of the Hema kernels, bundled by what they belong to.

D = sum of all dimensions m_k, m = m_1 that of items, A = D - m that of all fields together.
"""

from typing import NamedTuple

import numpy as np

from cowalk.types import AnyArray


class Layout(NamedTuple):
    """The ids of every item: item v has parts offsets[v]:offsets[v+1], its own id first."""

    offsets: AnyArray  # int64[V+1]
    rows: AnyArray  # int32[*], row of the tables: V items, then the values of each field
    weights: AnyArray  # float32[*], w_ik
    lefts: AnyArray  # int32[*], first place in the D numbers of an item
    sizes: AnyArray  # int32[*], m_k
    starts: AnyArray  # int64[T], where a row begins in the flat tables
    paces: AnyArray  # float32[T], a row's step as a multiple of the step


class Tables(NamedTuple):
    """All that is learned."""

    ids: AnyArray  # float32[*], e of every row, one after another
    contexts: AnyArray  # float32[*], e' of every row
    transfer: AnyArray  # float32[m, A], M_k side by side


class Moments(NamedTuple):
    """Adam's running means of gradients and of their squares, and how many steps each row has taken."""

    ids_1: AnyArray  # float32[*]
    ids_2: AnyArray
    contexts_1: AnyArray
    contexts_2: AnyArray
    transfer_1: AnyArray  # float32[m, A]
    transfer_2: AnyArray
    id_steps: AnyArray  # int64[T]
    context_steps: AnyArray  # int64[T]
    batches: AnyArray  # int64[1], steps of the transfer matrices


class HemaDraw(NamedTuple):
    """How pairs and sets are drawn."""

    seed: np.uint64
    ranked: AnyArray  # int32[V], items by falling frequency
    window: int
    negative: int
    sets: int  # attribute sets of other items per position


class Adam(NamedTuple):
    """The step and what bounds it."""

    step: float
    epsilon: float
    decay: float  # share of a row that a step of size 1 takes away
    alpha: float
    beta: float


class Side(NamedTuple):
    """One side of a batch, ids or contexts: its distinct items, their numbers and the sums of gradients."""

    places: AnyArray  # int32[V], place of an item among the distinct ones, -1 between batches
    items: AnyArray  # int32[most], the distinct items
    own: AnyArray  # uint8[most], 1 where the item's own row is touched too, not its attributes alone
    numbers: AnyArray  # float32[most, D], w_ik e_ik side by side
    slopes: AnyArray  # float32[most, D], d loss / d numbers
    grads: AnyArray  # float32[*], by row, flat as the table; zero between batches
    marks: AnyArray  # uint8[T], 1 where the batch touches the row


class HemaRoom(NamedTuple):
    """Room for a batch of B positions; targets, centres and others hold places among the distinct items."""

    centres: AnyArray  # int32[B]
    targets: AnyArray  # int32[B, most], contexts first, then negatives
    errors: AnyArray  # float32[B, most], sigmoid(S) - y
    target_counts: AnyArray  # int64[B]
    context_counts: AnyArray  # int64[B]
    others: AnyArray  # int32[B, sets], items whose attributes are told from the position's; -1 = none
    other_errors: AnyArray  # float32[B, sets]
    slopes: AnyArray  # float32[B, D], d loss / d numbers of the centre
    pulls: AnyArray  # float32[B, A], M^T e_i1
    leans: AnyArray  # float32[B, A], d structural loss / d pulls
    losses: AnyArray  # float64[B, 2], of pairs and of the structural constraint
