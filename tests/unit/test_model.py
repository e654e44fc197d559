"""Model: answers against plain numpy, cold items, policies for unknown ids, saving and loading."""

import json
import mmap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cowalk as cw
from cowalk.errors import ModelError, UnknownIdError, UsageError
from cowalk.tables.folder import _checksum


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


@pytest.fixture(scope="module")
def first(model: cw.Model) -> str:
    return str(model.vocab.ids[0])


def test_vectors_answer_by_id(model: cw.Model, first: str) -> None:
    assert first in model.vectors
    assert "nope" not in model.vectors
    assert model.vectors[first].shape == (8,)
    with pytest.raises(UnknownIdError, match="nope"):
        _ = model.vectors["nope"]
    np.testing.assert_array_equal(model.vectors[first], model.learned.vectors[0])
    assert model.contexts.array.shape == model.own.array.shape == (len(model.vocab), 8)
    assert set(model.fields) == {"category", "brand", "style", "material", "price"}
    assert model.weight_names == ("own", *model.learned.field_names)
    np.testing.assert_allclose(model.weights.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2", "context"])
def test_similar_equals_numpy(model: cw.Model, metric: str) -> None:
    H, Z, row = (
        np.asarray(model.learned.vectors, np.float64),
        np.asarray(model.learned.contexts, np.float64),
        5,
    )
    popular = model.recipe.cold.popularity * np.log1p(model.vocab.counts)
    scores = {
        "cosine": H @ H[row] / np.linalg.norm(H, axis=1) / np.linalg.norm(H[row]),
        "dot": H @ H[row],
        "l2": -np.linalg.norm(H - H[row], axis=1),
        "context": Z @ H[row] + popular,
    }[metric]
    scores[row] = -np.inf
    wanted = np.argsort(-scores, kind="stable")[:7]
    answer = model.similar(str(model.vocab.ids[row]), k=7, metric=metric)  # type: ignore[arg-type]
    assert answer.ids == model.vocab.ids[wanted].tolist()
    np.testing.assert_allclose(answer.scores, scores[wanted], rtol=1e-3, atol=1e-4)


def test_similar_by_attributes_is_jaccard(model: cw.Model) -> None:
    assert model.side_info is not None
    held = [
        {(f.name, int(c)) for f in model.side_info.fields for c in f.codes[f.offsets[v] : f.offsets[v + 1]]}
        for v in range(len(model.vocab))
    ]
    scores = np.array([len(held[3] & one) / len(held[3] | one) for one in held])
    scores[3] = -1
    wanted = np.argsort(-scores, kind="stable")[:10]
    answer = model.similar(str(model.vocab.ids[3]), k=10, metric="attributes")
    assert answer.ids == model.vocab.ids[wanted].tolist()
    np.testing.assert_allclose(answer.scores, scores[wanted], rtol=1e-6)


def test_explained(model: cw.Model, first: str) -> None:
    answer = model.similar(first, k=3, explain=True)
    assert all(any("share" in reason for reason in hit.reasons) for hit in answer)
    assert all(any(reason.startswith("seen") for reason in hit.reasons) for hit in answer)
    assert str(answer).count("\n") == 3


def test_k_beyond_the_catalogue(model: cw.Model, first: str) -> None:
    assert len(model.similar(first, k=10_000)) == len(model.vocab) - 1
    assert len(set(model.recommend([first], k=10_000, exact=True).ids)) == len(model.vocab)


def test_recommend_is_the_recommender(model: cw.Model) -> None:
    ids = model.vocab.ids[[4, 9]].tolist()
    answer = model.recommend(ids, k=6)
    hits = model.recommender.recommend(np.array([4, 9], np.int32), np.array([0, 2]), 6)
    assert answer.ids == model.vocab.ids[hits.ids[0]].tolist()
    assert answer.coverage == 1
    assert not set(model.recommend(ids, k=50, exclude_seen=True).ids) & set(ids)


def test_unknown_ids_have_one_policy(model: cw.Model, first: str) -> None:
    with pytest.raises(UnknownIdError, match="'nope'"):
        model.recommend([first, "nope"])
    answer = model.recommend([first, "nope"], k=5, on_unknown="skip")
    assert answer.ids == model.recommend([first], k=5).ids
    assert answer.unknown == ("nope",)
    assert answer.coverage == 0.5
    assert "1 of 2 ids known" in answer.told()[0]
    assert len(model.recommend(["nope"], on_unknown="skip")) == 0
    assert len(model.similar("nope", on_unknown="skip")) == 0
    with pytest.raises(UsageError, match="error, skip or cold"):
        model.recommend([first], on_unknown="guess")  # type: ignore[arg-type]


def test_embed(model: cw.Model) -> None:
    assert model.side_info is not None
    value = str(model.side_info["category"].labels[0])
    vector = model.embed({"category": value, "price": 2.95})
    assert vector.shape == (8,)
    assert vector.dtype == np.float32
    both = model.embed([{"category": value, "price": 2.95}, {"category": value}])
    np.testing.assert_allclose(both[0], vector, rtol=1e-5)
    mean = model.embed({"category": value}, method="mean")
    np.testing.assert_allclose(mean, model.fields["category"][value], rtol=1e-4, atol=1e-6)
    with pytest.raises(UsageError, match="colour"):
        model.embed({"colour": "red"})
    with pytest.warns(UserWarning, match="never-seen"):
        model.embed({"category": "never-seen"})


def test_an_item_of_the_table_that_nobody_clicked(tmp_path: Path) -> None:
    events = "user_id,item_id,timestamp\n" + "".join(
        f"u{u},i{(u + n) % 6},2020-01-01 01:{u:02d}:0{n}\n" for u in range(30) for n in range(5)
    )
    (tmp_path / "log.csv").write_text(events)
    (tmp_path / "items.csv").write_text(
        "item_id,color\n" + "".join(f"i{i},c{i % 3}\n" for i in range(6)) + "new,c1\n"
    )
    model = cw.fit(
        tmp_path / "log.csv", items=tmp_path / "items.csv", vector_size=4, trials=0, out=tmp_path / "m",
        cold__lift=20,
    )  # fmt: skip
    for one in (model, cw.load(tmp_path / "m")):
        with pytest.raises(UnknownIdError, match="cold"):
            one.similar("new")
        assert len(one.similar("new", k=3, on_unknown="cold")) == 3
        answer = one.recommend(["i1"], k=7, on_unknown="cold", exact=True)
        assert "new" in answer.ids
        assert answer[answer.ids.index("new")].cold
        assert len(one.recommend(["new"], k=3, on_unknown="cold")) == 3
        assert "new" not in one.recommend(["i1"], k=7, exact=True).ids


def test_saved_and_loaded_are_equal(model: cw.Model, tmp_path: Path, first: str) -> None:
    model.save(tmp_path / "copy")
    back = cw.load(tmp_path / "copy", verify=True)
    assert back.recipe == model.recipe
    for one, two in zip(
        (model.vectors, model.contexts, model.own), (back.vectors, back.contexts, back.own), strict=True
    ):
        np.testing.assert_array_equal(one.array, two.array)
        assert is_mapped(two.array)
    assert back.similar(first).ids == model.similar(first).ids
    assert back.recommend([first]).scores == model.recommend([first]).scores
    assert back.learned.losses == model.learned.losses
    assert back.manifest["data"] == model.manifest["data"]


def test_rows_of_another_shape_are_refused(model: cw.Model, tmp_path: Path) -> None:
    from dataclasses import replace

    wrong = replace(model.learned, contexts=model.learned.contexts[:-1])
    cw.Model(**{**vars_of(model), "learned": wrong}).save(tmp_path / "m")
    with pytest.raises(ModelError, match="contexts"):
        cw.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("0.0.1", "written by cowalk 0.0.1, lacks what"),
        (None, "by an older cowalk"),
        (cw.__version__, "fit again"),
    ],
)
def test_a_model_of_another_version_says_whose_it_is(
    model: cw.Model, tmp_path: Path, by: str | None, told: str
) -> None:
    path = model.save(tmp_path / "m") / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest.pop("cowalk") == cw.__version__
    changed = (
        manifest | {"recipe": manifest["recipe"] | {"walks": {"colour": 1}}} | ({"cowalk": by} if by else {})
    )
    path.write_text(json.dumps(changed | {"checksum": _checksum(changed)}))
    with pytest.raises(ModelError, match=told) as found:
        cw.load(tmp_path / "m")
    assert ("the cowalk that wrote it" in str(found.value)) == (by != cw.__version__)


def is_mapped(array: Any) -> bool:
    """Whether the numbers lie in a file that is mapped."""
    while not isinstance(array, mmap.mmap):
        if array is None:
            return False
        array = getattr(array, "base", None)
    return True


def vars_of(model: cw.Model) -> dict[str, object]:
    from dataclasses import fields

    return {f.name: getattr(model, f.name) for f in fields(model)}


def test_inspect_is_plain(model: cw.Model) -> None:
    import json

    told = json.loads(json.dumps(model.inspect()))
    assert told["model"]["items"] == len(model.vocab)
    assert sum(part["mean"] for part in told["weights"].values()) == pytest.approx(1, abs=1e-4)
    row = np.asarray(model.learned.own) * model.weights[:, :1]
    assert told["weights"]["own"]["mean length"] == pytest.approx(
        np.linalg.norm(row, axis=1).mean(), rel=1e-4
    )
    assert told["graph"]["nodes"] == len(model.vocab)
    assert told["dropped"]["events"]["rows_in"] == 4000


def test_no_warning_for_known_attributes(model: cw.Model) -> None:
    assert model.side_info is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.embed({"brand": str(model.side_info["brand"].labels[0])})
