"""cowalk recipes: the presets, and every setting of one."""

from __future__ import annotations

from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="Print this one as TOML, all settings.")
    ] = None,
    set_: o.Changes = None,
) -> None:
    """List the recipes, or print one as TOML, to be changed and given to `cowalk fit`.

    Example: cowalk recipes eges > mine.toml
    """
    from cowalk.settings import load_recipe, parse_changes, recipe_names

    if name is not None:
        print(load_recipe(name, parse_changes(set_ or [])).to_toml(), end="")
        return
    show.table("", ["recipe", "what it is"], [[n, load_recipe(n).description] for n in recipe_names()])
