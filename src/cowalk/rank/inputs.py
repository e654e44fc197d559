"""From events to labelled examples, by the names that the command line uses."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples import Examples, labelled_examples, one_per_user, rated_examples
from cowalk.examples.negatives import Sampler
from cowalk.tables import Events, Vocab

Made = Literal["all", "one-per-user", "rated"]


def examples_of(
    events: Events, made: str = "all", *, negatives: int = 1, sampler: Sampler = "uniform",
    per_user: int | None = None, last: int = 50, threshold: float = 3.0, seed: int = 0,
) -> Examples:  # fmt: skip
    """Labelled examples: all = every event and sampled negatives; one-per-user = the last event of each user
    and sampled negatives; rated = every rated item, clicked where rated above the threshold.
    """
    if made == "all":
        return labelled_examples(
            events, negatives=negatives, sampler=sampler, per_user=per_user, last=last, seed=seed
        )
    if made == "one-per-user":
        return one_per_user(events, negatives=negatives, sampler=sampler, last=last, seed=seed)
    if made == "rated":
        return rated_examples(events, threshold, last, per_user=per_user, seed=seed)
    raise UsageError(f"examples are made as all, one-per-user or rated, not {made!r}")


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
