"""A value of a field that no training item had: a row of its own beside the learned ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cowalk.errors import UsageError
from cowalk.learn.hema_layout import transfers
from cowalk.learn.result import Learned
from cowalk.tables import Field, SideInfo
from cowalk.tables.vocab import as_ids
from cowalk.types import AnyArray, Floats, Ids


def with_label(side_info: SideInfo, name: str, value: str) -> SideInfo:
    """The same side information, whose field also knows a value that none of its items has."""
    field = side_info[name]
    if field.kind not in ("categorical", "multi"):
        raise UsageError(
            f"field {name!r} is {field.kind}: only a categorical or multi field can learn a value"
        )
    if value in field.labels.tolist():
        raise UsageError(f"field {name!r} knows {value!r} already")
    wider = replace(field, labels=as_ids([*field.labels.tolist(), value]))
    return replace(side_info, fields=tuple(wider if one is field else one for one in side_info.fields))


def with_row(learned: Learned, side_info: SideInfo, name: str, carriers: Ids) -> Learned:
    """The same rows, and one more in the field: what an average value of it adds to a new item.

    With carriers (rows of items that have the value) it points where their mean vector points, and is as long
    as what values of the field add on average; without, it is the mean of what they add. side_info: before
    the value came.
    """
    if name not in learned.field_names:
        raise UsageError("the recipe learns no rows of values (bge), so a new value cannot have one")
    number = learned.field_names.index(name)
    rows = learned.fields[number]
    adds = rows.astype(np.float64) * _scales(learned, side_info[name])[:, None]
    new: AnyArray = adds.mean(axis=0)
    if len(carriers):
        toward = learned.vectors[carriers].mean(axis=0, dtype=np.float64)
        new = toward / max(np.linalg.norm(toward), 1e-30) * np.linalg.norm(adds, axis=1).mean()
    fields = list(learned.fields)
    fields[number] = np.vstack([rows, new]).astype(np.float32)
    return replace(learned, fields=tuple(fields), extra=_extra(learned, name, new))


def _scales(learned: Learned, field: Field) -> AnyArray:
    """float64[K]: what a value's row is multiplied with in a new item; V / (V + 1) for Hema, else 1."""
    if not transfers(learned):
        return np.ones(field.size)
    counts = np.bincount(field.codes, minlength=field.size)
    scales: AnyArray = np.where(counts > 0, counts / (counts + 1.0), 1.0)
    return scales


def _extra(learned: Learned, name: str, new: AnyArray) -> dict[str, Floats]:
    """Hema's tables with a row more: the shortest e with M e nearest to the new row, and the mean e'."""
    extra = dict(learned.extra)
    if transfers(learned):
        solved = np.linalg.lstsq(extra[f"transfer {name}"].astype(np.float64), new, rcond=None)[0]
        for table, row in (
            (f"ids {name}", solved),
            (f"contexts {name}", extra[f"contexts {name}"].mean(axis=0)),
        ):
            extra[table] = np.vstack([extra[table], row]).astype(np.float32)
    return extra
