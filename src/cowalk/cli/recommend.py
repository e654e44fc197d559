"""cowalk recommend: what to show next after a history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.cli.where import Where, parse_where

if TYPE_CHECKING:
    from cowalk.model import Model


def recommend(
    model: o.ModelFolder,
    history: Annotated[
        str,
        typer.Option(
            help="Item ids, oldest first, parted by commas (quote an id that holds one: '\"a,b\",c')."
        ),
    ],
    k: o.K = 10,
    times: Annotated[
        str | None,
        typer.Option(help="When each of them was, as 2011-12-01T10:00,2011-12-02; for recommend.half_life."),
    ] = None,
    exclude_seen: Annotated[
        bool | None,
        typer.Option(
            "--exclude-seen/--keep-seen", help="Leave the history's own items out. [default: the recipe's]"
        ),
    ] = None,
    on_unknown: o.Unknown = "error",
    fallback: Annotated[
        str, typer.Option(help="Where no id of the history is known: none, or popularity.")
    ] = "none",
    exact: Annotated[
        bool, typer.Option("--exact", help="Score the whole catalogue, not two candidate lists.")
    ] = False,
    where: Where = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="0 = off; up to 1: the less the items are like each other.")
    ] = 0.0,
    interests: Annotated[
        int | None,
        typer.Option(min=1, help="Parts of the history that ask apart. [default: the recipe's]"),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Who asks, where the model was fitted with --users."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why: times together, shared attributes.")
    ] = False,
    json: o.Json = False,
) -> None:
    """The items to show next after a history.

    Example: cowalk recommend model/ --history 85123A,22423 -k 20
    """
    import csv

    from cowalk.model import load

    ids = [part.strip() for part in next(csv.reader([history], skipinitialspace=True), []) if part.strip()]
    when = None if times is None else [part.strip() for part in times.split(",")]
    loaded = load(model)
    _check_user(loaded, user)
    answer = loaded.recommend(
        ids, k, times=when, exclude_seen=exclude_seen, on_unknown=on_unknown, fallback=fallback, exact=exact,  # type: ignore[arg-type]
        where=parse_where(where), diversity=diversity, interests=interests, explain=explain, user=user,
    )  # fmt: skip
    show.answer(answer, json)


def _check_user(model: Model, user: str | None) -> None:
    """UsageError where the model knows no users, UnknownIdError where it does not know this one."""
    from cowalk.errors import UnknownIdError, UsageError

    if user is None:
        return
    rows = model.user_rows([user])
    if rows is None:
        raise UsageError("--user: the model was fitted without --users, so it knows no users; leave it out")
    if rows[0] < 0:
        raise UnknownIdError(f"--user {user!r}: the model does not know this user; leave it out")
