"""cowalk rank: help, fit and evaluate over events and tables, and one line for what is wrong."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cowalk.cli.rank import rank as group
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop, simulate_ctr
from cowalk.errors import MissingExtraError
from cowalk.prepare import read_events
from cowalk.rank import load
from cowalk.tables import Vectors, Vocab

torch.set_num_threads(1)
SET = ("epochs=1", "vector_size=3", "hidden=[4]", "batch_size=256")
SMALL = [*(word for one in SET for word in ("--set", one)), "--workers", "1"]
COMMANDS = [c.callback.__name__ for c in group.registered_commands if c.callback]


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("clicks") / "clicks.parquet"
    return str(simulate_ctr(1500, out=out, sizes=(4, 6), pairs=1, rate=0.4).path)


@pytest.fixture(scope="module")
def table_model(clicks: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("rank") / "fm")
    assert run(["rank", "fit", "fm", "--table", clicks, "--group", "user", "--out", out, "-q", *SMALL]) == 0
    return out


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rank", name, "--help"]) == 0
    text = capsys.readouterr().out
    example = re.search(rf"Example: cowalk rank {name} (.*)", text)
    assert example is not None
    for option in re.findall(r"--([a-z][a-z-]*)", example[1]):
        assert f"--{option}" in text.replace(example[0], "")


def test_over_events(shop: SimulatedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = str(tmp_path / "rank"), tmp_path / "calibration.svg"
    asked = ["--events", str(shop.events), "--per-user", "2"]
    made = ["--last", "5", "--negatives", "3"]
    code = run(
        [
            "rank",
            "fit",
            "din",
            "--embedding",
            "res-att",
            *asked,
            *made,
            "--test-share",
            "0.3",
            "--out",
            out,
            *SMALL,
        ]
    )
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "RankModel(din, res-att, 120 items) written to" in told.err
    assert told.out.splitlines()[0].split("\t")[:3] == ["model", "auc", "gauc"]
    assert run(["rank", "evaluate", out, *asked[:2], "--picture", str(picture), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)[out]
    assert 0.3 < report["figures"]["auc"]["mean"] < 1
    assert report["click rate"] == 0.25  # 3 negatives, as in training
    assert run(["rank", "evaluate", out, *asked, "--negatives", "1", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)[out]
    assert again["click rate"] == 0.5
    assert report["rows"] == 2 * again["rows"]  # as many of a user as in training
    assert picture.read_text().startswith("<?xml")


def test_over_a_table(
    table_model: str, clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "lr")
    code = run(["rank", "fit", "lr", "--table", clicks, "--group", "user", "--out", other, "--json", *SMALL])
    assert code == 0
    assert json.loads(capsys.readouterr().out)["about"]["rows"] > 1000
    assert run(["rank", "evaluate", table_model, "--table", clicks, "--beside", other]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["model", table_model, other, "difference"]


@pytest.mark.parametrize("turned", [False, True])
def test_beside_a_model_without_groups(
    turned: bool, table_model: str, clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "lr")
    assert (
        run(["rank", "fit", "lr", "--table", clicks, "--without", "user", "--out", other, "-q", *SMALL]) == 0
    )
    first, second = (other, table_model) if turned else (table_model, other)
    assert run(["rank", "evaluate", first, "--table", clicks, "--beside", second]) == 0
    told = {line.split("\t")[0]: line.split("\t") for line in capsys.readouterr().out.splitlines()}
    at = told["model"].index("gauc")
    assert told[other][at] == ""
    assert told[table_model][at] != ""
    assert told["difference"][at][0] in "+-"
    assert len({len(cells) for cells in told.values()}) == 1


def test_how_numbers_are_read_is_a_setting(clicks: str, tmp_path: Path) -> None:
    asked = ["rank", "fit", "lr", "--table", clicks, "--out", str(tmp_path / "lr"), *SMALL]
    assert run([*asked, "-q", "--set", "numbers=quantile", "--set", "buckets=3"]) == 0
    made = load(tmp_path / "lr")
    assert (made.clicks.numbers, made.clicks.buckets) == ("quantile", 3)
    assert {column.size for column in made.columns if column.kind == "buckets"} == {4}  # and the unknown one


def test_validation_is_a_setting(clicks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["rank", "fit", "lr", "--table", clicks, "--json", *SMALL, "--set", "validation=0"]
    assert run([*asked, "--out", str(tmp_path / "lr")]) == 0
    about = json.loads(capsys.readouterr().out)["about"]
    assert about["validation log-loss"] is None
    assert about["rows"] == 1500


def test_vectors_of_some_items_are_told(
    shop: SimulatedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = read_events(shop.events)[0].item_vocab.ids
    known = {"some": ids[:50], "all": ids, "none": np.array(["x", "y"])}
    for name, names in known.items():
        rows = np.random.default_rng(0).normal(size=(len(names), 3)).astype(np.float32)
        Vectors(Vocab.of(names), rows).save(tmp_path / f"{name}.npz")
    asked = ["rank", "fit", "mlp", "--events", str(shop.events), "--per-user", "1", *SMALL]
    given = [part for name in ("some", "all") for part in ("--vectors", str(tmp_path / f"{name}.npz"))]
    assert run([*asked, *given, "--out", str(tmp_path / "rank")]) == 0
    lines = capsys.readouterr().err.splitlines()
    told = f"{tmp_path / 'some.npz'}: 50 of 120 items of the examples have a vector; the others share one row"
    assert lines[0] == told
    assert lines[1].startswith("RankModel(mlp, vectors, 120 items) written")
    assert run([*asked, "--vectors", str(tmp_path / "none.npz"), "--out", str(tmp_path / "no")]) == 3
    told = capsys.readouterr().err
    assert f"it names {ids[0]!r}, the vectors 'x'; are the ids the same?" in told
    assert not (tmp_path / "no").exists()


def test_without_torch(
    clicks: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import cowalk.nn
    import cowalk.rank

    monkeypatch.setitem(sys.modules, "torch", None)
    for room, name in ((cowalk.rank, "fit"), (cowalk.nn, "embedding")):
        monkeypatch.delitem(vars(room), name, raising=False)
        with pytest.raises(
            MissingExtraError, match=r"needs torch, which is not installed; pip install 'cowalk\[deep\]'"
        ):
            getattr(room, name)
    for name in ("run", "store"):  # as where torch was never there
        monkeypatch.delitem(sys.modules, f"cowalk.rank.{name}")
    assert run(["rank", "fit", "fm", "--table", clicks]) == 2
    assert "pip install 'cowalk[deep]'" in capsys.readouterr().err
    assert cowalk.rank.report_of([0.2, 0.9], [0, 1])["auc"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fit", "din"], 2, "give a log with --events"),
        (["fit", "din", "--table", "CLICKS"], 2, "din reads histories; give events"),
        (["fit", "fmm", "--table", "CLICKS"], 2, "setting model = 'fmm'"),
        (["fit", "fmm", "--table", "none.csv"], 2, "setting model = 'fmm'"),  # before anything is read
        (["fit", "din", "--events", "none.csv", "--embedding", "res"], 2, "setting embedding = 'res'"),
        (["fit", "din", "--events", "none.csv", "--embedding", "vectors"], 2, "needs the vectors"),
        (["fit", "fm", "--table", "CLICKS", "--set", "numbers=thirds"], 2, "setting numbers = 'thirds'"),
        (["fit", "din", "--events", "EVENTS", "--set", "numbers=log"], 2, "no setting 'numbers'"),
        (["fit", "fm", "--table", "none.csv"], 3, "no such file: none.csv"),
        (["fit", "mlp", "--events", "EVENTS", "--vectors", "nowhere"], 3, "--vectors nowhere: no such file"),
        (["fit", "fm", "--table", "CLICKS", "--label", "click"], 3, "no column 'click'"),
        (["fit", "fm", "--table", "CLICKS", "--label", "n1"], 3, "is not 0 or 1"),
        (["fit", "fm", "--table", "CLICKS", "--form", "avazu"], 2, "setting form = 'avazu'"),
        (["fit", "fm", "--table", "CLICKS", "--set", "depth=3"], 2, "no setting 'depth'"),
        (["fit", "fm", "--table", "CLICKS", "--set", "model=lr"], 2, "give it as the argument MODEL"),
        (["fit", "fm", "--table", "CLICKS", "--set", "embedding=l2"], 2, "give it as --embedding"),
        (["fit", "fm", "--table", "CLICKS", "--set", "clicks=1"], 2, "give it as --label, --group"),
        (["fit", "fm", "--table", "CLICKS", "--set", "seed=7"], 2, "give it as --seed"),
        (["fit", "fm", "--table", "CLICKS", "--vectors", "a.npz"], 2, "--vectors is an option of events"),
        (["fit", "fm", "--table", "CLICKS", "--negatives", "1"], 2, "--negatives is an option of events"),
        (["fit", "fm", "--table", "CLICKS", "--items", "i.csv"], 2, "--items is an option of events"),
        (["fit", "din", "--events", "EVENTS", "--label", "label"], 2, "--label is an option of a table"),
        (["fit", "din", "--events", "EVENTS", "--group", "u"], 2, "--group is an option of a table"),
        (["fit", "din", "--events", "EVENTS", "--form", "criteo"], 2, "--form is an option of a table"),
        (["fit", "din", "--events", "EVENTS", "--numeric", "a"], 2, "--numeric is an option of a table"),
        (["evaluate", "MODEL", "--table", "CLICKS", "--sampler", "count"], 2, "--sampler is an option"),
        (["evaluate", "MODEL", "--events", "EVENTS", "--last", "5"], 2, "No such option: --last"),
        (["fit", "fm", "--tables", "CLICKS"], 2, "see `cowalk rank fit --help`"),
        (["fit", "din", "--events", "EVENTS", "--examples", "some"], 2, "or rated, not 'some'"),
        (["fit", "din", "--events", "EVENTS", "--vectors", "none.npz"], 3, "none.npz"),
        (["evaluate", "SHOP", "--table", "CLICKS"], 3, "a cowalk model, not a cowalk rank model"),
        (["evaluate", "MODEL", "--events", "EVENTS"], 2, "reads a table; give it with --table"),
        (["fit", "fm", "--table", "CLICKS", "--group", "u"], 3, "name the user's by --group"),
        (["fit", "fm", "--table", "CLICKS", "--time-column", "t", "--split", "time", "--test-share", ".2"],
         3, "name the time's by --time-column"),
        (["evaluate", "MODEL", "--table", "CLICKS", "--picture", "a.gif"], 2, "ends in .png or .svg"),
        (["evaluate", "MODEL"], 2, "give a log with --events (or --dataset), or a table of clicks"),
        (["fit", "fm", "--table", "CLICKS", "--split", "time"], 2, "held out: --test-share 0.2"),
        (["fit", "fm", "--table", "CLICKS", "--split", "day"], 2, "must be user or row or time"),
        (["fit", "din", "--events", "EVENTS", "--split", "row"], 2, "must be user or time"),
        (["fit", "fm", "--table", "CLICKS", "--split", "user", "--test-share", ".2"], 2, "(--group)"),
        (["fit", "fm", "--table", "CLICKS", "--constant", "keep"], 2, "setting constant = 'keep'"),
        (["evaluate", "MODEL", "--table", "CLICKS", "--split", "time"], 2, "held out: --test-share 0.2"),
        (["fit", "din", "--events", "EVENTS", "--time-column", "none", "--split", "time",
          "--test-share", ".2"], 2, "a split by time needs times, and this log has none"),
        (["fit", "din", "--events", "EVENTS", "--embedding", "res-avg", "--set", "sparse=true"],
         2, "res-avg has no sparse gradients"),
    ],
)  # fmt: skip
def test_errors_are_one_line(
    arguments: list[str], code: int, words: str, clicks: str, table_model: str, shop: SimulatedShop,
    shop_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    known = {"CLICKS": clicks, "EVENTS": str(shop.events), "MODEL": table_model, "SHOP": str(shop_model)}
    out = ["--out", str(tmp_path / "out")] if arguments[0] == "fit" else []
    assert run(["rank", *(known.get(one, one) for one in arguments), *out]) == code
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
