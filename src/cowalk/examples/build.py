"""Examples from a log: next items, clicks with sampled negatives, one pair per user, ratings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cowalk.errors import DataError, UsageError
from cowalk.examples.negatives import Sampler, draw_negatives
from cowalk.examples.stream import Stream
from cowalk.examples.table import Examples
from cowalk.seeds import generator
from cowalk.tables import Events, RawField, Sessions, Vocab
from cowalk.types import AnyArray, Floats, Ids, Offsets

Source = Events | Sessions


def next_item_examples(
    source: Source, vocab: Vocab | None = None, *, per_user: int | None = None, min_history: int = 1,
    last: int = 50, seed: int = 0,
) -> Examples:  # fmt: skip
    """Every event with at least `min_history` earlier ones of its owner as a target of label 1; its history
    is all that the owner did strictly before it in (time, sequence) order (rollback labels).

    per_user: at most so many random events per owner, so that busy users do not outweigh the others
    (Covington et al. 2016, 3.3). A weight is that of the event. Sessions need their `vocab`.
    """
    stream, items, users, raw = _read(source, vocab)
    places = _targets(stream, min_history)
    _check_any(places, min_history)
    if per_user is not None:
        if per_user < 1:
            raise UsageError(f"per_user must be at least 1, not {per_user}")
        places = _some(places, stream.owners[places], per_user, seed)
    about = {
        "examples": "next item", "history": "strictly before the target in (time, sequence) order",
        "per user": "all" if per_user is None else f"at most {per_user}, drawn", "seed": seed,
    }  # fmt: skip
    return _at_places(stream, places, items, users, last, about, raw)


def labelled_examples(
    source: Source, vocab: Vocab | None = None, *, negatives: int = 1, sampler: Sampler = "uniform",
    exclude_known: bool = False, per_user: int | None = None, min_history: int = 1, last: int = 50,
    seed: int = 0,
) -> Examples:  # fmt: skip
    """The next-item examples, each followed by `negatives` items of label 0 that share its history.

    sampler: an item at random (uniform), or an event's item (count: by how often items occur in the source).
    A negative is never the target itself; with `exclude_known` it is no item of the owner's events, before
    or after. The rule is recorded in `about`.
    """
    positives = next_item_examples(
        source, vocab, per_user=per_user, min_history=min_history, last=last, seed=seed
    )
    return with_negatives(positives, negatives, sampler, exclude_known, seed)


def last_examples(
    source: Source, vocab: Vocab | None = None, *, min_history: int = 1, last: int = 50
) -> Examples:
    """The last event of each owner with at least `min_history` earlier ones as a target of label 1; its
    history is all that was before.
    """
    stream, items, users, raw = _read(source, vocab)
    lengths = np.diff(stream.offsets)
    places = stream.offsets[1:][lengths > min_history] - 1
    _check_any(places, min_history)
    about = {"examples": "one per user", "history": "all but the last event"}
    return _at_places(stream, places, items, users, last, about, raw)


def one_per_user(
    source: Source, vocab: Vocab | None = None, *, negatives: int = 1, sampler: Sampler = "uniform",
    exclude_known: bool = False, min_history: int = 1, last: int = 50, seed: int = 0,
) -> Examples:  # fmt: skip
    """Of each owner the history b_1..b_n, the last event b_{n+1} with label 1 and `negatives` items of
    label 0 (Zhou et al. 2019, 4.1.1). Sampling as in `labelled_examples`.
    """
    positives = last_examples(source, vocab, min_history=min_history, last=last)
    return with_negatives(positives, negatives, sampler, exclude_known, seed)


def rated_examples(
    events: Events, threshold: float = 3.0, history: int = 50, *, per_user: int | None = None,
    min_history: int = 1, seed: int = 0,
) -> Examples:  # fmt: skip
    """Every rated item as a target with label 1 where the rating is above `threshold`; its history are the
    owner's earlier items rated at least `threshold`, the latest `history` of them.

    Ratings are the weights of the events (read.weight_column). Every weight of an example is 1.
    """
    if len(events) and events.weights.min() == events.weights.max():
        raise DataError(
            "every event has the same weight, so there are no ratings; name their column "
            "(read.weight_column, --weight-column)"
        )
    whole = Stream.of(events)
    liked = whole.weights >= threshold
    stream = whole.select(liked)
    before = np.concatenate([[0], np.cumsum(liked)]).astype(np.int64)
    places = np.arange(len(whole.items))
    kept = before[:-1] - stream.offsets[whole.owners] >= min_history
    places = places[kept]
    if per_user is not None:
        places = _some(places, whole.owners[places], per_user, seed)
    _check_any(places, min_history)
    about = {
        "examples": "ratings", "label": f"rating > {threshold:g}",
        "history": f"earlier items of rating >= {threshold:g}", "seed": seed,
    }  # fmt: skip
    return Examples(
        stream, events.item_vocab, events.user_vocab, whole.owners[places], before[places],
        whole.items[places], (whole.weights[places] > threshold).astype(np.float32),
        np.ones(len(places), np.float32), events.times[places],
        np.where(liked[places], before[places], -1), raw=_taken(events.columns, places), last=history,
        about=about,
    )  # fmt: skip


def with_negatives(
    positives: Examples, number: int = 1, sampler: Sampler = "uniform", exclude_known: bool = False,
    seed: int = 0, *, among: Ids | None = None,
) -> Examples:  # fmt: skip
    """Each example followed by `number` sampled items of label 0 with its history, moment and context.

    among: the items that uniform draws from, all of the vocabulary unless given.
    """
    if number < 1:
        raise UsageError(f"negatives must be at least 1, not {number}")
    drawn = draw_negatives(positives, number, sampler, exclude_known, seed, among)
    rows = np.repeat(np.arange(len(positives)), number + 1)
    out = positives.select(rows)
    false = np.arange(len(rows)) % (number + 1) > 0
    targets, labels, places = out.targets.copy(), out.labels.copy(), out.places.copy()
    targets[false], labels[false], places[false] = drawn.ravel(), 0.0, -1
    over = "items" if among is None else f"{len(among):,} items"
    rule = f"{number} a positive, {f'uniform over {over}' if sampler == 'uniform' else 'by count'}, " + (
        "never an item of the owner" if exclude_known else "never the target itself"
    )
    about = {**positives.about, "negatives": rule, "negatives seed": seed}
    return replace(out, targets=targets, labels=labels, places=places, about=about)


def _read(source: Source, vocab: Vocab | None) -> tuple[Stream, Vocab, Vocab | None, tuple[RawField, ...]]:
    """The stream, the vocabularies of its rows, and further columns of its events."""
    if isinstance(source, Events):
        if vocab is not None and vocab.fingerprint != source.item_vocab.fingerprint:
            raise UsageError("the vocabulary given is not that of the events; leave it out")
        return Stream.of(source), source.item_vocab, source.user_vocab, source.columns
    if vocab is None:
        raise UsageError("sessions hold rows alone; give the vocabulary of their items (vocab=)")
    return Stream.of(source), vocab, None, ()


def _targets(stream: Stream, min_history: int) -> Offsets:
    """int64[*]: places of the stream with at least `min_history` events of the owner before them."""
    if min_history < 0:
        raise UsageError(f"min_history must not be negative, not {min_history}")
    since = np.arange(len(stream.items)) - np.repeat(stream.offsets[:-1], np.diff(stream.offsets))
    return np.flatnonzero(since >= min_history)


def _some(places: Offsets, owners: Ids, most: int, seed: int) -> Offsets:
    """At most `most` random places of each owner, rising."""
    rng = generator(seed, "examples/per user")
    order = np.lexsort((rng.random(len(places)), owners))
    ranked = owners[order]
    nth = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    return np.sort(places[order[nth < most]])


def _check_any(places: AnyArray, min_history: int) -> None:
    if not len(places):
        raise DataError(
            f"no event has {min_history} earlier ones of its user, so there are no examples; lower "
            "min_history or use a longer log"
        )


def _taken(fields: tuple[RawField, ...], places: Offsets) -> tuple[RawField, ...]:
    return tuple(field.take(places) for field in fields)


def _at_places(
    stream: Stream, places: Offsets, items: Vocab, users: Vocab | None, last: int, about: dict[str, Any],
    raw: tuple[RawField, ...],
) -> Examples:  # fmt: skip
    """Examples whose targets are the events at these places, label 1."""
    ones: Floats = np.ones(len(places), dtype=np.float32)
    times = np.zeros(len(places), np.int64) if stream.times is None else stream.times[places]
    return Examples(
        stream, items, users, stream.owners[places], places.astype(np.int64), stream.items[places], ones,
        stream.weights[places], times, places.astype(np.int64), raw=_taken(raw, places), last=last,
        about=about,
    )  # fmt: skip
