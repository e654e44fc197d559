"""Two-tower and YouTubeDNN: the numpy towers equal torch, seeds are equal, cold items have vectors."""

import json
import pickle
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cowalk as cw
from cowalk import judging
from cowalk.cli.run import run
from cowalk.datasets import SimulatedShop
from cowalk.errors import DataError, UsageError
from cowalk.examples import Batches
from cowalk.learn.item_tower import item_tower_of
from cowalk.learn.tower_settings import TowerSettings, YouTubeSettings
from cowalk.nn.batches import tensors
from cowalk.nn.features import features_of
from cowalk.nn.onnx import RunTower
from cowalk.nn.recall import Run, examples_of, histories, recall_of
from cowalk.nn.two_tower import Frequency, TowerBatches, TwoTower, learn_two_tower
from cowalk.nn.youtube import Samples, YouTubeBatches, YouTubeDNN, learn_youtube
from cowalk.tables import Field, Sessions, SideInfo, Vectors, Vocab
from cowalk.train_settings import TrainSettings
from cowalk.users.tower import tower_of

V, U = 30, 60
QUICK = TrainSettings(epochs=2, batch_size=64, accelerator="cpu", validation=20)


@dataclass(frozen=True)
class World:
    """Two kinds of items; a user stays with one kind, told by the user's own attribute."""

    vocab: Vocab
    sessions: Sessions | None
    side_info: SideInfo | None
    users: SideInfo | None


def world() -> World:
    rng = np.random.default_rng(1)
    runs = [(rng.integers(0, V // 2, rng.integers(3, 12)) * 2 + u % 2).astype(np.int32) for u in range(U)]
    offsets = np.concatenate([[0], np.cumsum([len(run) for run in runs])]).astype(np.int64)
    items = np.concatenate(runs)
    sessions = Sessions(
        items, offsets, np.arange(U, dtype=np.int32), np.zeros(U, np.int64), np.ones(len(items), np.float32),
        np.arange(len(items), dtype=np.int64) * 60_000_000,
    )  # fmt: skip
    kind = Field(
        "kind", "categorical", np.arange(V + 1), (np.arange(V) % 2).astype(np.int32), np.array(["a", "b"])
    )
    tags = Field(
        "tags", "multi", np.arange(V + 1) * 2, np.tile([0, 2], V).astype(np.int32), np.array(["x", "y", "z"])
    )
    dense = Field.dense("look", rng.normal(size=(V, 3)).astype(np.float32))
    people = Field(
        "side", "categorical", np.arange(U + 1), (np.arange(U) % 2).astype(np.int32), np.array(["l", "r"])
    )
    vocab = Vocab(np.arange(V), np.bincount(items, minlength=V))
    return World(
        vocab, sessions, SideInfo(vocab.fingerprint, (kind, tags, dense)), SideInfo("people", (people,))
    )


WORLD = world()


def two_tower(**changes: object) -> tuple[TwoTower, TowerSettings]:
    s = TowerSettings.model_validate({"vector_size": 6, "last": 4, **changes})
    torch.manual_seed(0)
    people = features_of(WORLD.users, U, own=False)
    network = TwoTower(features_of(WORLD.side_info, V, own=s.item_id), people, s)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return network.eval(), s


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"history": "mean"},
        {"item_layers": [7], "user_layers": [5, 8]},
        {"item_id": False, "logq": "streaming"},
    ],
)
def test_the_numpy_towers_equal_the_network(changes: dict[str, object]) -> None:
    network, s = two_tower(id_dropout=0, **changes)
    examples, _ = examples_of(WORLD, s.last, None, 0, 0)
    batches = TowerBatches(Batches(examples, 50, shuffle=False), network, Frequency(examples, s, QUICK, 0), 0)
    batch = next(iter(batches))
    with torch.no_grad():
        users, items = network.both(tensors(batch))
    inputs = network.items.all()
    tower = network.user_tower(inputs)
    first = examples.select(np.arange(50))
    mine = tower.vectors(*histories(first), first.users) * s.temperature
    assert np.abs(mine - users.numpy()).max() < 1e-5
    run = RunTower.of(tower).vectors(*histories(first), first.users) * s.temperature
    assert np.abs(run - users.numpy()).max() < 1e-5
    rows = network.item_tower().top(inputs)
    assert np.abs(rows[first.targets] - items.numpy()[:50]).max() < 1e-5
    back = tower_of(tower.arrays())
    assert back is not None
    asked = (*histories(first), first.users)
    assert np.array_equal(back.vectors(*asked), tower.vectors(*asked))


