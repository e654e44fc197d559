"""cowalk export: vectors into the files that other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def export(
    model: o.ModelFolder,
    to: Annotated[
        str, typer.Option(help="parquet, word2vec, word2vec-bin, npz or projector; onnx = the user tower.")
    ],
    out: Annotated[
        Path, typer.Option(help="File to write; projector writes a second one with the names beside it.")
    ],
    what: Annotated[
        str,
        typer.Option(
            help="items (vectors H), contexts (rows Z), fields (rows of values), weights, users (als, bpr)."
        ),
    ] = "items",
) -> None:
    """Write vectors for another tool: an index, a notebook, gensim, the projector.

    Example: cowalk export model/ --to word2vec-bin --what items --out vectors.bin
    """
    from cowalk.export import export as run
    from cowalk.model import load

    for line in run(load(model), to, what, out):  # type: ignore[arg-type]
        show.note(line)
    show.note(f"written: {out}")
