"""Every command has help with an example, and is told in the README."""

import re
from pathlib import Path

import pytest

from cowalk.cli.app import app
from cowalk.cli.run import run

ROOT = Path(__file__).parents[2]
COMMANDS = [c.callback.__name__.replace("_", "-") for c in app.registered_commands if c.callback]


def test_the_commands() -> None:
    wanted = "fit tune update index bench-index evaluate compare classify similar recommend serve "
    wanted += "users embed inspect export publish simulate demo recipes"
    assert wanted.split() == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Example: cowalk {name}" in text
    for option in re.findall(r"^  (--[a-z-]+)", text, flags=re.M):
        assert re.search(rf"{option}\b.*\n?.*[a-z]", text)


@pytest.mark.parametrize("name", COMMANDS)
def test_readme_names_it(name: str) -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("the README is not written yet")
    assert f"cowalk {name}" in readme.read_text()


def test_examples_parse() -> None:
    """The options that an example uses exist."""
    for command in app.registered_commands:
        assert command.callback is not None
        example = re.search(r"Example: cowalk (.*)", command.callback.__doc__ or "")
        assert example is not None
        asked = re.findall(r"--([a-z][a-z-]*)", example[1])
        known = {name.rstrip("_").replace("_", "-") for name in command.callback.__annotations__}
        assert set(asked) <= known | {"set"}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"cowalk \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "compare" in capsys.readouterr().out
