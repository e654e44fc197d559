"""New events and items under the model's vocabulary: known items keep their rows, new ones stand behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cowalk.errors import DataError
from cowalk.model import ModelData
from cowalk.prepare import Drop, DropReport, encode_items, read_events
from cowalk.prepare.vocabulary import frequent_first
from cowalk.tables import Catalogue, Events, Field, SideInfo, Vocab
from cowalk.types import AnyArray, Offsets
from cowalk.update_settings import UpdateSettings

SECOND = 1_000_000  # microseconds


@dataclass(frozen=True)
class Grown:
    """What an update learns from, all under one vocabulary: the model's `known` items, then the new ones.

    events: the new ones; past: int64[V], old counts after fading, 0 for new items; cold: items of the items
    tables that are in neither log; report: what was dropped of the new events; unknown: values by field.
    """

    events: Events
    past: Offsets
    known: int
    side_info: SideInfo | None
    cold: tuple[Vocab, SideInfo] | None
    report: DropReport
    unknown: dict[str, list[str]]

    @property
    def ids(self) -> AnyArray:
        """Outside ids, row by row."""
        return self.events.item_vocab.ids

    def vocab(self, events: Events | None = None) -> Vocab:
        """The items with their counts: the past and these events (all new ones unless given)."""
        told = self.events if events is None else events
        return Vocab(self.ids, self.past + np.bincount(told.items, minlength=len(self.past)))


def read_new(source: Any, model: ModelData, settings: UpdateSettings) -> tuple[Events, DropReport]:
    """The new events, cleaned by the model's recipe; those not after the model's last one are dropped."""
    recipe = model.recipe
    clean = recipe.clean.model_copy(update={"min_count": 1})  # counts only tell new items, see `grow`
    events, report = read_events(
        source, recipe.read, clean, memory_limit=recipe.memory_limit, workers=recipe.workers
    )
    last = model.manifest.get("data", {}).get("to")
    if last is None or not events.has_times or settings.late:
        return events, report
    micros = int(np.datetime64(last.removesuffix("Z"), "s").astype(np.int64)) * SECOND
    fresh = events.times >= micros + SECOND  # the manifest tells seconds
    if not fresh.any():
        raise DataError(
            f"no new events: none of the {len(events):,} is after {last}, up to which the model has learned; "
            "give the events since then, or --set update.late=true to learn earlier ones too"
        )
    drop = Drop(f"events not after {last}, up to which the model has learned", int((~fresh).sum()))
    return events.select(fresh), report + DropReport(len(events), int(fresh.sum()), (drop,))


def grow(
    model: ModelData, events: Events, report: DropReport, catalogue: Catalogue | None, keep_past: float
) -> Grown:
    """The events under the model's vocabulary, grown by their new items; DataError where nothing fits.

    A new item needs `clean.min_count` of the new events. Known items keep rows and attributes.
    """
    known = len(model.vocab)
    rows = model.vocab.find(events.item_vocab.ids)
    counts = np.bincount(events.items, minlength=len(rows)).astype(np.int64)
    fresh = frequent_first(events.item_vocab.ids, np.where(rows < 0, counts, 0), model.recipe.clean.min_count)
    rows[fresh] = np.arange(known, known + len(fresh), dtype=np.int32)
    ids = _joined(model.vocab, events.item_vocab.ids[fresh])
    items = rows[events.items]
    kept = items >= 0
    rare = int((counts[rows < 0] > 0).sum())
    if rare:
        least = model.recipe.clean.min_count
        drop = Drop(f"new items with fewer than {least:,} events", int((~kept).sum()), f"{rare:,} items")
        report = report + DropReport(len(events), int(kept.sum()), (drop,))
        report.check_not_empty("the new events")
    new = Vocab.of(ids[known:])
    side, unknown = _side_info(model, Vocab.of(ids), new, catalogue)
    _check_known(model, events, counts, rows, side)
    past = np.append(np.round(model.vocab.counts * keep_past), np.zeros(len(fresh))).astype(np.int64)
    under = replace(
        events.select(kept), items=items[kept], item_vocab=Vocab(ids, np.zeros(len(ids), np.int64))
    )
    return Grown(under, past, known, side, _cold(model, Vocab.of(ids), catalogue), report, unknown)


def _joined(old: Vocab, new: AnyArray) -> AnyArray:
    """Old ids, then new ones; DataError where the model's ids are whole numbers and a new one is not."""
    if not len(new):
        return old.ids
    if old.is_integer and new.dtype.kind != "i":
        odd = [one for one in new.tolist() if not _whole(one)]
        if odd:
            raise DataError(
                f"item id {odd[0]!r} in the new events is not a whole number as all ids of the model are; "
                "correct it, or fit again"
            )
        new = np.array([int(one) for one in new.tolist()], dtype=np.int64)
    if not old.is_integer and new.dtype.kind == "i":
        new = np.array([str(one) for one in new.tolist()], dtype=old.ids.dtype)
    return np.concatenate([old.ids, new])