def test_an_item_without_an_own_row_has_the_default_one() -> None:
    network, _ = two_tower()
    tower = network.item_tower()
    assert WORLD.side_info is not None
    inputs, own = network.items.all(), network.items.table.detach().numpy()
    cold = tower.inputs(WORLD.side_info.fields)
    assert np.abs(inputs - own[:V] + own[V] - cold).max() < 1e-5
    missing = tuple(field.take(np.array([-1])) for field in WORLD.side_info.fields)
    assert np.array_equal(tower.inputs(missing), own[V : V + 1])
    back = item_tower_of(tower.arrays())
    assert back is not None
    assert np.array_equal(back.vectors(WORLD.side_info.fields), tower.vectors(WORLD.side_info.fields))


def test_the_youtube_tower_equals_the_network() -> None:
    s = YouTubeSettings(vector_size=6, layers=(9,), last=5, bias=True, negatives=20)
    torch.manual_seed(0)
    network = YouTubeDNN(V, features_of(WORLD.users, U, own=False), s)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.3 * torch.randn_like(weight)
    examples, _ = examples_of(WORLD, s.last, None, 0, 0)
    samples = Samples.of(np.ones(V), 1.0, s.negatives)
    made = YouTubeBatches(
        Batches(examples, 50, shuffle=False), network, samples, int(examples.times.max()), 0
    )
    batch = tensors(next(iter(made)))
    assert float(batch["age"].max()) > 0
    batch["age"] = torch.zeros(50)  # what serves is the newest moment
    first = examples.select(np.arange(50))
    mine = network.user_tower().vectors(*histories(first), first.users)
    run = RunTower.of(network.user_tower()).vectors(*histories(first), first.users)
    with torch.no_grad():
        users = network.users(batch).numpy()
    assert np.abs(mine[:, :-1] - users).max() < 1e-5
    assert np.abs(run[:, :-1] - users).max() < 1e-5
    assert (mine[:, -1] == 1).all()
    scores = mine @ network.contexts().T
    wanted = mine[:, :-1] @ network.outputs.detach().numpy().T + network.bias.detach().numpy()[:, 0]
    assert np.abs(scores - wanted).max() < 1e-5


def test_attention_and_users_by_written_arithmetic() -> None:
    network, _ = two_tower()
    tower = replace(
        network.user_tower(network.items.all()),
        inputs=np.array([[1.0, 0], [0, 2]], np.float32), query=np.array([1.0, 0], np.float32),
        places=np.array([0.0, -1, -9], np.float32), people=np.array([[5.0, 0], [0, 7]], np.float32),
        layers=(), unit=False, scale=2.0,
    )  # fmt: skip
    found = tower.vectors(np.array([0, 1, 0], np.int32), np.array([0, 0, 3]), np.array([0, -1], np.int32))
    weights = np.exp([1 - 9, 0 - 1, 1 - 0.0])  # oldest first: row . query + place
    mean = weights / weights.sum() @ np.array([[1.0, 0], [0, 2], [1, 0]])
    assert np.allclose(found, [[10, 0], 2 * mean + [0, 14]], atol=1e-5)


@pytest.mark.parametrize("engine", ["two-tower", "youtube-dnn"])
def test_equal_seeds_learn_equal_vectors_that_know_the_kinds(engine: str) -> None:
    def learn(seed: int) -> cw.Learned:
        if engine == "two-tower":
            s = TowerSettings(vector_size=8)
            return learn_two_tower(WORLD, s, QUICK.model_copy(update={"epochs": 8}), Run(seed, 1))
        y = YouTubeSettings(vector_size=8, negatives=30)
        t = QUICK.model_copy(update={"epochs": 30, "learning_rate": 0.02, "validation": 0})
        return learn_youtube(WORLD, y, t, Run(seed, 1))

    one, two, other = learn(1), learn(1), learn(2)
    assert np.array_equal(one.vectors, two.vectors)
    assert all(np.array_equal(one.extra[name], two.extra[name]) for name in one.extra)
    assert not np.array_equal(one.vectors, other.vectors)
    tower = tower_of(one.extra)
    assert tower is not None
    scores = tower.vectors(np.array([0, 2, 1, 3], np.int32), np.array([0, 2, 4])) @ one.contexts.T
    even = np.arange(V) % 2 == 0
    assert scores[0, even].mean() > scores[0, ~even].mean() + 0.5
    assert scores[1, ~even].mean() > scores[1, even].mean() + 0.5
    assert recall_of(tower, one.contexts, examples_of(WORLD, 20, None, 20, 0)[0]) > 0.7


