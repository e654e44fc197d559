"""cowalk rank fit, cowalk rank evaluate: models that tell the chance of a click."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import rank_inputs as inputs
from cowalk.cli import show
from cowalk.errors import UsageError

rank = typer.Typer(
    name="rank",
    help="Ranking models: the chance of a click, from a history or from the columns of a table.",
    no_args_is_help=True,
)

Table = Annotated[
    list[str] | None, typer.Option(help="Rows of a click log with a label, instead of events; or again.")
]
Examples = Annotated[
    str,
    typer.Option(
        help="Examples of events: all (each event, and negatives), one-per-user, rated (weights are ratings)."
    ),
]
Negatives = Annotated[int, typer.Option(min=1, help="Sampled negatives of each clicked example.")]
Sampler = Annotated[str, typer.Option(help="Negatives: uniform over items, or by count of events.")]
ExamplesAsFit = Annotated[
    str | None, typer.Option(help="Examples of events, as of `rank fit`. [default: those of the fit]")
]
NegativesAsFit = Annotated[
    int | None,
    typer.Option(min=1, help="Sampled negatives of each clicked example. [default: that of the fit]"),
]
SamplerAsFit = Annotated[
    str | None,
    typer.Option(help="Negatives: uniform over items, or by count of events. [default: that of the fit]"),
]
Last = Annotated[int, typer.Option(min=1, help="Events of a history that are looked at.")]
PerUser = Annotated[int | None, typer.Option(min=1, help="Clicked examples of a user at most.")]
PerUserAsFit = Annotated[
    int | None, typer.Option(min=1, help="Clicked examples of a user at most. [default: that of the fit]")
]
Split = Annotated[
    str | None,
    typer.Option(
        help="What is held out: user = users and all that is theirs, row = rows of a table, time = the "
        "latest examples (rows). [default: user; of a table without --group: row]"
    ),
]
TimeColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the time; none = the log has only an order. Of a table: for a split by time, no "
        "feature. [default: timestamp; of a table: the order of the rows]"
    ),
]
OPTIONS = {
    "model": "the argument MODEL", "embedding": "--embedding", "seed": "--seed", "workers": "--workers",
    "vectors": "--vectors", "side_info": "--items", "users": "--users", "min_count": "--min-count",
    "constant": "--constant",
    "clicks": "--label, --group, --form, --numeric, --categorical, --without, --min-count and --constant",
}  # fmt: skip
Users = Annotated[
    list[str] | None,
    typer.Option(help="Who the users are, an attribute a column: inputs of a network over events."),
]
Context = Annotated[
    str | None,
    typer.Option(help="Columns of the log that are inputs too, as device,hour: at the target."),
]
RankFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder that `cowalk rank fit` wrote.")]


@rank.command()
def fit(
    ctx: typer.Context,
    model: Annotated[
        str, typer.Argument(help="Over events: din, mlp, pnn. Over a table: lr, fm, fnn, gbdt-lr, mlp, pnn.")
    ] = "din",
    embedding: Annotated[
        str | None,
        typer.Option(
            help="Item vectors: random, l2, double, item2vec, node2vec, eges, res-avg, res-gcn, res-att."
        ),
    ] = None,
    events: o.Events = None,
    items: o.Items = None,
    users: Users = None,
    context: Context = None,
    dataset: o.Dataset = None,
    table: Table = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option(help="Rows begin as these: a model folder, or a file of vectors; or again, to join."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the ranking model.")] = Path("rank"),
    label: Annotated[str, typer.Option(help="Column of a table's label, 0 or 1.")] = "label",
    group: Annotated[str | None, typer.Option(help="Column of a table's user, for grouped AUC.")] = None,
    form: Annotated[str, typer.Option(help="Form of the table: table, criteo or ipinyou.")] = "table",
    numeric: Annotated[
        str | None, typer.Option(help="Columns (of a table, --users or --context) that are numbers, as a,b.")
    ] = None,
    categorical: Annotated[str | None, typer.Option(help="Columns that are categories, as a,b.")] = None,
    without: Annotated[str | None, typer.Option(help="Columns that are left out, as a,b.")] = None,
    min_count: Annotated[int, typer.Option(min=1, help="Values of fewer rows count as unknown.")] = 2,
    constant: Annotated[
        str, typer.Option(help="A column with one value in all training rows: error, or drop it.")
    ] = "error",
    examples: Examples = "all",
    negatives: Negatives = 1,
    sampler: Sampler = "uniform",
    per_user: PerUser = None,
    last: Last = 50,
    test_share: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share held out of all that is learned, to judge by.")
    ] = 0.0,
    split: Split = None,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: TimeColumn = None,
    order_column: o.OrderColumn = None,
    weight_column: o.WeightColumn = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal models on a CPU.")] = 0,
    workers: o.Workers = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of the network or its training."),
    ] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a ranking model on a log of events, or on a table of clicks, and write its folder.

    Interrupted, the same command goes on from the last finished epoch.

    Example: cowalk rank fit din --embedding res-att --events log.parquet --out rank/
    """
    inputs.check_options(ctx)
    inputs.check_split(ctx)
    from cowalk.nn.needs import need

    need("torch", "lightning")
    from cowalk import rank as room
    from cowalk.rank.run import check_labels
    from cowalk.rank.settings import check_history, check_table, rank_settings
    from cowalk.rank.store import check_folder
    from cowalk.settings import parse_changes

    changes = _changes(parse_changes(set_ or []))
    reading: tuple[str, ...] = ("numbers", "buckets") if table else ()
    clicks = {name: changes.pop(name) for name in reading if name in changes}
    named = {"model": model, "embedding": embedding or ("vectors" if vectors else "random")}
    columns = {} if table else {"min_count": min_count, "constant": constant}
    settings = rank_settings(changes | named | columns)
    if table:  # before anything is read: a log may be long
        check_table(settings)
    else:
        check_history(settings, vectors=bool(vectors))
    check_folder(out)
    parts = inputs.table_parts(ctx.params, clicks) if table else inputs.event_parts(ctx.params)
    if parts.test is not None:
        check_labels(parts.test.labels, "hold out more, or otherwise: --test-share, --split", "test part: ")
    with show.progress(quiet or json) as tell:
        made = room.fit(
            parts.train, settings=settings, seed=seed, workers=workers, progress=tell, out=out, **parts.more
        )
    report = made.evaluate(parts.test) if parts.test is not None else None
    if json:
        told = {"model": model, "folder": str(out), "about": dict(made.about)}
        show.print_json(told | ({} if report is None else {"test": report.to_dict()}))
        return
    if not quiet:
        for line in [*_of_vectors(made.about, vectors or []), *_of_users(made.about)]:
            show.note(line)
        name = made.settings.best_by
        best = made.about[f"validation {name}"]
        figure = (
            "" if best is None else f", validation {name} {best:.4f} after epoch {made.about['best epoch']}"
        )
        show.note(f"{made!r} written to {out}{figure}")
    if report is not None:
        _show({"test": report})


