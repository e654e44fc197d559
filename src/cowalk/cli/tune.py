"""cowalk tune: a recipe with better settings for what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show

if TYPE_CHECKING:
    from cowalk.settings import Recipe
    from cowalk.tuning import Knob, Tuned

COLUMNS = 5  # settings that the table of trials has room for


def tune(
    recipe: Annotated[
        str, typer.Argument(help="A recipe (`cowalk recipes` lists them) or a TOML file.")
    ] = "eges",
    events: o.Events = None,
    items: o.Items = None,
    edges: o.Edges = None,
    dataset: o.Dataset = None,
    for_: Annotated[
        str, typer.Option("--for", metavar="PURPOSE", help="What it is to serve: next-item, cold or link.")
    ] = "next-item",
    out: Annotated[
        Path, typer.Option(help="The recipe to write; the study stands beside it, as NAME.study.")
    ] = Path("tuned.toml"),
    trials: Annotated[int, typer.Option(min=1, help="Settings tried, the recipe's own among them.")] = 50,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Minutes after which no new trial starts.")
    ] = None,
    tune_: Annotated[
        list[str] | None,
        typer.Option(
            "--tune", metavar="NAME=VALUES", help="Tune this alone: learn.window=3,5,10 or walks.p=0.25..4."
        ),
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="The same in a TOML file; --tune adds to it and changes it.")
    ] = None,
    most_work: Annotated[
        float, typer.Option(min=1, help="Leave out what costs more than this times the recipe.")
    ] = 2.0,
    finalists: Annotated[int, typer.Option(min=1, help="Best trials tried again on other seeds.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, help="How many other seeds.")] = 3,
    split: Annotated[
        str | None,
        typer.Option(
            help="Next item: auto (as fit chooses) or leave-last. [default: auto; a data set's own]"
        ),
    ] = None,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
    session_column: o.SessionColumn = None,
    order_column: o.OrderColumn = None,
    event_column: o.EventColumn = None,
    event_weights: o.EventWeights = None,
    weight_column: o.WeightColumn = None,
    seed: o.Seed = None,
    workers: o.Workers = None,
    memory_limit: o.MemoryLimit = None,
    set_: o.Changes = None,
    quiet: o.Quiet = False,
) -> None:
    """Search a recipe's settings on a validation part, and write them as a recipe that `cowalk fit` reads.

    Needs the extra `tune`. Interrupted, the same command goes on after the last trial.

    Example: cowalk tune eges --for cold --trials 50 --events log.parquet --items items.parquet
    """
    data = o.inputs(events, items, edges, dataset)
    weight = {"edges__weight_column" if data.edges is not None else "read__weight_column": weight_column}
    changed = data.changes | o.changes(
        set_, read__user_column=user_column, read__item_column=item_column, read__time_column=time_column,
        read__session_column=session_column, read__order_column=order_column, read__event_column=event_column,
        event_weights=event_weights, seed=seed, workers=workers, memory_limit=memory_limit, **weight,
    )  # fmt: skip
    from cowalk.settings import load_recipe
    from cowalk.tuning import plain, space_of
    from cowalk.tuning import tune as run

    chosen = load_recipe(recipe, changed)
    knobs = space_of(_asked(chosen, space, tune_), chosen, for_)
    if not quiet:
        for name, told in plain(knobs).items():
            show.note(f"tuned: {name} {told}")
    with show.progress(quiet) as tell:
        tuned = run(
            data.events, items=data.items, edges=data.edges, recipe=chosen, purpose=for_, space=knobs,
            out=out, progress=tell, trials=trials, timeout=timeout, most_work=most_work, finalists=finalists,
            seeds=seeds, split=split or ("leave-last" if data.split == "leave-last" else "auto"),
        )  # fmt: skip
    report(tuned)
    if not quiet:
        show.note(tuned.verdict)
        if tuned.late:
            show.note("the time was up before the trials; the same command goes on")
        show.note(f"written to {out}; next: cowalk fit {out}   or: cowalk compare {recipe} {out}")


def _asked(recipe: Recipe, space: Path | None, texts: list[str] | None) -> dict[str, Knob] | None:
    """What --space and --tune name; None where neither is given."""
    from cowalk.tuning import parse_knobs, read_knobs

    if space is None and not texts:
        return None
    named = {} if space is None else read_knobs(space, recipe.engine)
    return named | parse_knobs(texts or [], recipe.engine)


def report(tuned: Tuned) -> None:
    """The best trials, the last round and what mattered, as tables on stdout."""
    from cowalk.tuning import trial_rows

    names = list(tuned.importance) or list(tuned.space)
    best, head = tuned.best(), ["trial", "figure", "seconds"]
    rows = trial_rows([*best, *(trial for trial in tuned.trials[:1] if trial not in best)], names[:COLUMNS])
    show.table("best trials; trial 0 is the recipe", [*head, *names[:COLUMNS]], rows)
    if tuned.finals:
        gains = [
            [
                f.trial.number,
                f"{f.score:.4f}",
                f"{f.gain.mean:+.4f}",
                f"({f.gain.low:+.4f}, {f.gain.high:+.4f})",
            ]
            for f in tuned.finals
        ]
        show.table("last round, on other seeds", ["trial", "figure", "gain over the recipe", "95 %"], gains)
    if tuned.importance:
        shares = [[name, f"{share:.2f}"] for name, share in tuned.importance.items()]
        show.table("what mattered (share)", ["setting", "share"], shares)
