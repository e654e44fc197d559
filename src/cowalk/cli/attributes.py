"""--side NAME=VALUE: attributes of a new item on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cowalk.errors import UsageError

Side = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="An attribute of a new item; again for more values or fields."),
]


def parse_side(texts: list[str]) -> dict[str, Any]:
    """The attributes; a name that stands several times gets several values."""
    out: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--side {text!r}: write it as NAME=VALUE, as in --side category=lantern")
        name = name.strip()
        if name in out:
            before = out[name] if isinstance(out[name], list) else [out[name]]
            out[name] = [*before, value]
        else:
            out[name] = value
    return out
