"""Search by id or name: all of them in one lower-case text, which is looked through from its beginning."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from cowalk.errors import UsageError
from cowalk.model import Model
from cowalk.prepare.items import NAMES
from cowalk.types import Ids

GAP = "\n"  # stands in no key: it is taken out of them


def name_field(model: Model, wanted: str | None) -> str | None:
    """The field that is the items' name: the one wanted; none where the model keeps names."""
    known = [] if model.side_info is None else [f.name for f in model.side_info.fields if f.kind != "dense"]
    if wanted is not None and wanted not in known:
        raise UsageError(
            f"no field {wanted!r} to take names from; the fields are {', '.join(known) or 'none'}"
        )
    if wanted is not None or model.names is not None:
        return wanted
    return next((name for name in NAMES if name in known), None)


@dataclass(frozen=True)
class Names:
    """text: a line per item, most seen first: id, name; starts: where each line begins; rows: whose it is.

    names: by row, "" where none is known.
    """

    text: str
    starts: list[int]
    rows: Ids
    names: list[str]

    @classmethod
    def of(cls, model: Model, field: str | None) -> Names:
        """The names of all items of a model, warm and cold."""
        names = _labels(model, field) if field is not None or model.names is None else model.names.all()
        ids = [str(one) for one in model.vocab.ids.tolist()]
        if model.cold_vocab is not None:
            ids += [str(one) for one in model.cold_vocab.ids.tolist()]
        rows = np.concatenate([model.vocab.by_count, np.arange(len(model.vocab), len(ids), dtype=np.int32)])
        lines = [f"{ids[row]}\t{names[row]}".lower().replace(GAP, " ") for row in rows.tolist()]
        starts = np.cumsum([0, *(len(line) + 1 for line in lines)])[:-1].tolist()
        return cls(GAP.join(lines), starts, rows, names)

    def find(self, query: str, limit: int, offset: int) -> tuple[list[int], bool]:
        """Rows of the items whose id or name holds the query, most seen first, and whether there are more."""
        wanted = query.strip().lower().replace(GAP, " ").replace("\t", " ")
        enough = offset + limit
        if not wanted:
            return self.rows[offset:enough].tolist(), enough < len(self.rows)
        lines: list[int] = []
        at = self.text.find(wanted)
        while at >= 0 and len(lines) <= enough:
            lines.append(bisect_right(self.starts, at) - 1)
            if lines[-1] + 1 == len(self.starts):
                break
            at = self.text.find(wanted, self.starts[lines[-1] + 1])
        return self.rows[np.array(lines[offset:enough], dtype=np.int64)].tolist(), len(lines) > enough


def _labels(model: Model, field: str | None) -> list[str]:
    """By row the first value of the field, "" where there is none."""
    names: list[str] = []
    for table, count in (
        (model.side_info, len(model.vocab)),
        (model.cold_info, 0 if model.cold_vocab is None else len(model.cold_vocab)),
    ):
        if field is None or table is None:
            names += [""] * count
            continue
        found = table[field]
        has = np.diff(found.offsets) > 0
        codes = np.full(count, -1)
        codes[has] = found.codes[found.offsets[:-1][has]]
        labels = [*map(str, found.labels.tolist()), ""]
        names += [labels[code] for code in codes.tolist()]
    return names
