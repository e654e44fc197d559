"""One set of rows learned on from new events, its old rows frozen, anchored, or free and then turned back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cowalk.learn import Learned, LearnSettings, WalkSettings, learn
from cowalk.seeds import stream
from cowalk.tables import ItemGraph, Sessions, SideInfo, Vocab
from cowalk.update_settings import UpdateSettings
from cowalk.updates.align import aligned


@dataclass(frozen=True)
class Course:
    """What both sets of rows are learned from, and how; `known` old items stand first in `vocab`."""

    graph: ItemGraph
    sessions: Sessions
    vocab: Vocab
    side_info: SideInfo | None
    walks: WalkSettings
    known: int
    seed: int
    workers: int | None
    settings: UpdateSettings

    def learned(
        self, start: Learned, learn_by: LearnSettings, tell: Callable[[float, str], None], at: Path | None
    ) -> Learned:
        """The rows after all passes; those of old items have moved as the mode says.

        frozen: old items' rows, and all field rows, are where they were, bit for bit. anchored: field rows
        and the weights of the mix are; after each pass own and context rows of old items go `pull` of their
        way back, a proximal step on pull / (1 - pull) |row - old|^2 / 2. free: all rows move, then all are
        turned so that old vectors lie nearest their old places.
        """
        s = self.settings
        if s.mode == "frozen" and self.known == len(self.vocab):
            return start
        if s.mode == "free":
            return aligned(self._pass(start, learn_by, s.passes, 0, tell, at), self._old(start))
        now = start
        for number in range(s.passes):
            now = self._pass(now, learn_by, 1, number, tell, at)
            now = self._anchored(start, now) if s.mode == "anchored" else self._frozen(start, now)
        return now

    def _pass(
        self, start: Learned, learn_by: LearnSettings, epochs: int, number: int,
        tell: Callable[[float, str], None], at: Path | None,
    ) -> Learned:  # fmt: skip
        """Passes from `start`, the steps falling to 0 over all passes of the update."""
        s = self.settings
        left, min_step = 1.0 - number / s.passes, learn_by.min_step
        if epochs < s.passes:  # one pass of several: its steps end where those of the next begin
            min_step = max(min_step, 1.0 - 1.0 / (s.passes - number))
        changes: dict[str, object] = {
            "epochs": epochs,
            "step": learn_by.step * s.step_share * left,
            "min_step": min_step,
            "tolerance": 0.0,
        }
        if s.mode != "free":
            changes["step_weights"] = 0.0
        return learn(
            self.sessions if learn_by.sequences == "sessions" else self.graph,
            self.vocab,
            learn_by.model_copy(update=changes),
            walks=self.walks.model_copy(update={"num_walks": s.walks_per_item or self.walks.num_walks}),
            side_info=self.side_info,
            seed=stream(self.seed, f"update {number}") >> 1,
            workers=self.workers,
            progress=tell,
            checkpoint=None if at is None else at / str(number),
            start=start,
            held=np.arange(len(self.vocab)) < self.known if s.mode == "frozen" else None,
            hold_fields=s.mode != "free",
        )

    def _old(self, start: Learned) -> Learned:
        """The old items of the start."""
        return replace(start, vectors=start.vectors[: self.known])

    def _frozen(self, start: Learned, now: Learned) -> Learned:
        """Old vectors and weights to the bit: new counts and idf change their mix a little."""
        now.vectors[: self.known] = start.vectors[: self.known]
        now.weights[: self.known] = start.weights[: self.known]
        return now

    def _anchored(self, start: Learned, now: Learned) -> Learned:
        """Old own and context rows gone back by `pull`, and with them the vectors, linear in own rows."""
        old, pull = slice(self.known), np.float32(self.settings.pull)
        back = (start.own[old] - now.own[old]) * pull
        now.own[old] += back
        now.vectors[old] += now.weights[old, :1] * back
        now.contexts[old] += (start.contexts[old] - now.contexts[old]) * pull
        return now
