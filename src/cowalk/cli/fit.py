"""cowalk fit: a log or a graph, and a table of items, into a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def fit(
    recipe: Annotated[
        str, typer.Argument(help="A recipe (`cowalk recipes` lists them) or a TOML file.")
    ] = "eges",
    events: o.Events = None,
    items: o.Items = None,
    users: o.Users = None,
    edges: o.Edges = None,
    dataset: o.Dataset = None,
    out: Annotated[
        Path, typer.Option(help="Folder of the model; a model that is there is replaced whole.")
    ] = Path("model"),
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
    session_column: o.SessionColumn = None,
    order_column: o.OrderColumn = None,
    event_column: o.EventColumn = None,
    event_weights: o.EventWeights = None,
    weight_column: o.WeightColumn = None,
    name_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the items table that is their name: shown, not learned. [default: name or title]"
        ),
    ] = None,
    seed: o.Seed = None,
    workers: o.Workers = None,
    vector_size: o.VectorSize = None,
    memory_limit: o.MemoryLimit = None,
    refit: Annotated[
        bool, typer.Option(help="After choosing on a part, learn again from everything.")
    ] = True,
    set_: o.Changes = None,
    quiet: o.Quiet = False,
) -> None:
    """Learn vectors from a log (or a ready graph) and write a model folder.

    Interrupted, the same command goes on from the last finished epoch.

    Example: cowalk fit eges --events log.parquet --items items.parquet --out model/
    """
    data = o.inputs(events, items, edges, dataset)
    weight = {"edges__weight_column" if data.edges is not None else "read__weight_column": weight_column}
    changed = data.changes | o.changes(
        set_, read__user_column=user_column, read__item_column=item_column, read__time_column=time_column,
        read__session_column=session_column, read__order_column=order_column, read__event_column=event_column,
        event_weights=event_weights, side__name_column=name_column, seed=seed, workers=workers,
        memory_limit=memory_limit, vector_size=vector_size, **weight,
    )  # fmt: skip
    from cowalk.pipeline import fit as run
    from cowalk.settings import load_recipe

    with show.progress(quiet) as tell:
        model = run(
            data.events, items=data.items, edges=data.edges, users=o.one_or_many(users),
            recipe=load_recipe(recipe, changed), refit=refit, out=out, progress=tell,
        )  # fmt: skip
    if not quiet:
        for line in report(model.manifest):
            show.note(line)
        show.note(f"{model!r} written to {out}")
        show.note(f"next: cowalk inspect {out}   or: cowalk similar {out} ID   or: cowalk evaluate {out}")


def report(manifest: dict[str, Any]) -> list[str]:
    """What was read, dropped and chosen, in lines."""
    lines = []
    for step, told in manifest.get("dropped", {}).items():
        lines.append(f"{step}: {told['rows_out']:,} of {told['rows_in']:,} rows kept")
        lines += [f"  {name}: {value}" for name, value in told["facts"].items()]
        lines += [
            f"  dropped {drop['dropped']:,}: {drop['rule']}" + (f" ({drop['note']})" if drop["note"] else "")
            for drop in told["drops"]
            if drop["dropped"]
        ]
    for name, figures in manifest.get("metrics", {}).items():
        if isinstance(figures, dict):
            lines.append(
                f"chosen on a validation part, {name}: Recall@20 {figures['recall@20']:.3f} "
                f"({figures['trials']} trials, {figures['queries']} queries)"
            )
        else:
            lines.append(f"{name}: {figures}")
    return lines
