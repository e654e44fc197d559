"""Matrix factorization in our tables: fold-in against implicit's own, users, cold items, recipes, errors."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from learn_world import random_graph, sessions_of

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.learn.matrix import ITSELF, _Tools, balanced, fold_in, learn_matrix, user_items
from cowalk.learn.matrix_settings import MatrixSettings
from cowalk.tables import Sessions

sparse = pytest.importorskip("scipy.sparse", reason="scipy comes with cowalk[mf]")
pytest.importorskip("implicit", reason="implicit comes with cowalk[mf]")

V = 14
SMALL = {"vector_size": 6, "epochs": 8, "regularization": 0.05}


def world(seed: int = 0, users: int = 40) -> Sessions:
    """Users of two tastes, two sessions each; the last session's user is unknown."""
    rng = np.random.default_rng(seed)
    rows = [(rng.choice(V // 2, 4) + (V // 2) * (u % 2)).tolist() for u in range(users) for _ in range(2)]
    made = sessions_of([*rows, [0, 1]])
    owner = np.append(np.repeat(np.arange(users), 2), -1).astype(np.int32)
    return Sessions(made.items, made.offsets, owner, made.starts, made.weights * 2)


def vocab() -> cw.Vocab:
    return cw.Vocab(np.arange(V), np.bincount(world().items, minlength=V))


def settings(**names: object) -> MatrixSettings:
    return MatrixSettings.model_validate({**SMALL, **names})


def test_user_items_are_summed_weights() -> None:
    table, known = user_items(_Tools(), world(), V)
    assert known == 40
    assert table.shape == (41, V)
    made = world()
    wanted = np.zeros((41, V))
    for s, owner in enumerate(made.users):
        np.add.at(wanted[owner], made.items[made.offsets[s] : made.offsets[s + 1]], 2)
    np.testing.assert_array_equal(table.toarray(), wanted)


@pytest.mark.parametrize("alpha", [1.0, 0.4, 15.0])
def test_vectors_are_implicits_fold_in_of_one_item(alpha: float) -> None:
    """H_i is what `recalculate_user` gives for a user of item i alone, with the item's mean confidence."""
    tools, s = _Tools(), settings(alpha=alpha)
    table, _ = user_items(tools, world(), V)
    with tools.limits(1, "blas"):
        theirs = tools.als(6, 0.05, alpha, iterations=8, random_state=1, num_threads=1)
        theirs.fit(table, show_progress=False)
        mean = np.asarray(table.sum(axis=0)).ravel() / np.diff(table.tocsc().indptr)
        alone = theirs.recalculate_user(np.arange(V), sparse.diags(mean.astype(np.float32)).tocsr())
    np.testing.assert_allclose(fold_in(theirs.item_factors, alpha * mean, 0.05), alone, rtol=2e-3, atol=2e-5)
    found = learn_matrix(world(), vocab(), "als", s, seed=3)
    itself = np.einsum("ij,ij->i", found.vectors, found.contexts)
    assert itself.mean() == pytest.approx(ITSELF, rel=1e-4)


@pytest.mark.parametrize(("items", "size"), [(30, 5), (3, 5)])
def test_the_basis_changes_no_score_and_hangs_on_nothing(items: int, size: int) -> None:
    rng = np.random.default_rng(2)
    h, z = rng.normal(size=(2, items, size))
    x = rng.normal(size=(7, items)) @ z  # within what the contexts span, as every fold-in is
    one = balanced(h, z, x)
    np.testing.assert_allclose(one[0] @ one[1].T, h @ z.T, atol=1e-4)
    np.testing.assert_allclose(one[2] @ one[1].T, x @ z.T, rtol=1e-3, atol=1e-2)
    other = rng.normal(size=(size, size))
    two = balanced(h @ np.linalg.inv(other).T, z @ other, x @ np.linalg.inv(other).T)
    np.testing.assert_allclose(one[0] @ one[0].T, two[0] @ two[0].T, atol=1e-3)
    gram = [part.T @ part for part in one[:2]]
    np.testing.assert_allclose(*gram, atol=1e-3)  # both are diag(S)


def test_als_users_are_implicits() -> None:
    """A user's factor times the contexts is implicit's own score, times one constant."""
    tools, s = _Tools(), settings()
    from cowalk import seeds

    with tools.limits(1, "blas"):
        theirs = tools.als(
            6, 0.05, 1.0, iterations=8, random_state=seeds.stream(3, "factors als") % 2**31, num_threads=1
        )
        theirs.fit(user_items(tools, world(), V)[0], show_progress=False)
    found = learn_matrix(world(), vocab(), "als", s, seed=3)
    scores = theirs.user_factors[:40] @ theirs.item_factors.T
    ours = found.extra["users"] @ found.contexts.T
    np.testing.assert_allclose(ours, scores * (ours[0, 0] / scores[0, 0]), rtol=1e-3, atol=1e-3)
    assert len(found.losses) == 8
    assert found.losses[-1] < found.losses[0]


@pytest.mark.parametrize("weighting", ["none", "bm25"])
@pytest.mark.parametrize("kind", ["als", "bpr"])
def test_tastes_are_told_apart(kind: str, weighting: str) -> None:
    """By history as by user factor: items of the own taste come before the others'."""
    size = 3 if kind == "bpr" else 2  # as few as there are tastes, so that cosines must tell them apart
    s = settings(weighting=weighting, epochs=60 if kind == "bpr" else 8, step=0.1, vector_size=size)
    found = learn_matrix(world(), vocab(), kind, s, seed=1)  # type: ignore[arg-type]
    taste = np.arange(V) >= V // 2
    for rows, own in ((found.vectors, taste), (found.extra["users"], np.arange(40) % 2 == 1)):
        scores = rows @ found.contexts.T
        same = own[:, None] == taste
        assert scores[same].mean() > scores[~same].mean() + 0.5 * scores.std()
    cosine = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    near = cosine @ cosine.T
    assert near[taste[:, None] == taste].mean() > near[taste[:, None] != taste].mean() + 0.5
    assert found.weights.tolist() == [[1.0]] * V


def test_bpr_maps_a_history_as_least_squares_does() -> None:
    """The mean of a user's H is the ridge prediction of the factor from the mean of the items' factors."""
    s = settings(epochs=30, step=0.1)
    found = learn_matrix(world(), vocab(), "bpr", s, seed=1)
    table, known = user_items(_Tools(), world(), V)
    held = (table.toarray() > 0)[:known] / (table.toarray() > 0)[:known].sum(axis=1, keepdims=True)
    guess = held @ found.vectors.astype(float)
    users = found.extra["users"].astype(float)
    np.testing.assert_allclose(
        guess[:, -1], users[:, -1], rtol=1e-4
    )  # the constant that the bias stands opposite
    mean = users[:, :-1].mean(axis=0)
    left = ((users - guess)[:, :-1] ** 2).sum()
    assert left < 0.5 * ((users[:, :-1] - mean) ** 2).sum()


@pytest.mark.parametrize("kind", ["als", "bpr"])
def test_equal_seeds_give_equal_rows_on_any_number_of_threads(kind: str) -> None:
    one, two, other = (
        learn_matrix(world(), vocab(), kind, settings(), seed=seed, workers=workers)  # type: ignore[arg-type]
        for seed, workers in ((5, 1), (5, 2), (6, 1))
    )
    np.testing.assert_array_equal(one.vectors, two.vectors)
    np.testing.assert_array_equal(one.extra["users"], two.extra["users"])
    assert not np.array_equal(one.vectors, other.vectors)


@pytest.mark.parametrize("kind", ["als", "bpr"])
def test_a_graph_is_factorized_too(kind: str) -> None:
    graph = random_graph(V, 1)
    found = learn_matrix(graph, vocab(), kind, settings(), seed=1)  # type: ignore[arg-type]
    assert found.vectors.shape == found.contexts.shape == (V, 6)
    assert dict(found.extra) == {}


def test_items_without_events_get_finite_rows() -> None:
    few = sessions_of([[0, 1], [1, 2]])
    for kind in ("als", "bpr"):
        found = learn_matrix(few, vocab(), kind, settings())  # type: ignore[arg-type]
        assert np.isfinite(found.vectors).all()
        assert np.isfinite(found.contexts).all()
    with pytest.raises(cw.DataError, match="nothing to factorize"):
        learn_matrix(sessions_of([]), vocab(), "als", settings())


def test_without_implicit_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    with pytest.raises(cw.MissingExtraError, match=r"pip install 'cowalk\[mf\]'"):
        learn_matrix(world(), vocab(), "als", settings())


@pytest.mark.parametrize("recipe", ["als", "bpr"])
def test_a_recipe_is_fitted_asked_and_saved(recipe: str, shop: SimulatedShop, tmp_path: Path) -> None:
    model = cw.fit(
        str(shop.events), items=str(shop.items), recipe=recipe, vector_size=8, trials=3, epochs=5,
        out=tmp_path / "m", workers=2,
    )  # fmt: skip
    back = cw.load(tmp_path / "m", verify=True)
    assert model.users is not None
    assert back.users is not None
    assert back.users.index_to_key == model.users.index_to_key
    np.testing.assert_array_equal(back.users.array, model.users.array)
    histories = back.user_histories(str(shop.events))
    assert set(back.users) <= set(histories.users.ids.tolist())
    user = histories.users.ids.tolist()[0]
    mine = [int(row) for row in histories.items[: histories.offsets[1]]]
    scores = back.users[user] @ back.contexts.array.T
    assert scores[mine].mean() > scores.mean()
    first = back.vocab.ids.tolist()[0]
    assert len(back.similar(first, k=5)) == len(back.recommend([first], k=5)) == 5
    cold = back.embed({"category": str(back.side_info["category"].labels[0])})  # type: ignore[index]
    assert cold.shape == (8,)
    assert np.isfinite(cold).all()
    assert back.cold_items({"price": 2.0}).contexts.shape == (1, 8)


def test_cold_vectors_come_from_a_ridge_map(shop: SimulatedShop) -> None:
    """Items of one category get a vector nearer to their category's mean than to the others'."""
    model = cw.fit(str(shop.events), items=str(shop.items), recipe="als", vector_size=8, trials=0, epochs=10)
    assert model.side_info is not None
    field = model.side_info["category"]
    labels = [str(label) for label in field.labels]
    vectors = np.asarray(model.vectors.array)
    code = np.array([field.codes[field.offsets[i]] if field.offsets[i] < field.offsets[i + 1] else -1
                     for i in range(len(model.vocab))])  # fmt: skip
    cold = model.embed([{"category": label} for label in labels])
    means = np.stack([vectors[code == c].mean(axis=0) for c in range(len(labels))])
    gaps = np.linalg.norm(cold[:, None] - means, axis=2)
    assert (gaps.argmin(axis=1) == np.arange(len(labels))).mean() > 0.7


def test_als_and_bpr_are_compared(shop: SimulatedShop, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "compare",
        "als",
        "bpr:vectors",
        "popularity",
        "--events",
        str(shop.events),
        "--items",
        str(shop.items),
    ]
    changed = ["--set", "trials=2", "--set", "mf.epochs=3", "--set", "mf.vector_size=8"]
    assert run([*words, *changed, "--quiet"]) == 0
    assert "als" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("mf.alpha=0", "mf.alpha"),
        ("mf.vector_size=1", "mf.vector_size"),
        ("mf.weighting=tfidf", "mf.weighting"),
    ],
)
def test_wrong_settings_are_told(
    change: str, told: str, shop: SimulatedShop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "als", "--events", str(shop.events), "--out", "unused", "--set", change]) == 2
    assert told in capsys.readouterr().err
