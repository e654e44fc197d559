"""cowalk inspect: what is in a model, what was dropped and why, graph health, learned weights by field."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cowalk.cli import options as o
from cowalk.cli import show


def inspect(
    model: o.ModelFolder,
    verify: Annotated[bool, typer.Option("--verify", help="Take the checksum of every file.")] = False,
    json: o.Json = False,
) -> None:
    """What is in a model, what was dropped and why, graph health, learned weights by field.

    Example: cowalk inspect model/
    """
    from cowalk.model import load

    found = load(model, verify=verify).inspect()
    if json:
        show.print_json(found)
        return
    for section in (_head, _dropped, _graph, _weights, _indexes, _scorer):
        print("\n".join(section(found)))


def _head(found: dict[str, Any]) -> list[str]:
    lines = ["MODEL", *(f"  {name}: {value}" for name, value in found["model"].items())]
    lines += ["DATA", *(f"  {name}: {value}" for name, value in found["data"].items())]
    losses = ", ".join(f"{loss:.4f}" for loss in found["losses"])
    return [*lines, f"LOSS by epoch: {losses}"]


def _dropped(found: dict[str, Any]) -> list[str]:
    from cowalk.cli.fit import report

    return ["DROPPED", *(f"  {line}" for line in report({"dropped": found["dropped"]}))]


def _graph(found: dict[str, Any]) -> list[str]:
    return ["GRAPH", *(f"  {line}" for line in found["graph"].get("lines", []))]


def _weights(found: dict[str, Any]) -> list[str]:
    weights = found["weights"] if len(found["weights"]) > 1 else {}  # one part alone is no share of anything
    title = "LEARNED WEIGHTS (mean share; among items that have it; share of items; mean length added)"
    lines = [title] if weights else []
    width = max(map(len, weights), default=0)
    for name, told in weights.items():
        bar = "#" * round(40 * told["mean"])
        lines.append(
            f"  {name:<{width}}  {told['mean']:.3f}  {told['mean where known']:.3f}  {told['known']:6.1%}  "
            f"{told['mean length']:.3f}  {bar}"
        )
    lines.append("FIELDS")
    for name, told in found["fields"].items():
        lines.append(
            f"  {name}: {told['kind']}, {told['values']:,} values, known for {told['known']:.1%} of the items"
        )
    return lines


def _indexes(found: dict[str, Any]) -> list[str]:
    lines = [
        f"  {purpose}: " + ", ".join(f"{name} {_short(value)}" for name, value in told.items())
        for purpose, told in found["indexes"].items()
    ]
    return ["INDEXES", *(lines or ["  none: every item is looked at; `cowalk index` makes them"])]


def _scorer(found: dict[str, Any]) -> list[str]:
    lines = ["SCORER", *(f"  {name}: {value}" for name, value in found["scorer"].items())]
    for name, told in found["metrics"].items():
        if isinstance(told, dict):
            lines.append(
                f"  chosen on a validation part, {name}: "
                + ", ".join(f"{k} {_short(v)}" for k, v in told.items())
            )
        else:
            lines.append(f"  {name}: {told}")
    lines += ["FILES", *(f"  {name}: {size:,} bytes" for name, size in found["files"].items())]
    return lines


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
