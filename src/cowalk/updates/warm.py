"""Where the rows of new items start: from their attributes, from what they were seen with, or from both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cowalk.learn import ColdMap, ColdSettings, Learned, LearnSettings
from cowalk.learn.parts import field_idf, own_prior, value_scales
from cowalk.learn.result import Squares
from cowalk.model_data import ModelData
from cowalk.recall import CooccurrenceLists
from cowalk.tables import Field, SideInfo, Vocab
from cowalk.tables.catalogue import take_ragged
from cowalk.types import AnyArray, Floats

TRUST = 10.0  # an item seen n times beside known ones starts n / (n + TRUST) of the way to their mean


def started(
    model: ModelData, learned: Learned, settings: LearnSettings, vocab: Vocab, side: SideInfo | None,
    lists: CooccurrenceLists, how: str,
) -> Learned:  # fmt: skip
    """The rows of one set over the grown vocabulary: old ones as they are, new ones where they may start.

    H and Z of a new item are mixed of the cold map's (attributes) and of the mean over the known items that
    `lists` tells it was seen with (neighbors); an item with neither starts at the mean of all. Its own row is
    what its attribute rows lack to H. Adagrad's sums of new rows are 0, so that they step far at first.
    """
    known = len(learned.vectors)
    if len(vocab) == known:
        return replace(learned, fingerprint=vocab.fingerprint)
    H, Z = _places(model, learned, side, lists, how)
    contexts = np.concatenate([learned.contexts, Z]) if learned.contexts.size else learned.contexts
    own, weights = _own_rows(learned, settings, vocab, side, H)
    return replace(
        learned,
        fingerprint=vocab.fingerprint,
        vectors=np.concatenate([learned.vectors, H]),
        contexts=contexts,
        own=np.concatenate([learned.own, own]),
        weights=np.concatenate([learned.weights, weights]),
        squares=_more_squares(learned, side, len(vocab) - known),
    )


def _places(
    model: ModelData, learned: Learned, side: SideInfo | None, lists: CooccurrenceLists, how: str
) -> tuple[Floats, Floats]:
    """float32[N, d] each: H and Z at which the new items start."""
    known, new = len(learned.vectors), len(lists) - len(learned.vectors)
    H = np.tile(learned.vectors.mean(axis=0), (new, 1))
    Z = np.tile(learned.contexts.mean(axis=0), (new, 1))
    if side is not None and how != "neighbors" and model.side_info is not None and model.side_info.fields:
        H, Z = _from_attributes(model, learned, side, known, model.recipe.cold)
    if how == "attributes":
        return H, Z
    near_H, near_Z, together = _from_neighbors(learned, lists)
    share = together / (together + TRUST)
    if how == "neighbors" or side is None:
        share = (together > 0).astype(np.float64)
    share = share[:, None].astype(np.float32)
    return H + share * (near_H - H), Z + share * (near_Z - Z)


def _from_attributes(
    model: ModelData, learned: Learned, side: SideInfo, known: int, settings: ColdSettings
) -> tuple[Floats, Floats]:
    assert model.side_info is not None
    fields = tuple(field.take(np.arange(known, len(field))) for field in side.fields)
    old = replace(learned, fingerprint=model.side_info.fingerprint)
    cold_map = ColdMap.fit(old, model.side_info, model.vocab.counts, settings)
    return cold_map.vectors(fields), cold_map.contexts(fields)


def _from_neighbors(learned: Learned, lists: CooccurrenceLists) -> tuple[Floats, Floats, AnyArray]:
    """Mean H and Z of the known items in each new item's list by times together, and the sum of these."""
    known, new = len(learned.vectors), len(lists) - len(learned.vectors)
    offsets, at = take_ragged(lists.offsets, np.arange(len(lists.ids)), np.arange(known, known + new))
    row, ids, amount = np.repeat(np.arange(new), np.diff(offsets)), lists.ids[at], lists.together[at]
    old = ids < known
    row, ids, amount = row[old], ids[old], amount[old].astype(np.float64)
    total = np.bincount(row, amount, minlength=new)
    H, Z = np.zeros((new, learned.vectors.shape[1])), np.zeros((new, learned.contexts.shape[1]))
    np.add.at(H, row, amount[:, None] * learned.vectors[ids])
    np.add.at(Z, row, amount[:, None] * learned.contexts[ids])
    scale = 1.0 / np.maximum(total, 1e-12)[:, None]
    return (H * scale).astype(np.float32), (Z * scale).astype(np.float32), total


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
