"""update: old rows move as little as asked, new items find a place, a refusal loses nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, UsageError
from cowalk.learn import learn
from cowalk.prepare import sessionize
from cowalk.recall import lists_of_part
from cowalk.updates.grown import grow, read_new
from cowalk.updates.warm import places_by_attributes, started

TINY: dict[str, Any] = {"vector_size": 8, "trials": 0, "num_walks": 5, "workers": 2, "learn__block": 256}


@pytest.fixture(scope="module")
def parts(shop: SimulatedShop) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The log of the shop before and after a day; eight items are only in the second part."""
    events = pd.read_parquet(shop.events).sort_values("timestamp", kind="stable")
    new_items = sorted(events.item_id.unique())[5:120:15]
    cut = int(0.8 * len(events))
    old = events.iloc[:cut]
    return old[~old.item_id.isin(new_items)], events.iloc[cut:], new_items


@pytest.fixture(scope="module")
def items(shop: SimulatedShop) -> pd.DataFrame:
    return pd.read_parquet(shop.items)


@pytest.fixture(scope="module")
def model(parts: Any, items: pd.DataFrame) -> cw.Model:
    """A model of the first part; it knows nothing of the new items."""
    return cw.fit(parts[0], items=items[~items.item_id.isin(parts[2])], **TINY)


@pytest.fixture(scope="module")
def updated(model: cw.Model, parts: Any, items: pd.DataFrame) -> dict[str, cw.Model]:
    return {m: cw.update(model, parts[1], items=items, mode=m) for m in ("frozen", "anchored", "free")}


def test_old_rows_keep_their_places_and_new_ones_stand_behind(
    model: cw.Model, updated: dict[str, cw.Model], parts: Any
) -> None:
    new = updated["anchored"]
    assert new.vocab.names(np.arange(len(model.vocab))) == model.vocab.names(np.arange(len(model.vocab)))
    assert set(new.vocab.names(np.arange(len(model.vocab), len(new.vocab)))) == set(parts[2])
    both = pd.concat([parts[0], parts[1]])
    told = both.item_id.value_counts()
    assert new.vocab.counts.sum() <= len(both)  # repeats are dropped
    assert (new.vocab.counts <= told[new.vocab.names(np.arange(len(new.vocab)))].to_numpy()).all()
    assert (new.vocab.counts[: len(model.vocab)] >= model.vocab.counts).all()


def test_frozen_rows_do_not_move_by_a_bit(model: cw.Model, updated: dict[str, cw.Model]) -> None:
    n = len(model.vocab)
    for old, new in (
        (model.learned, updated["frozen"].learned),
        (model.cold_learned, updated["frozen"].cold_learned),
    ):
        assert old is not None
        assert new is not None
        for name in ("vectors", "contexts", "own", "weights"):
            np.testing.assert_array_equal(getattr(old, name), getattr(new, name)[:n])
        for one, two in zip(old.fields, new.fields, strict=True):
            np.testing.assert_array_equal(one, two)
        assert np.abs(new.vectors[n:]).max() > 0


def test_a_pull_holds_rows_nearer_and_free_rows_move_most(
    model: cw.Model, updated: dict[str, cw.Model], parts: Any, items: pd.DataFrame
) -> None:
    def moved(found: cw.Model) -> float:
        return float(np.abs(found.learned.contexts[: len(model.vocab)] - model.learned.contexts).mean())

    hard = cw.update(model, parts[1], items=items, mode="anchored", update__pull=0.9)
    loose = cw.update(model, parts[1], items=items, mode="anchored", update__pull=0.0)
    assert 0 < moved(hard) < moved(updated["anchored"]) < moved(loose)
    np.testing.assert_allclose(
        moved(hard), 0.1 * moved(loose), rtol=1e-3
    )  # one pass: a tenth of the way is left
    cosines = {m: found.manifest["updates"][-1]["drift"]["first"]["cosine"] for m, found in updated.items()}
    assert cosines["free"] < cosines["anchored"] < cosines["frozen"] == pytest.approx(1.0, abs=1e-6)
    assert cosines["anchored"] > 0.95


def test_an_anchored_vector_is_the_mix_of_its_rows(model: cw.Model, updated: dict[str, cw.Model]) -> None:
    """The engine, told to hold everything, gives back the vectors that the pull had computed."""
    found = updated["anchored"]
    vectors = relearned(found, found.learned).vectors
    np.testing.assert_allclose(vectors, found.learned.vectors, atol=2e-6)