@rank.command()
def evaluate(
    ctx: typer.Context,
    model: RankFolder,
    table: Table = None,
    events: o.Events = None,
    users: Annotated[
        list[str] | None, typer.Option(help="What is known of the users now. [default: as in training]")
    ] = None,
    dataset: o.Dataset = None,
    beside: Annotated[
        Path | None, typer.Option(help="Another ranking model's folder, judged on the same rows.")
    ] = None,
    examples: ExamplesAsFit = None,
    negatives: NegativesAsFit = None,
    sampler: SamplerAsFit = None,
    per_user: PerUserAsFit = None,
    test_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.9,
            help="Judge this share alone, held out as by `rank fit`. [default: all; with --split time: all "
            "after training]",
            show_default=False,
        ),
    ] = 0.0,
    split: Split = None,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: TimeColumn = None,
    order_column: o.OrderColumn = None,
    weight_column: o.WeightColumn = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of negatives and of what is held out. [default: that of the fit]")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write the picture of calibration (.png or .svg).")
    ] = None,
    json: o.Json = False,
) -> None:
    """AUC, grouped AUC, log-loss, normalised entropy and calibration of a ranking model, with bounds.

    Example: cowalk rank evaluate rank/ --table held-out.parquet --picture calibration.png
    """
    inputs.check_options(ctx)
    inputs.check_split(ctx, later=True)
    from cowalk import rank as room
    from cowalk.evaluate import calibration_picture

    if picture is not None:
        calibration_picture.check(picture)
    models = {str(model): room.load(model)} | ({} if beside is None else {str(beside): room.load(beside)})
    first = models[str(model)]
    if table and first.vocab is not None:
        raise UsageError(f"{model} reads histories; give a log with --events")
    if table:
        rows = {name: inputs.table_rows(one, ctx.params, first) for name, one in models.items()}
    elif first.vocab is None:
        raise UsageError(f"{model} reads a table; give it with --table")
    else:
        models, examples_ = inputs.event_rows(models, ctx.params)
        rows = dict.fromkeys(models, examples_)
    reports = {name: one.evaluate(rows[name]) for name, one in models.items()}
    if picture is not None:
        calibration_picture.draw({n: r.calibration for n, r in reports.items()}, "Calibration", picture)
    if json:
        show.print_json({name: report.to_dict() for name, report in reports.items()})
        return
    _show(reports)


def _changes(sets: dict[str, Any]) -> dict[str, Any]:
    """The settings of --set; UsageError for what has an option of its own."""
    for name in sets:
        if name in OPTIONS:
            raise UsageError(f"--set {name}: give it as {OPTIONS[name]}")
    return sets


def _of_vectors(about: Mapping[str, Any], sources: list[str]) -> list[str]:
    """Of each source of vectors that lacks some of the examples' items, how many it has."""
    total = about.get("items", 0)
    return [
        f"{source}: {number:,} of {total:,} items of the examples have a vector; the others share one row"
        for source, number in zip(sources, about.get("items with a vector", []), strict=False)
        if number < total
    ]


def _of_users(about: Mapping[str, Any]) -> list[str]:
    """How many users a users table knows, where it lacks some."""
    total, known = about.get("users", 0), about.get("users in the table", 0)
    return [f"{known:,} of {total:,} users of the examples are in the users table"] if known < total else []


def _show(reports: dict[str, Any]) -> None:
    """A table of figures with bounds; with two models their paired difference below."""
    from cowalk.evaluate.clicks import METRICS

    names = [f for f in METRICS if any(f in report.figures for report in reports.values())]
    rows = [
        [name, *(_bounds(r.figures.get(f), "") for f in names), f"{r.calibration.ratio:.3f}"]
        for name, r in reports.items()
    ]
    if len(reports) == 2:
        first, second = reports.values()
        told = first.beside(second)
        rows.append(["difference", *(_bounds(told.get(f), "+") for f in names), ""])
    show.table("", ["model", *names, "told / seen"], rows)


def _bounds(e: Any, sign: str) -> str:
    """A figure and its bounds; nothing where it is not known, as grouped AUC without --group."""
    return "" if e is None else f"{e.mean:{sign}.4f} ({e.low:{sign}.4f}, {e.high:{sign}.4f})"
