"""cowalk index: a model's answers through an index, tuned for a recall and measured against exact search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show

if TYPE_CHECKING:
    from cowalk.model import Model
    from cowalk.recall.building import Built


def index(
    model: o.ModelFolder,
    kind: Annotated[
        str, typer.Option(help="exact, lsh, ivf, hnsw, kdtree; auto by rows, metric and recall; none = drop.")
    ] = "auto",
    recall: Annotated[float, typer.Option(help="Share of the true neighbours that has to be found.")] = 0.95,
    for_: Annotated[
        str, typer.Option("--for", help="What the index answers: recommend, similar or both.")
    ] = "both",
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Neighbours that recall is measured on.")] = 100,
    map_: Annotated[
        str, typer.Option("--map", help="Map of the items for the page: auto, umap, pca; none = as it is.")
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new model. [default: a new version of MODEL]")
    ] = None,
    workers: o.Workers = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the kind, as nlist=512; fixes it."),
    ] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Give a model an index, so that answers need not look at every item.

    The least effort that finds the recall asked for is searched on sample queries: histories for `recommend`,
    items for `similar`. Vectors, index and model are published as one version.

    Example: cowalk index model/ --kind lsh --recall 0.95
    """
    from dataclasses import replace

    from cowalk.errors import UsageError
    from cowalk.settings import parse_changes

    if for_ not in ("recommend", "similar", "both"):
        raise UsageError(f"--for {for_!r}: it must be recommend, similar or both")
    loaded, found = _loaded(model), {}
    with show.progress(quiet) as tell:
        if kind == "none":
            kept = {name: one for name, one in loaded.indexes.items() if for_ not in (name, "both")}
            made = replace(loaded, indexes=kept)
        else:
            made = loaded.with_index(
                kind, recall, for_, k=k, workers=workers, progress=show.words_only(tell),  # type: ignore[arg-type]
                watch=lambda purpose, built: found.update({purpose: built}), **parse_changes(set_ or []),
            )  # fmt: skip
        if map_ != "none":
            tell("drawing the map; UMAP compiles at its first use, --map pca is quick", None)
            made = made.with_map(map_)  # type: ignore[arg-type]
    made.save(out or model)
    report(found, recall, json, quiet)
    if not quiet:
        show.note(f"{made!r} written to {out or model}; the version before is kept")


def _loaded(folder: Path) -> Model:
    """The model with the indexes that fit its vectors; where one does not, without any, and that is told."""
    from cowalk.errors import ModelError
    from cowalk.model import load

    bare = load(folder, indexes=False)
    try:
        return load(folder)
    except ModelError as error:
        show.note(f"{error}; the indexes that were there are dropped")
        return bare


def report(found: dict[Any, Built], recall: float, json: bool, quiet: bool) -> None:
    """Recall and time of each index as a table, the curves of those that were tuned; or all as JSON."""
    from dataclasses import asdict

    if json:
        show.print_json({purpose: built.to_dict() for purpose, built in found.items()})
        return
    for purpose, built in found.items():
        if not quiet:
            show.note(f"{purpose}: {built.index.kind}, {built.why}")
        if built.recall < recall:
            show.note(f"{purpose}: recall {recall:g} is out of reach of {built.index.kind}; exact finds all")
    rows = [
        [purpose, b.index.kind, f"{len(b.index):,}", f"{b.recall:.4f}", str(b.k), f"{1000 * b.seconds:.3f}"]
        for purpose, b in found.items()
    ]
    if rows:
        head = ["for", "kind", "rows", "recall", "at k", "ms a query"]
        show.table("indexes, one query at a time on one thread", head, rows)
    for purpose, built in found.items():
        if built.tuning is not None:
            show.note(f"{purpose}: {built.tuning.words()}")
            points = [asdict(point) for point in built.tuning.curve]
            head = [name.replace("_", " ") for name in points[0]]
            rows = [[f"{value:.4g}" for value in point.values()] for point in points]
            show.table(f"{purpose}: probes of the chosen tables", head, rows)
        elif len(built.curve) > 1:
            rows = [[str(p.effort), f"{p.recall:.4f}", f"{1000 * p.seconds:.3f}"] for p in built.curve]
            show.table(f"{purpose}: effort", ["effort", "recall", "ms a query"], rows)
