"""A verdict on the terminal, as JSON, and as a report in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cowalk.cli import show
from cowalk.errors import UsageError

if TYPE_CHECKING:
    from cowalk.evaluate.harness import Protocol
    from cowalk.judging import Verdict

Report = Annotated[Path | None, typer.Option(help="Folder for report.html (with pictures) and report.json.")]
Seeds = Annotated[str, typer.Option(help="Seeds, parted by commas; bounds are over all of them.")]
Protocols = Annotated[str, typer.Option(help="What is judged, parted by commas: next-item, cold, link.")]


def seeds_of(text: str) -> tuple[int, ...]:
    """1,2,3 or 1-5 as numbers."""
    out: list[int] = []
    try:
        for part in text.split(","):
            low, _, high = part.strip().partition("-")
            out += range(int(low), int(high or low) + 1)
    except ValueError:
        raise UsageError(f"--seeds {text!r}: write them as 1,2,3 or 1-5") from None
    return tuple(out)


def protocols_of(text: str) -> tuple[Protocol, ...]:
    """next-item,cold as names; UsageError for a name that is none."""
    from cowalk.evaluate.harness import ALL

    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in ALL:
            raise UsageError(f"--protocols {text!r}: there is no {name!r}; there are {', '.join(ALL)}")
    return tuple(one for one in ALL if one in names)


def show_verdict(verdict: Verdict, json: bool, report: Path | None, title: str) -> None:
    """Tables (or JSON) on stdout, notes on stderr, and the report if a folder is given."""
    from cowalk.evaluate import print_tables, to_json, write_report

    for line in verdict.notes:
        show.note(line)
    if json:
        print(to_json(verdict.comparison, verdict.facts), end="")
    else:
        print_tables(verdict.comparison, show.console())
    if report is not None:
        page, _ = write_report(
            verdict.comparison, report, title=title, facts=verdict.facts, extras=verdict.extras
        )
        show.note(f"report: {page}")
