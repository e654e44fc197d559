"""The verdict as JSON, as tables on the terminal, and as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cowalk.errors import DataError
from cowalk.evaluate import plots
from cowalk.evaluate.bootstrap import Estimate
from cowalk.evaluate.comparison import PRIMARY, Comparison
from cowalk.evaluate.pictures import Extras, Picture, draw
from cowalk.evaluate.words import TASKS, columns, figure_text, finding, told

NO_PICTURES = "Pictures are left out: they need matplotlib, pip install 'cowalk[map]'."
TERMINAL_COLUMNS = 6


def to_json(comparison: Comparison, facts: Mapping[str, object] | None = None) -> str:
    """All figures with bounds, the settings chosen and the facts (data, recipe, ...), as JSON text."""
    tree = {"facts": dict(facts or {}), **comparison.to_dict()}
    return json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def print_tables(comparison: Comparison, console: Console | None = None) -> None:
    """One table a task: means with 95 % bounds, best first, and the finding below."""
    console = console or Console()
    for task in comparison.entries:
        console.print(terminal_table(comparison, task))
        console.print(Text(finding(comparison, task)))
        console.print(
            Text("   ".join(figure_text(n, v) for n, v in comparison.mean_figures(task).items()), "dim")
        )
        console.print()


def terminal_table(comparison: Comparison, task: str) -> Table:
    """The first columns of a task's table."""
    shown = columns(comparison, task)[:TERMINAL_COLUMNS]
    found = {metric: comparison.estimates(task, metric) for metric in shown}
    table = Table(title=Text(TASKS[task].title), title_justify="left", title_style="bold")
    table.add_column("method", no_wrap=True)
    for metric in shown:
        table.add_column(metric, justify="right")
    for name in found[shown[0]]:
        cells = [_cell(found[metric][name], metric == PRIMARY[task]) for metric in shown]
        table.add_row(Text(name), *cells)
    return table


def _cell(estimate: Estimate, bounded: bool) -> Text:
    if not np.isfinite(estimate.mean):
        return Text("-", "dim")
    return Text(told(estimate) if bounded else f"{estimate.mean:.3f}")


def to_html(
    comparison: Comparison,
    *,
    title: str = "cowalk report",
    facts: Mapping[str, object] | None = None,
    extras: Extras | None = None,
    pictures: Sequence[Picture] | None = None,
) -> str:
    """A whole page: findings first, then each task's picture and table, then the inside of the models.

    pictures: drawn from the comparison and `extras` unless given; without matplotlib the page says so.
    """
    notes = []
    if pictures is None:
        pictures = draw(comparison, extras) if plots.available() else []
        notes = [] if plots.available() else [NO_PICTURES]
    body = [f"<h1>{escape(title)}</h1>", _facts(comparison, facts or {})]
    body += [f'<p class="soft">{escape(note)}</p>' for note in notes]
    body.append(_findings(comparison))
    for task in comparison.entries:
        body.append(_section(comparison, task, [p for p in pictures if p.place == task]))
    inside = [p for p in pictures if p.place == "model"]
    if inside:
        body += ["<h2>Inside the models</h2>", *map(_figure, inside)]
    page = Template((files("cowalk.evaluate") / "report.html").read_text(encoding="utf-8"))
    return page.substitute(title=escape(title), body="\n".join(body))


def write_report(
    comparison: Comparison,
    folder: str | Path,
    *,
    title: str = "cowalk report",
    facts: Mapping[str, object] | None = None,
    extras: Extras | None = None,
) -> tuple[Path, Path]:
    """(report.html, report.json) in the folder, each written whole or not at all."""
    place = Path(folder)
    page = to_html(comparison, title=title, facts=facts, extras=extras)
    texts = {"report.html": page, "report.json": to_json(comparison, facts)}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            half = place / f".{name}.part"
            try:
                half.write_text(text, encoding="utf-8")
                half.replace(place / name)
            finally:
                half.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"the report cannot be written to {place}: {error.strerror or error}") from None
    return place / "report.html", place / "report.json"


def _facts(comparison: Comparison, facts: Mapping[str, object]) -> str:
    seeds = ", ".join(map(str, comparison.seeds))
    said = [f"{name}: {value}" for name, value in facts.items()]
    said.append(f"seed{'s' if len(comparison.seeds) > 1 else ''} {seeds}")
    said.append("bounds hold with 95 % (bootstrap over users, items or nodes)")
    return f'<p class="soft">{escape(" · ".join(said))}</p>'


def _findings(comparison: Comparison) -> str:
    lines = "".join(f"<li>{escape(finding(comparison, task))}</li>" for task in comparison.entries)
    return f'<div class="findings"><ul>{lines}</ul></div>'


def _section(comparison: Comparison, task: str, pictures: Sequence[Picture]) -> str:
    words = TASKS[task]
    figures = " · ".join(figure_text(n, v) for n, v in comparison.mean_figures(task).items())
    parts = [f"<h2>{escape(words.title)}</h2>", f"<p>{escape(words.about)}</p>"]
    parts += [_figure(picture) for picture in pictures]
    parts += [_table(comparison, task), f'<p class="soft">{escape(figures)}</p>', _chosen(comparison, task)]
    return "\n".join(parts)


def _figure(picture: Picture) -> str:
    note = f"<figcaption>{escape(picture.note)}</figcaption>" if picture.note else ""
    return f"<figure>{picture.svg}{note}</figure>"


def _table(comparison: Comparison, task: str) -> str:
    shown = columns(comparison, task)
    found = {metric: comparison.estimates(task, metric) for metric in shown}
    own = _figure_names(comparison, task)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("method", *shown, *own))
    rows = []
    for name in found[PRIMARY[task]]:
        cells = [_html_cell(found[metric], name, "popularity" not in metric) for metric in shown]
        figures = comparison.entries[task][name].joined.figures
        cells += [f"<td>{figures[key]:.3f}</td>" if key in figures else "<td>-</td>" for key in own]
        rows.append(f"<tr><td>{escape(name)}</td>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _figure_names(comparison: Comparison, task: str) -> list[str]:
    entries = comparison.entries[task].values()
    return list(dict.fromkeys(name for entry in entries for name in entry.joined.figures))


def _html_cell(by_method: Mapping[str, Estimate], name: str, rising: bool) -> str:
    estimate = by_method[name]
    if not np.isfinite(estimate.mean):
        return "<td>-</td>"
    best = next(iter(by_method)) == name and rising
    bounds = f"<small>{estimate.low:.3f} to {estimate.high:.3f}</small>"
    return f"<td{' class=best' if best else ''}>{estimate.mean:.3f}{bounds}</td>"


def _chosen(comparison: Comparison, task: str) -> str:
    """The settings found on the validation part, folded away."""
    rows = []
    for name, entry in comparison.entries[task].items():
        for seed, chosen in zip(comparison.seeds, entry.chosen, strict=True):
            if chosen.trials == 0 or not chosen.choice:
                continue
            said = ", ".join(f"{key}={value}" for key, value in chosen.choice.items())
            rows.append(
                f"<tr><td>{escape(name)}</td><td>{seed}</td><td>{chosen.trials}</td><td>{chosen.score:.3f}</td>"
                f'<td class="text">{escape(said)}</td></tr>'
            )
    if not rows:
        return ""
    head = "".join(
        f"<th>{name}</th>" for name in ("method", "seed", "trials", "validation", "chosen settings")
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    told = "<summary>Settings chosen on the validation part</summary>"
    return f'<details>{told}<div class="wide">{table}</div></details>'
