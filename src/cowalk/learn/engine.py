"""The one engine of the skip-gram family: sequences in, rows out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cowalk import seeds
from cowalk.errors import DataError, DivergedError
from cowalk.kernels import skipgram as kernels
from cowalk.kernels.bundles import Mix, Parts, Steps, Stream
from cowalk.kernels.flags import thread_count, threads
from cowalk.learn.checkpoint import Checkpoint, data_fingerprint
from cowalk.learn.checks import check_source
from cowalk.learn.dense import DenseMaps
from cowalk.learn.extras import Extras, as_sets, extras_of
from cowalk.learn.outputs import outputs_of
from cowalk.learn.parts import PartsTable, own_prior, parts_of
from cowalk.learn.result import Learned, Squares
from cowalk.learn.samplers import NegativeTables, negative_tables, with_generator, with_pools
from cowalk.learn.sequences import Sequences, sequences_of
from cowalk.learn.settings import LearnSettings, WalkSettings
from cowalk.learn.start import Start, started
from cowalk.learn.state import block_size, keep_chances, new_draw, new_room, new_table, pairs_are_examples
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab
from cowalk.types import AnyArray, Floats, Offsets

Progress = Callable[[float, str], None]
"""Told (share done, a few words) now and then."""


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
    start: Learned | None = None,
    held: NDArray[np.bool_] | None = None,
    hold_fields: bool = False,
) -> Learned:
    """The rows learned from sessions, or from walks over an item graph.

    `deterministic` mode: equal bit for bit for equal (source, settings, seed) on any number of workers.
    With `checkpoint` (a folder) each finished epoch is kept, and a later equal call goes on from there.
    start: rows begin there instead of at random; held: bool[V], items whose own row, context row and weight
    row stay at the start; hold_fields: field rows do. A row that is held is never written to.
    Raises DivergedError when the loss leaves the finite numbers. Source: Wang et al. 2018 (EGES), section 3.
    """
    settings = settings or LearnSettings()
    check_source(settings, isinstance(source, ItemGraph))
    if settings.pairs == "set" and isinstance(source, Sessions):
        source = as_sets(source, len(vocab))
    sequences = sequences_of(
        source, vocab, walks, seed, workers, shuffled=settings.session_order == "shuffled"
    )
    uses_fields = settings.input != "own"
    parts = parts_of(vocab, side_info if uses_fields else None, settings.multi)
    counts = sequences.counts() if settings.counts == "walks" else vocab.counts
    begin = started(start, held, hold_fields)
    begin.check(len(vocab), vocab.fingerprint)
    extras = extras_of(source, settings)
    dense = DenseMaps.of(side_info if uses_fields else None, parts, settings.vector_size, seed)
    negatives = negative_tables(source, counts, settings, side_info, seed, workers)
    run = _Run(sequences, parts, counts, settings, extras, seed, workers, progress, begin, dense, negatives)
    told = data_fingerprint(source, vocab, side_info) + begin.fingerprint() if checkpoint else ""
    losses = run.epochs(Checkpoint.at(checkpoint, told, settings, walks, seed))
    names = tuple(side_info.names) if side_info is not None and uses_fields else ()
    return run.learned(vocab.fingerprint, names, losses)


class _Run:
    """One run of learning: the table and what its kernels are called with."""

    def __init__(
        self, sequences: Sequences, parts: PartsTable, counts: Offsets, settings: LearnSettings,
        extras: Extras, seed: int, workers: int | None, progress: Progress | None, start: Start,
        dense: DenseMaps, negatives: NegativeTables | None,
    ) -> None:  # fmt: skip
        s = settings
        self.sequences, self.settings, self.layout = sequences, settings, parts
        self.seed, self.workers, self.progress = seed, workers, progress
        tree = s.objective == "hierarchical-softmax"
        self.outputs = outputs_of(counts, s, sequences.first_met() if tree else None)
        self.table = with_generator(new_table(parts, len(counts), self.outputs, s, seed), s, seed)
        self.draw = new_draw(counts, self.outputs, extras, s, 0)
        self.negatives = negatives
        if negatives is not None:
            self.draw = negatives.put_into(self.draw)
        self.keep = keep_chances(counts, s.sample, s.sample_rule)
        prior = own_prior(counts, s.own_prior, s.own_prior_by_count)
        self.parts = Parts(parts.offsets, parts.rows, parts.slots, parts.scales, prior)
        start.fill(self.table, parts, prior)
        self.dense, self.hold_fields = dense, start.hold_fields
        dense.begin(self.table.rows, start.learned)
        self.held = start.held_masks(self.table, len(counts))
        self.mix = Mix(s.input == "weighted", s.own_dropout, s.field_dropout)
        block = thread_count(workers)
        if s.mode == "deterministic":
            drawn = None if negatives is None else negatives.hottest
            others, positions = sequences.mean_others(), sequences.positions()
            block = block_size(counts, self.outputs, others, s, drawn, positions=positions)
        self.kernel = kernels.learn_lockfree if s.mode == "hogwild" else kernels.learn_blocks
        in_turn = s.mode == "deterministic" and block == 1
        if in_turn:  # what one lock-free worker does, or finer
            self.kernel, self.workers = kernels.learn_lockfree, 1
            if pairs_are_examples(s):
                self.kernel, block = kernels.learn_pairs, 2  # rows of its room
        # Steps that are summed at old values overshoot now and then; the table's ends would leave them there.
        self.draw = self.draw._replace(looked_up=self.draw.looked_up and in_turn)
        self.room = with_pools(new_room(block, parts, self.outputs, s), s)

    def epochs(self, checkpoint: Checkpoint) -> list[float]:
        """Learn all epochs that the checkpoint has not; returns the losses of all."""
        kept = {**self.table._asdict(), **self.dense.arrays()}
        losses = checkpoint.load(kept)
        for note in self.notes:
            if self.progress:
                self.progress(len(losses) / self.settings.epochs, note)
        for epoch in range(len(losses), self.settings.epochs):
            if self._settled(losses):
                break
            losses.append(self._epoch(epoch))
            checkpoint.save(kept, losses)
        return losses

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the run so far."""
        return () if self.negatives is None else tuple(self.negatives.notes.values())

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
            self._refresh(epoch, chunk.done[0])
            self._learn(chunk.stream, epoch, start, end, totals)
            if not self.hold_fields:
                self.dense.project(self.table.rows)
            if not np.isfinite(totals[0]):
                raise DivergedError(
                    f"learning diverged in epoch {epoch + 1}: the loss is {totals[0]}; lower learn.step "
                    f"(now {self.settings.step}) or learn.block (now {self.settings.block})"
                )
            if self.progress:
                self.progress(end, f"epoch {epoch + 1} loss {totals[0] / max(totals[1], 1):.4f}")
        if totals[1] == 0:
            raise DataError(
                "there is nothing to learn from: every session or walk holds one item only; "
                "loosen the cleaning, or lower learn.sample"
            )
        return float(totals[0] / totals[1])

    def _refresh(self, epoch: int, share: float) -> None:
        """Make anew what is drawn by the current vectors, where it is time and something is learned."""
        if self.negatives is not None and self.table.contexts.any() and self.negatives.due(epoch, share):
            self.negatives.refresh(self._mixed()[0], f"{epoch} {share}")
            self.draw = self.negatives.put_into(self.draw)

    def _learn(self, stream: Stream, epoch: int, start: float, end: float, totals: AnyArray) -> None:
        s = self.settings
        left, over = (1.0 - (1.0 - s.min_step) * done for done in (start, end))
        fall = over / left if left > 0 else 0.0
        step = s.step * left
        steps = Steps(
            step,
            step * s.step_contexts,
            step * s.step_fields,
            step * s.step_weights,
            s.optimizer == "adagrad",
            *self.held,
        )
        seed = np.uint64(seeds.stream(self.seed, f"pairs {epoch}"))
        draw = self.draw._replace(seed=seed, stair=self._stair(len(stream.tokens), end - start))
        with threads(self.workers) as workers:
            self.kernel(
                stream, self.parts, self.table, draw, self.mix, steps, fall, self.room, workers, totals
            )

    def _stair(self, kept: int, share: float) -> int:
        """How many of the kept positions stand for `step_every` of those before subsampling."""
        read = share * self.settings.epochs * self.sequences.positions()
        return max(1, round(self.settings.step_every * kept / max(read, 1.0)))

    def _mixed(self) -> tuple[Floats, Floats]:
        """(vectors [V, d], weights [V, n+1]): every item mixed from its rows as they stand now."""
        items = len(self.parts.prior)
        vectors = np.empty((items, self.settings.vector_size), dtype=np.float32)
        weights = np.empty((items, self.layout.n_slots), dtype=np.float32)
        still = self.mix._replace(drop_own=0.0, drop_field=0.0)
        with threads(self.workers) as workers:
            room = with_pools(new_room(workers, self.layout, self.outputs, self.settings), self.settings)
            kernels.input_vectors(self.parts, self.table, still, room, workers, vectors, weights)
        return vectors, weights

    def learned(self, fingerprint: str, names: tuple[str, ...], losses: list[float]) -> Learned:
        """The rows as they stand now."""
        table, starts = self.table, self.layout.field_starts
        vectors, weights = self._mixed()
        items = len(vectors)
        contexts = table.contexts if self.outputs.rows == items else np.zeros((items, 0), dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise DivergedError(
                f"learning diverged: not all vectors are finite; lower learn.step ({self.settings.step})"
            )
        fields = self.dense.fields(
            tuple(table.rows[starts[f] : starts[f + 1]] for f in range(len(starts) - 1))
        )
        squares = Squares(table.row_squares, table.context_squares, table.logit_squares)
        return Learned(
            fingerprint, vectors, contexts, table.rows[:items], fields, weights, names, tuple(losses),
            self.settings.multi, squares=squares, notes=self.notes,
        )  # fmt: skip
