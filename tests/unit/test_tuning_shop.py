"""tune on a small shop: figures are the harness's, nothing held out is seen, `fit` reads the recipe."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.errors import UsageError
from cowalk.prepared import Prepared, read_inputs
from cowalk.settings import load_recipe
from cowalk.tuning.purposes import Link, NextItem, task_of

TINY: dict[str, Any] = {
    "learn.vector_size": 8, "walks.num_walks": 3, "learn.epochs": 2, "learn.block": 256, "trials": 4,
    "workers": 2,
}  # fmt: skip
FAST = {"trials": 4, "seeds": 1, "finalists": 1}


@pytest.fixture(autouse=True)
def _optuna() -> None:
    pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def prepared(shop: SimulatedShop) -> Prepared:
    recipe = load_recipe("eges", TINY)
    return read_inputs(str(shop.events), str(shop.items), None, recipe, lambda words: None)


@pytest.mark.parametrize("purpose", ["next-item", "cold", "link"])
def test_the_figure_is_the_harness_s(prepared: Prepared, purpose: Any) -> None:
    task = task_of(purpose, prepared, 0)
    fitted = task.fit(prepared.recipe)
    chosen = task.choose(fitted)
    judged = task.judged(fitted, chosen.choice)
    assert chosen.score == pytest.approx(float(np.nanmean(judged.values[task.metric])), abs=1e-9)
    assert chosen.score > 0


@pytest.mark.parametrize("purpose", ["next-item", "cold"])
def test_the_scorer_is_chosen_as_fit_does(prepared: Prepared, purpose: Any) -> None:
    """As many tries; each is told with the best so far, which never falls."""
    task, told = task_of(purpose, prepared, 0), []
    chosen = task.choose(task.fit(prepared.recipe), lambda step, best: told.append((step, best)))
    assert [step for step, _ in told] == [1, 2, 3, 4]
    assert [best for _, best in told] == sorted(best for _, best in told)
    assert chosen.score == told[-1][1]


def test_nothing_held_out_is_learned_from(prepared: Prepared) -> None:
    assert prepared.events is not None
    events, items = prepared.events, prepared.events.item_vocab
    task = NextItem(prepared, 0, "auto")
    assert task.train.vocab.counts.sum() <= 0.91 * len(events)
    cold = task_of("cold", prepared, 0)
    hidden = items.ids[np.unique(cold.queries.groups)]  # type: ignore[attr-defined]
    assert len(hidden)
    assert (cold.train.vocab.find(hidden) < 0).all()  # type: ignore[attr-defined]
    link = Link(prepared, 0)
    u, v = link.pairs.positives.T
    there = set(zip(link.train.graph.sources().tolist(), link.train.graph.targets.tolist(), strict=True))
    assert not there & (
        set(zip(u.tolist(), v.tolist(), strict=True)) | set(zip(v.tolist(), u.tolist(), strict=True))
    )


def test_only_the_rows_that_are_asked_are_learned(prepared: Prepared) -> None:
    assert task_of("next-item", prepared, 0).fit(prepared.recipe).cold_learned is not None
    cold = task_of("cold", prepared, 0).fit(prepared.recipe)
    assert cold.cold_learned is None
    second = prepared.recipe.learn_for_cold
    assert second is not None
    assert cold.method.learn == second


def test_another_seed_asks_other_questions(prepared: Prepared) -> None:
    one, two = task_of("cold", prepared, 0), task_of("cold", prepared, 1)
    assert not np.array_equal(one.queries.groups, two.queries.groups)  # type: ignore[attr-defined]


def test_tune_and_fit(shop: SimulatedShop, tmp_path: Path) -> None:
    changes = {name.replace(".", "__"): value for name, value in TINY.items() if name != "trials"}
    out, recipe = tmp_path / "tuned.toml", load_recipe("eges", {"trials": 3})
    tuned = cw.tune(
        str(shop.events), items=str(shop.items), recipe=recipe, out=out,
        space={"learn.step": "0.02..0.4", "learn.contexts": ["forward", "symmetric"]}, **FAST, **changes,
    )  # fmt: skip
    assert len(tuned.trials) == 4
    assert {name for t in tuned.trials for name in t.changes} == {"learn.step", "learn.contexts"}
    model = cw.fit(str(shop.events), items=str(shop.items), recipe=str(out), workers=2)
    assert model.recipe.learn.vector_size == 8
    assert model.recipe.learn.step == tuned.recipe.learn.step
    assert model.recipe.name == "eges-tuned"


ARGS = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]


def test_the_command(shop: SimulatedShop, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tuned.toml"
    command = ["tune", "eges", "--events", str(shop.events), "--items", str(shop.items), "--for", "cold",
               "--trials", "3", "--seeds", "1", "--tune", "cold_learn.step=0.02..0.4",
               "--out", str(out), *ARGS]  # fmt: skip
    assert run(command) == 0
    shown = capfd.readouterr()
    assert "tuned: cold_learn.step 0.02..0.4" in shown.err
    assert "best trials" in shown.out
    assert out.exists()
    lines = [json.loads(line) for line in (tmp_path / "tuned.study").read_text().splitlines()]
    assert lines
    assert run([*command[:-2], "--set", "learn.negative=9"]) == 2
    refused = capfd.readouterr().err
    assert "a study is already there" in refused
    assert refused.count("\n") <= 2
    assert run(command) == 0


def test_bad_calls_are_one_line(
    shop: SimulatedShop, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e.csv").write_text("src,dst\na,b\nb,c\nc,a\n")
    log = ["--events", str(shop.events)]
    for words, code, told in (
        ([*log, "--for", "clod"], 2, "did you mean 'cold'"),
        ([*log, "--for", "cold"], 2, "--items"),
        ([*log, "--tune", "learn.window"], 2, "LOW..HIGH"),
        ([*log, "--space", "none.toml"], 2, "none.toml"),
        ([*log, "--out", "x.yaml"], 2, "TOML"),
        ([*log, "--split", "random"], 2, "split"),
        (["--edges", "e.csv"], 2, "--for link"),
        (["--events", "none.parquet"], 3, "none.parquet"),
    ):
        assert run(["tune", "eges", *words, "--quiet"]) == code
        shown = capfd.readouterr().err
        assert told in shown
        assert shown.count("\n") == 1
    assert not list(tmp_path.glob("*.study"))


def test_sessions_have_no_links(shop: SimulatedShop) -> None:
    with pytest.raises(UsageError, match="walks the graph"):
        cw.tune(str(shop.events), recipe={"learn": {"sequences": "sessions", "input": "own"}}, purpose="link")
