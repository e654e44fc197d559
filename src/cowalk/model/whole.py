"""Whether a model that was read fits together: shapes, kinds and bounds of what the checksums do not tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from cowalk.errors import ModelError
from cowalk.learn import Learned
from cowalk.model.data import ModelData
from cowalk.recall import CooccurrenceLists
from cowalk.tables import SideInfo
from cowalk.tables.probe import Probe
from cowalk.tables.sessions import rises
from cowalk.types import AnyArray


def check_whole(model: ModelData) -> None:
    """ModelError, with the file that is off, unless tables and arrays of a model fit together.

    Kernels read by these numbers without looking: a row that is not there would end the process.
    """
    items = len(model.vocab)
    _check_fields("fields", model.learned, model.side_info)
    if model.cold_learned is not None:
        _check_fields("cold_fields", model.cold_learned, model.side_info)
    if model.lists is not None:
        _check_lists(model.lists, items)
    if model.probe is not None:
        _check_probe(model.probe, items)
    if model.map is not None:
        clusters = model.map.clusters
        _need("map", model.map.places.dtype == np.float32 and _rows(clusters, np.int32, 0, 256))


def _check_fields(file: str, learned: Learned, side: SideInfo | None) -> None:
    """A row for each value of each field, of the vectors' length where one engine learned both."""
    for name, rows in zip(learned.field_names, learned.fields, strict=True):
        values = len(rows) if side is None else side[name].size
        _need(file, rows.ndim == 2 and rows.dtype == np.float32 and len(rows) == values)
        _need(file, bool(learned.extra) or rows.shape[1] == learned.vectors.shape[1])


def _check_lists(lists: CooccurrenceLists, items: int) -> None:
    _need("lists", _parts(lists.offsets, items, len(lists.ids)) and _rows(lists.ids, np.int32, 0, items))
    for values in (lists.scores, lists.together):
        _need("lists", values.shape == lists.ids.shape and values.dtype == np.float32)


def _check_probe(probe: Probe, items: int) -> None:
    _need("probe", _parts(probe.offsets, len(probe.targets), len(probe.items)))
    _need("probe", _rows(probe.items, np.int32, 0, items) and _rows(probe.targets, np.int32, 0, items))
    _need("probe", probe.times.dtype == np.int64 and probe.times.ndim == 1)


def _rows(rows: AnyArray, kind: Any, low: int, high: int) -> bool:
    """Whether these are whole numbers of this kind within low..high - 1."""
    whole = rows.ndim == 1 and rows.dtype == kind
    return whole and (not rows.size or bool(rows.min() >= low and rows.max() < high))


def _parts(offsets: AnyArray, parts: int, size: int) -> bool:
    """Whether offsets part `size` values into so many parts."""
    return offsets.shape == (parts + 1,) and offsets.dtype == np.int64 and rises(offsets, size)


def _need(file: str, fits: bool) -> None:
    if not fits:
        raise ModelError(f"{file}.safetensors does not fit the rest of the model; fit again")
