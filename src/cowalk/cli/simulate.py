"""cowalk simulate: a shop with planted interests, for scale and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def simulate(
    items: Annotated[int, typer.Option(min=1, help="Number of items.")] = 1000,
    events: Annotated[int, typer.Option(min=1, help="Number of events.")] = 100_000,
    out: Annotated[Path, typer.Option(help="Folder for events.parquet and items.parquet.")] = Path("shop"),
    users: Annotated[int | None, typer.Option(min=1, help="Number of users. [default: events / 25]")] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.")] = 0,
    noise: Annotated[float, typer.Option(min=0, max=1, help="Share of steps by popularity alone.")] = 0.2,
    missing: Annotated[float, typer.Option(min=0, max=1, help="Share of attribute values left out.")] = 0.0,
    price: Annotated[bool, typer.Option("--price", help="Add a numeric field that means nothing.")] = False,
    string_ids: Annotated[bool, typer.Option("--string-ids", help="Item ids are texts.")] = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a shop with planted interests: events.parquet and items.parquet.

    A step follows category with .6, brand with .3, style with .1, material with 0.

    Example: cowalk simulate --items 1000000 --events 50000000 --out big/
    """
    from cowalk.datasets import simulate as run

    shop = run(
        items, events, out=out, users=users, seed=seed, noise=noise, missing=missing, price=price,
        string_ids=string_ids, progress=not quiet,
    )  # fmt: skip
    if not quiet:
        show.note(f"{shop.n_events:,} events of {shop.n_users:,} users on {shop.n_items:,} items")
        show.note(f"next: cowalk fit eges --events {shop.events} --items {shop.items} --out model/")
    print(shop.events)
    print(shop.items)
