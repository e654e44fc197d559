"""Bad input on the command line: one clear line on stderr, exit code 2 or 3, nothing left behind."""

import errno
import json
from pathlib import Path

import pytest

from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop

GOOD = "user_id,item_id,timestamp\n" + "".join(
    f"u{i % 4},i{i % 5},2020-01-01 00:{i:02d}:00\n" for i in range(40)
)
LONELY = "user_id,item_id,timestamp\n" + "".join(f"u{i},i{i},2020-01-01\n" for i in range(9))
ITEMS = "item_id,color\n" + "".join(f"i{i},c{i % 2}\n" for i in range(5))


def log(text: str) -> dict[str, str]:
    return {"log.csv": text, "items.csv": ITEMS}


FIT = ["fit", "eges", "--events", "log.csv", "--items", "items.csv", "--out", "m", "--quiet"]
EDGES = ["fit", "bge", "--edges", "e.csv", "--out", "m"]
CASES: dict[str, tuple[dict[str, str], list[str], int, str]] = {
    "missing file": ({}, FIT, 3, "log.csv"),
    "missing column": (log(GOOD.replace("item_id", "thing")), FIT, 3, "item_id"),
    "time is text": (log(GOOD.replace("2020-01-01 00:", "noon ")), FIT, 3, "timestamp"),
    "items empty ids": (log("user_id,item_id,timestamp\nu,,2020-01-01\n"), FIT, 3, "item"),
    "empty log": (log("user_id,item_id,timestamp\n"), FIT, 3, "empty"),
    "cleaning empties": (log(GOOD), [*FIT, "--set", "clean.min_count=1000"], 3, "min_count|fewer than 1,000"),
    "duplicate items": ({"log.csv": GOOD, "items.csv": ITEMS + "i1,c0\n"}, FIT, 3, "i1"),
    "foreign items": ({"log.csv": GOOD, "items.csv": "item_id,color\nx1,c\nx2,d\n"}, FIT, 3, "x1"),
    "no edges": (log(LONELY), FIT, 3, "edge"),
    "bad weights": (
        {"e.csv": "src,dst,weight\na,b,-1\nb,a,1\n"}, EDGES, 3, "weight",
    ),
    "nan weights": (
        {"e.csv": "src,dst,weight\na,b,nan\nb,a,1\n"}, EDGES, 3, "weight",
    ),
    "unknown key": (log(GOOD), [*FIT, "--set", "learn.vectorsize=3"], 2, "vector_size"),
    "unknown recipe": (log(GOOD), ["fit", "egess", "--events", "log.csv", "--out", "m"], 2, "eges"),
    "foreign name": (log(GOOD), [*FIT, "--set", "dimensions=3"], 2, "vector_size"),
    "bad value": (log(GOOD), [*FIT, "--set", "learn.window=0"], 2, "learn.window"),
    "no input": ({}, ["fit"], 2, "events"),
    "both inputs": (log(GOOD), [*FIT, "--edges", "log.csv"], 2, "either"),
    "bad event weights": (log(GOOD), [*FIT, "--event-weights", "view"], 2, "view=1"),
    "unknown option": ({}, ["fit", "--evnts", "x"], 2, "--evnts"),
    "unknown command": ({}, ["fitt"], 2, "fit"),
    "not a model": ({"m/x.txt": "x"}, ["inspect", "m"], 3, "not a cowalk model"),
    "no model": ({}, ["similar", "m", "1"], 3, "no such model"),
    "out is a file": ({**log(GOOD), "m": "x"}, FIT, 2, "is a file"),
    "out holds other files": ({**log(GOOD), "m/x.txt": "x"}, FIT, 2, "holds other files"),
    "unknown method": (log(GOOD), ["compare", "item-fc", "--events", "log.csv"], 2, "item-cf"),
    "bad seeds": (log(GOOD), ["compare", "bge", "--events", "log.csv", "--seeds", "a"], 2, "--seeds"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, arguments, code, told = CASES[case]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    out, err = capsys.readouterr()
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("cowalk: ")
    assert any(word in lines[0] for word in told.split("|")), lines[0]
    assert out == ""
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def ask(shop_model: Path, *arguments: str) -> list[str]:
    return [arguments[0], str(shop_model), *arguments[1:]]


ASKED: list[tuple[list[str], int, str]] = [
    (["similar", "nope"], 3, "'nope'"),
    (["similar"], 2, "--side"),
    (["similar", "item-000001", "--metric", "cos"], 2, "cosine"),
    (["similar", "--side", "colour=red"], 2, "colour"),
    (["similar", "--side", "price=dear"], 2, "price"),
    (["similar", "--side", "price"], 2, "NAME=VALUE"),
    (["recommend", "--history", "nope"], 3, "'nope'"),
    (["recommend", "--history", ","], 2, "history is empty"),
    (["recommend", "--history", "a", "--on-unknown", "guess"], 2, "error, skip or cold"),
    (["embed"], 2, "--side"),
    (["embed", "--side", "colour=red"], 2, "colour"),
    (["embed", "--items", "x.parquet"], 2, "--out"),
    (["embed", "--side", "price=1", "--method", "guess"], 2, "cold.method"),
    (["export", "--to", "excel", "--out", "x"], 2, "parquet"),
    (["export", "--to", "npz", "--what", "all", "--out", "x"], 2, "weights"),
    (["export", "--to", "npz", "--out", "no/such/x"], 3, "no such folder"),
    (["evaluate", "--protocols", "luck"], 2, "next-item"),
]


@pytest.mark.parametrize(("arguments", "code", "told"), ASKED, ids=[" ".join(a[0]) for a in ASKED])
def test_bad_questions(
    arguments: list[str], code: int, told: str, shop_model: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(ask(shop_model, *arguments)) == code
    out, err = capsys.readouterr()
    assert len(err.strip().splitlines()) == 1, err
    assert told in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "m/x"), 3, "no space left"),
        (OSError("267264 requested and 241632 written"), 3, "no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "m/x"), 3, "permission denied"),
        (KeyboardInterrupt(), 130, "run the same command again"),
        (MemoryError(), 3, "out of memory"),
        (RuntimeError("two\nlines"), 1, "defect"),
    ],
)
def test_what_the_machine_throws_is_one_line(
    error: BaseException, code: int, told: str, shop: SimulatedShop, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("cowalk.pipeline.learned_from", fail)
    arguments = ["fit", "--events", str(shop.events), "--out", str(tmp_path / "m"), "--set", "trials=0"]
    assert run(arguments) == code
    err = capsys.readouterr().err
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert (tmp_path / "m").exists() == isinstance(error, KeyboardInterrupt)


def test_a_half_written_model_is_refused(
    shop_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    shutil.copytree(shop_model, tmp_path / "m", symlinks=True)
    path = next((tmp_path / "m" / "versions").glob("*/vectors.safetensors"))
    path.write_bytes(path.read_bytes()[:100])
    assert run(["inspect", str(tmp_path / "m")]) == 3
    assert "truncated" in capsys.readouterr().err
    manifest = path.parent / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 9}))
    assert run(["inspect", str(tmp_path / "m")]) == 3
    assert "newer" in capsys.readouterr().err
