"""What is shown: progress and notes on stderr, answers on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[str, float | None], None]


def note(words: str) -> None:
    """One line on stderr."""
    print(words, file=sys.stderr)


def print_json(value: Any) -> None:
    """JSON on stdout; strings keep their script."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def console() -> Console:
    """The terminal; in a pipe wide enough that no table wraps."""
    from rich.console import Console as Made

    return Made() if sys.stdout.isatty() else Made(width=160)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A bar on a terminal; in a pipe nothing, so that logs stay short."""
    if quiet or not sys.stderr.isatty():
        yield lambda words, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(words: str, share: float | None) -> None:
            bar.update(task, description=words, total=None if share is None else 1.0, completed=share or 0.0)

        yield tell


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        if title:
            print(f"# {title}")
        print("\t".join(columns))
        for row in rows:
            print("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(*columns, title=title or None, title_justify="left", header_style="bold")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    Console(markup=False).print(drawn)


def answer(found: Any, as_json: bool) -> None:
    """An Answer on stdout, what is to be known about it on stderr."""
    if as_json:
        print_json(found.to_dict())
        return
    for line in found.told():
        note(line)
    head, columns = ["id", "score"], [[hit.id for hit in found], [f"{hit.score:.4f}" for hit in found]]
    if any(hit.name for hit in found):
        head, columns = [*head, "name"], [*columns, [hit.name for hit in found]]
    if any(hit.reasons or hit.cold for hit in found):
        why = ["; ".join([*(["cold"] if hit.cold else []), *hit.reasons]) for hit in found]
        head, columns = [*head, "why"], [*columns, why]
    table(f"score: {found.score}", head, [list(row) for row in zip(*columns, strict=True)])


def words_only(tell: Progress) -> Callable[[str], None]:
    """The same for stages that do not know how far they are."""
    return lambda words: tell(words, None)
