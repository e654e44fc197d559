"""cowalk update: new events and new items into a model, without the old log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def update(
    model: o.ModelFolder,
    events: Annotated[
        list[str] | None, typer.Option(help="What happened since the model's last event; as for `fit`.")
    ] = None,
    items: Annotated[
        list[str] | None, typer.Option(help="What the new items are: a table with a column per attribute.")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(help="Old rows are frozen, anchored (pulled back) or free. [default: the recipe's]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new model. [default: a new version of MODEL]")
    ] = None,
    max_drift: Annotated[
        float | None,
        typer.Option(help="Refuse if 1 - mean cosine of old items, old and new, is above. [default: 0.2]"),
    ] = None,
    seed: o.Seed = None,
    workers: o.Workers = None,
    set_: o.Changes = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Teach a model new events and new items; old vectors move as little as asked.

    The new events alone are needed. The version before stays in the folder, and where the update is refused
    nothing is changed. Interrupted, the same command goes on.

    Example: cowalk update model/ --events new.parquet --items new_items.parquet --mode anchored
    """
    from cowalk.errors import UsageError
    from cowalk.updates import update as run

    if not events:
        raise UsageError("update: give the new events, --events new.parquet")
    changed = {name.replace(".", "__", 1): value for name, value in o.changes(set_).items()}
    with show.progress(quiet) as tell:
        found = run(
            model, o.one_or_many(events), items=o.one_or_many(items), mode=mode, out=out or model,
            max_drift=max_drift, seed=seed, workers=workers, progress=tell, **changed,
        )  # fmt: skip
    told = found.manifest["updates"][-1]
    if json:
        show.print_json(told)
        return
    report(told)
    if not quiet:
        show.note(f"{found!r} written to {out or model}; the version before is kept")


def report(told: dict[str, Any]) -> None:
    """What was dropped on stderr; drift and Recall as tables on stdout."""
    from cowalk.cli.fit import report as drops

    for line in drops({"dropped": {"new events": told["dropped"]}}):
        show.note(line)
    for line in told["notes"]:
        show.note(line)
    mode = told["settings"]["mode"]
    show.note(f"{mode}: {told['events']:,} new events, {told['new items']:,} new items")
    show.table(
        "old items, old and new vectors",
        ["rows", "mean cosine", "lowest hundredth", "mean of those seen", "same of 20 neighbours"],
        [
            [name, *(f"{one[key]:.4f}" for key in ("cosine", "lowest", "cosine_seen", "overlap"))]
            for name, one in told["drift"].items()
        ],
    )
    rows = [
        [f"{events}, {targets}", f"{one['before']:.4f}", f"{one['after']:.4f}", f"{one['queries']:,}"]
        for events, parts in told["recall@20"].items()
        for targets, one in parts.items()
    ]
    if rows:
        show.table("Recall@20", ["next item", "before", "after", "queries"], rows)
