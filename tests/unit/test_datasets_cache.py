"""The built files: made once, made anew when something changed, never half there."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cowalk.datasets.cache import built
from cowalk.datasets.sources import RawFile, Spec, cache_root
from cowalk.errors import DataError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COWALK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COWALK_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "toy").mkdir(parents=True)
    (tmp_path / "data" / "toy" / "a.txt").write_text("one")


def build(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    (folder / "events.parquet").write_text(raw[0].read_text().upper())
    return {"letters": len(raw[0].read_text())}


SPEC = Spec("toy", 1, (RawFile("toy/a.txt"),), build, "CC0", "https://example.org/toy")


def shown(spec: Spec = SPEC) -> tuple[str, int]:
    folder, notes = built(spec)
    return (folder / "events.parquet").read_text(), notes["letters"]


def boom(raw: Sequence[Path], folder: Path) -> dict[str, int]:
    raise AssertionError("it was built again")


def leftovers() -> list[str]:
    return sorted(path.name for path in (cache_root() / "datasets").iterdir())


def test_a_second_call_builds_nothing() -> None:
    assert shown() == ("ONE", 3)
    assert shown(replace(SPEC, build=boom)) == ("ONE", 3)
    assert len(leftovers()) == 1


def test_a_changed_file_is_built_anew(tmp_path: Path) -> None:
    shown()
    (tmp_path / "data" / "toy" / "a.txt").write_text("seven")
    assert shown() == ("SEVEN", 5)


def test_a_touched_file_is_built_anew(tmp_path: Path) -> None:
    shown()
    os.utime(tmp_path / "data" / "toy" / "a.txt", (1, 1))
    with pytest.raises(AssertionError, match="built again"):
        built(replace(SPEC, build=boom))


def test_another_version_of_the_code_builds_anew() -> None:
    shown()
    with pytest.raises(AssertionError, match="built again"):
        built(replace(SPEC, build=boom, version=2))


def test_old_builds_go_after_a_day(tmp_path: Path) -> None:
    folder, _ = built(SPEC)
    built(replace(SPEC, version=2))
    assert folder.is_dir()
    os.utime(folder, (1, 1))
    new, _ = built(replace(SPEC, version=3))
    assert not folder.exists()
    assert new.is_dir()


def test_without_the_raw_file_the_last_build_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown()
    monkeypatch.delenv("COWALK_DATA")
    assert shown(replace(SPEC, build=boom)) == ("ONE", 3)
    with pytest.raises(DataError, match=r"toy/a\.txt"):
        built(replace(SPEC, version=2))


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("no number"), KeyError("x")]
)
def test_a_build_that_fails_leaves_nothing(error: Exception) -> None:
    def fails(raw: Sequence[Path], folder: Path) -> dict[str, int]:
        (folder / "events.parquet").write_text("half")
        raise error

    with pytest.raises(DataError, match="data set toy: cannot build from"):
        built(replace(SPEC, build=fails))
    assert leftovers() == []
