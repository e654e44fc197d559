"""cowalk publish: a model to where replicas find it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def publish(
    model: o.ModelFolder,
    to: Annotated[str, typer.Option(help="redis://host:port/db?name=shop, or another model folder.")],
    users: Annotated[
        Path | None,
        typer.Option(help="Vectors of users that go with it, as `cowalk users` writes them. Redis only."),
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Versions that stay in Redis, the new one too.")] = 2,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Publish the model as a new version, beside the old one, and switch to it in one step.

    Readers get the old version until the new one is there whole. Interrupted, nothing is changed, and what
    was written goes away by itself.

    Example: cowalk publish model/ --to redis://127.0.0.1:6379/0
    """
    from cowalk.online import publish as run
    from cowalk.tables import Vectors

    rows = None if users is None else Vectors.load(users)
    with show.progress(quiet) as tell:
        done = run(model, to, users=rows, keep=keep, progress=tell)
    if json:
        show.print_json(done.to_dict())
        return
    show.note(
        f"version {done.version} is current at {done.to}: {done.items:,} items, {done.users:,} users, "
        f"{done.bytes / 1e6:,.1f} MB in {done.seconds:.1f} s"
    )
    if done.swept:
        show.note(f"swept: {', '.join(done.swept)}")
