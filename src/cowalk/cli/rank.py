"""cowalk rank fit, cowalk rank evaluate: models that tell the chance of a click."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from cowalk.cli import options as o
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
OF_A_TABLE = ("label", "group", "form", "numeric", "categorical", "without", "min_count")
OF_EVENTS = (
    "items", "vectors", "examples", "negatives", "sampler", "per_user", "last", "user_column", "item_column",
    "time_column", "order_column", "weight_column",
)  # fmt: skip
OPTIONS = {
    "model": "the argument MODEL", "embedding": "--embedding", "seed": "--seed", "workers": "--workers",
    "vectors": "--vectors", "side_info": "--items",
    "clicks": "--label, --group, --form, --numeric, --categorical, --without and --min-count",
}  # fmt: skip
RankFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder that `cowalk rank fit` wrote.")]


@rank.command()
def fit(
    context: typer.Context,
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
    numeric: Annotated[str | None, typer.Option(help="Columns that are numbers, as a,b.")] = None,
    categorical: Annotated[str | None, typer.Option(help="Columns that are categories, as a,b.")] = None,
    without: Annotated[str | None, typer.Option(help="Columns that are left out, as a,b.")] = None,
    min_count: Annotated[int, typer.Option(min=1, help="Rarer values count as unknown.")] = 2,
    examples: Examples = "all",
    negatives: Negatives = 1,
    sampler: Sampler = "uniform",
    per_user: PerUser = None,
    last: Last = 50,
    test_share: Annotated[
        float, typer.Option(min=0, max=0.9, help="Users (rows of a table) held out, to judge by.")
    ] = 0.0,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
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
    if bool(table) == bool(events or dataset):
        raise UsageError("give a log with --events (or --dataset), or a table of clicks with --table")
    _check_options(context, table=bool(table))
    from cowalk import rank as room
    from cowalk.rank.settings import rank_settings
    from cowalk.settings import parse_changes
    from cowalk.tables.folder import WORK, check_target

    settings = rank_settings(_changes(parse_changes(set_ or [])))
    with show.progress(quiet or json) as tell:
        say = lambda words, share: tell(words, share)  # noqa: E731
        work = out / WORK  # an interrupted fit goes on from its last epoch
        check_target(out)
        common: dict[str, Any] = {"seed": seed, "workers": workers, "progress": say, "checkpoint": work,
                                  "settings": settings}  # fmt: skip
        if table:
            asked = {"label_column": label, "group_column": group, "form": form, "min_count": min_count,
                     "numeric": _names(numeric), "categorical": _names(categorical),
                     "without": _names(without)}  # fmt: skip
            train, test, clicks = _tables(table, asked, test_share, seed)
            made = room.fit(train, model, embedding, clicks=clicks, **common)
        else:
            data = o.inputs(events, items, None, dataset)
            changed = data.changes | o.changes(
                None, read__user_column=user_column, read__item_column=item_column,
                read__time_column=time_column, read__order_column=order_column,
                read__weight_column=weight_column,
            )  # fmt: skip
            how = {"made": examples, "negatives": negatives, "sampler": sampler, "per_user": per_user,
                   "last": last, "seed": seed}  # fmt: skip
            train, test, side = _histories(data, changed, how, test_share, seed)
            given = [_vectors(one) for one in vectors or ()]
            if given and embedding is None:
                embedding = "vectors"
            made = room.fit(train, model, embedding, vectors=_one_of(given), side_info=side, **common)
        made.save(out)
        shutil.rmtree(work, ignore_errors=True)
        report = made.evaluate(test) if test is not None else None
    if json:
        told = {"model": model, "folder": str(out), "about": dict(made.about)}
        show.print_json(told | ({} if report is None else {"test": report.to_dict()}))
        return
    if not quiet:
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
    context: typer.Context,
    model: RankFolder,
    table: Table = None,
    events: o.Events = None,
    dataset: o.Dataset = None,
    beside: Annotated[
        Path | None, typer.Option(help="Another ranking model's folder, judged on the same rows.")
    ] = None,
    examples: ExamplesAsFit = None,
    negatives: NegativesAsFit = None,
    sampler: SamplerAsFit = None,
    per_user: PerUser = None,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
    order_column: o.OrderColumn = None,
    weight_column: o.WeightColumn = None,
    seed: Annotated[int, typer.Option(help="Seed of the negatives.")] = 0,
    picture: Annotated[
        Path | None, typer.Option(help="Write the picture of calibration (.png or .svg).")
    ] = None,
    json: o.Json = False,
) -> None:
    """AUC, grouped AUC, log-loss, normalised entropy and calibration of a ranking model, with bounds.

    Example: cowalk rank evaluate rank/ --table held-out.parquet --picture calibration.png
    """
    if bool(table) == bool(events or dataset):
        raise UsageError("give held-out events with --events (or --dataset), or a table with --table")
    _check_options(context, table=bool(table))
    from cowalk import rank as room
    from cowalk.evaluate import calibration_picture
    from cowalk.rank.inputs import known_events

    if picture is not None:
        calibration_picture.check(picture)
    models = {str(model): room.load(model)} | ({} if beside is None else {str(beside): room.load(beside)})
    first = models[str(model)]
    rows: Any
    if table:
        rows = o.one_or_many(table)
    elif first.vocab is None:
        raise UsageError(f"{model} reads a table; give it with --table")
    else:
        data = o.inputs(events, None, None, dataset)
        changed = data.changes | o.changes(
            None, read__user_column=user_column, read__item_column=item_column, read__time_column=time_column,
            read__order_column=order_column, read__weight_column=weight_column,
        )  # fmt: skip
        log, lost = known_events(_read(data, changed)[0], first.vocab)
        if lost:
            show.note(f"{lost:,} events of items that the model does not know were left out")
        asked = {"made": examples, "negatives": negatives, "sampler": sampler}
        how = dict(first.about.get("options", {})) | {k: v for k, v in asked.items() if v is not None}
        rows = _examples(log, how | {"per_user": per_user, "last": first.last, "seed": seed})
    reports = {name: one.evaluate(rows) for name, one in models.items()}
    if picture is not None:
        calibration_picture.draw({n: r.calibration for n, r in reports.items()}, "Calibration", picture)
    if json:
        show.print_json({name: report.to_dict() for name, report in reports.items()})
        return
    _show(reports)


def _check_options(context: typer.Context, *, table: bool) -> None:
    """UsageError that names the first option given that is not of a table, or not of events."""
    for name in OF_EVENTS if table else OF_A_TABLE:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            used, mend = ("of events", "--events") if table else ("of a table", "--table")
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is an option {used}; leave it out, or give the data with {mend}")


def _changes(sets: dict[str, Any]) -> dict[str, Any]:
    """The settings of --set; UsageError for what has an option of its own."""
    for name in sets:
        if name in OPTIONS:
            raise UsageError(f"--set {name}: give it as {OPTIONS[name]}")
    return sets


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _tables(source: list[str], asked: dict[str, Any], test_share: float, seed: int) -> tuple[Any, Any, Any]:
    """Training rows, test rows or None, and how they were read."""
    from cowalk.prepare.clicks import click_settings, read_clicks
    from cowalk.seeds import generator

    clicks = click_settings(asked)
    table = read_clicks(o.one_or_many(source), clicks)
    if not test_share:
        return table, None, clicks
    held = generator(seed, "rank/test").random(len(table)) < test_share
    return table.select(~held), table.select(held), clicks


def _read(data: o.Inputs, changed: dict[str, Any]) -> tuple[Any, Any]:
    """The events, and the recipe that says how items are read."""
    from cowalk.prepare import read_events
    from cowalk.settings import load_recipe

    recipe = load_recipe("eges", changed)
    return read_events(data.events, recipe.read, recipe.clean)[0], recipe


def _examples(events: Any, how: dict[str, Any]) -> Any:
    from cowalk.rank.inputs import examples_of

    return examples_of(events, **how)


def _histories(
    data: o.Inputs, changed: dict[str, Any], how: dict[str, Any], test_share: float, seed: int
) -> tuple[Any, Any, Any]:
    """Training examples, test examples or None, and the items' attributes or None."""
    from cowalk.examples import split_by_user
    from cowalk.prepare import encode_side_info, read_items

    events, recipe = _read(data, changed)
    made = _examples(events, how)
    side = None
    if data.items is not None:
        catalogue = read_items(data.items, recipe.side, item_column=recipe.read.item_column)
        side = encode_side_info(catalogue, events.item_vocab, recipe.side)
    train, test = split_by_user(made, test_share, seed) if test_share else (made, None)
    return train, test, side


def _one_of(given: list[Any]) -> Any:
    """None, the one, or the list."""
    return (given[0] if len(given) == 1 else given) if given else None


def _vectors(source: str) -> Any:
    """A model, or the vectors of a file."""
    from cowalk.model import load
    from cowalk.tables import Vectors

    return load(source) if Path(source).is_dir() else Vectors.load(source)


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
