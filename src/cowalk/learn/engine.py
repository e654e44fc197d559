"""The one engine of the skip-gram family: sequences in, rows out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError, DivergedError, UsageError
from cowalk.kernels import alias as alias_kernels
from cowalk.kernels import skipgram as kernels
from cowalk.kernels.flags import threads
from cowalk.learn.checkpoint import Checkpoint
from cowalk.learn.parts import Parts, own_prior, parts_of
from cowalk.learn.sequences import Chunk, Sequences, SessionSequences, WalkSequences
from cowalk.learn.settings import LearnSettings, WalkSettings
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab
from cowalk.types import AnyArray, Floats, Offsets
from cowalk.walk import Walker

Progress = Callable[[float, str], None]
"""Told (share done, a few words) now and then."""


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


class State:
    """All that learning changes; what a checkpoint holds."""

    def __init__(self, parts: Parts, items: int, settings: LearnSettings, seed: int) -> None:
        size = settings.vector_size
        draw = seeds.generator(seed, "rows")
        self.rows = draw.random((parts.n_rows, size), dtype=np.float32)
        self.rows -= np.float32(0.5)
        self.rows /= np.float32(size)
        self.contexts = np.zeros((items, size), dtype=np.float32)
        weighted = settings.input == "weighted"
        self.logits = np.zeros((items if weighted else 0, parts.n_slots), dtype=np.float32)
        adagrad = settings.optimizer == "adagrad"
        self.row_squares = np.zeros(parts.n_rows if adagrad else 0, dtype=np.float32)
        self.context_squares = np.zeros(items if adagrad else 0, dtype=np.float32)
        self.logit_squares = np.zeros(items if adagrad and weighted else 0, dtype=np.float32)

    def arrays(self) -> dict[str, AnyArray]:
        """The arrays by name."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Negatives:
    """An alias table over the items: drawn from count ** exponent."""

    threshold: AnyArray
    alias: AnyArray

    @classmethod
    def of(cls, counts: Offsets, exponent: float) -> Negatives:
        """Items of count 0 are never drawn (with exponent 0 every item that occurs is equally likely)."""
        weights = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0.0)
        if not weights.any():
            raise DataError("no item occurs in the sequences, so there is nothing to learn from")
        threshold = np.empty(len(counts), dtype=np.uint32)
        alias = np.empty(len(counts), dtype=np.int32)
        alias_kernels.alias_table(weights, threshold, alias)
        return cls(threshold, alias)


def keep_chances(counts: Offsets, sample: float) -> Floats:
    """float32[V], the chance that an occurrence is kept: min(1, sqrt(t / f)); empty = all.

    Source: Mikolov et al. 2013, section 2.3.
    """
    if sample == 0:
        return np.empty(0, dtype=np.float32)
    share = counts / max(counts.sum(), 1)
    chances: Floats = np.minimum(1.0, np.sqrt(sample / np.maximum(share, 1e-30))).astype(np.float32)
    return chances


