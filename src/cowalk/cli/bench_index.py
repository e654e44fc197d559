"""cowalk bench-index: recall against queries a second, all kinds of index over one model's vectors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def bench_index(
    model: o.ModelFolder,
    out: Annotated[
        Path | None, typer.Option(help="Picture of it, .png or .svg (needs the extra map).")
    ] = None,
    for_: Annotated[
        str, typer.Option("--for", help="What is asked: recommend (histories) or similar (items).")
    ] = "similar",
    kinds: Annotated[
        str | None,
        typer.Option(help="Kinds, parted by commas. [default: exact,exact float16,lsh,ivf,hnsw,kdtree]"),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Neighbours that recall is measured on.")] = 100,
    recall: Annotated[float, typer.Option(help="Recall that LSH is tuned for.")] = 0.95,
    workers: o.Workers = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """How much recall each kind of index gives for how many queries a second, over the vectors of a model.

    Answers are timed on one thread, one by one and all at once; the model is left as it is.

    Example: cowalk bench-index model/ --out indexes.png
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # exact search has one thread as well
        os.environ.setdefault(name, "1")
    if out is not None:
        from cowalk.index_picture import check

        check(out)
    from dataclasses import asdict

    from cowalk.errors import UsageError
    from cowalk.model import load
    from cowalk.model.indexes import PURPOSES, rows_to_index, sample_queries
    from cowalk.recall.curves import KINDS, index_lines

    chosen = tuple(one.strip() for one in kinds.split(",")) if kinds else KINDS
    for one in chosen:
        if one not in KINDS:
            raise UsageError(f"--kinds: there is no {one!r}; there are {', '.join(KINDS)}")
    if for_ not in PURPOSES:
        raise UsageError(f"--for {for_!r}: it must be {' or '.join(PURPOSES)}")
    loaded = load(model, indexes=False)
    rows, metric = rows_to_index(loaded.recommender, loaded.learned.vectors, for_)
    asked = None
    if for_ == "recommend":
        asked = sample_queries(loaded.recommender, loaded.probe, loaded.recipe.seed)
    with show.progress(quiet) as tell:
        lines, notes = index_lines(
            rows, metric, k=k, queries=asked, kinds=chosen, recall=recall, seed=loaded.recipe.seed,
            workers=workers, progress=show.words_only(tell),
        )  # fmt: skip
    for line in notes:
        show.note(line)
    title = f"{len(rows):,} rows of {rows.shape[1]}, {metric}, recall@{k}"
    if json:
        show.print_json([asdict(line) for line in lines])
    else:
        head = ["kind", "setting", "recall", "queries/s, one by one", "at once", "built in s"]
        table = [
            [a.kind, a.setting, f"{a.recall:.4f}", f"{a.single:,.0f}", f"{a.batch:,.0f}", f"{a.build:.1f}"]
            for a in lines
        ]
        show.table(f"{title}, one thread", head, table)
    if out is not None:
        from cowalk.index_picture import draw

        draw(lines, title, out)
        show.note(f"picture: {out}")
