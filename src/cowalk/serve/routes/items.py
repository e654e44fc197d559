"""GET /items and GET /item/{item}: finding items, and what is known of one."""

from __future__ import annotations

import numpy as np

from cowalk.model.neighbors import codes_of
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError
from cowalk.serve.operations import Call, Operation
from cowalk.serve.state import State
from cowalk.tables import SideInfo


async def items(call: Call) -> s.Page:
    """Items whose id or name holds the text, most seen first, a page at a time."""
    query: s.ItemsQuery = call.query
    rows, more = await call.service.aside(call.state.names.find, query.q, query.limit, query.offset)
    return s.Page([_named(call.state, row) for row in rows], more)


def _named(state: State, row: int) -> s.Named:
    vocab = state.model.vocab
    cold = row >= len(vocab)
    return s.Named(state.ids[row], 0 if cold else int(vocab.counts[row]), state.names.names[row], cold)


async def item(call: Call) -> s.Item:
    """What is known of an item: attributes, how often it was seen, and what its vector is made of."""
    state, model = call.state, call.state.model
    wanted = call.path["item"]
    rows, _ = model.rows_of([wanted], "cold")
    if not len(rows):
        raise RefusedError(404, f"item: {wanted[:100]!r} is not known", "item")
    row = int(rows[0])
    cold = row >= len(model.vocab)
    table, at = (model.cold_info, row - len(model.vocab)) if cold else (model.side_info, row)
    weights = {} if cold else dict(zip(model.weight_names, model.weights[row].tolist(), strict=True))
    count = 0 if cold else int(model.vocab.counts[row])
    return s.Item(
        id=state.ids[row],
        name=state.names.names[row],
        count=count,
        rank=int((model.vocab.counts > count).sum()) + 1,
        cold=cold,
        attributes=_attributes(table, at),
        weights={name: share for name, share in weights.items() if share > 0},
        model=state.version,
    )


def _attributes(table: SideInfo | None, row: int) -> dict[str, list[str]]:
    """The values of one item by field; numbers as their bucket, vectors left out."""
    out: dict[str, list[str]] = {}
    if table is None:
        return out
    for field, codes in zip(table.fields, codes_of(table, row), strict=True):
        if len(codes):
            out[field.name] = [str(label) for label in np.asarray(field.labels)[codes].tolist()]
    return out


OPERATIONS = [
    Operation("GET", "/items", "Find items", items, s.Page, query=s.ItemsQuery),
    Operation("GET", "/item/{item:path}", "What is known of an item", item, s.Item, statuses=(404,)),
]
