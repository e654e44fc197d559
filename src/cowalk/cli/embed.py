"""cowalk embed: vectors of items that nobody has clicked yet, from their attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.cli.attributes import Side, parse_side


def embed(
    model: o.ModelFolder,
    side: Side = None,
    items: o.Items = None,
    item_column: o.ItemColumn = None,
    out: Annotated[Path | None, typer.Option(help="With --items: Parquet file of id and vector.")] = None,
    method: Annotated[
        str | None,
        typer.Option(help="mean (the paper's), similar, ridge, or transfer (Hema). [default: as fit chose]"),
    ] = None,
) -> None:
    """The vector of a new item from its attributes, as JSON; or of a table of new items, into a file.

    Example: cowalk embed model/ --side category=lantern --side price=2.95
    """
    from cowalk.errors import UsageError
    from cowalk.export import write_vectors
    from cowalk.model import load

    if bool(side) == bool(items):
        raise UsageError("give attributes with --side NAME=VALUE, or a table with --items FILE --out FILE")
    if side and out is not None:
        raise UsageError("--out goes with --items; with --side the vector is printed")
    if items and out is None:
        raise UsageError("--items needs --out, as in --items new.parquet --out vectors.parquet")
    loaded = load(model)
    if side:
        found = loaded.cold_items(parse_side(side), method)
        print("[" + ", ".join(f"{number:.9g}" for number in found.vectors[0].tolist()) + "]")
    else:
        catalogue = loaded.read_items(o.one_or_many(items), item_column)
        found = loaded.cold_items(catalogue, method)
        write_vectors(catalogue.ids.ids, found.vectors, out or Path())
        show.note(f"{len(catalogue):,} vectors written to {out}")
    for line in found.told():
        show.note(line)
