"""The section on LSH: what it finds, how much it looks at, what it takes, beside exact search and faiss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import Bars, Result, table

NAMES = ("lsh",)
LARGEST = {"beauty": 0.10}  # share of rows scanned that the bar allows; 5 % elsewhere


def lsh(result: Result) -> tuple[str, Bars]:
    """A table for each set of vectors, and the bars."""
    parts = [
        "Single queries on one thread, in time of the processor, the ways to answer taking turns; rows ask "
        "for their neighbours without themselves, and others than those it was tuned on. `scored`: rows "
        "whose vector is read and scored exactly; `in buckets`: rows that are found in the buckets and "
        "compared by a sketch of a few bits first, 100 % where comparing all rows is cheaper than tables. "
        "Exact is faiss's flat index; IndexLSH compares all codes, then scores the nearest exactly, as few "
        "as reach the same recall."
    ]
    bars: Bars = []
    for name, world in result["figures"].items():
        parts.append(_table(name, world))
        parts.append(_spread(world["spread"]))
        bars += _bars(name, world)
    return "\n\n".join(parts), bars


def _table(name: str, world: Mapping[str, Any]) -> str:
    rows: list[tuple[str, ...]] = []
    total = world["similar"]["rows"]
    for purpose in ("similar", "recommend"):
        part = world[purpose]
        ours = part["lsh"]
        rows.append(
            _row(f"{purpose}: LSH", ours["recall"], ours["scored"], ours["candidates"], ours["seconds"])
        )
        for peer in part.get("IndexLSH", ()):
            title = f"{purpose}: IndexLSH, {peer['bits']} bits"
            rows.append(_row(title, peer["recall"], peer["scored"] / total, 1.0, peer["seconds"]))
        if "ivf" in part:
            share = part["ivf"]["scanned"] / total
            rows.append(_row(f"{purpose}: IVF", part["ivf"]["recall"], share, share, part["ivf"]["seconds"]))
        rows.append(_row(f"{purpose}: exact", 1.0, 1.0, 1.0, part["exact seconds"]))
    k = world["similar"]["k"]
    return table((f"{name}, {total:,} rows", f"recall@{k}", "scored", "in buckets", "ms a query"), rows)


def _row(title: str, recall: float, scored: float, candidates: float, seconds: float) -> tuple[str, ...]:
    return title, f"{recall:.3f}", f"{scored:.2%}", f"{candidates:.1%}", f"{1e3 * seconds:.3f}"


def _spread(spread: Mapping[str, float]) -> str:
    if "within an interest" not in spread:
        return f"Mean cosine of any two items: {spread['cosine of any two']:.2f}."
    return (
        f"Mean cosine of two items of one interest {spread['within an interest']:.2f} (deviation "
        f"{spread['its deviation']:.2f}), of any two {spread['cosine of any two']:.2f}; "
        f"{spread['items of an interest']:,.0f} items an interest."
    )


def _bars(name: str, world: Mapping[str, Any]) -> Bars:
    part = world["similar"]
    ours, most = part["lsh"], LARGEST.get(name, 0.05)
    found = ours["candidates"]
    out: Bars = [
        (f"LSH on {name}: recall@{part['k']}", f"{ours['recall']:.3f}", ">= 0.95", ours["recall"] >= 0.95),
        (f"LSH on {name}: rows scored", f"{ours['scored']:.2%}", f"<= {most:.0%}", ours["scored"] <= most),
        (f"LSH on {name}: rows in buckets", f"{found:.1%}", f"<= {most:.0%}", found <= most),
    ]
    if name == "shop-1m":
        ratio = part["exact seconds"] / ours["seconds"]
        out.append((f"LSH on {name}: times as fast as exact", f"{ratio:.1f}", ">= 5", ratio >= 5))
    if part["IndexLSH"]:
        ratio = min(peer["seconds"] for peer in part["IndexLSH"]) / ours["seconds"]
        out.append((f"LSH on {name}: queries/s of IndexLSH, times", f"{ratio:.2f}", "> 1", ratio > 1))
    tables = part["tables"]
    if not tables["multi-probe"]:  # all rows are compared
        return out
    plain = (tables["plain, best functions"] or {}).get("tables", tables["plain, same functions"])
    share = tables["multi-probe"] / plain
    out.append((f"LSH on {name}: tables of multi-probe over plain", f"{share:.3f}", "<= 0.2", share <= 0.2))
    return out
