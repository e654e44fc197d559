"""--where: which items may answer, on the command line."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from cowalk.errors import UsageError

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Only items with this attribute; NAME>=X, NAME<=X for numbers; may be given again.",
    ),
]
PART = re.compile(r"\s*(?P<name>[^=<>]+?)\s*(?P<sign>>=|<=|=)(?P<value>.*)", re.DOTALL)


def parse_where(texts: list[str] | None) -> dict[str, Any] | None:
    """What `Model.recommend(where=...)` takes; of a name that stands several times any value will do."""
    out: dict[str, Any] = {}
    for text in texts or []:
        part = PART.fullmatch(text)
        if part is None:
            raise UsageError(f"--where {text!r}: write it as NAME=VALUE, NAME>=X or NAME<=X")
        name, sign, value = part["name"], part["sign"], part["value"].strip()
        before = out.get(name)
        if sign != "=":
            bound = {"min" if sign == ">=" else "max": value}
            out[name] = {**before, **bound} if isinstance(before, dict) else bound
        else:
            out[name] = [*before, value] if isinstance(before, list) else [value]
        if before is not None and isinstance(before, dict) != isinstance(out[name], dict):
            raise UsageError(f"--where {name}: give values or a range, not both")
    return out or None
