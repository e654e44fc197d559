"""What learning changes, and what it draws from."""

from __future__ import annotations

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError
from cowalk.kernels import alias as alias_kernels
from cowalk.kernels.bundles import Draw, Room, Table
from cowalk.kernels.targets import ALL, TREE
from cowalk.learn.extras import Extras
from cowalk.learn.outputs import Outputs
from cowalk.learn.parts import PartsTable
from cowalk.learn.settings import LearnSettings
from cowalk.types import AnyArray, Floats, Offsets

HOT = 48  # steps on one context row that a block may hold on average: more, at the same old values, over-step
LEAST = 32  # positions in a block at least: below this the threads only wait for each other
STALE = 1e-3  # share of an epoch's positions that share old values under plain SGD: rows grow from near 0 by
FEW = 256  # compounding, which old values hold back; a block of fewer positions is not worth its threads


def new_table(parts: PartsTable, items: int, outputs: Outputs, settings: LearnSettings, seed: int) -> Table:
    """Rows drawn from U(-init, init) / d, contexts and logits 0 (word2vec; Wang et al. do not say)."""
    size = settings.vector_size
    weighted, adagrad = settings.input == "weighted", settings.optimizer == "adagrad"
    rows = seeds.generator(seed, "rows").random((parts.n_rows, size), dtype=np.float32)
    rows -= np.float32(0.5)
    rows *= np.float32(2 * settings.init)
    rows /= np.float32(size)
    return Table(
        rows=rows,
        contexts=np.zeros((outputs.rows, size), dtype=np.float32),
        logits=np.zeros((items if weighted else 0, parts.n_slots), dtype=np.float32),
        row_squares=np.zeros(parts.n_rows if adagrad else 0, dtype=np.float32),
        context_squares=np.zeros(outputs.rows if adagrad else 0, dtype=np.float32),
        logit_squares=np.zeros(items if adagrad and weighted else 0, dtype=np.float32),
    )


def negative_weights(counts: Offsets, exponent: float) -> AnyArray:
    """float64[V]: count ** exponent; 0 for an item of count 0, whatever the exponent."""
    weights: AnyArray = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0.0)
    if not weights.any():
        raise DataError("no item occurs in the sequences, so there is nothing to learn from")
    return weights


def new_draw(counts: Offsets, outputs: Outputs, extras: Extras, settings: LearnSettings, seed: int) -> Draw:
    """How pairs are drawn in the epoch whose stream is `seed`."""
    threshold = np.empty(len(counts), dtype=np.uint32)
    alias = np.empty(len(counts), dtype=np.int32)
    alias_kernels.alias_table(negative_weights(counts, settings.ns_exponent), threshold, alias)
    cbow = settings.architecture == "cbow"
    return Draw(
        seed=np.uint64(seed), threshold=threshold, alias=alias, window=settings.window,
        shrink=settings.shrink_windows, forward=settings.contexts == "forward", negative=settings.negative,
        per_pair=settings.negatives_per == "pair", cbow=cbow,
        undivided=cbow and settings.cbow_gradient == "word2vec",
        bound=settings.most_contexts if settings.pairs == "set" else 0, reweigh=settings.reweigh_sets,
        objective=outputs.kind, path_offsets=outputs.offsets, path_nodes=outputs.nodes,
        path_bits=outputs.bits,
        looked_up=settings.sigmoid == "word2vec", stair=settings.step_every,
        weighted=len(extras.event_weights) > 0 or extras.time_scale > 0, event_weights=extras.event_weights,
        times=extras.times, time_scale=extras.time_scale, bought=extras.bought,
    )  # fmt: skip


def keep_chances(counts: Offsets, sample: float, rule: str = "paper") -> Floats:
    """float32[V], the chance that an occurrence is kept; empty = all.

    paper: min(1, sqrt(t / f)) (Mikolov et al. 2013, section 2.3); word2vec: min(1, sqrt(t / f) + t / f), as
    its C code and gensim have it.
    """
    if sample == 0:
        return np.empty(0, dtype=np.float32)
    ratio = sample / np.maximum(counts / max(counts.sum(), 1), 1e-30)
    kept = np.sqrt(ratio) + (ratio if rule == "word2vec" else 0.0)
    chances: Floats = np.minimum(1.0, kept).astype(np.float32)
    return chances


