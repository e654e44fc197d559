"""cowalk demo: the whole way on real data, in one go, and what to try next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show

if TYPE_CHECKING:
    from cowalk.evaluate import Comparison
    from cowalk.model import Model

RECIPES = ("bge", "ges", "eges")
SIMULATED = {"items": 1500, "events": 150_000, "seed": 7}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the model and the report.")] = Path("demo"),
    dataset: Annotated[
        str, typer.Option(help="A known data set, or `shop` for the simulated one.")
    ] = "online-retail",
    workers: o.Workers = None,
    seed: Annotated[int, typer.Option(help="Root seed.")] = 1,
    trials: Annotated[int, typer.Option(min=1, help="Scorer settings tried per method and question.")] = 15,
) -> None:
    """Prepare, learn BGE, GES and EGES, judge them beside the baselines, report; then five things to try.

    Data: UCI Online Retail from COWALK_DATA, the cache or its official place; else a simulated shop.

    Example: cowalk demo
    """
    start = perf_counter()
    name, data = _data(dataset, out)
    out.mkdir(parents=True, exist_ok=True)
    from cowalk.evaluate import print_tables, write_report
    from cowalk.judging import BASELINES, judge, methods_of
    from cowalk.prepared import read_inputs

    changes = {**data.changes, "workers": workers, "seed": seed, "trials": trials}
    methods, _ = methods_of([*RECIPES, *BASELINES], {k: v for k, v in changes.items() if v is not None})
    recipe = methods_of(["eges"], {k: v for k, v in changes.items() if v is not None})[1]
    show.note("1. prepare")
    prepared = read_inputs(data.events, data.items, None, recipe, lambda words: None)
    for line in prepared.reports["events"].lines():
        show.note(f"   {line}")
    show.note(f"2. learn {', '.join(RECIPES).upper()} and judge them beside {len(BASELINES)} baselines")
    with show.progress() as tell:
        verdict = judge(
            methods, prepared, seeds=(seed,), one_fit=True, split=data.split, progress=show.words_only(tell)
        )
    print_tables(verdict.comparison, show.console())
    verdict.facts = {"data": name, **verdict.facts}
    page, _ = write_report(
        verdict.comparison, out, title=f"cowalk demo: {name}", facts=verdict.facts, extras=verdict.extras
    )
    show.note("3. learn EGES from everything, with the scorer that validation chose")
    model = _final(data, {**changes, **_chosen(verdict.comparison)}, out / "model")
    show.note(f"done in {perf_counter() - start:.0f} s")
    show.note(f"report: {page}\n")
    print("Five things to try next:")
    for line in suggestions(model, out):
        print(f"  {line}")


def _data(dataset: str, out: Path) -> tuple[str, o.Inputs]:
    """The known data set, or where it cannot be had the simulated shop, which is said first."""
    from cowalk.datasets import load, simulate
    from cowalk.errors import DataError

    if dataset != "shop":
        try:
            found = load(dataset)
            return f"{found.name} ({found.licence})", o.of_dataset(found)
        except DataError as error:
            show.note(f"NOT REAL DATA: a simulated shop stands in, because {error}\n")
    shop = simulate(**SIMULATED, out=out / "shop", price=True)  # type: ignore[arg-type]
    return "simulated shop", o.Inputs(shop.events, shop.items, None, {})


def _chosen(comparison: Comparison) -> dict[str, Any]:
    """What validation chose for EGES, as changes of its recipe."""
    from cowalk.choosing import chosen_changes

    changes: dict[str, Any] = {"trials": 0}
    for task, entries in comparison.entries.items():
        if "eges" in entries and entries["eges"].chosen:
            changes |= chosen_changes(task, entries["eges"].chosen[0].choice)
    return changes


def _final(data: o.Inputs, changes: dict[str, Any], folder: Path) -> Model:
    from cowalk.pipeline import fit
    from cowalk.settings import load_recipe

    recipe = load_recipe("eges", {name: value for name, value in changes.items() if value is not None})
    with show.progress() as tell:
        return fit(data.events, items=data.items, recipe=recipe, out=folder, progress=tell)


def suggestions(model: Model, out: Path) -> list[str]:
    """Five commands that work as they are printed."""
    import shlex

    command = (
        "cowalk" if shutil.which("cowalk") else (sys.argv[0] if sys.argv[0].endswith("cowalk") else "cowalk")
    )
    folder = shlex.quote(str(out / "model"))
    ids = [str(item) for item in model.vocab.ids[:2].tolist()]
    side = " ".join(f"--side {shlex.quote(text)}" for text in _typical(model))
    return [
        f"{command} similar {folder} {shlex.quote(ids[0])} -k 10 --explain",
        f"{command} recommend {folder} --history {shlex.quote(','.join(ids))} -k 10",
        f"{command} embed {folder} {side}",
        f"{command} inspect {folder}",
        f"{command} export {folder} --to projector --out {shlex.quote(str(out / 'vectors.tsv'))}",
    ]


def _typical(model: Model) -> list[str]:
    """NAME=VALUE for the most frequent value of up to two fields."""
    import numpy as np

    told = []
    for field in model.side_info.fields if model.side_info is not None else ():
        if field.kind == "numeric" and field.edges is not None and len(field.edges):
            told.append(f"{field.name}={field.edges[len(field.edges) // 2]:g}")
        elif field.size:
            most = int(np.bincount(field.codes, minlength=field.size).argmax())
            told.append(f"{field.name}={field.labels[most]}")
    return told[:2]
