"""The section on indexes: for each kind the least effort that reaches a recall, and what it then answers."""

from __future__ import annotations

from typing import Any

from common import Bars, Result, table

NAMES = ("indexes",)
TARGETS = (0.9, 0.95, 0.99)


def indexes(result: Result) -> tuple[str, Bars]:
    """A table for each set of vectors and each purpose."""
    parts = [
        "Every kind over the same learned vectors; a cell is queries a second, one at a time on one thread, "
        "at the least effort that finds so much of the exact answer (and the recall reached). `similar`: "
        "item vectors by cosine; `recommend`: context rows and popularity term by inner product, which is "
        "what the vector channel really asks. HNSW has these lifted to length 1."
    ]
    for name, world in result["figures"].items():
        for purpose, lines in world["lines"].items():
            rows = [
                (kind, *(_cell(lines, kind, target) for target in TARGETS), _built(lines, kind))
                for kind in dict.fromkeys(line["kind"] for line in lines)
            ]
            about = f"{name}, {purpose}: {world['rows']:,} rows of {world['dimension']}, recall@{world['k']}"
            head = (about, *(f"at {target}" for target in TARGETS), "built in s")
            parts.append(table(head, rows))
    return "\n\n".join(parts), []


def _cell(lines: list[dict[str, Any]], kind: str, target: float) -> str:
    """The quickest line of a kind that reaches the recall."""
    mine = [line for line in lines if line["kind"] == kind and line["recall"] >= target]
    if not mine:
        return "not reached"
    best = max(mine, key=lambda line: float(line["single"]))
    return f"{best['single']:,.0f} ({best['recall']:.3f})"


def _built(lines: list[dict[str, Any]], kind: str) -> str:
    return f"{next(line['build'] for line in lines if line['kind'] == kind):.1f}"
