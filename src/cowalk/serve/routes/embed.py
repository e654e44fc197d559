"""POST /embed: vectors and neighbours of items that nobody has clicked, from their attributes."""

from __future__ import annotations

from cowalk.errors import UsageError
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError, places, refusal
from cowalk.serve.operations import Call, Operation
from cowalk.serve.routes.recommend import where_of
from cowalk.serve.routes.similar import answer_of


async def embed(call: Call) -> s.Embedded:
    """The vector of a new item and its neighbours among the known ones.

    Values that the model has not seen count as missing and are told by field.
    """
    return await call.service.aside(_one, call, call.body, call.body.attributes)


async def embed_several(call: Call) -> s.SeveralEmbedded:
    """The same for several new items, an answer for each."""
    wish: s.EmbedSeveral = call.body
    return s.SeveralEmbedded([await call.service.aside(_one, call, wish, one) for one in wish.items])


def _one(call: Call, wish: s.HowToEmbed, attributes: s.Attributes) -> s.Embedded:
    model = call.state.model
    k = places(wish.k, len(model.vocab))
    try:
        made = model.cold_items([attributes], wish.method)
    except UsageError as error:
        known = refusal(error)
        raise RefusedError(known.status, str(error), known.problem.field or "method") from None
    why = s.Why(by="attributes", score="", model=call.state.version, notes=made.told())
    near = s.Answer([], [], why)
    if k:
        where = where_of(wish.where)
        found = model.similar(attributes, k, where=where, explain=wish.explain, method=wish.method)
        near = answer_of(call, found, "attributes")
    unknown = {name: values for name, values in made.unknown.items() if values}
    return s.Embedded(made.vectors[0].tolist(), near.items, near.scores, unknown, near.why, near.reasons)


OPERATIONS = [
    Operation("POST", "/embed", "Vector of a new item", embed, s.Embedded, body=s.Embed),
    Operation(
        "POST", "/embed/several", "Vectors of new items", embed_several, s.SeveralEmbedded,
        body=s.EmbedSeveral,
    ),
]  # fmt: skip
