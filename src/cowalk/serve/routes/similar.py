"""GET /similar/{item}: the items most like an item."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from cowalk.model import Answer
from cowalk.model.filters import Where
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError, invalid, places
from cowalk.serve.operations import Call, Operation
from cowalk.serve.routes.recommend import where_of

_where = msgspec.json.Decoder(s.Where)


async def similar(call: Call) -> s.Answer:
    """The k items most like an item, itself left out; an item that is not known is 404.

    An item of the items table that nobody has clicked is asked for by its attributes.
    """
    query: s.SimilarQuery = call.query
    item, model = call.path["item"], call.state.model
    k = places(query.k, len(model.vocab))

    def asked() -> Answer:
        return model.similar(
            item, k, query.metric, explain=query.explain, on_unknown="cold", where=_filter(query)
        )

    heavy = query.explain or model.vocab.find([item])[0] < 0  # a cold item is given its vector first
    found = await call.service.aside(asked) if heavy else asked()
    if found.unknown:
        raise RefusedError(404, f"item: {item[:100]!r} is not known", "item")
    return answer_of(call, found, "item")


def _filter(query: s.SimilarQuery) -> Where | None:
    if query.where is UNSET:
        return None
    try:
        return where_of(_where.decode(query.where))
    except msgspec.ValidationError as error:
        raise RefusedError(422, f"where: {invalid(str(error)).problem.error}", "where") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedError(422, f"where: no JSON: {error}", "where") from None


def answer_of(call: Call, found: Answer, by: str) -> s.Answer:
    """An answer of the model as the service gives it."""
    why = s.Why(
        by=by,  # type: ignore[arg-type]
        score=found.score,
        model=call.state.version,
        unknown=list(found.unknown),
        coverage=found.coverage,
        notes=list(found.notes),
    )
    reasons = [list(hit.reasons) for hit in found] if any(hit.reasons for hit in found) else []
    return s.Answer(found.ids, found.scores, why, reasons)


OPERATIONS = [
    Operation(
        "GET", "/similar/{item:path}", "Items like an item", similar, s.Answer, query=s.SimilarQuery,
        statuses=(404,),
    ),
]  # fmt: skip
