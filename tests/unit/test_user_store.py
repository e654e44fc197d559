"""Users event by event and in one batch: equal vectors, whatever the parts; fallbacks are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cowalk as cw
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.model import UserStore, as_micros
from cowalk.recommend import Recommender
from cowalk.recommend_settings import RecommendSettings
from cowalk.users.log import UserHistories

V = 12
RNG = np.random.default_rng(0)
VECTORS, CONTEXTS = RNG.normal(size=(2, V, 4)).astype(np.float32)
VOCAB = cw.Vocab(np.array([f"i{v}" for v in range(V)], dtype=object), np.arange(V, 0, -1))
DAY = 86_400_000_000
EVENT = st.tuples(st.sampled_from(["a", "b", "c d"]), st.integers(0, V + 1), st.integers(0, 40))
SETTINGS = [
    {},
    {"half_life": 3.0, "history": 5, "decay": 1.0},
    {"item_weights": "sif", "history": 4, "score": "HH"},
]


def scorer(**names: object) -> Recommender:
    return Recommender(VECTORS, CONTEXTS, VOCAB.counts, None, RecommendSettings.model_validate(names))


def batch(events: list[tuple[str, int, int]], asked: Recommender) -> cw.Vectors:
    """All events at once: sorted by user and time, the order kept among equals. i12 and i13 are unknown."""
    users, items = (cw.Vocab.of(list(dict.fromkeys(e[i] for e in events))) for i in (0, 1))
    rows = [(users.row(u), t * DAY, n, items.row(v)) for n, (u, v, t) in enumerate(events)]
    rows.sort()
    table = cw.Events(
        np.array([r[0] for r in rows], np.int32), np.array([r[3] for r in rows], np.int32),
        np.array([r[1] for r in rows], np.int64), np.ones(len(rows), np.float32),
        cw.Vocab.of([f"i{v}" for v in items.ids.tolist()]), users,
    )  # fmt: skip
    histories = UserHistories.of(table, VOCAB)
    return cw.Vectors(histories.users, asked.queries(histories.items, histories.offsets, histories.times))


@given(st.lists(EVENT, min_size=1, max_size=60), st.sampled_from(SETTINGS), st.integers(0, 60), st.booleans())
@settings(deadline=None, max_examples=80)
def test_a_stream_gives_what_a_batch_gives(
    events: list[tuple[str, int, int]], kind: dict[str, object], cut: int, by_time: bool
) -> None:
    """In any two parts; events of one user may also come late, if no two of their times are equal."""
    if by_time:
        events = sorted(events, key=lambda event: event[2])
    else:
        events = [(user, item, n) for n, (user, item, _) in enumerate(events)]
        events = [events[i] for i in RNG.permutation(len(events))]
    asked = scorer(**kind)
    store = UserStore(asked, VOCAB, repeats=True)
    for part in (events[:cut], events[cut:]):
        store.extend([e[0] for e in part], [f"i{e[1]}" for e in part], [e[2] * DAY for e in part])
    whole = batch(events, asked)
    for user in whole:
        np.testing.assert_array_equal(store.vector(user), whole[user])
    np.testing.assert_array_equal(store.vectors()[list(whole)], whole.array)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.randoms(), st.integers(0, 30))
@settings(deadline=None, max_examples=80)
def test_late_events_are_judged_where_their_time_says(items: list[int], rng: Random, cut: int) -> None:
    """In any order, saved or not: the latest three that are no repeats of what was before; i3 is unknown."""
    store = UserStore(scorer(history=3, cooccurrence_history=3), cw.Vocab.of(["i0", "i1", "i2"]))
    order = rng.sample(range(len(items)), len(items))
    store.extend(["a"] * len(order[:cut]), [f"i{items[at]}" for at in order[:cut]], order[:cut])
    with TemporaryDirectory() as folder:
        store.save(Path(folder) / "users")
        store = UserStore(store.recommender, store.vocab).load(Path(folder) / "users")
    store.extend(["a"] * len(order[cut:]), [f"i{items[at]}" for at in order[cut:]], order[cut:])
    counted = [at for at, v in enumerate(items) if v < 3 and (at == 0 or items[at - 1] != v)]
    found = store.histories(["a"])
    assert found.items.tolist() == [items[at] for at in counted[-3:]]
    assert found.times is not None
    assert found.times.tolist() == counted[-3:]


def test_long_runs_take_little_room() -> None:
    store = UserStore(scorer(history=2, cooccurrence_history=2), VOCAB)
    store.extend("a" * 601, ["i1"] + ["i2"] * 300 + ["unknown"] * 300)
    assert len(store.users["a"].rows) < 100
    assert store.histories().items.tolist() == [1, 2]


def test_repeats_count_once_unless_asked() -> None:
    one, two = (UserStore(scorer(history=9), VOCAB, repeats=flag) for flag in (False, True))
    for store in (one, two):
        store.extend("aaaaa", ["i1", "i1", "unknown", "i1", "i1"])
    assert np.diff(one.histories().offsets).tolist() == [2]  # the unknown one parts them
    assert np.diff(two.histories().offsets).tolist() == [4]


def test_only_the_latest_are_kept() -> None:
    store = UserStore(scorer(history=2, cooccurrence_history=3), VOCAB, keep=None)
    store.extend(["a"] * 12, [f"i{v}" for v in range(12)])
    assert store.histories().items.tolist() == [9, 10, 11]
    np.testing.assert_array_equal(store.vector("a"), scorer(history=2).queries(
        np.arange(12, dtype=np.int32), np.array([0, 12]))[0])  # fmt: skip
    with pytest.raises(cw.UsageError, match="latest 3 events"):
        UserStore(scorer(history=3, cooccurrence_history=3), VOCAB, keep=2)


def test_a_user_with_no_known_item_gets_what_is_stated() -> None:
    store = UserStore(scorer(), VOCAB)
    assert not store.update("a", "never seen")
    for user in ("a", "nobody"):
        assert store.vector(user).tolist() == [0, 0, 0, 0]
        answer = store.recommend(user, 3)
        assert answer.ids == ["i0", "i1", "i2"]  # counts fall with the row number
        assert "most popular" in answer.told()[0]
    assert store.update("a", "i7")
    assert store.recommend("a", 3).told() == []
    wanted = scorer().recommend(np.array([7], np.int32), np.array([0, 1]), 3)
    assert store.recommend("a", 3).ids == VOCAB.names(wanted.ids[0])


def test_times_are_read_in_every_form() -> None:
    at = 1_322_733_600_000_000
    moment = datetime(2011, 12, 1, 10, tzinfo=UTC)
    far = moment.astimezone(timezone(timedelta(hours=8)))
    for time in (
        at,
        np.int64(at),
        "2011-12-01T10:00",
        "2011-12-01T11:00+01:00",
        moment,
        far,
        np.datetime64("2011-12-01T10"),
    ):
        assert as_micros(time) == at
    with pytest.raises(cw.UsageError, match="'soon' cannot be read"):
        as_micros("soon")


def test_times_are_given_always_or_never() -> None:
    store = UserStore(scorer(), VOCAB)
    store.update("a", "i1")
    with pytest.raises(cw.UsageError, match="with every event, or with none"):
        store.update("a", "i2", 5)
    with pytest.raises(cw.UsageError, match="counts by age"):
        UserStore(scorer(half_life=1.0), VOCAB).update("a", "i1")


def test_saved_and_loaded(tmp_path: Path) -> None:
    asked = scorer(half_life=2.0, history=4)
    store = UserStore(asked, VOCAB, repeats=True)
    store.extend(
        [f"u {n % 3}" for n in range(20)], [f"i{n * 5 % 14}" for n in range(20)], [n * DAY for n in range(20)]
    )
    store.save(tmp_path / "users.parquet")
    back = UserStore(asked, VOCAB).load(tmp_path / "users.parquet")
    np.testing.assert_array_equal(back.vectors().array, store.vectors().array)
    assert back.update("u 0", "i3", "1970-02-01")
    with pytest.raises(cw.DataError, match="no such file"):
        store.load(tmp_path / "none.parquet")


@pytest.fixture(scope="module")
def model(shop_model: Path) -> cw.Model:
    return cw.load(shop_model)


def test_a_model_gives_users_by_log_and_by_stream(model: cw.Model, shop: SimulatedShop) -> None:
    users = model.user_vectors(str(shop.events))
    store = model.user_store()
    log = duckdb.sql(f"SELECT user_id, item_id, timestamp FROM '{shop.events}' ORDER BY timestamp").fetchall()
    for user, item, at in log:
        store.update(user, item, at)
    assert sorted(map(str, users)) == sorted(store.users)
    for user in list(users)[:50]:
        np.testing.assert_array_equal(users[user], store.vector(user))
    one = next(iter(users))
    mine = [item for user, item, _ in log if user == one]
    assert store.recommend(one, 5).ids == model.recommend(mine, 5).ids
    assert users.vocab.counts.sum() == model.user_histories(str(shop.events)).offsets[-1]


def test_a_history_of_strangers(model: cw.Model) -> None:
    answer = model.recommend(["nope"], 3, on_unknown="skip", fallback="popularity")
    assert answer.ids == model.vocab.ids[:3].tolist()
    assert "most popular" in " ".join(answer.told())
    assert answer.unknown == ("nope",)
    with pytest.raises(cw.UsageError, match="none or popularity"):
        model.recommend(["nope"], fallback="random")  # type: ignore[arg-type]


def test_times_at_request(model: cw.Model) -> None:
    from dataclasses import replace

    aged = replace(model, recipe=model.recipe.changed({"recommend.half_life": 1.0, "recommend.history": 5}))
    ids = model.vocab.ids[:3].tolist()
    with pytest.raises(cw.UsageError, match="have no times"):
        aged.recommend(ids)
    with pytest.raises(cw.UsageError, match="3 ids but 1 times"):
        aged.recommend(ids, times=["2020-01-01"])
    with pytest.raises(cw.UsageError, match="times of the history fall"):
        aged.recommend(ids, times=["2020-01-03", "2020-01-02", "2020-01-04"])
    old = aged.recommend(ids, times=["2010-01-01", "2010-01-02", "2020-01-01"], k=5)
    assert old.ids  # the last alone weighs
    scorer = aged.recommender
    rows = np.arange(3, dtype=np.int32)
    alone = scorer.queries(rows[2:], np.array([0, 1]), np.array([0]))
    together = scorer.queries(rows, np.array([0, 3]), np.array([0, 0, 5000 * DAY]))
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_evaluation_asks_with_the_times(model: cw.Model, shop: SimulatedShop) -> None:
    from dataclasses import replace

    from cowalk.judging import judge_held_out

    events = str(shop.events)
    figures = []
    for half_life in (0.0, 1e-6):  # so short that the newest item alone counts
        changed = {"recommend.half_life": half_life, "recommend.history": 5, "recommend.decay": 1.0}
        aged = replace(model, recipe=model.recipe.changed({**changed, "recommend.cooccurrence": 0}))
        figures.append(judge_held_out(aged, events).comparison.estimates("next-item", "recall@20"))
    newest = replace(
        model, recipe=model.recipe.changed({"recommend.history": 1, "recommend.cooccurrence": 0})
    )
    wanted = judge_held_out(newest, events).comparison.estimates("next-item", "recall@20")[model.recipe.name]
    assert figures[1][model.recipe.name].mean == pytest.approx(wanted.mean, abs=0.01)  # equal times share
    assert figures[0][model.recipe.name].mean != pytest.approx(wanted.mean, abs=0.01)


def test_users_on_the_command_line(
    shop_model: Path, shop: SimulatedShop, tmp_path: Path, model: cw.Model
) -> None:
    out = tmp_path / "users.parquet"
    assert run(["users", str(shop_model), "--events", str(shop.events), "--out", str(out)]) == 0
    found, wanted = cw.Vectors.load(out), model.user_vectors(str(shop.events))
    assert found.index_to_key == wanted.index_to_key
    np.testing.assert_array_equal(found.array, wanted.array)
    words = [
        "--set",
        "recommend.interests=3",
        "--set",
        "recommend.history=20",
        "--set",
        "interest_distance=0.5",
    ]
    assert run(["users", str(shop_model), "--events", str(shop.events), "--out", str(out), *words]) == 0
    rows = duckdb.sql(f"SELECT id, interest, share, item FROM '{out}'").fetchall()
    shares: dict[object, float] = {}
    for user, interest, share, item in rows:
        assert 1 <= interest <= 3
        assert item in model.vocab
        shares[user] = shares.get(user, 0) + share
    assert len(rows) > len(shares) > 0
    np.testing.assert_allclose(list(shares.values()), 1, atol=1e-5)


def test_wrong_users_calls_are_told(
    shop_model: Path, shop: SimulatedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["users", str(shop_model), "--events", str(shop.events), "--out", str(tmp_path / "u.parquet")]
    for words, told in [
        (["--set", "learn.window=2"], "learn was settled"),
        (["--user-column", "who"], "who"),
        (["--set", "recommend.half_life=-1"], "half_life"),
    ]:
        assert run([*base, *words]) in (2, 3)
        assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
