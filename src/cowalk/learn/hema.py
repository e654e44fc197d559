"""Hema (Zhao et al. 2018): item and attribute ids learned together, and a map from attributes to items."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from cowalk import seeds
from cowalk.errors import DataError, DivergedError
from cowalk.kernels import hema as kernels
from cowalk.kernels.flags import threads
from cowalk.kernels.hema_bundles import Adam, HemaDraw, HemaRoom, Moments, Side, Tables
from cowalk.learn.checkpoint import Checkpoint, data_fingerprint
from cowalk.learn.engine import Progress
from cowalk.learn.hema_layout import HemaLayout, carried, field_ranges, hema_layout, shared
from cowalk.learn.hema_settings import HemaSettings
from cowalk.learn.result import Learned
from cowalk.learn.sequences import Sequences, sequences_of
from cowalk.learn.settings import WalkSettings
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab
from cowalk.types import AnyArray, Floats


def learn_hema(
    source: Sessions | ItemGraph,
    vocab: Vocab,
    settings: HemaSettings | None = None,
    *,
    walks: WalkSettings | None = None,
    side_info: SideInfo | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Learned:
    """Rows for items and attribute values, equal bit for bit on any number of workers.

    vectors and contexts: e_i1 and e'_i1; fields: M_k e_k / V_k, what a value adds to T in the space of items;
    weights: w_ik; losses: Eq. 12 without its beta term, a position. extra: `ids F`, `contexts F` (e_k and
    e'_k of field F) and `transfer F` (M_k). With `checkpoint` each finished epoch is kept, and an equal call
    goes on from there. Raises DivergedError when the loss leaves the finite numbers.
    Source: Zhao et al. 2018, Eqs. 7, 11, 12.
    """
    settings = settings or HemaSettings()
    sequences = sequences_of(source, vocab, walks, seed, workers)
    run = _Run(sequences, vocab, side_info, settings, seed, workers, progress)
    told = data_fingerprint(source, vocab, side_info) if checkpoint else ""
    losses = run.epochs(Checkpoint.at(checkpoint, told, settings, walks, seed))
    return run.learned(vocab.fingerprint, () if side_info is None else tuple(side_info.names), losses)


def new_tables(layout: HemaLayout, seed: int) -> Tables:
    """Every table drawn from U(-b, b), b = sqrt(6 / (rows + columns)) (Glorot & Bengio 2010)."""

    def flat(name: str) -> Floats:
        rng = seeds.generator(seed, f"hema {name}")
        return np.concatenate([
            _xavier(rng, high - low, size).ravel()
            for (low, high), size in zip(pairwise(layout.row_starts), layout.dims, strict=True)
        ])  # fmt: skip

    rng = seeds.generator(seed, "hema transfer")
    transfer = [_xavier(rng, layout.dims[0], size) for size in layout.dims[1:]]
    empty = np.zeros((layout.dims[0], 0), dtype=np.float32)
    return Tables(flat("ids"), flat("contexts"), np.ascontiguousarray(np.hstack([empty, *transfer])))


def _xavier(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    bound = np.float32(np.sqrt(6.0 / (rows + columns)))
    return (2 * rng.random((rows, columns), dtype=np.float32) - 1) * bound


def new_moments(tables: Tables, rows: int) -> Moments:
    """Adam's means, all 0."""
    a, b, c, d, e, f = (np.zeros_like(table) for table in tables for _ in range(2))
    return Moments(
        a, b, c, d, e, f, np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(1, np.int64)
    )


def new_side(layout: HemaLayout, items: int, most: int) -> Side:
    """Room for `most` distinct items of a batch."""
    most = min(most, items)
    return Side(
        places=np.full(items, -1, np.int32),
        items=np.zeros(most, np.int32),
        own=np.zeros(most, np.uint8),
        numbers=np.zeros((most, layout.most), np.float32),
        slopes=np.zeros((most, layout.most), np.float32),
        grads=np.zeros(layout.flat_starts[-1], np.float32),
        marks=np.zeros(layout.rows, np.uint8),
    )


def new_room(layout: HemaLayout, settings: HemaSettings) -> HemaRoom:
    """Room for one batch."""
    s, batch = settings, settings.batch
    most, width = 2 * s.window * (1 + s.negative), layout.most - layout.dims[0]
    return HemaRoom(
        centres=np.zeros(batch, np.int32),
        targets=np.zeros((batch, most), np.int32),
        errors=np.zeros((batch, most), np.float32),
        target_counts=np.zeros(batch, np.int64),
        context_counts=np.zeros(batch, np.int64),
        others=np.full((batch, s.structure_negative), -1, np.int32),
        other_errors=np.zeros((batch, s.structure_negative), np.float32),
        slopes=np.zeros((batch, layout.most), np.float32),
        pulls=np.zeros((batch, width), np.float32),
        leans=np.zeros((batch, width), np.float32),
        losses=np.zeros((batch, 2)),
    )


def new_draw(counts: AnyArray, settings: HemaSettings) -> HemaDraw:
    """How pairs and sets are drawn: items by falling frequency, ties by row."""
    ranked = np.argsort(-counts, kind="stable").astype(np.int32)
    return HemaDraw(np.uint64(0), ranked, settings.window, settings.negative, settings.structure_negative)


class _Run:
    """One run of learning."""

    def __init__(
        self, sequences: Sequences, vocab: Vocab, side_info: SideInfo | None, settings: HemaSettings,
        seed: int, workers: int | None, progress: Progress | None,
    ) -> None:  # fmt: skip
        self.sequences, self.settings, self.seed = sequences, settings, seed
        self.workers, self.progress = workers, progress
        self.layout = hema_layout(vocab, side_info, settings)
        fields = () if side_info is None else side_info.fields
        self.values = [carried(field).astype(np.float32) for field in fields]
        self.tables = new_tables(self.layout, seed)
        self.moments = new_moments(self.tables, self.layout.rows)
        self.room, batch = new_room(self.layout, settings), settings.batch
        self.ids = new_side(self.layout, len(vocab), batch * (1 + settings.structure_negative))
        self.contexts = new_side(self.layout, len(vocab), self.room.targets.size)
        self.draw = new_draw(vocab.counts, settings)

    def epochs(self, checkpoint: Checkpoint) -> list[float]:
        """Learn all epochs that the checkpoint has not; returns the losses of all."""
        state = self.tables._asdict() | self.moments._asdict()
        losses = checkpoint.load(state)
        for epoch in range(len(losses), self.settings.epochs):
            losses.append(self._epoch(epoch))
            checkpoint.save(state, losses)
        return losses

    def _epoch(self, epoch: int) -> float:
        totals, alpha = np.zeros(4), self.settings.alpha
        for chunk in self.sequences.chunks(epoch, np.empty(0, dtype=np.float32)):
            start, end = ((epoch + done) / self.settings.epochs for done in chunk.done)
            left = max(1.0 - start, self.settings.min_step)
            fall = max(1.0 - end, self.settings.min_step) / left
            s = self.settings
            how = Adam(s.step * left, s.epsilon, s.decay, s.alpha, s.beta)
            draw = self.draw._replace(seed=np.uint64(seeds.stream(self.seed, f"hema pairs {epoch}")))
            with threads(self.workers) as workers:
                kernels.learn_batches(
                    chunk.stream, self.layout.kernel, self.tables, self.moments, draw, how, fall,
                    self.ids, self.contexts, self.room, workers, totals,
                )  # fmt: skip
            loss = (totals[0] + alpha * totals[1]) / max(totals[3], 1)
            if not np.isfinite(loss):
                raise DivergedError(
                    f"learning diverged in epoch {epoch + 1}: the loss is {loss}; "
                    f"lower hema.step (now {s.step})"
                )
            if self.progress:
                self.progress(end, f"epoch {epoch + 1} loss {loss:.4f}")
        if totals[2] == 0:
            raise DataError(
                "there is nothing to learn from: every session or walk holds one item only; "
                "loosen the cleaning"
            )
        return float((totals[0] + alpha * totals[1]) / totals[3])

    def learned(self, fingerprint: str, names: tuple[str, ...], losses: list[float]) -> Learned:
        """The rows as they stand now."""
        layout, tables = self.layout, self.tables
        if not all(np.isfinite(table).all() for table in tables):
            raise DivergedError(
                f"learning diverged: not all rows are finite; lower hema.step (now {self.settings.step})"
            )
        extra: dict[str, Floats] = {}
        fields: list[Floats] = []
        for kind, (name, columns) in enumerate(zip(names, field_ranges(layout), strict=True), start=1):
            rows, transfer = layout.table(tables.ids, kind), tables.transfer[:, columns].copy()
            extra[f"ids {name}"] = rows
            extra[f"contexts {name}"] = layout.table(tables.contexts, kind)
            extra[f"transfer {name}"] = transfer
            fields.append((rows @ transfer.T / self.values[kind - 1][:, None]).astype(np.float32))
        vectors = layout.table(tables.ids, 0)
        return Learned(
            fingerprint, vectors, layout.table(tables.contexts, 0), vectors, tuple(fields), shared(layout),
            names, tuple(losses), extra=extra,
        )  # fmt: skip