def relearned(model: cw.Model, rows: Any) -> Any:
    """The rows through the engine without a step."""
    n = len(model.vocab)
    walk = item_graph_of(np.arange(n, dtype=np.int32), n)
    settings = model.recipe.learn.model_copy(update={"epochs": 1})
    return learn(
        walk, model.vocab, settings, walks=model.recipe.walks, side_info=model.side_info, start=rows,
        held=np.ones(n, dtype=bool), hold_fields=True,
    )  # fmt: skip


def item_graph_of(chain: np.ndarray, n: int) -> cw.ItemGraph:
    offsets = np.minimum(np.arange(n + 1), n - 1).astype(np.int64)
    return cw.ItemGraph(offsets, chain[1:], np.ones(n - 1, dtype=np.float32))


def test_a_new_item_starts_where_it_is_said_to(model: cw.Model, parts: Any, items: pd.DataFrame) -> None:
    """H of the start is the cold map's, and own and field rows mix to it in the engine."""
    found, report = read_new(parts[1], model, model.recipe.update)
    catalogue = model.read_items(items)
    grown = grow(model, found, report, catalogue, 1.0)
    vocab, known = grown.vocab(), grown.known
    sessions, _ = sessionize(grown.events, model.recipe.sessions, model.recipe.clean)
    lists = lists_of_part(sessions, len(vocab), model.recipe.cooccurrence)
    first, _ = places_by_attributes(model, grown.side_info, "both")
    start = started(model.learned, model.recipe.learn, vocab, grown.side_info, lists, first, "attributes")
    wanted = model.cold_items(catalogue.align(cw.Vocab.of(vocab.ids[known:])))
    np.testing.assert_allclose(start.vectors[known:], wanted.vectors, atol=1e-5)
    np.testing.assert_allclose(start.contexts[known:], wanted.contexts, atol=1e-5)
    grown_model = replace(model, vocab=vocab, side_info=grown.side_info)
    np.testing.assert_allclose(relearned(grown_model, start).vectors, start.vectors, atol=1e-4)
    near = started(model.learned, model.recipe.learn, vocab, grown.side_info, lists, first, "neighbors")
    row = known
    mates = lists.ids[lists.offsets[row] : lists.offsets[row + 1]]
    times = lists.together[lists.offsets[row] : lists.offsets[row + 1]][mates < known]
    mean = (times[:, None] * model.learned.vectors[mates[mates < known]]).sum(axis=0) / times.sum()
    np.testing.assert_allclose(near.vectors[row], mean, atol=1e-5)


def test_free_rows_are_turned_and_scores_with_them_stay(
    model: cw.Model, updated: dict[str, cw.Model]
) -> None:
    """The turn is orthogonal: another one would bring old vectors no nearer."""
    n = len(model.vocab)
    new = updated["free"].learned.vectors[:n].astype(np.float64)
    best = np.linalg.svd(new.T @ model.learned.vectors, full_matrices=False)
    np.testing.assert_allclose(best[0] @ best[2], np.eye(8), atol=1e-3)


def test_the_report_tells_drift_and_recall(updated: dict[str, cw.Model], parts: Any) -> None:
    told = updated["anchored"].manifest["updates"][-1]
    assert told["new items"] == len(parts[2])
    assert set(told["drift"]) == {"first", "second"}
    assert told["recall@20"]["old events"]["all"]["queries"] > 100
    new = told["recall@20"]["new events"]
    assert new["new items"]["before"] == 0.0  # it does not know them
    assert new["new items"]["queries"] + new["old items"]["queries"] == new["all"]["queries"]
    assert new["all"]["after"] > 0
    assert updated["anchored"].manifest["data"]["to"] == told["to"]


def test_new_items_answer_like_others(updated: dict[str, cw.Model], parts: Any) -> None:
    for found in updated.values():
        hits = found.similar(parts[2][0], k=5)
        assert len(hits) == 5
        assert len(found.recommend([parts[2][0]], k=5)) == 5
        assert found.side_info is not None
        field = found.side_info["category"]
        kind = np.array([field.codes[field.offsets[v]] if field.known[v] else -1 for v in range(len(field))])
        H = found.learned.vectors / np.linalg.norm(found.learned.vectors, axis=1, keepdims=True)
        n = len(found.vocab) - len(parts[2])
        cosines = H[n:] @ H[:n].T
        same = (kind[n:, None] == kind[:n]) & (kind[n:, None] >= 0)
        assert cosines[same].mean() > cosines[~same].mean() + 0.05


