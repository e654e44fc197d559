"""Writes docs/reference/*.md from settings, recipes and commands: python docs/make_reference.py.

The pages are committed; tests/unit/test_docs.py says when they no longer tell what the code does.
"""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path
from typing import Any, get_args

import typer

from cowalk.cli.app import app
from cowalk.prepare.click_settings import ClickSettings
from cowalk.rank.settings import RankSettings
from cowalk.settings import STAGES, TOP, Recipe, load_recipe, recipe_names

FOLDER = Path(__file__).parent / "reference"
NO_STAGE = {
    "rank": "No stage of a recipe: `--set NAME=VALUE` of `cowalk rank fit`, as those of [train](#train).",
    "clicks": "No stage of a recipe: `read_clicks(source, ClickSettings(...))`. `cowalk rank fit --table` "
    "has options for them, and `--set` for `numbers` and `buckets`.",
}
MADE = "<!-- made by docs/make_reference.py; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    return {"settings.md": _settings(), "recipes.md": _recipes(), "cli.md": _commands()}


def _settings() -> str:
    parts = [
        MADE + "# Settings\n",
        "Every setting of every stage, with its default; a [recipe](recipes.md) changes some of them.",
        "Change one by `--set stage.name=value` on the command line, by `stage__name=value` in Python",
        "(the bare name is enough where one stage has it), or in a TOML file, whose tables are the",
        "stages. A rule is switched off by `none`.\n",
    ]
    parts.append("## At the top\n\n" + _table({name: Recipe.model_fields[name] for name in TOP}))
    for stage, kind in STAGES.items():
        told = inspect.cleandoc(kind.__doc__ or "")
        parts.append(f"## {stage}\n\n{_safe(told)}\n\n{_table(kind.model_fields)}")
    for name, kind, without in (("rank", RankSettings, {"train"}), ("clicks", ClickSettings, set())):
        told = inspect.cleandoc(kind.__doc__ or "")
        fields = {key: field for key, field in kind.model_fields.items() if key not in without}
        parts.append(f"## {name}\n\n{_safe(told)} {NO_STAGE[name]}\n\n{_table(fields)}")
    told = _safe(Recipe.model_fields["cold_learn"].description or "")
    parts.append(f"## cold_learn\n\n{told}\n")
    return "\n".join(parts)


def _table(fields: Any) -> str:
    rows = ["| setting | default | values | what it is |", "|---|---|---|---|"]
    for name, field in fields.items():
        rows.append(f"| `{name}` | {_default(field)} | {_values(field)} | {_safe(field.description or '')} |")
    return "\n".join(rows) + "\n"


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "`none`"
    if value in ({}, (), ""):
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _values(field: Any) -> str:
    """The choices of a setting, or its type and bounds."""
    kind = _there(field.annotation)
    args = get_args(kind)
    if args and all(isinstance(arg, str) for arg in args):
        return ", ".join(f"`{arg}`" for arg in args)
    plain = [arg for arg in args if isinstance(arg, type) and arg is not type(None)] or [kind]
    origin = getattr(kind, "__origin__", None)
    if origin is dict:
        return "table"
    if origin is tuple:
        return "list"
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    return ", ".join([names.get(plain[0], "table"), *_bounds(field)])


def _there(kind: Any) -> Any:
    """The kind of a setting that may be none, where it is not."""
    kinds = [arg for arg in get_args(kind) if arg is not type(None)]
    return kinds[0] if len(kinds) == 1 and len(get_args(kind)) == 2 else kind


def _bounds(field: Any) -> list[str]:
    signs = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    return [
        f"{word} {getattr(limit, sign):g}"
        for limit in field.metadata
        for sign, word in signs.items()
        if getattr(limit, sign, None) is not None
    ]


def _recipes() -> str:
    parts = [
        MADE + "# Recipes\n",
        "A recipe is a point on the axes of one engine, with a name: a TOML file with a table for each",
        "stage. What it does not name stays at its [default](settings.md). `cowalk recipes NAME` prints one",
        "with all its settings; change what you like and give the file to `cowalk fit`.\n",
        "| recipe | what it is |\n|---|---|",
    ]
    parts += [f"| `{name}` | {_safe(load_recipe(name).description)} |" for name in recipe_names()]
    for name in recipe_names():
        path = Path(inspect.getfile(Recipe)).parent / "recipes" / f"{name}.toml"
        text = path.read_text(encoding="utf-8")
        tomllib.loads(text)
        parts.append(f"\n## {name}\n\n```toml\n{text.strip()}\n```")
    return "\n".join(parts) + "\n"


def _commands() -> str:
    group: Any = typer.main.get_command(app)
    parts = [
        MADE + "# Commands\n",
        "`cowalk COMMAND --help` tells the same. Answers go to stdout, all else to stderr; in a pipe the",
        "columns of answers are parted by tabs. The exit code is 0, 2 (how it was asked), 3 (the data, a",
        "file or a model), 130 (interrupted), or 1 (a defect of cowalk); what went wrong is one line on",
        "stderr.\n",
    ]
    for name, command in _each_command(group):
        told = inspect.cleandoc(command.callback.__doc__)
        about, _, example = told.partition("\n\nExample: ")
        parts.append(f"## {name}\n\n{_safe(about)}\n\n```\n{example.strip()}\n```\n\n{_options(command)}")
    return "\n".join(parts)


def _each_command(group: Any) -> list[tuple[str, Any]]:
    """The commands, those of a group under its name, as `rank fit`."""
    out: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        out += [(f"{name} {one}", each) for one, each in inner.items()] if inner else [(name, command)]
    return out


def _options(command: Any) -> str:
    rows = ["| option | what it is | default |", "|---|---|---|"]
    for one in command.params:
        names = [*one.opts, *one.secondary_opts]
        if one.param_type_name == "argument":
            names = [one.metavar or one.name.upper()]
        told = (getattr(one, "help", None) or "").split(" [default: ")
        default = told[1].rstrip("]") if len(told) > 1 else _plain(one)
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {_safe(told[0])} | {_safe(default)} |")
    return "\n".join(rows) + "\n"


def _plain(one: Any) -> str:
    """The default of an option as a reader types it."""
    if one.required:
        return "needed"
    if isinstance(one.default, bool):
        both = [*one.opts[:1], *one.secondary_opts[:1]]
        return f"`{both[0 if one.default else 1]}`" if len(both) > 1 else ""
    return "" if one.default is None or callable(one.default) else f"`{one.default}`"


def _safe(text: str) -> str:
    """Text that a Markdown table cell takes as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
        print(FOLDER / file)
