"""The examples of docs/stages/ranking.md run as they stand, and print what they say they print."""

import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs/stages/ranking.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_examples_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    exec(compile(BLOCKS[number], str(PAGE), "exec"), {})
    told = capsys.readouterr().out
    assert 0.4 < float(told.split()[0]) < 1  # an AUC


def test_all_examples_are_found() -> None:
    assert len(BLOCKS) == 3