def mean_contexts(settings: LearnSettings, others: float) -> float:
    """How many contexts a position has on average at most; others: items beside it in its sequence."""
    if settings.pairs == "set":
        return min(settings.most_contexts, others) + settings.bought_context
    window = settings.window + 1 if settings.shrink_windows else 2 * settings.window
    return window + settings.bought_context


def block_size(
    counts: Offsets, outputs: Outputs, others: float, settings: LearnSettings, drawn: float | None = None,
    *, positions: int = 0,
) -> int:  # fmt: skip
    """Positions of a block: settings.block, or as many as step the hottest output row HOT times.

    Plain SGD takes STALE of an epoch's `positions` at most (not of sets), and 1, that is one step after the
    other, where that would be fewer than FEW. The expected steps per position are those on the most frequent
    item's context row, as a context and as a negative (drawn: the chance of the likeliest one, where it is
    not popularity's); in a tree those on its root.
    """
    if settings.optimizer == "sgd" and 0 < positions < FEW / STALE:
        return 1
    contexts = 1.0 if settings.architecture == "cbow" else mean_contexts(settings, others)
    if outputs.kind == TREE:
        hottest = contexts
    elif outputs.kind == ALL:
        hottest = 2 * contexts * counts.max() / counts.sum()
    else:
        negatives = settings.negative * (contexts if settings.negatives_per == "pair" else 1)
        weights = negative_weights(counts, settings.ns_exponent)
        drawn = weights.max() / weights.sum() if drawn is None else drawn
        hottest = contexts * counts.max() / counts.sum() + negatives * drawn
    most = settings.block
    if settings.optimizer == "sgd" and positions and settings.pairs != "set":
        most = min(most, int(STALE * positions))  # of sets, whose positions step far, measured worse
    return int(min(most, max(LEAST, HOT / hottest)))


def pairs_are_examples(settings: LearnSettings) -> bool:
    """Whether each pair of a position and a context stands for itself, and may be learned by itself."""
    if (
        settings.architecture == "cbow"
        or settings.objective == "softmax"
        or "generator" in settings.negatives
    ):
        return False  # a generator learns from whole positions
    return settings.objective == "hierarchical-softmax" or settings.negatives_per == "pair"


def most_contexts(settings: LearnSettings) -> int:
    """Contexts of a position at most."""
    return settings.bought_context + (
        settings.most_contexts if settings.pairs == "set" else 2 * settings.window
    )


def most_targets(outputs: Outputs, contexts: int, settings: LearnSettings) -> int:
    """Targets of a position with this many contexts to foretell."""
    if outputs.kind == TREE:
        return contexts * outputs.deepest
    if outputs.kind == ALL:
        return outputs.rows
    return contexts + settings.negative * (contexts if settings.negatives_per == "pair" else 1)


def new_room(block: int, parts: PartsTable, outputs: Outputs, settings: LearnSettings) -> Room:
    """Room for `block` positions at once."""
    contexts, cbow = most_contexts(settings), settings.architecture == "cbow"
    targets = most_targets(outputs, 1 if cbow else contexts, settings)
    most_parts = parts.most * (contexts if cbow else 1)
    floats = np.float32
    return Room(
        inputs=np.empty((block, settings.vector_size), floats),
        grads=np.empty((block, settings.vector_size), floats),
        input_squares=np.empty(block, floats),
        grad_squares=np.empty(block, floats),
        contexts=np.empty((block, contexts), np.int32),
        context_weights=np.empty((block, contexts), floats),
        context_counts=np.empty(block, np.int64),
        weight_sums=np.empty(block, np.float64),
        targets=np.empty((block, targets), np.int32),
        labels=np.empty((block, targets), np.uint8),
        weights=np.empty((block, targets), floats),
        errors=np.empty((block, targets), floats),
        target_counts=np.empty(block, np.int64),
        losses=np.empty(block, np.float64),
        alpha=np.empty((block, parts.n_slots), floats),
        slopes=np.empty((block, parts.n_slots), floats),
        part_rows=np.empty((block, most_parts), np.int32),
        part_weights=np.empty((block, most_parts), floats),
        part_counts=np.empty(block, np.int64),
    )