def learn(
    source: Sessions | ItemGraph,
    vocab: Vocab,
    settings: LearnSettings | None = None,
    *,
    walks: WalkSettings | None = None,
    side_info: SideInfo | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Learned:
    """The rows learned from sessions, or from walks over an item graph.

    `deterministic` mode: equal bit for bit for equal (source, settings, seed) on any number of workers.
    With `checkpoint` (a folder) each finished epoch is kept, and a later equal call goes on from there.
    Raises DivergedError when the loss leaves the finite numbers. Source: Wang et al. 2018 (EGES), section 3.
    """
    settings = settings or LearnSettings()
    sequences = _sequences(source, vocab, walks, seed, workers)
    uses_fields = settings.input != "own"
    parts = parts_of(vocab, side_info if uses_fields else None, settings.multi)
    counts = sequences.counts() if settings.counts == "walks" else vocab.counts
    run = _Run(sequences, parts, counts, settings, seed, workers, progress)
    losses = run.epochs(Checkpoint.at(checkpoint, vocab.fingerprint, settings, walks, seed))
    names = tuple(side_info.names) if side_info is not None and uses_fields else ()
    return run.learned(vocab.fingerprint, names, losses)


def _sequences(
    source: Sessions | ItemGraph, vocab: Vocab, walks: WalkSettings | None, seed: int, workers: int | None
) -> Sequences:
    if isinstance(source, ItemGraph):
        if len(source) != len(vocab):
            raise UsageError(f"the graph has {len(source)} nodes but the vocabulary {len(vocab)} ids")
        return WalkSequences(Walker(source, walks or WalkSettings(), seed), workers)
    return SessionSequences(source, len(vocab), seed)


class _Run:
    """One run of learning: the state and what its kernels are called with."""

    def __init__(
        self, sequences: Sequences, parts: Parts, counts: Offsets, settings: LearnSettings,
        seed: int, workers: int | None, progress: Progress | None,
    ) -> None:  # fmt: skip
        self.sequences, self.parts, self.settings = sequences, parts, settings
        self.seed, self.workers, self.progress = seed, workers, progress
        self.state = State(parts, len(counts), settings, seed)
        self.negatives = Negatives.of(counts, settings.ns_exponent)
        self.keep = keep_chances(counts, settings.sample)
        self.prior = own_prior(counts, settings.own_prior, settings.own_prior_by_count)
        step = settings.step
        self.steps = np.array(
            [step, step * settings.step_contexts, step * settings.step_fields, step * settings.step_weights]
        )

    def epochs(self, checkpoint: Checkpoint) -> list[float]:
        """Learn all epochs that the checkpoint has not; returns the losses of all."""
        losses = checkpoint.load(self.state.arrays())
        for epoch in range(len(losses), self.settings.epochs):
            if self._settled(losses):
                break
            losses.append(self._epoch(epoch))
            checkpoint.save(self.state.arrays(), losses)
        return losses

    def _settled(self, losses: list[float]) -> bool:
        return (
            self.settings.tolerance > 0
            and len(losses) >= 2
            and losses[-2] - losses[-1] < self.settings.tolerance * losses[-2]
        )

    def _epoch(self, epoch: int) -> float:
        totals = np.zeros(2)
        for chunk in self.sequences.chunks(epoch, self.keep):
            start = (epoch + chunk.done[0]) / self.settings.epochs
            end = (epoch + chunk.done[1]) / self.settings.epochs
            self._learn(chunk, epoch, start, end, totals)
            if not np.isfinite(totals[0]):
                raise DivergedError(
                    f"learning diverged in epoch {epoch + 1}: the loss is {totals[0]}; lower learn.step "
                    f"(now {self.settings.step}) or learn.block (now {self.settings.block})"
                )
            if self.progress:
                self.progress(end, f"epoch {epoch + 1} loss {totals[0] / max(totals[1], 1):.4f}")
        return float(totals[0] / max(totals[1], 1.0))

    def _learn(self, chunk: Chunk, epoch: int, start: float, end: float, totals: AnyArray) -> None:
        s, state, parts = self.settings, self.state, self.parts
        left = max(1.0 - start, s.min_step)
        step_end = max(1.0 - end, s.min_step) / left
        with threads(self.workers) as workers:
            kernels.learn_blocks(
                chunk.tokens, chunk.begins, chunk.ends, chunk.numbers,
                np.uint64(seeds.stream(self.seed, f"pairs {epoch}")),
                parts.offsets, parts.rows, parts.slots, parts.scales,
                state.rows, state.contexts, state.logits, self.prior,
                state.row_squares, state.context_squares, state.logit_squares,
                self.negatives.threshold, self.negatives.alias,
                s.window, s.shrink_windows, s.contexts == "forward", s.negative, s.negatives_per == "pair",
                s.input == "weighted", s.own_dropout, s.field_dropout, s.optimizer == "adagrad",
                self.steps * left, step_end, parts.n_slots, parts.most, s.block, workers, totals,
            )  # fmt: skip

    def learned(self, fingerprint: str, names: tuple[str, ...], losses: list[float]) -> Learned:
        """The rows as they stand now."""
        state, parts = self.state, self.parts
        items = len(state.contexts)
        vectors = np.empty_like(state.contexts)
        weights = np.empty((items, parts.n_slots), dtype=np.float32)
        with threads(self.workers):
            kernels.input_vectors(
                parts.offsets, parts.rows, parts.slots, parts.scales, state.rows, state.logits, self.prior,
                self.settings.input == "weighted", parts.most, vectors, weights,
            )  # fmt: skip
        if not np.isfinite(vectors).all():
            raise DivergedError(
                f"learning diverged: not all vectors are finite; lower learn.step ({self.settings.step})"
            )
        starts = parts.field_starts
        fields = tuple(state.rows[starts[f] : starts[f + 1]] for f in range(len(starts) - 1))
        return Learned(
            fingerprint, vectors, state.contexts, state.rows[:items], fields, weights, names, tuple(losses),
            self.settings.multi,
        )  # fmt: skip
