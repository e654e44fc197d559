"""Cold items with graphs of attributes: dense fields of content vectors beside plain codes."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from common import parser, record, say, table
from cowalk import content_vectors, datasets, with_vectors
from cowalk.choosing import method_of
from cowalk.evaluate import CompareSettings, Comparison, compare
from cowalk.prepared import Prepared, read_inputs
from cowalk.settings import load_recipe
from cowalk.tables import Catalogue

GRAPHS = {"online-retail": ("words", "category"), "beauty": ("categories", "brand")}
SIZE = 64
TASKS = ("cold", "cold-candidates")


def read(dataset: str, quick: bool) -> Prepared:
    """The data set, and the default recipe under its settings."""
    data = datasets.load(dataset)
    changes = {
        f"{stage}.{name}": value for stage, values in data.settings.items() for name, value in values.items()
    }
    if quick:
        changes |= {"learn.epochs": 1, "learn.vector_size": 16, "walks.num_walks": 2}
    return read_inputs(data.events, data.items, None, load_recipe("eges", changes), say)


def with_graphs(catalogue: Catalogue, fields: tuple[str, ...], alone: bool, workers: int) -> Catalogue:
    """The catalogue with a dense field for the graph of each of these fields; alone: in their stead."""
    out = catalogue
    for name in fields:
        vectors = content_vectors(catalogue, name, vector_size=SIZE, seed=1, workers=workers)
        out = with_vectors(out, f"{name} graph", vectors)
    kept = tuple(field for field in out.fields if not (alone and field.name in fields))
    return Catalogue(out.ids, kept, out.notes)


def main() -> None:
    """Measure, print, record."""
    asked = parser(__doc__ or "")
    asked.add_argument("dataset", nargs="?", default="online-retail", choices=sorted(GRAPHS))
    asked.add_argument("--seeds", default="1")
    asked.add_argument("--trials", type=int, default=15)
    options = asked.parse_args()
    seeds = tuple(map(int, options.seeds.split(",")))
    prepared = read(options.dataset, options.quick)
    assert prepared.catalogue is not None
    settings = CompareSettings.model_validate({"data": prepared.settings(), "trials": options.trials})
    have = [field.name for field in prepared.catalogue.fields]
    fields = tuple(name for name in GRAPHS[options.dataset] if name in have)
    start = perf_counter()
    ways = {
        "codes": prepared.catalogue,
        "codes + graphs": with_graphs(prepared.catalogue, fields, False, options.workers),
        "graphs for codes": with_graphs(prepared.catalogue, fields, True, options.workers),
    }
    walking = (perf_counter() - start) / 2
    out = Comparison(seeds)
    for name, catalogue in ways.items():
        say(name)
        method = replace(method_of(prepared.recipe), name=name)
        found = compare(
            [method], prepared.events, catalogue, protocols=("cold",), seeds=seeds, settings=settings,
            workers=options.workers,
        )  # fmt: skip
        for task, entries in found.entries.items():
            entry = entries[name]
            for judged, chosen, seconds in zip(entry.judged, entry.chosen, entry.seconds, strict=True):
                out.add(task, name, judged, chosen, seconds)
    figures = {
        task: {
            name: {
                "recall@20": vars(out.estimates(task, "recall@20")[name]),
                "difference": vars(out.difference(task, "recall@20", name, "codes")),
            }
            for name in ways
        }
        for task in TASKS
    }
    rows = [
        (f"{task}: {name}", *(f"{one['mean']:+.4f}" for one in figures[task][name].values()))
        for task in TASKS for name in ways
    ]  # fmt: skip
    print(table(("Recall@20", "mean", "to codes"), rows))
    told = {
        "dataset": options.dataset, "fields": fields, "vector_size": SIZE, "seeds": seeds,
        "trials": options.trials, "seconds of the graphs": walking,
    }  # fmt: skip
    record(f"content-{options.dataset}", told, figures, quick=options.quick)


if __name__ == "__main__":
    main()
