"""Where the rows of new items start: from their attributes, from what they were seen with, or from both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cowalk.learn import ColdMap, Learned, LearnSettings
from cowalk.learn.parts import field_idf, own_prior, value_scales
from cowalk.learn.result import Squares
from cowalk.learn.sets import both
from cowalk.model import ModelData
from cowalk.recall import CooccurrenceLists
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.tables.catalogue import take_ragged
from cowalk.types import AnyArray, Floats

TRUST = 10.0  # an item seen n times beside known ones starts n / (n + TRUST) of the way to their mean

FEW = 100  # new items up to which each is solved for alone, and above which the whole map is


@dataclass(frozen=True)
class Places:
    """Where N new items may start in one set of rows: H and Z, float32[N, d]."""

    vectors: Floats
    contexts: Floats

    @classmethod
    def middle(cls, learned: Learned, new: int) -> Places:
        """The mean of all rows, for items of which nothing is known."""
        means = (np.tile(rows.mean(axis=0), (new, 1)) for rows in (learned.vectors, learned.contexts))
        return cls(*means)

    def toward(self, others: Places, share: AnyArray) -> Places:
        """Row by row `share` [N] of the way to the others."""
        step = share[:, None].astype(np.float32)
        return Places(
            self.vectors + step * (others.vectors - self.vectors),
            self.contexts + step * (others.contexts - self.contexts),
        )


def places_by_attributes(model: ModelData, side: SideInfo | None, how: str) -> tuple[Places, Places | None]:
    """By the model's cold map, in the first set of rows and the second; where all are without attributes, or
    `how` is neighbors, the middle. Both sets are solved for at once."""
    known = len(model.vocab)
    new = 0 if side is None else len(side.fields[0]) - known if side.fields else 0
    fields = () if side is None else tuple(f.take(np.arange(known, len(f))) for f in side.fields)
    second = model.cold_learned
    if how == "neighbors" or new == 0 or not any(field.known.any() for field in fields):
        return Places.middle(model.learned, new), None if second is None else Places.middle(second, new)
    assert model.side_info is not None
    joint = model.learned if second is None else both(model.learned, second)
    cold_map = ColdMap.fit(joint, model.side_info, model.vocab.counts, model.recipe.cold)
    H, Z = cold_map.at(fields) if new <= FEW else (cold_map.vectors(fields), cold_map.contexts(fields))
    if second is None:
        return Places(H, Z), None
    d, H = model.learned.vectors.shape[1], H * np.float32(2.0)  # `both` halves vectors
    return Places(H[:, :d], Z[:, :d]), Places(H[:, d:], Z[:, d:])


def started(
    learned: Learned, settings: LearnSettings, vocab: Vocab, side: SideInfo | None, lists: CooccurrenceLists,
    places: Places | None, how: str,
) -> Learned:  # fmt: skip
    """The rows of one set over the grown vocabulary: old ones as they are, new ones where they may start.

    H and Z of a new item lie between `places` (its attributes) and the mean over the known items that `lists`
    tells it was seen with, nearer to these the oftener it was; how=attributes and neighbors take one alone.
    Its own row is what its attribute rows lack to H. Adagrad's sums of new rows are 0, so that they step far.
    """
    new = len(vocab) - len(learned.vectors)
    if new == 0:
        return replace(learned, fingerprint=vocab.fingerprint)
    start = Places.middle(learned, new) if places is None or not len(places.vectors) else places
    if how != "attributes":
        near, together = _from_neighbors(learned, lists)
        start = start.toward(near, together > 0 if how == "neighbors" else together / (together + TRUST))
    own, weights = _own_rows(learned, settings, vocab, side, start.vectors)
    return replace(
        learned,
        fingerprint=vocab.fingerprint,
        vectors=np.concatenate([learned.vectors, start.vectors]),
        contexts=np.concatenate([learned.contexts, start.contexts]),
        own=np.concatenate([learned.own, own]),
        weights=np.concatenate([learned.weights, weights]),
        squares=_more_squares(learned, side, new),
    )


def _from_neighbors(learned: Learned, lists: CooccurrenceLists) -> tuple[Places, AnyArray]:
    """Mean rows of the known items in each new item's list, by times together; and the sum of these."""
    known, new = len(learned.vectors), len(lists) - len(learned.vectors)
    offsets, at = take_ragged(lists.offsets, np.arange(len(lists.ids)), np.arange(known, known + new))
    row, ids, amount = np.repeat(np.arange(new), np.diff(offsets)), lists.ids[at], lists.together[at]
    old = ids < known
    row, ids, amount = row[old], ids[old], amount[old].astype(np.float64)
    total = np.bincount(row, amount, minlength=new)
    means = []
    for rows in (learned.vectors, learned.contexts):
        sums = np.zeros((new, rows.shape[1]))
        np.add.at(sums, row, amount[:, None] * rows[ids])
        means.append((sums / np.maximum(total, 1e-12)[:, None]).astype(np.float32))
    return Places(*means), total


def _own_rows(
    learned: Learned, settings: LearnSettings, vocab: Vocab, side: SideInfo | None, H: Floats
) -> tuple[Floats, Floats]:
    """Own rows [N, d] with which the new items' vectors are H, and the weights [N, n+1] of this mix."""
    known = len(learned.vectors)
    fields = side.fields if side is not None and learned.fields else ()
    weights = np.zeros((len(H), 1 + len(fields)))
    weights[:, 0] = 1.0
    if settings.input == "weighted":
        prior = own_prior(vocab.counts[known:], settings.own_prior, settings.own_prior_by_count)
        weights[:, 0] = np.exp(prior.astype(np.float64))
    parts = []
    for slot, (field, rows) in enumerate(zip(fields, learned.fields, strict=True), start=1):
        tail = field.take(np.arange(known, len(field)))
        weights[:, slot] = tail.known
        parts.append(_summed(tail, field, rows, settings.multi))
    weights /= weights.sum(axis=1, keepdims=True)
    own = H.astype(np.float64)
    for slot, part in enumerate(parts, start=1):
        own -= weights[:, slot, None] * part
    own /= weights[:, :1]
    return own.astype(np.float32), weights.astype(np.float32)


def _summed(tail: Field, field: Field, rows: Floats, multi: str) -> Floats:
    """float32[N, d]: what the values of each item of `tail` come to, by the idf of the whole field."""
    if tail.vectors is not None:
        return tail.product(rows)
    scales = value_scales(tail, multi, field_idf(field))
    out = np.zeros((len(tail), rows.shape[1]), dtype=np.float32)
    np.add.at(out, np.repeat(np.arange(len(tail)), np.diff(tail.offsets)), scales[:, None] * rows[tail.codes])
    return out


def _more_squares(learned: Learned, side: SideInfo | None, new: int) -> Squares | None:
    """Adagrad's sums with 0 for the new items: behind the own rows, and behind the rows of dense fields."""
    squares, known = learned.squares, len(learned.vectors)
    if squares is None:
        return None
    none = np.zeros(new, dtype=np.float32)

    def behind(sums: Floats) -> Floats:
        return np.concatenate([sums, none]) if len(sums) else sums

    blocks, at = [], 0
    for field in (None, *(side.fields if side is not None and learned.fields else ())):
        per_item = field is None or field.vectors is not None
        end = at + (known if field is None or field.vectors is not None else field.size)
        blocks += [squares.rows[at:end], none] if per_item else [squares.rows[at:end]]
        at = end
    rows = np.concatenate(blocks) if len(squares.rows) else squares.rows
    return Squares(rows, behind(squares.contexts), behind(squares.logits))
