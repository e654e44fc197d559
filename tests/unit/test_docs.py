"""The documents tell what the code does: reference pages, commands, settings, links."""

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from cowalk.cli.app import app
from cowalk.settings import STAGES, parse_changes, resolve

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
pages = pytest.mark.parametrize("page", PAGES, ids=NAMES)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.M | re.S)


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs/make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "recipes.md", "cli.md"])
def test_reference_is_up_to_date(name: str) -> None:
    told = (ROOT / "docs/reference" / name).read_text(encoding="utf-8")
    assert told == reference().pages()[name], "run: python docs/make_reference.py"


@pages
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("#"):
            continue
        target = (page.parent / path).resolve()
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), flags=re.M)
            assert anchor in [re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles], link


def commands_of(page: Path) -> list[list[str]]:
    """The words of every `cowalk ...` in code, as a shell parts them."""
    text = page.read_text(encoding="utf-8")
    lines = [
        line for _, block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()
    ] + re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = [line.strip() for line in lines]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("cowalk ")]


@pages
def test_commands_and_options_exist(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    for words in commands_of(page):
        if words[0].startswith("-") or words[0] in ("COMMAND", "..."):
            continue
        assert words[0] in group.commands, words
        command = group.commands[words[0]]
        if hasattr(command, "commands"):  # a group, as `cowalk rank fit`
            if len(words) == 1:
                continue
            assert words[1] in command.commands, words
            command = command.commands[words[1]]
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        for at, word in enumerate(words[1:], start=1):
            if word.startswith("-") and word != "-h":
                assert word in {*known, "--help"}, words
            # `index` and `rank` take settings of their own, not those of a recipe
            if words[at - 1] == "--set" and words[0] not in ("index", "rank"):
                for key in parse_changes([word]):
                    if key != "cold_learn":
                        assert resolve(key)


@pages
def test_settings_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for stage, name in re.findall(rf"`(?:--set )?({'|'.join(STAGES)})\.([a-z_]+)[`=.]", text):
        if name not in ("py", "csv"):
            assert name in STAGES[stage].model_fields, f"{stage}.{name}"


@pages
def test_python_compiles(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "python" and "->" not in block:  # signatures are no statements
            compile(block, str(page), "exec")


def test_both_readmes_say_the_same() -> None:
    def shape(name: str) -> tuple[list[str], list[str], int]:
        text = (ROOT / name).read_text(encoding="utf-8")
        code = [re.sub(r"\s*#.*", "", block) for _, block in FENCE.findall(text)]
        links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("README")]
        return code, sorted(links), len(re.findall(r"^\|", text, flags=re.M))

    assert shape("README.md") == shape("README.zh-CN.md")


def test_new_items_come_first_in_the_questions() -> None:
    titles = re.findall(r"^## (.*)", (ROOT / "docs/faq.md").read_text(encoding="utf-8"), flags=re.M)
    assert titles[0] == "How do I get a vector for a new item?"
