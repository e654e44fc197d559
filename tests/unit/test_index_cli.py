"""cowalk index, bench-index and what evaluate and update do with a model that has indexes."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.index_loss import index_loss, probe_loss
from cowalk.judging import judge_held_out
from cowalk.model import store
from cowalk.recall import ExactIndex
from cowalk.recall.curves import KINDS, index_lines


@pytest.fixture
def folder(shop_model: Path, tmp_path: Path) -> Path:
    """A copy of the model's folder that may be changed."""
    shutil.copytree(shop_model, tmp_path / "model", symlinks=True)
    return tmp_path / "model"


def test_index_publishes_a_version(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "current").resolve()
    assert run(["index", str(folder), "--kind", "ivf", "--recall", "0.9", "-k", "10", "--map", "none"]) == 0
    told = capsys.readouterr()
    assert "recommend\tivf\t" in told.out
    assert "similar\tivf\t" in told.out
    assert "effort\trecall" in told.out
    assert "the version before is kept" in told.err
    assert (folder / "current").resolve() != before
    assert set(cw.load(folder, verify=True).indexes) == {"recommend", "similar"}
    assert run(["index", str(folder), "--for", "similar", "--map", "pca", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["similar"]["kind"] == "exact"
    assert "few ms" in found["similar"]["why"]
    model = cw.load(folder)
    kinds = {name: one.told["index"]["kind"] for name, one in model.indexes.items()}
    assert kinds == {"similar": "exact", "recommend": "ivf"}  # the other one stays as it was
    assert model.map is not None
    assert run(["index", str(folder), "--kind", "none", "--for", "similar", "--map", "none", "-q"]) == 0
    assert set(cw.load(folder).indexes) == {"recommend"}
    assert run(["index", str(folder), "--kind", "none", "--map", "none", "-q"]) == 0
    assert cw.load(folder).indexes == {}


def test_index_mends_a_model_whose_index_is_older(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = cw.load(folder).with_index("exact", purpose="similar")
    vectors = -np.asarray(model.learned.vectors)
    store.save(replace(model, learned=replace(model.learned, vectors=vectors)), folder)
    with pytest.raises(cw.ModelError, match="older than the model's vectors"):
        cw.load(folder)
    assert run(["index", str(folder), "--for", "recommend", "--kind", "exact", "--map", "none", "-q"]) == 0
    assert "dropped" in capsys.readouterr().err
    assert set(cw.load(folder).indexes) == {"recommend"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kind", "tree"], "kind is 'tree'; it must be auto or one of exact, lsh, ivf, hnsw, kdtree"),
        (["--recall", "1.2"], "recall must be above 0 and at most 1"),
        (["--for", "users"], "--for 'users': it must be recommend, similar or both"),
        (["--kind", "ivf", "--set", "nlists=3"], "ivf has no setting 'nlists'; it has nlist, effort"),
        (["--kind", "ivf", "--set", "nlist=many"], "ivf: nlist must be a whole number, not 'many'"),
        (["--kind", "lsh", "--set", "tables=many"], "lsh: tables"),
        (
            ["--kind", "lsh", "--set", "share=many"],
            "share must be a number above 0 and at most 1, not 'many'",
        ),
        (["--kind", "ivf", "--set", "share=0.1"], "share bounds what lsh looks at; ivf has no such bound"),
    ],
)
def test_index_tells_what_is_off(
    folder: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "current").resolve()
    assert run(["index", str(folder), *options, "--map", "none", "-q"]) == 2
    assert words in capsys.readouterr().err
    assert (folder / "current").resolve() == before


def test_bench_index_draws_all_kinds(
    shop_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "kinds.png"
    kinds = "exact,ivf,hnsw,kdtree"
    assert run(["bench-index", str(shop_model), "--out", str(out), "--kinds", kinds, "-k", "5", "-q"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[2:]]
    assert {row[0] for row in rows} == set(kinds.split(","))
    assert out.read_bytes().startswith(b"\x89PNG")
    assert run(["bench-index", str(shop_model), "--out", "kinds.gif"]) == 2
    assert "ends in .png or .svg" in capsys.readouterr().err
    assert run(["bench-index", str(shop_model), "--kinds", "annoy"]) == 2
    assert "there is no 'annoy'" in capsys.readouterr().err


@pytest.mark.usefixtures("few_choices")
def test_lines_rise_in_recall() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 12)).astype(np.float32)
    lines, notes = index_lines(rows, "ip", k=10, queries=rng.normal(size=(40, 12)).astype(np.float32))
    assert notes == []
    by_kind = {kind: [line for line in lines if line.kind == kind] for kind in KINDS}
    for kind, mine in by_kind.items():
        assert mine, kind
        assert all(line.single > 0 and line.batch > 0 for line in mine)
        recalls = [line.recall for line in mine]
        assert all(b >= a - 0.02 for a, b in pairwise(recalls)), kind
    for kind in ("exact", "exact float16", "kdtree"):
        assert by_kind[kind][0].recall == 1.0


class HalfBlind(ExactIndex):
    """Finds only rows of even number, so that its loss is known."""

    def search(self, queries: Any, k: int, **options: Any) -> Any:
        even = np.arange(self.size) % 2 == 0
        return super().search(queries, k, allowed=even)


def test_the_loss_of_an_index_stands_apart(shop_model: Path, shop: SimulatedShop) -> None:
    from dataclasses import replace

    model = cw.load(shop_model)
    assert probe_loss(model) is None
    exact = model.with_index("exact", purpose="recommend")
    assert exact.probe is not None
    probe = exact.probe
    loss = index_loss(exact, probe.items, probe.offsets, probe.targets, probe.times)
    assert loss is not None
    assert loss.found == 1.0
    assert loss.through == loss.exact
    verdict = judge_held_out(exact, str(shop.events))
    names = list(verdict.comparison.estimates("next-item", "recall@20"))
    assert set(names) == {"eges", "eges, exact search", "popularity"}
    assert verdict.comparison.difference("next-item", "recall@20", "eges", "eges, exact search").mean == 0
    assert "finds 1.0000 of 120 exact candidates" in verdict.notes[1]
    blind = replace(exact)
    index = exact.recommender.index
    assert index is not None
    seen = HalfBlind.build(index.vectors, "ip")  # type: ignore[attr-defined]
    blind.__dict__["recommender"] = replace(exact.recommender, index=seen)
    lost = index_loss(blind, probe.items, probe.offsets, probe.targets, probe.times)
    assert lost is not None
    assert lost.found < 0.6
    assert lost.exact == loss.exact


def test_update_builds_the_same_indexes_again(folder: Path, shop: SimulatedShop, tmp_path: Path) -> None:
    import pandas as pd

    model = (
        cw.load(folder)
        .with_index("ivf", 0.9, k=10)
        .with_index("exact", purpose="similar", k=10)
        .with_map("pca")
    )
    events = pd.read_parquet(shop.events)
    events["timestamp"] = events["timestamp"] + pd.Timedelta(days=400)
    new = cw.update(model, events.iloc[:600], max_drift=2.0, out=tmp_path / "updated")
    back = cw.load(tmp_path / "updated")
    assert {purpose: one.told["index"]["kind"] for purpose, one in back.indexes.items()} == {
        "recommend": "ivf", "similar": "exact",
    }  # fmt: skip
    assert new.map is None
    told = "\n".join(new.manifest["updates"][-1]["notes"])
    assert "built again: the index for recommend and for similar" in told
    assert "the map is dropped" in told
    assert len(new.index("similar")) == len(new.vocab)  # type: ignore[arg-type]
    first = str(new.vocab.ids[0])
    assert new.similar(first, 5).ids == new.similar(first, 5, exact=True).ids
