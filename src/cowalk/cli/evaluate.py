"""cowalk evaluate: what a model is worth on held-out data, beside the baselines."""

from __future__ import annotations

from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.cli import verdict as v


def evaluate(
    model: o.ModelFolder,
    test: Annotated[
        list[str] | None, typer.Option(help="Held-out events: the model is judged on them as it stands.")
    ] = None,
    events: Annotated[
        list[str] | None, typer.Option(help="The log, if it is not where the fit found it.")
    ] = None,
    items: Annotated[
        list[str] | None, typer.Option(help="The items, if not where the fit found them.")
    ] = None,
    users: Annotated[
        list[str] | None, typer.Option(help="The users table, if not where the fit found it.")
    ] = None,
    seeds: v.Seeds = "1",
    protocols: v.Protocols = "next-item,cold,link",
    baselines: Annotated[bool, typer.Option(help="Judge the baselines beside it.")] = True,
    report: v.Report = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """What a model is worth on held-out data, beside the baselines.

    Its recipe is learned again on the training part of its data; or, with --test, the model itself is judged.

    Example: cowalk evaluate model/ --report report/
    """
    wanted, asked = v.seeds_of(seeds), v.protocols_of(protocols)
    from cowalk.judging import judge_held_out, judge_model
    from cowalk.model import load

    loaded = load(model)
    if test:
        verdict = judge_held_out(loaded, o.one_or_many(test))
    else:
        with show.progress(quiet) as tell:
            verdict = judge_model(
                loaded, events=o.one_or_many(events), items=o.one_or_many(items), users=o.one_or_many(users),
                baselines=baselines, seeds=wanted, protocols=asked, progress=show.words_only(tell),
            )  # fmt: skip
    v.show_verdict(verdict, json, report, f"cowalk evaluate {model}")
