"""cowalk inspect tells the indexes of a model, or that it has none."""

from pathlib import Path

import pytest

import cowalk as cw
from cowalk.cli.run import run


def section(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(["inspect", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    return lines[lines.index("INDEXES") + 1 : lines.index("SCORER")]


def test_indexes_are_told(shop_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert section(shop_model, capsys) == ["  none: every item is looked at; `cowalk index` makes them"]
    cw.load(shop_model).with_index("exact").save(tmp_path / "m")
    assert section(tmp_path / "m", capsys) == [
        "  recommend: kind exact, metric ip, recall@100 1, why asked for",
        "  similar: kind exact, metric cosine, recall@100 1, why asked for",
    ]


def test_weights_are_told_where_parts_were_weighed(
    shop_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["inspect", str(shop_model)]) == 0
    told = capsys.readouterr().out
    assert "LEARNED WEIGHTS" in told
    assert "\n  category  " in told
    monkeypatch.setattr("cowalk.model.inspection.weight_summary", lambda _: {"own": {"mean": 1.0}})
    assert run(["inspect", str(shop_model)]) == 0
    told = capsys.readouterr().out
    assert "LEARNED WEIGHTS" not in told
    assert "\nFIELDS\n" in told


def test_a_quiet_index_says_nothing_but_the_table(
    shop_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["index", str(shop_model), "--kind", "exact", "--map", "none", "--out", str(tmp_path / "m")]
    assert run([*words, "-q"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.startswith("# indexes")
