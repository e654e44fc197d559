"""fit: equal for equal seeds, from a table or a graph, without a leak, on from where it was stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cowalk as cw
from cowalk import pipeline
from cowalk.choosing import Inside, validation_part
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, UsageError
from cowalk.prepared import read_inputs
from cowalk.settings import load_recipe

TINY: dict[str, Any] = {"vector_size": 8, "trials": 3, "num_walks": 5, "workers": 2, "learn__block": 256}


def fit(shop: SimulatedShop, **more: Any) -> cw.Model:
    return cw.fit(str(shop.events), items=str(shop.items), **{**TINY, **more})


def test_equal_seeds_give_equal_models(shop: SimulatedShop) -> None:
    one, two, other = fit(shop, workers=1), fit(shop, workers=2), fit(shop, seed=5)
    np.testing.assert_array_equal(one.vectors.array, two.vectors.array)
    assert one.recipe.recommend == two.recipe.recommend
    assert not np.array_equal(one.vectors.array, other.vectors.array)


def test_a_table_in_memory_is_the_file(shop: SimulatedShop) -> None:
    one = fit(shop, trials=0)
    two = cw.fit(pd.read_parquet(shop.events), items=pd.read_parquet(shop.items), **{**TINY, "trials": 0})
    np.testing.assert_array_equal(one.vectors.array, two.vectors.array)
    assert two.manifest["data"]["events source"] == "<pandas DataFrame>"
    assert one.manifest["fingerprints"]["data"] == two.manifest["fingerprints"]["data"]


def test_what_is_chosen_is_kept_and_told(shop: SimulatedShop) -> None:
    model = fit(shop, trials=12)
    chosen = model.manifest["chosen"]
    assert chosen["figures"]["next item"]["trials"] == 12
    assert chosen["figures"]["next item"]["recall@20"] > 0
    for name, value in chosen["changes"].items():
        stage, setting = name.split(".")
        assert getattr(getattr(model.recipe, stage), setting) == value


def test_refit_learns_from_everything(shop: SimulatedShop) -> None:
    whole, part = fit(shop), fit(shop, refit=False)
    assert whole.vocab.counts.sum() > part.vocab.counts.sum()
    assert part.manifest["fitted on"] == "the training part"
    with pytest.raises(DataError, match="trials above 0"):
        fit(shop, refit=False, trials=0)


def test_the_choice_sees_no_held_out_event(shop: SimulatedShop) -> None:
    """Other held-out events with the same training part change nothing that is fitted."""
    recipe = load_recipe("eges", {name.replace("__", "."): value for name, value in TINY.items()})
    prepared = read_inputs(str(shop.events), str(shop.items), None, recipe, lambda words: None)
    assert prepared.events is not None
    inside = Inside(prepared, hide=True)
    held = validation_part(prepared.events)
    assert 0.05 < held.mean() < 0.2
    kept = ~held & ~np.isin(prepared.events.items, inside.hidden)
    counts = np.bincount(prepared.events.items[kept], minlength=len(prepared.events.item_vocab))
    rows = inside.train.vocab.find(prepared.events.item_vocab.ids)
    assert (rows[counts == 0] == -1).all()
    np.testing.assert_array_equal(inside.train.vocab.counts[rows[counts > 0]], counts[counts > 0])
    assert prepared.events.times[held].min() >= prepared.events.times[~held].max()


def test_a_ready_graph(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "src,dst,weight\n" + "".join(f"a{i},a{(i + 1) % 9},{i + 1}\n" for i in range(9))
    )
    model = cw.fit(edges=tmp_path / "e.csv", recipe="bge", out=tmp_path / "m", **TINY)
    assert len(model.vocab) == 9
    assert len(cw.load(tmp_path / "m").similar("a0", k=3)) == 3
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph([("x", "y"), ("y", "z"), ("z", "x")])
    assert len(cw.fit(edges=graph, recipe="bge", **TINY).vocab) == 3


def test_either_log_or_graph(shop: SimulatedShop) -> None:
    for given in ({}, {"events": str(shop.events), "edges": str(shop.events)}):
        with pytest.raises(UsageError, match="either"):
            cw.fit(**given)  # type: ignore[arg-type]


def test_names_of_others_are_hinted(shop: SimulatedShop) -> None:
    with pytest.raises(UsageError, match="vector_size"):
        fit(shop, dimensions=3)


@pytest.mark.parametrize("killed", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_fit_goes_on(
    shop: SimulatedShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: type[BaseException]
) -> None:
    whole = fit(shop, epochs=4, out=tmp_path / "whole")
    seen: list[str] = []

    def stop(words: str, share: float | None) -> None:
        seen.append(words)
        if words.startswith("learning: epoch 3"):
            raise killed

    with pytest.raises(killed):
        fit(shop, epochs=4, out=tmp_path / "m", progress=stop)
    assert (tmp_path / "m" / ".work").is_dir()
    with pytest.raises(cw.ModelError, match="no finished model"):
        cw.load(tmp_path / "m")
    again: list[str] = []
    model = fit(shop, epochs=4, out=tmp_path / "m", progress=lambda words, share: again.append(words))
    assert "going on where an earlier run of this fit stopped" in again
    assert not any(words.startswith("learning: epoch 1 ") for words in again)
    np.testing.assert_array_equal(model.vectors.array, whole.vectors.array)
    np.testing.assert_array_equal(model.contexts.array, whole.contexts.array)
    assert model.learned.losses == whole.learned.losses
    assert not (tmp_path / "m" / ".work").exists()


def test_another_fit_does_not_go_on_from_it(shop: SimulatedShop, tmp_path: Path) -> None:
    def stop(words: str, share: float | None) -> None:
        if words.startswith("learning: epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(shop, epochs=3, trials=0, out=tmp_path / "m", progress=stop)
    told: list[str] = []
    model = fit(shop, epochs=3, trials=0, seed=9, out=tmp_path / "m", progress=lambda w, s: told.append(w))
    assert not any("going on" in words for words in told)
    np.testing.assert_array_equal(model.vectors.array, fit(shop, epochs=3, trials=0, seed=9).vectors.array)


def test_an_error_leaves_nothing(
    shop: SimulatedShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "learned_from", full)
        with pytest.raises(OSError, match="No space"):
            fit(shop, out=tmp_path / "m")
    assert not (tmp_path / "m").exists()
    fit(shop, out=tmp_path / "m", trials=0)
    before = sorted(p.name for p in (tmp_path / "m").rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr("cowalk.tables.folder.write_tensors", full)
        with pytest.raises(OSError, match="No space"):
            fit(shop, out=tmp_path / "m", trials=0)
    assert sorted(p.name for p in (tmp_path / "m").rglob("*")) == before


def test_a_log_that_cannot_be_split_by_time_is_fitted_and_told() -> None:
    log = pd.DataFrame({"user_id": list("aabb"), "item_id": list("xyyx"), "timestamp": [10**9] * 4})
    model = cw.fit(log, **TINY)
    assert "kept the recipe's settings" in model.manifest["metrics"]