def test_equal_on_any_number_of_threads_and_from_the_folder(
    model: cw.Model, updated: dict[str, cw.Model], parts: Any, items: pd.DataFrame, tmp_path: Path
) -> None:
    model.save(tmp_path / "m")
    one = cw.update(tmp_path / "m", parts[1], items=items, workers=1, out=tmp_path / "n")
    two = cw.load(tmp_path / "n")
    for found in (one, two):
        np.testing.assert_array_equal(found.learned.vectors, updated["anchored"].learned.vectors)
        np.testing.assert_array_equal(found.learned.contexts, updated["anchored"].learned.contexts)
        assert found.lists is not None
        np.testing.assert_array_equal(found.lists.ids, updated["anchored"].lists.ids)  # type: ignore[union-attr]
        assert found.recipe == model.recipe
        assert found.probe is not None
    assert not (tmp_path / "n" / ".work").exists()


def test_counts_are_those_of_the_whole_log(parts: Any, items: pd.DataFrame, shop: SimulatedShop) -> None:
    """Without sessions across the cut an update counts as one fit of everything does."""
    old, new = parts[0].copy(), parts[1].copy()
    new["user_id"] = new["user_id"] + 100_000  # other users: no session stands on both sides
    small = {**TINY, "cooccurrence__neighbors": 120}
    updated = cw.update(cw.fit(old, items=items, **small), new, items=items, mode="frozen", update__judged=0)
    whole = cw.fit(pd.concat([old, new]), items=items, **small)
    rows = updated.vocab.find(whole.vocab.ids)
    np.testing.assert_array_equal(updated.vocab.counts[rows], whole.vocab.counts)
    assert updated.lists is not None
    assert whole.lists is not None
    for v in range(len(whole.vocab)):
        a, b = whole.lists.offsets[v : v + 2]
        c, d = updated.lists.offsets[rows[v] : rows[v] + 2]
        mine = dict(zip(updated.lists.ids[c:d].tolist(), updated.lists.scores[c:d].tolist(), strict=True))
        theirs = dict(zip(rows[whole.lists.ids[a:b]].tolist(), whole.lists.scores[a:b].tolist(), strict=True))
        assert mine == pytest.approx(theirs, rel=1e-5)


def test_a_model_is_updated_again_and_again(model: cw.Model, parts: Any, items: pd.DataFrame) -> None:
    days = np.array_split(np.arange(len(parts[1])), 2)
    first = parts[1].iloc[days[0]]
    second = parts[1].iloc[days[1]]
    second = second[second.timestamp > first.timestamp.max() + pd.Timedelta(seconds=1)]
    found = cw.update(cw.update(model, first, items=items), second, items=items)
    assert len(found.manifest["updates"]) == 2
    assert found.manifest["data"]["events"] > model.manifest["data"]["events"]
    with pytest.raises(DataError, match="no new events: none of the"):
        cw.update(found, second, items=items)
    again = cw.update(found, second, items=items, update__late=True)  # asked for: counted twice
    assert again.vocab.counts.sum() > found.vocab.counts.sum()


def test_old_counts_fade_where_asked(model: cw.Model, parts: Any, items: pd.DataFrame) -> None:
    faded = cw.update(model, parts[1], items=items, mode="frozen", update__keep_past=0.5)
    kept = cw.update(model, parts[1], items=items, mode="frozen")
    n = len(model.vocab)
    np.testing.assert_array_equal(
        faded.vocab.counts[:n],
        kept.vocab.counts[:n] - model.vocab.counts + np.round(model.vocab.counts * 0.5),
    )


def test_rare_new_items_are_dropped_and_told(parts: Any, items: pd.DataFrame) -> None:
    model = cw.fit(parts[0], items=items, clean__min_count=3, **TINY)
    known = parts[0].item_id.unique()
    few = parts[1][parts[1].item_id.isin(known)]
    rare = parts[1][parts[1].item_id == parts[2][0]].head(2)
    found = cw.update(model, pd.concat([few, rare]), items=items)
    assert parts[2][0] not in found.vocab
    rules = [drop["rule"] for drop in found.manifest["updates"][-1]["dropped"]["drops"]]
    assert "new items with fewer than 3 events" in rules
    assert found.cold_vocab is not None  # it stays a cold item, known by its attributes
    assert parts[2][0] in found.cold_vocab


