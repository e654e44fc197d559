"""POST /events: what users do, as it happens."""

from __future__ import annotations

from cowalk.errors import UsageError
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError, refusal
from cowalk.serve.operations import Call, Operation
from cowalk.serve.routes.recommend import AWAY


async def events(call: Call) -> s.Taken:
    """Take in one event or a list of them; the users' next answers are asked with them.

    An item that the model does not know is kept, for a later model may. Where the store is away nothing is
    kept and degraded says so: send the events again.
    """
    given: list[s.Event] = call.body if isinstance(call.body, list) else [call.body]
    items = list(dict.fromkeys(event.item for event in given))
    rows = call.state.model.vocab.find(items)
    unknown = [item for item, row in zip(items, rows.tolist(), strict=True) if row < 0]
    try:
        kept = await call.service.store.extend([(event.user, event.item, event.time) for event in given])
    except UsageError as error:
        found = refusal(error)
        field = found.problem.field
        raise RefusedError(found.status, str(found), "time" if field == "times" else field) from None
    counted = call.service.metrics.events
    counted.labels("kept" if kept is not None else "lost").inc(len(given))
    if kept is None:
        return s.Taken(0, unknown, True, [AWAY])
    return s.Taken(kept, unknown, False)


OPERATIONS = [Operation("POST", "/events", "What users did", events, s.Taken, body=s.Events)]