def _whole(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def _check_known(
    model: ModelData, events: Events, counts: Offsets, rows: AnyArray, side: SideInfo | None
) -> None:
    """DataError where no new event is about anything that the model can place."""
    if (counts[(rows >= 0) & (rows < len(model.vocab))] > 0).any():
        return
    if side is None or not any(field.known[len(model.vocab) :].any() for field in side.fields):
        raise DataError(
            f"no item of the {len(events):,} new events is known to the model "
            f"({events.item_vocab.ids[0]!r} there, {model.vocab.ids[0]!r} here) and none has known "
            "attributes; are the ids the same? else give --items, or fit again"
        )


def _side_info(
    model: ModelData, vocab: Vocab, new: Vocab, catalogue: Catalogue | None
) -> tuple[SideInfo | None, dict[str, list[str]]]:
    """Attributes of all items by the fitted codes, and values that have no code.

    New items are looked up in the table given, else among the model's cold items, else all is missing.
    """
    if model.side_info is None:
        return None, {}
    blank = {field.name: field.take(np.full(len(new), -1)) for field in model.side_info.fields}
    if model.cold_vocab is not None and model.cold_info is not None:
        rows = model.cold_vocab.find(new.ids)
        blank = {field.name: field.take(rows) for field in model.cold_info.fields}
    unknown: dict[str, list[str]] = {}
    if catalogue is not None and len(new):
        fields, unknown = encode_items(model.side_info, catalogue.align(new))
        told = catalogue.ids.find(new.ids) >= 0
        blank = {field.name: _either(told, field, blank[field.name]) for field in fields}
    joined = tuple(_behind(field, blank[field.name]) for field in model.side_info.fields)
    return SideInfo(vocab.fingerprint, joined), unknown


def _either(choose: AnyArray, first: Field, second: Field) -> Field:
    """Row by row the first field where `choose`, else the second."""
    n = len(choose)
    return _behind(first, second).take(np.where(choose, np.arange(n), n + np.arange(n)))


def _behind(field: Field, more: Field) -> Field:
    """The rows of both, one after the other, under the first's codes."""
    if field.vectors is not None and more.vectors is not None:
        return Field.dense(field.name, np.concatenate([field.vectors, more.vectors]))
    offsets = np.concatenate([field.offsets, field.offsets[-1] + more.offsets[1:]])
    codes = np.concatenate([field.codes, more.codes])
    return Field(field.name, field.kind, offsets, codes, field.labels, field.edges)


def _cold(model: ModelData, vocab: Vocab, catalogue: Catalogue | None) -> tuple[Vocab, SideInfo] | None:
    """Items of the items tables, the model's and the one given, that no event has told of yet."""
    if model.side_info is None:
        return None
    parts: list[tuple[AnyArray, tuple[Field, ...]]] = []
    if catalogue is not None:
        rows = np.flatnonzero(vocab.find(catalogue.ids.ids) < 0)
        here = Vocab.of(catalogue.ids.ids[rows])
        if len(here):
            parts.append((here.ids, encode_items(model.side_info, catalogue.align(here))[0]))
    if model.cold_vocab is not None and model.cold_info is not None:
        still = vocab.find(model.cold_vocab.ids) < 0
        if parts:
            still &= Vocab.of(parts[0][0]).find(model.cold_vocab.ids) < 0
        rows = np.flatnonzero(still)
        if len(rows):
            parts.append((model.cold_vocab.ids[rows], tuple(f.take(rows) for f in model.cold_info.fields)))
    if not parts:
        return None
    ids = parts[0][0] if len(parts) == 1 else _joined(Vocab.of(parts[0][0]), parts[1][0])
    fields = parts[0][1]
    if len(parts) == 2:
        fields = tuple(_behind(one, two) for one, two in zip(fields, parts[1][1], strict=True))
    return Vocab.of(ids), SideInfo(Vocab.of(ids).fingerprint, fields)
