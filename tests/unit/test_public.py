"""The public face: names are there, typed, cheap to import, and told in the documents."""

import subprocess
import sys
from pathlib import Path

import pytest

import cowalk

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", cowalk.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(cowalk, name) is not None
    assert name in dir(cowalk)


def test_names_that_type_checkers_see_are_the_public_ones() -> None:
    source = (ROOT / "src/cowalk/__init__.py").read_text()
    typed = {
        line.split(" as ")[1]
        for line in source.splitlines()
        if line.startswith("    from") and " as " in line
    }
    assert typed | {"__version__"} == set(cowalk.__all__)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = cowalk.nothing_like_it


def test_learn_is_the_room_and_the_function() -> None:
    """Whichever was imported first, `cowalk.learn(...)` learns and `cowalk.learn.settings` is there."""
    code = (
        "import cowalk\nfirst = callable(cowalk.learn)\nimport cowalk.pipeline, cowalk.learn.settings\n"
        "from cowalk import learn\n"
        "print(first, callable(learn), cowalk.learn.settings.LearnSettings.__name__)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "True True LearnSettings\n"


def test_importing_is_light() -> None:
    heavy = ["numba", "duckdb", "pydantic", "typer", "rich", "pandas", "polars", "pyarrow", "matplotlib"]
    code = f"import sys, cowalk; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    heavy = ["numba", "duckdb", "pydantic", "pandas", "polars", "pyarrow", "matplotlib", "numpy"]
    code = (
        "import sys\nfrom cowalk.cli.run import run\ncode = run(['--help'])\n"
        f"print([m for m in {heavy} if m in sys.modules], code)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[] 0"


def test_the_version_is_one() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == cowalk.__version__
    assert f"## {cowalk.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_committed_names_the_workplace() -> None:
    allowed = {"Makefile", ".ci/run", "tests/unit/test_public.py"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name in allowed or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for word in ("../shared", "/work/"):
            assert word not in text, f"{name} names {word}"
