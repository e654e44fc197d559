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
    about["options"]: made, negatives and sampler, so that held-out examples are made as those of training.
    """
    if made == "all":
        found = labelled_examples(
            events, negatives=negatives, sampler=sampler, per_user=per_user, last=last, seed=seed
        )
    elif made == "one-per-user":
        found = one_per_user(events, negatives=negatives, sampler=sampler, last=last, seed=seed)
    elif made == "rated":
        found = rated_examples(events, threshold, last, per_user=per_user, seed=seed)
    else:
        raise UsageError(f"examples are made as all, one-per-user or rated, not {made!r}")
    options = {"made": made, "negatives": negatives, "sampler": sampler}
    return replace(found, about={**found.about, "options": options})


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