def test_refused_when_old_items_move_too_far(
    model: cw.Model, parts: Any, items: pd.DataFrame, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "m").parents[1]
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    with pytest.raises(DataError, match=r"above the bound 1e-09; nothing was changed\. Use --mode"):
        cw.update(folder, parts[1], items=items, mode="free", max_drift=1e-9, out=folder)
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_what_does_not_fit_is_told_in_one_line(model: cw.Model, parts: Any, tmp_path: Path) -> None:
    strange = parts[1].assign(item_id="x-" + parts[1].item_id)
    with pytest.raises(
        DataError, match=r"no item of the .* new events is known to the model .*are the ids the same"
    ):
        cw.update(model, strange)
    with pytest.raises(UsageError, match="keeps the recipe of the model, but learn differs"):
        cw.update(model, parts[1], learn__window=3)
    with pytest.raises(UsageError, match=r"update\.mode"):
        cw.update(model, parts[1], mode="sideways")
    with pytest.raises(DataError, match="no column 'item_id'"):
        cw.update(model, parts[1].rename(columns={"item_id": "sku"}))
    hema = replace(model, recipe=model.recipe.model_copy(update={"engine": "hema"}))
    with pytest.raises(UsageError, match="a model of engine hema cannot be updated"):
        cw.update(hema, parts[1])
    tree = replace(model.learned, contexts=model.learned.contexts[:, :0])
    with pytest.raises(UsageError, match="has no context rows to go on from"):
        cw.update(replace(model, learned=tree), parts[1])
    (tmp_path / "e.csv").write_text("src,dst\n" + "".join(f"a{i},a{(i + 1) % 9}\n" for i in range(9)))
    graph = cw.fit(edges=tmp_path / "e.csv", recipe="bge", **TINY)
    with pytest.raises(UsageError, match="fitted on a ready graph"):
        cw.update(graph, parts[1])


def test_a_model_without_attributes_learns_new_items_from_what_they_were_seen_with(parts: Any) -> None:
    model = cw.fit(parts[0], recipe="bge", **TINY)
    found = cw.update(model, parts[1])
    assert parts[2][0] in found.vocab
    assert found.lists is not None
    gains = []
    for row in range(len(model.vocab), len(found.vocab)):
        mates = found.lists.ids[found.lists.offsets[row] : found.lists.offsets[row + 1]]
        scores = found.learned.contexts @ found.learned.vectors[row]
        gains.append(scores[mates].mean() - scores.mean())
    assert np.mean(gains) > 0
    with pytest.raises(UsageError, match="fitted without items"):
        cw.update(model, parts[1], items=parts[1].head(2))


def test_an_interrupted_update_goes_on(
    model: cw.Model, updated: dict[str, cw.Model], parts: Any, items: pd.DataFrame, tmp_path: Path
) -> None:
    def stop(words: str, share: float | None) -> None:
        if words.startswith("learning from the new events:"):
            raise KeyboardInterrupt

    folder = model.save(tmp_path / "m").parents[1]
    with pytest.raises(KeyboardInterrupt):
        cw.update(folder, parts[1], items=items, out=folder, progress=stop)
    assert (folder / ".work").is_dir()
    heard: list[str] = []
    found = cw.update(
        folder, parts[1], items=items, out=folder, progress=lambda words, share: heard.append(words)
    )
    assert any(words.startswith("going on") for words in heard)
    np.testing.assert_array_equal(found.learned.vectors, updated["anchored"].learned.vectors)
    assert not (folder / ".work").exists()
    assert len(list((folder / "versions").iterdir())) == 2


def test_the_command_updates_in_place_and_says_what_it_did(
    model: cw.Model, parts: Any, items: pd.DataFrame, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = str(model.save(tmp_path / "m").parents[1])
    parts[1].to_parquet(tmp_path / "new.parquet")
    items.to_parquet(tmp_path / "items.parquet")
    words = [
        "update",
        folder,
        "--events",
        str(tmp_path / "new.parquet"),
        "--items",
        str(tmp_path / "items.parquet"),
    ]
    assert run([*words, "--max-drift", "0"]) == 3
    assert "nothing was changed" in capfd.readouterr().err
    assert len(cw.load(folder).vocab) == len(model.vocab)
    assert run([*words, "--mode", "free"]) == 0
    told = capfd.readouterr()
    assert "new events, new items" in told.out
    assert "mean cosine" in told.out
    assert "free: " in told.err
    assert len(cw.load(folder).vocab) == len(model.vocab) + len(parts[2])
    assert run(words) == 3
    assert "no new events" in capfd.readouterr().err
    assert run(["update", folder]) == 2
    assert "--events" in capfd.readouterr().err