def test_recall_counts_ties_at_half_and_nothing_that_is_not_finite() -> None:
    examples, _ = examples_of(WORLD, 20, None, 0, 0)

    class Fixed:
        def __init__(self, row: list[float]) -> None:
            self.row = np.array(row, dtype=np.float32)

        def vectors(self, items: np.ndarray, offsets: np.ndarray, users: np.ndarray) -> np.ndarray:
            return np.tile(self.row, (len(users), 1))

    def recall(row: list[float], contexts: np.ndarray) -> float:
        return recall_of(Fixed(row), contexts.astype(np.float32), examples)  # type: ignore[arg-type]

    many = np.ones((100, 2))  # all scores are equal: each target has rank 49.5
    assert recall([0.0, 0.0], many) == 0.0
    assert recall([0.0, 0.0], many[:41]) == 0.0  # rank 20
    assert recall([0.0, 0.0], many[:40]) == 1.0  # rank 19.5
    assert recall([np.nan, 1.0], many[:30]) == 0.0
    assert recall([np.inf, 1.0], many[:30]) == 0.0
    first = np.stack([np.arange(100) < 20, np.zeros(100)], axis=1)  # items 0 to 19 score 1, the others 0
    assert recall([1.0, 0.0], first) == pytest.approx((examples.targets < 20).mean())


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (
            Field(
                "none",
                "categorical",
                np.zeros(V + 1, np.int64),
                np.zeros(0, np.int32),
                np.array([], dtype=str),
            ),
        ),
    ],
)
def test_items_without_attributes_are_learned_by_their_ids(fields: tuple[Field, ...]) -> None:
    bare = replace(WORLD, side_info=SideInfo(WORLD.vocab.fingerprint, fields) if fields else None, users=None)
    learned = learn_two_tower(bare, TowerSettings(vector_size=4), QUICK.model_copy(update={"epochs": 1}))
    tower = item_tower_of(learned.extra)
    assert tower is not None
    assert len(tower.rows) == len(fields)
    off = learn_two_tower(
        WORLD, TowerSettings(vector_size=4, fields=False), QUICK.model_copy(update={"epochs": 1})
    )
    assert item_tower_of(off.extra) is None


def test_a_graph_has_no_histories() -> None:
    with pytest.raises(DataError, match="give events"):
        learn_two_tower(replace(WORLD, sessions=None))


def test_fit_saves_and_asks_the_tower(shop: SimulatedShop, tmp_path: Path) -> None:
    model = cw.fit(
        str(shop.events), items=str(shop.items), recipe="two-tower", vector_size=8, trials=2, workers=1,
        train__epochs=1, train__batch_size=512, train__accelerator="cpu", out=tmp_path / "m",
    )  # fmt: skip
    back = cw.load(tmp_path / "m")
    ids = model.vocab.ids[:3].tolist()
    assert back.recommend(ids, 5).scores == model.recommend(ids, 5).scores
    tower, rows = tower_of(back.learned.extra), model.vocab.find(ids)
    assert tower is not None
    wanted = tower.vectors(rows, np.array([0, 3]))
    assert np.array_equal(back.recommender.queries(rows, np.array([0, 3])), wanted)
    store = back.user_store()
    assert store.keep == 20
    for item in ids:
        store.update("someone", item)
    assert np.allclose(store.vector("someone"), wanted[0], atol=1e-6)
    attributes = {
        field.name: field.labels[0] for field in back.side_info.fields if field.kind == "categorical"
    }
    assert back.embed(attributes, method="tower").shape == (8,)
    assert len(back.recommend(ids, 3, interests=2).ids) == 3
    with pytest.raises(UsageError, match=r"tower\.fields=false"):
        cw.load_recipe("two-tower", {"tower.fields": False})
    with pytest.raises(UsageError, match="needs engine two-tower"):
        cw.load_recipe("eges", {"cold.method": "tower"})


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, shop: SimulatedShop) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    with pytest.raises(cw.MissingExtraError, match=r"pip install 'cowalk\[deep\]'"):
        cw.fit(str(shop.events), recipe="youtube-dnn")


