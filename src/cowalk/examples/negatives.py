"""Sampled negatives of examples: by item or by event, never the target, or no item of the owner at all."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples.table import Examples
from cowalk.seeds import generator
from cowalk.types import AnyArray, Ids

Sampler = Literal["uniform", "count"]
ROUNDS = 200  # of drawing anew; what is forbidden is drawn again


def draw_negatives(
    positives: Examples, number: int, sampler: Sampler, exclude_known: bool, seed: int,
    among: Ids | None = None,
) -> Ids:  # fmt: skip
    """int32[E, number] items, independent draws, none of them forbidden.

    uniform: every item of the vocabulary alike, or of `among`; count: as often as the item occurs in what the
    examples show. DataError where an owner knows so many items that none is found.
    """
    if sampler not in ("uniform", "count"):
        raise UsageError(f"sampler is {sampler!r}; it must be uniform or count")
    rng = generator(seed, "examples/negatives")
    v, n = len(positives.item_vocab), len(positives)
    pool = positives.sequences.items if sampler == "count" else among
    owners = np.repeat(positives.owners.astype(np.int64), number)
    targets = np.repeat(positives.targets, number)
    known = _known(positives) if exclude_known else np.zeros(0, np.int64)
    _check_choice(v, pool)
    out: Ids = np.empty(n * number, dtype=np.int32)
    todo = np.arange(n * number)
    for _ in range(ROUNDS):
        drawn = rng.integers(0, v if pool is None else len(pool), len(todo))
        out[todo] = drawn if pool is None else pool[drawn]
        bad = out[todo] == targets[todo]
        if exclude_known:
            bad |= _among(known, owners[todo] * v + out[todo])
        todo = todo[bad]
        if not len(todo):
            return out.reshape(n, number)
    told = f"negatives: for {len(np.unique(owners[todo])):,} owners hardly an item is left that "
    if exclude_known:
        raise DataError(f"{told}they do not know; use exclude_known=False or a larger catalogue")
    raise DataError(f"{told}is not their target; use sampler=uniform or a larger catalogue")


def _check_choice(items: int, pool: Ids | None) -> None:
    """DataError where there is one item alone, which then is every target and no negative."""
    if items < 2:
        raise DataError(
            f"negatives: the catalogue has {items} item, so none is left beside the target; use a log "
            "of at least two items"
        )
    if pool is not None and (len(pool) == 0 or pool.min() == pool.max()):
        raise DataError(
            "negatives: all events are of one item, so none is left beside the target; use sampler=uniform, "
            "or a longer log"
        )


def _known(examples: Examples) -> AnyArray:
    """int64, rising: owner * V + item of every event of the stream."""
    stream = examples.stream
    return np.unique(stream.owners.astype(np.int64) * len(examples.item_vocab) + stream.items)


def _among(table: AnyArray, keys: AnyArray) -> AnyArray:
    """bool: which keys stand in the sorted table."""
    at = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    found: AnyArray = table[at] == keys
    return found
