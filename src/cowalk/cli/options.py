"""Options that several commands share, and how they become changes of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cowalk.errors import UsageError

INPUT, COLUMNS, COMMON = "Input", "Columns", "Settings"

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder that `cowalk fit` wrote.")]
Events = Annotated[
    list[str] | None,
    typer.Option(help="Log: Parquet, CSV(.gz) or JSON lines; a file, folder or glob; may be given again."),
]
Items = Annotated[
    list[str] | None, typer.Option(help="What the items are: a table with a column per attribute.")
]
Users = Annotated[
    list[str] | None,
    typer.Option(help="Who the users are, an attribute a column; for two-tower and youtube-dnn."),
]
Edges = Annotated[
    list[str] | None,
    typer.Option(help="A ready graph instead of a log: columns src, dst and, if there, weight."),
]
Dataset = Annotated[
    str | None,
    typer.Option(help="A known data set instead of files: online-retail, beauty, movielens-100k, ..."),
]
UserColumn = Annotated[str | None, typer.Option(help="Column of the user id. [default: user_id]")]
ItemColumn = Annotated[str | None, typer.Option(help="Column of the item id. [default: item_id]")]
TimeColumn = Annotated[
    str | None,
    typer.Option(help="Column of the time; none = the log has only an order. [default: timestamp]"),
]
SessionColumn = Annotated[
    str | None, typer.Option(help="Column that names the session (an invoice, a visit).")
]
OrderColumn = Annotated[
    str | None, typer.Option(help="Column that orders events of equal time. [default: file and row]")
]
EventColumn = Annotated[str | None, typer.Option(help="Column of the event type, with --event-weights.")]
EventWeights = Annotated[
    str | None, typer.Option(help="Weight by event type, as view=1,cart=3,buy=5; other types are dropped.")
]
WeightColumn = Annotated[str | None, typer.Option(help="Column of a ready weight per event, or per edge.")]
Seed = Annotated[int | None, typer.Option(help="Root seed; equal seeds give equal models. [default: 0]")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads. [default: all cores]")]
VectorSize = Annotated[
    int | None, typer.Option(min=1, help="Dimension of the vectors. [default: the recipe's]")
]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Memory that preparing may use before it spills to disk. [default: 4GB]")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting, as learn.window=3; may be given again."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the answer.")]
K = Annotated[int, typer.Option("--k", "-k", min=1, help="Number of answers.")]
Unknown = Annotated[
    str, typer.Option(help="Ids that the log does not hold: error, skip, or cold (by their attributes).")
]


def changes(sets: list[str] | None, **given: Any) -> dict[str, Any]:
    """Changes of a recipe from options that were given; `a__b` stands for a.b; --set comes last."""
    from cowalk.settings import parse_changes

    out = {name.replace("__", "."): value for name, value in given.items() if value is not None}
    weights = out.pop("event_weights", None)
    if weights is not None:
        out["read.event_weights"] = event_weights(weights)
    for name in ("read.time_column", "read.user_column"):
        if str(out.get(name, "")).lower() == "none":
            out[name] = None
    return out | parse_changes(sets or [])


def event_weights(text: str) -> dict[str, float]:
    """view=1,cart=3 as a table; UsageError where it is written otherwise."""
    out = {}
    for part in text.split(","):
        kind, equals, weight = part.rpartition("=")
        try:
            out[kind.strip()] = float(weight)
        except ValueError:
            equals = ""
        if not equals or not kind.strip():
            raise UsageError(f"--event-weights {text!r}: write it as view=1,cart=3,buy=5")
    return out


def one_or_many(paths: list[str] | None) -> Any:
    """A source as the readers take it: None, one path, or a list."""
    if not paths:
        return None
    return paths[0] if len(paths) == 1 else paths


@dataclass
class Inputs:
    """Where the data are, and the changes of a recipe that they need; split: how a next-item test is cut."""

    events: Any
    items: Any
    edges: Any
    changes: dict[str, Any]
    split: str = "auto"


def inputs(
    events: list[str] | None, items: list[str] | None, edges: list[str] | None, dataset: str | None
) -> Inputs:
    """The files given, or those of a known data set with its settings."""
    if dataset is None:
        return Inputs(one_or_many(events), one_or_many(items), one_or_many(edges), {})
    if events or items or edges:
        raise UsageError("--dataset brings its own events and items; leave --events, --items and --edges out")
    from cowalk.datasets import load

    return of_dataset(load(dataset))


def of_dataset(data: Any) -> Inputs:
    """A known data set as inputs."""
    changed = {
        f"{stage}.{name}": value for stage, table in data.settings.items() for name, value in table.items()
    }
    edges = None if data.events else data.edges
    return Inputs(data.events, data.items, edges, changed, data.next_item_split)
