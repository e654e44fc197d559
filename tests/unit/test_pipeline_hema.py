"""Hema from fit to answer: chosen, saved, loaded, asked, exported, judged again, gone on with."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.export import export
from cowalk.judging import judge_model, methods_of

TINY: dict[str, Any] = {
    "recipe": "hema", "vector_size": 8, "field_size": 4, "epochs": 3, "trials": 4, "workers": 2, "step": 0.02,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(shop: SimulatedShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hema") / "model"
    cw.fit(str(shop.events), items=str(shop.items), out=out, **TINY)
    return out


def test_what_is_saved_is_loaded(folder: Path, shop: SimulatedShop) -> None:
    model = cw.load(folder)
    assert (model.recipe.engine, model.recipe.name, model.recipe.hema.vector_size) == ("hema", "hema", 8)
    assert model.learned.extra["ids brand"].shape == (len(model.fields["brand"]), 4)
    assert model.learned.extra["transfer brand"].shape == (8, 4)
    assert set(model.fields) == {"category", "brand", "style", "material", "price"}
    assert all(rows.vector_size == 8 for rows in model.fields.values())
    again = cw.fit(str(shop.events), items=str(shop.items), **TINY)
    np.testing.assert_array_equal(again.vectors.array, model.vectors.array)
    assert again.recipe.cold == model.recipe.cold
    assert model.inspect()["weights"]["own"]["mean"] == 1.0


def test_it_answers_and_embeds(folder: Path) -> None:
    model = cw.load(folder)
    first, second = (str(name) for name in model.vocab.ids[:2])
    assert len(model.similar(first, k=3).ids) == 3
    assert len(model.recommend([first, second], k=5).ids) == 5
    assert model.side_info is not None
    brand = str(model.side_info["brand"].labels[0])
    vector = model.embed({"brand": brand}, method="transfer")
    row = model.fields["brand"][brand]
    assert row @ vector == pytest.approx(np.linalg.norm(row) * np.linalg.norm(vector), rel=1e-4)
    assert len(model.similar({"brand": brand}, k=3).ids) == 3
    with pytest.warns(UserWarning, match="not seen in training"):
        model.embed({"brand": "no such brand", "style": str(model.side_info["style"].labels[0])})


def test_a_new_value_gets_a_row(folder: Path, tmp_path: Path) -> None:
    """Without carriers the mean of what brands add; with them their direction; saved and loaded like any."""
    model = cw.load(folder)
    assert model.side_info is not None
    brands = model.side_info["brand"]
    carried = np.bincount(brands.codes, minlength=brands.size)
    adds = model.fields["brand"].array * (carried / (carried + 1))[:, None]
    plain = model.with_value("brand", "nova")
    vector = plain.embed({"brand": "nova"}, method="transfer")
    mean = adds.mean(axis=0)
    size = np.linalg.norm(model.vectors.array, axis=1).mean()
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean) * size, rtol=1e-3, atol=1e-5)
    names = [str(name) for name in model.vocab.ids[:3]]
    told = model.with_value("brand", "nova", carriers=names)
    row, toward = told.fields["brand"]["nova"], model.vectors.array[:3].mean(axis=0)
    assert row @ toward == pytest.approx(np.linalg.norm(row) * np.linalg.norm(toward), rel=1e-5)
    assert np.linalg.norm(row) == pytest.approx(np.linalg.norm(adds, axis=1).mean(), rel=1e-5)
    told.save(tmp_path / "m")
    np.testing.assert_array_equal(cw.load(tmp_path / "m").fields["brand"]["nova"], row)
    with pytest.raises(cw.UsageError, match="knows 'nova' already"):
        plain.with_value("brand", "nova")
    with pytest.raises(cw.UsageError, match="only a categorical or multi field"):
        model.with_value("price", "9")
    with pytest.raises(cw.DataError, match="no field 'brnd'"):
        model.with_value("brnd", "nova")
    with pytest.raises(cw.UnknownIdError, match="nobody"):
        model.with_value("brand", "nova", carriers=["nobody"])
    with pytest.raises(cw.UsageError, match="carriers of brand=nova: no ids"):
        model.with_value("brand", "nova", carriers=[])


def test_it_is_exported(folder: Path, tmp_path: Path) -> None:
    model = cw.load(folder)
    for what in ("items", "contexts", "fields", "weights"):
        export(model, "npz", what, tmp_path / f"{what}.npz")  # type: ignore[arg-type]
    with np.load(tmp_path / "fields.npz") as kept:
        assert kept["vectors"].shape == (sum(len(rows) for rows in model.fields.values()), 8)


def test_the_command_embeds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["embed", str(folder), "--side", "price=5", "--method", "transfer"]) == 0
    assert capsys.readouterr().out.count(",") == 7


def test_it_is_judged_again_beside_others(folder: Path) -> None:
    verdict = judge_model(cw.load(folder), baselines=False, protocols=("cold",))
    found = verdict.comparison.estimates("cold", "recall@20")
    assert {"hema", "hema:vectors"} <= set(found)
    assert found["hema"].mean > 0
    methods, recipe = methods_of(["hema", "eges"], {"epochs": 1})
    assert [m.name for m in methods] == ["hema", "eges"]
    assert (recipe.hema.epochs, methods[1].learn.epochs) == (1, 1)  # type: ignore[attr-defined]


def test_links_are_learned_from_walks_where_there_are_no_sessions(folder: Path) -> None:
    verdict = judge_model(cw.load(folder), baselines=False, protocols=("link",))
    assert any(name.startswith("hema") for name in verdict.comparison.estimates("link", "auc uniform"))


def test_an_interrupted_fit_goes_on(folder: Path, shop: SimulatedShop, tmp_path: Path) -> None:
    def stop(words: str, share: float | None) -> None:
        if words.startswith("learning: epoch 3"):
            raise KeyboardInterrupt

    sources: dict[str, Any] = {"events": str(shop.events), "items": str(shop.items)}
    with pytest.raises(KeyboardInterrupt):
        cw.fit(**sources, out=tmp_path / "m", progress=stop, **TINY)
    told: list[str] = []
    model = cw.fit(**sources, out=tmp_path / "m", progress=lambda words, share: told.append(words), **TINY)
    assert "going on where an earlier run of this fit stopped" in told
    assert not any(words.startswith("learning: epoch 1 ") for words in told)
    np.testing.assert_array_equal(model.vectors.array, cw.load(folder).vectors.array)
    shutil.rmtree(tmp_path / "m")


def test_a_graph_alone_is_learned_from_walks() -> None:
    rng = np.random.default_rng(0)
    edges = {
        "src": [f"a{i}" for i in rng.integers(0, 20, 200)],
        "dst": [f"a{i}" for i in rng.integers(0, 20, 200)],
    }
    import pandas as pd

    table = pd.DataFrame(edges)
    table = table[table.src != table.dst]
    with pytest.raises(cw.DataError, match=r"hema\.sequences is sessions, but a graph has none"):
        cw.fit(edges=table, **TINY)
    model = cw.fit(edges=table, sequences="walks", **TINY)
    assert model.vectors.array.shape == (20, 8)
