"""POST /recommend: what to show next after a history, or to a user."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, to_builtins

from cowalk.model.asking import Question, ask
from cowalk.model.filters import Where
from cowalk.model.reasons import reasons_of_history
from cowalk.online import History
from cowalk.serve import schemas as s
from cowalk.serve.errors import RefusedError, places
from cowalk.serve.operations import Call, Operation
from cowalk.tables import Id

AWAY = "the store of histories does not answer"


async def recommend(call: Call) -> s.Answer:
    """The k items to show next.

    Ids that the model does not know are left out and told. A user or a history of which nothing is known gets
    the most popular items that match; why.by says so.
    """
    wish: s.Recommend = call.body
    history, times, by, notes = await _history(call, wish)
    question = _question(call, wish, times)
    if wish.explain or wish.cold:  # reasons take longer than answers; cold items are prepared at the first
        return await call.service.aside(_answer, call, wish, history, question, by, notes)
    return _answer(call, wish, history, question, by, notes)


async def _history(
    call: Call, wish: s.Recommend
) -> tuple[Sequence[Id], Sequence[s.Time] | None, str, list[str]]:
    """What is asked with, its times, where it comes from, and what is to be told."""
    given = [] if wish.history is UNSET else wish.history
    when = None if wish.times is UNSET else wish.times
    if wish.user is UNSET:
        if wish.history is UNSET:
            raise RefusedError(422, "history: give the ids of a history, or a user", "history")
        return given, when, "history", []
    kept = await call.service.store.get(wish.user)
    if kept is None:
        call.service.metrics.without.inc()
        return given, when, "history", [AWAY]
    if kept.items:
        items, at = _without_repeats(kept) if call.state.model.recipe.clean.drop_repeats else kept
        return items, at, "user", []
    return given, when, "history", ["the user is not known"]


def _without_repeats(kept: History) -> History:
    """The first of events on the same item one after another, as the log that was learned from is cleaned."""
    first = [at for at, item in enumerate(kept.items) if not at or str(item) != str(kept.items[at - 1])]
    return History([kept.items[at] for at in first], [kept.times[at] for at in first])


def _question(call: Call, wish: s.Recommend, times: Sequence[s.Time] | None) -> Question:
    model = call.state.model
    items = len(call.state.ids) if wish.cold else len(model.vocab)
    aged = model.recipe.recommend.half_life > 0
    return Question(
        k=places(wish.k, items),
        times=times if aged or wish.times is not UNSET else None,
        exclude_seen=wish.exclude_seen,
        on_unknown="cold" if wish.cold else "skip",
        fallback="popularity",
        where=where_of(wish.where),
        diversity=wish.diversity,
        interests=wish.interests,
        may_be_empty=True,
        workers=1,
        user=None if wish.user is UNSET else wish.user,
    )


def where_of(where: object) -> Where | None:
    """A filter as the model takes it."""
    found: Where | None = None if where is UNSET or not where else to_builtins(where)
    return found


def _answer(
    call: Call, wish: s.Recommend, history: Sequence[Id], question: Question, by: str, notes: list[str]
) -> s.Answer:
    state, metrics = call.state, call.service.metrics
    found = ask(state.model, history, question)
    if found.asked:
        metrics.ids.inc(found.asked)
    if found.unknown:
        metrics.unknown.inc(len(found.unknown))
    if found.by != "history":
        metrics.fallbacks.labels(found.by).inc()
    why = s.Why(
        by=by if found.by == "history" else found.by,  # type: ignore[arg-type]
        score=found.label,
        model=state.version,
        unknown=list(found.unknown),
        coverage=1 - len(found.unknown) / found.asked if found.asked else 0.0,
        notes=[*notes, *found.notes],
        degraded=AWAY in notes,
    )
    reasons = []
    if wish.explain:
        reasons = [list(reasons_of_history(state.model, found.history, row)) for row in found.rows.tolist()]
    return s.Answer(state.named(found.rows), found.scores.tolist(), why, reasons)


OPERATIONS = [
    Operation("POST", "/recommend", "What to show next", recommend, s.Answer, body=s.Recommend),
]
