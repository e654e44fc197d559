"""What learning changes, and what it draws from."""

from __future__ import annotations

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.kernels import alias as alias_kernels
from cowalk.kernels.bundles import Draw, Room, Table
from cowalk.learn.parts import PartsTable
from cowalk.learn.settings import LearnSettings
from cowalk.types import AnyArray, Floats, Offsets

HOT = 48  # steps on one context row that a block may hold on average: more, at the same old values, over-step
LEAST = 32  # positions in a block at least: below this the threads only wait for each other


def new_table(parts: PartsTable, items: int, settings: LearnSettings, seed: int) -> Table:
    """Rows drawn from U(-1/2, 1/2) / d, contexts and logits 0 (word2vec; Wang et al. do not say)."""
    size = settings.vector_size
    weighted, adagrad = settings.input == "weighted", settings.optimizer == "adagrad"
    rows = seeds.generator(seed, "rows").random((parts.n_rows, size), dtype=np.float32)
    rows -= np.float32(0.5)
    rows /= np.float32(size)
    return Table(
        rows=rows,
        contexts=np.zeros((items, size), dtype=np.float32),
        logits=np.zeros((items if weighted else 0, parts.n_slots), dtype=np.float32),
        row_squares=np.zeros(parts.n_rows if adagrad else 0, dtype=np.float32),
        context_squares=np.zeros(items if adagrad else 0, dtype=np.float32),
        logit_squares=np.zeros(items if adagrad and weighted else 0, dtype=np.float32),
    )


def negative_weights(counts: Offsets, exponent: float) -> AnyArray:
    """float64[V]: count ** exponent; 0 for an item of count 0, whatever the exponent."""
    weights: AnyArray = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0.0)
    if not weights.any():
        raise DataError("no item occurs in the sequences, so there is nothing to learn from")
    return weights


def new_draw(counts: Offsets, settings: LearnSettings, seed: int) -> Draw:
    """How pairs are drawn in the epoch whose stream is `seed`."""
    threshold = np.empty(len(counts), dtype=np.uint32)
    alias = np.empty(len(counts), dtype=np.int32)
    alias_kernels.alias_table(negative_weights(counts, settings.ns_exponent), threshold, alias)
    return Draw(
        np.uint64(seed), threshold, alias, settings.window, settings.shrink_windows,
        settings.contexts == "forward", settings.negative, settings.negatives_per == "pair",
    )  # fmt: skip


def keep_chances(counts: Offsets, sample: float) -> Floats:
    """float32[V], the chance that an occurrence is kept: min(1, sqrt(t / f)); empty = all.

    Source: Mikolov et al. 2013, section 2.3.
    """
    if sample == 0:
        return np.empty(0, dtype=np.float32)
    share = counts / max(counts.sum(), 1)
    chances: Floats = np.minimum(1.0, np.sqrt(sample / np.maximum(share, 1e-30))).astype(np.float32)
    return chances


def block_size(counts: Offsets, settings: LearnSettings) -> int:
    """Positions of a block: settings.block, or as many as step the most frequent item HOT times.

    The expected steps per position are those on its context row: window + 1 contexts at most on average, and
    the negatives.
    """
    contexts = settings.window + 1 if settings.shrink_windows else 2 * settings.window
    negatives = settings.negative * (contexts if settings.negatives_per == "pair" else 1)
    weights = negative_weights(counts, settings.ns_exponent)
    hottest = contexts * counts.max() / counts.sum() + negatives * weights.max() / weights.sum()
    return int(min(settings.block, max(LEAST, HOT / hottest)))


def new_room(block: int, parts: PartsTable, settings: LearnSettings) -> Room:
    """Room for `block` positions at once."""
    per_position = 2 * settings.window
    per_position += settings.negative * (per_position if settings.negatives_per == "pair" else 1)
    floats = np.float32
    return Room(
        inputs=np.empty((block, settings.vector_size), floats),
        grads=np.empty((block, settings.vector_size), floats),
        input_squares=np.empty(block, floats),
        grad_squares=np.empty(block, floats),
        targets=np.empty((block, per_position), np.int32),
        errors=np.empty((block, per_position), floats),
        target_counts=np.empty(block, np.int64),
        context_counts=np.empty(block, np.int64),
        losses=np.empty(block, np.float64),
        alpha=np.empty((block, parts.n_slots), floats),
        slopes=np.empty((block, parts.n_slots), floats),
        part_weights=np.empty((block, parts.most), floats),
    )