def test_a_users_table_changes_what_is_recommended(
    shop: SimulatedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = cw.read_events(str(shop.events))[0].user_vocab.ids.tolist()
    users = tmp_path / "users.csv"
    rows = [f"{user},{'old' if n % 2 else 'young'},{n % 90}" for n, user in enumerate(ids[:-1])]
    users.write_text("user_id,group,age\n" + "\n".join(rows))
    model = cw.fit(
        str(shop.events), users=str(users), recipe="youtube-dnn", vector_size=8, trials=0, workers=1,
        train__epochs=2, train__batch_size=256, train__validation=0, youtube__negatives=50,
        train__learning_rate=0.05, train__accelerator="cpu", out=tmp_path / "m",
    )  # fmt: skip
    back = cw.load(tmp_path / "m")
    history = model.vocab.ids[:2].tolist()
    one, two = back.recommend(history, 5, user=ids[0]), back.recommend(history, 5, user=ids[1])
    nobody = back.recommend(history, 5, user="who is this")
    assert one.scores != two.scores
    assert nobody.scores == back.recommend(history, 5).scores != one.scores
    assert model.recommend(history, 5, user=ids[0]).scores == one.scores
    asked = ["recommend", str(tmp_path / "m"), "--history", ",".join(map(str, history)), "-k", "5"]
    assert run([*asked, "--json", "--user", str(ids[0])]) == 0
    assert [hit["score"] for hit in json.loads(capsys.readouterr().out)["hits"]] == pytest.approx(one.scores)
    assert run([*asked, "--user", "who"]) == 3
    assert "--user 'who': the model does not know this user" in capsys.readouterr().err
    store = back.user_store()
    for item in history:
        store.update(ids[0], item)
    assert np.allclose(store.recommend(ids[0], 5).scores, one.scores, atol=1e-5)
    log = tmp_path / "log.csv"
    did = [*((user, item) for user in ids[:2] for item in history), (ids[2], "no such item")]
    rows = [f"{user},{item},2024-01-{n + 1:02d}" for n, (user, item) in enumerate(did)]
    log.write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    out = tmp_path / "u.parquet"
    assert run(["users", str(tmp_path / "m"), "--events", str(log), "--out", str(out)]) == 0
    assert "1 of 3 users have no item that the model knows" in capsys.readouterr().err
    made = Vectors.load(out)
    assert np.array_equal(made[ids[0]], store.vector(ids[0]))
    assert not np.allclose(made[ids[0]], made[ids[1]])  # equal histories of users who differ
    judged: list[Any] = []
    monkeypatch.setattr(judging, "judge", lambda _, prepared, **__: judged.append(prepared) or Verdict())
    assert not [note for note in judging.judge_model(back).notes if "not those" in note]
    assert judged[0].events.user_info is not None

    def enough(_: object, prepared: Any, **__: object) -> None:
        judged.append(prepared)
        raise UsageError("read enough")

    monkeypatch.setattr(judging, "judge", enough)
    assert run(["compare", "two-tower", "--events", str(shop.events), "--users", str(users)]) == 2
    assert "read enough" in capsys.readouterr().err
    assert judged[1].events.user_info is not None
    with pytest.raises(UsageError, match="is read by engines two-tower and youtube-dnn"):
        cw.fit(str(shop.events), users=str(users), recipe="eges")
    users.write_text("user_id,group\nnobody,old\n")
    with pytest.raises(DataError, match="no id of the users table is in the log"):
        cw.fit(str(shop.events), users=str(users), recipe="two-tower")
    users.write_text("user_id\nnobody\n")
    with pytest.raises(DataError, match="the users table has no attributes beside the ids"):
        cw.fit(str(shop.events), users=str(users), recipe="two-tower")


class Verdict:
    """What is noted of a model, without its judging."""

    def __init__(self) -> None:
        self.notes: list[str] = []


def test_items_of_nothing_are_refused() -> None:
    without = TowerSettings(item_id=False)
    with pytest.raises(UsageError, match=r"tower\.item_id=false leaves an item nothing"):
        learn_two_tower(replace(WORLD, side_info=None), without, QUICK)
    with pytest.raises(UsageError, match=r"tower\.item_id=false leaves an item nothing"):
        learn_two_tower(WORLD, without.model_copy(update={"fields": False}), QUICK)


def test_a_resumed_run_has_seen_the_stream_of_the_earlier_epochs() -> None:
    examples, _ = examples_of(WORLD, 4, None, 0, 0)
    s = TowerSettings(logq="streaming")

    def batches(epoch: int) -> Batches:
        return Batches(examples, 64, 1, epoch)

    whole, resumed = (Frequency(examples, s, QUICK, 0) for _ in range(2))
    for epoch in range(3):
        whole.before(epoch, batches)
        if epoch < 2:
            for batch in batches(epoch):
                whole.log_p(batch["targets"], len(batch["targets"]))
    resumed.before(2, batches)
    assert whole.stream.step == resumed.stream.step == 2 * len(batches(0))
    assert np.array_equal(whole.stream.gaps, resumed.stream.gaps)


@pytest.mark.parametrize("learn", [learn_two_tower, learn_youtube])
def test_all_that_is_trained_can_be_sent_to_another_process(
    learn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    def keep(network: Any, epoch: Any, settings: Any, run: Any, figure: Any, identity: str) -> None:
        sent.append(pickle.dumps((network, epoch, figure)))
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[learn.__module__], "run_training", keep)
    with pytest.raises(KeyboardInterrupt):
        learn(WORLD, None, QUICK, Run())
    network, epoch, figure = pickle.loads(sent[0])
    assert epoch(0).network is network
    assert len(next(iter(epoch(0)))["history"]) == QUICK.batch_size
    assert 0 < figure() <= 1
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(float("nan"))
    assert figure() == 0.0  # the figure is of the network that came with it
