"""From events to labelled examples, training and test apart, by the names that the command line uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples import (
    Examples,
    last_examples,
    next_item_examples,
    rated_examples,
    split_by_time,
    split_by_user,
    with_negatives,
)
from cowalk.examples.negatives import Sampler
from cowalk.examples.splits import By
from cowalk.tables import Events, Vocab
from cowalk.types import Ids

Made = Literal["all", "one-per-user", "rated"]


@dataclass(frozen=True)
class Making:
    """How events become labelled examples.

    made: all = every event and sampled negatives; one-per-user = the last event of each user and sampled
    negatives; rated = every rated item, clicked where rated above the threshold. per_user: clicked (rated)
    examples of a user at most. The examples' about["options"] are made, negatives, sampler and per_user, so
    that later ones are made as those of training; about["until"] is the time of the newest, in microseconds.
    """

    made: str = "all"
    negatives: int = 1
    sampler: Sampler = "uniform"
    per_user: int | None = None
    last: int = 50
    threshold: float = 3.0
    seed: int = 0

    def examples(self, events: Events) -> Examples:
        """All labelled examples of a log."""
        return self._labelled(self._clicked(events))

    def split(
        self, events: Events, share: float, by: By = "user", *, at: int | None = None
    ) -> tuple[Examples, Examples]:
        """Training and test examples: a seeded share of the users, or the latest share of the examples.

        at: of a split by time, the moment in microseconds at which the test begins, instead of the share. The
        negatives of training are drawn from training alone: where counts matter, by what training shows; by
        time, from the items that training shows. DataError where one side would be empty.
        """
        clicked = self._clicked(events)
        if by == "time":
            train, test = split_by_time(clicked, 1 - share if at is None else at)
            known = np.unique(train.sequences.items).astype(np.int32)
            parts = self._labelled(train, known), self._labelled(test)
        elif by == "user":
            train, test = split_by_user(clicked, share, self.seed)
            parts = self._labelled(train), self._labelled(test)
        else:
            raise UsageError(f"events are split by user or by time, not by {by!r}")
        told = {"by": by, "share": share, "seed": self.seed, "log": _print_of(events)}
        return replace(parts[0], about={**parts[0].about, "split": told}), parts[1]

    def _clicked(self, events: Events) -> Examples:
        """Examples before negatives are drawn; of ratings all of them."""
        if self.made == "all":
            return next_item_examples(events, per_user=self.per_user, last=self.last, seed=self.seed)
        if self.made == "one-per-user":
            return last_examples(events, last=self.last)
        if self.made == "rated":
            return rated_examples(events, self.threshold, self.last, per_user=self.per_user, seed=self.seed)
        raise UsageError(f"examples are made as all, one-per-user or rated, not {self.made!r}")

    def _labelled(self, clicked: Examples, among: Ids | None = None) -> Examples:
        """With negatives."""
        found = clicked
        if self.made != "rated":
            found = with_negatives(clicked, self.negatives, self.sampler, seed=self.seed, among=among)
        options = {name: getattr(self, name) for name in ("made", "negatives", "sampler", "per_user")}
        until = None if clicked.stream.times is None else int(clicked.times.max())
        return replace(found, about={**found.about, "options": options, "until": until})


def _print_of(events: Events) -> str:
    """A fingerprint of who did what when."""
    digest = blake2b(digest_size=16)
    for part in (events.users, events.items, events.times):
        digest.update(np.ascontiguousarray(part).data)
    for vocab in (events.user_vocab, events.item_vocab):
        digest.update(vocab.fingerprint.encode())
    return digest.hexdigest()


def known_events(events: Events, vocab: Vocab) -> tuple[Events, int]:
    """The events of items that the vocabulary holds, by its rows, and how many were left out.

    DataError where none is left.
    """
    rows = vocab.find(events.item_vocab.ids)[events.items]
    kept = events.select(rows >= 0)
    if not len(kept):
        name = events.item_vocab.names(np.zeros(1, np.int64))[0]
        raise DataError(
            f"the model knows none of the items of these events (such as {name!r}); are ids the same?"
        )
    return replace(kept, items=rows[rows >= 0], item_vocab=vocab), int((rows < 0).sum())
