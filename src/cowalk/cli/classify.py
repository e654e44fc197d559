"""cowalk classify: how well item vectors tell the labels of items, beside chance."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show
from cowalk.errors import UsageError


def classify(
    model: o.ModelFolder,
    labels: Annotated[
        list[str] | None, typer.Option(help="Table with a row per label of a node: columns node, label.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The labels of a known data set instead: blogcatalog, wiki, cora, ...")
    ] = None,
    node_column: Annotated[str, typer.Option(help="Column of the node (item) id.")] = "node",
    label_column: Annotated[str, typer.Option(help="Column of the label.")] = "label",
    shares: Annotated[
        str, typer.Option(help="Shares of the nodes whose labels are given, as 0.1,0.5,0.9.")
    ] = "0.5",
    shuffles: Annotated[int, typer.Option(min=1, help="Parts to average over.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.")] = 0,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """How well the vectors tell the labels of nodes: Micro- and Macro-F1 of one logistic regression a label.

    The number of labels of each node is given, as in the DeepWalk paper. Needs cowalk[classify].

    Example: cowalk classify model/ --labels labels.csv --shares 0.1,0.5,0.9
    """
    if bool(labels) == bool(dataset):
        raise UsageError("give labels with --labels FILE, or those of a known data set with --dataset NAME")
    wanted = shares_of(shares)
    from cowalk.evaluate import classification
    from cowalk.model import load

    source = _labels_of(dataset) if dataset else o.one_or_many(labels)
    with show.progress(quiet or json) as tell:
        found = classification(
            load(model).vectors,
            source,
            shares=wanted,
            shuffles=shuffles,
            seed=seed,
            node_column=node_column,
            label_column=label_column,
            progress=lambda done: tell("classifying", done),
        )
    told = found.to_dict()
    if json:
        show.print_json(told)
        return
    print("\n".join(_lines(told, shuffles)))


def _lines(told: dict[str, Any], shuffles: int) -> list[str]:
    lines = [f"{told['nodes']:,} nodes, {told['labels']:,} labels, mean of {shuffles} shuffles"]
    if told["nodes without a vector"]:
        lines.append(f"{told['nodes without a vector']:,} labelled nodes have no vector and were left out")
    lines.append("given  Micro-F1  Macro-F1")
    lines += [f"{one['share']:5.0%}  {one['micro']:8.4f}  {one['macro']:8.4f}" for one in told["shares"]]
    return lines


def shares_of(text: str) -> list[float]:
    """0.1,0.5 as numbers; UsageError where it is written otherwise."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--shares {text!r}: write it as 0.1,0.5,0.9") from None


def _labels_of(dataset: str) -> Any:
    from cowalk.datasets import load

    data = load(dataset)
    if data.labels is None:
        raise UsageError(f"data set {dataset} has no labels of its nodes")
    return data.labels
