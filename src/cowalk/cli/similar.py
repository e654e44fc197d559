"""cowalk similar: the items most like an item, or like a new item of given attributes."""

from __future__ import annotations

from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.cli.attributes import Side, parse_side
from cowalk.cli.where import Where, parse_where


def similar(
    model: o.ModelFolder,
    item: Annotated[str | None, typer.Argument(metavar="ID", help="Item id.")] = None,
    k: o.K = 10,
    metric: Annotated[
        str | None,
        typer.Option(
            help="cosine, dot, l2, context or attributes. [default: cosine; for new items as fit chose]"
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why: shared attributes, times together.")
    ] = False,
    side: Side = None,
    on_unknown: o.Unknown = "error",
    where: Where = None,
    json: o.Json = False,
) -> None:
    """The items most like an item.

    Example: cowalk similar model/ 85123A -k 10 --explain
    """
    from cowalk.errors import UsageError
    from cowalk.model import load

    if (item is None) == (not side):
        raise UsageError("give an item id, or attributes with --side NAME=VALUE")
    loaded = load(model)
    question = item if item is not None else parse_side(side or [])
    answer = loaded.similar(
        question, k, metric, explain=explain, on_unknown=on_unknown, where=parse_where(where)  # type: ignore[arg-type]
    )  # fmt: skip
    show.answer(answer, json)
