"""cowalk compare: recipes and baselines side by side on one split."""

from __future__ import annotations

from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.cli import verdict as v


def compare(
    methods: Annotated[
        list[str], typer.Argument(help="Recipes, TOML files, baselines; eges:vectors = alone.")
    ],
    events: o.Events = None,
    items: o.Items = None,
    users: o.Users = None,
    edges: o.Edges = None,
    dataset: o.Dataset = None,
    user_column: o.UserColumn = None,
    item_column: o.ItemColumn = None,
    time_column: o.TimeColumn = None,
    session_column: o.SessionColumn = None,
    order_column: o.OrderColumn = None,
    event_column: o.EventColumn = None,
    event_weights: o.EventWeights = None,
    weight_column: o.WeightColumn = None,
    seeds: v.Seeds = "1",
    protocols: v.Protocols = "next-item,cold,link",
    baselines: Annotated[bool, typer.Option(help="Judge the baselines too that are not named.")] = True,
    workers: o.Workers = None,
    vector_size: o.VectorSize = None,
    memory_limit: o.MemoryLimit = None,
    set_: o.Changes = None,
    report: v.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Judge recipes and baselines on the same held-out data, each with as many trials.

    The data are prepared by the first recipe named; --users goes with one that reads them.

    Example: cowalk compare eges ges bge item-cf --events log.parquet --items items.parquet
    """
    data = o.inputs(events, items, edges, dataset)
    weight = {"edges__weight_column" if data.edges is not None else "read__weight_column": weight_column}
    changed = data.changes | o.changes(
        set_, read__user_column=user_column, read__item_column=item_column, read__time_column=time_column,
        read__session_column=session_column, read__order_column=order_column, read__event_column=event_column,
        event_weights=event_weights, workers=workers, memory_limit=memory_limit,
        vector_size=vector_size,
        **weight,
    )  # fmt: skip
    wanted, asked = v.seeds_of(seeds), v.protocols_of(protocols)
    from cowalk.judging import BASELINES, judge, methods_of
    from cowalk.prepared import read_inputs

    made, recipe = methods_of([*methods, *(BASELINES if baselines else ())], changed)
    with show.progress(quiet) as tell:
        say = show.words_only(tell)
        who = o.one_or_many(users)
        prepared = read_inputs(data.events, data.items, data.edges, recipe, say, who)
        verdict = judge(made, prepared, seeds=wanted, protocols=asked, split=data.split, progress=say)
    v.show_verdict(verdict, json, report, f"cowalk compare {' '.join(methods)}")
