"""Users tables and columns of the log as inputs of a ranking network: fitted on training, kept, asked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cowalk import rank
from cowalk.cli.run import run
from cowalk.errors import DataError, ModelError, UsageError
from cowalk.examples import Examples
from cowalk.prepare import SideSettings, read_events, read_items, refit_vocab
from cowalk.rank.columns import InputColumns, coded, fit_inputs
from cowalk.rank.inputs import Making
from cowalk.rank.settings import RankSettings
from cowalk.tables import Catalogue, Events, RawField, Vocab
from cowalk.tables.clicks import ClickColumn

torch.set_num_threads(1)
TINY = {"vector_size": 3, "hidden": (6,), "epochs": 1, "batch_size": 128, "train__validation": 0}
CONTEXT = ("device", "speed")


def log() -> pd.DataFrame:
    """600 events of 30 users; the device and the user's kind tell the item."""
    rng = np.random.default_rng(0)
    users, device = rng.integers(30, size=600), rng.integers(3, size=600)
    return pd.DataFrame({
        "user_id": users, "item_id": users % 2 * 9 + device * 3 + rng.integers(3, size=600),
        "timestamp": np.sort(rng.integers(0, 10**6, size=600)) + 1_600_000_000,
        "device": np.array(["phone", "tv", "web"])[device], "speed": rng.normal(5, 2, size=600), "same": "x",
    })  # fmt: skip


def people() -> pd.DataFrame:
    """28 of the 30 users."""
    ids = np.arange(28)
    return pd.DataFrame({
        "user_id": ids, "kind": np.where(ids % 7 == 0, None, np.array(["odd", "even"])[ids % 2]),
        "age": np.where(ids % 5 == 0, np.nan, 20.5 + ids),
    })  # fmt: skip


@pytest.fixture(scope="module")
def events() -> Events:
    return read_events(log(), context=CONTEXT)[0]


@pytest.fixture(scope="module")
def users() -> Catalogue:
    return read_items(people(), item_column="user_id")


@pytest.fixture(scope="module")
def parts(events: Events) -> tuple[Examples, Examples]:
    return Making(per_user=8, last=5, seed=1).split(events, 0.3)


@pytest.fixture(scope="module")
def model(parts: tuple[Examples, Examples], users: Catalogue) -> rank.RankModel:
    return rank.fit(parts[0], "din", users=users, workers=1, seed=1, **TINY)


def texts(field: RawField) -> list[str | None]:
    """The value of each row."""
    assert field.offsets is not None
    assert field.labels is not None
    assert field.codes is not None
    codes = [field.codes[a:b] for a, b in zip(field.offsets, field.offsets[1:], strict=False)]
    return [str(field.labels[one[0]]) if len(one) else None for one in codes]


def test_columns_of_the_log_stay_with_their_events(events: Events) -> None:
    """Whatever cleaning drops and sorting moves, an event has the values of its own row."""
    rows = log()
    rows.loc[3, "device"] = None
    twice = pd.concat([rows, rows.iloc[50:60], rows.iloc[70:80].assign(device="car")])  # duplicates, and not
    found, report = read_events(twice, context=("device", "speed"))
    assert report.rows_out == len(found)
    device, speed = found.columns
    keys = list(zip(found.users, found.times // 10**6, found.item_vocab.ids[found.items], strict=True))
    rows = rows.replace({np.nan: None})
    by_key = {(u, t, i): (d, s) for u, i, t, d, s, _ in rows.itertuples(index=False)}
    told = dict(zip(keys, zip(texts(device), speed.numbers, strict=True), strict=True))  # type: ignore[arg-type]
    plain = {key: value for key, value in told.items() if value[0] != "car"}
    assert {key: by_key[key] for key in plain} == plain
    assert len(plain) > 500  # repeats fall away, exact duplicates too
    assert len(told) + 10 >= len(found)
    late = found.times > np.median(found.times)
    assert texts(found.select(late).columns[0]) == [
        d for d, keep in zip(texts(device), late, strict=True) if keep
    ]
    fitted, _ = refit_vocab(found, min_count=20)
    assert len(fitted.columns[0]) == len(fitted) < len(found)
    assert read_events(rows)[0].columns == ()


def test_an_example_has_the_columns_of_its_moment(parts: tuple[Examples, Examples], events: Events) -> None:
    device = texts(events.columns[0])
    for part in parts:
        assert [one.name for one in part.raw] == ["device", "speed"]
        assert texts(part.raw[0]) == [
            device[stop] for stop in part.stops
        ]  # of next items, where history stops
    rated = replace(events, weights=(events.items % 5 + 1).astype(np.float32))
    made = Making("rated").examples(rated)
    places = [int(np.flatnonzero(
        (events.users == u) & (events.times == t) & (events.items == i))[0])
        for u, t, i in zip(made.users, made.times, made.targets, strict=True)]  # fmt: skip
    assert texts(made.raw[0]) == [device[place] for place in places]


def test_fitted_by_written_arithmetic() -> None:
    vocab = Vocab.of(["u1", "u2", "u3", "u4"])
    stream_users = np.arange(4, dtype=np.int32)
    from cowalk.examples import Stream

    stream = Stream(np.zeros(8, np.int32), np.arange(0, 9, 2), stream_users, np.ones(8, np.float32))
    ones = np.ones(4, dtype=np.float32)
    examples = Examples(
        stream, Vocab.of(["a", "b"]), vocab, np.arange(4, dtype=np.int32), np.arange(1, 9, 2),
        np.zeros(4, np.int32), np.array([1, 0, 1, 0], dtype=np.float32), ones, np.zeros(4, np.int64),
        np.full(4, -1), raw=(RawField("speed", "numeric", numbers=np.array([1.0, 3.0, np.nan, 5.0])),),
    )  # fmt: skip
    table = read_items(
        pd.DataFrame({"user_id": ["u9", "u1", "u2", "u3"], "kind": ["x", "y", "y", None],
                      "age": [99, 20.5, 30.5, 40.5]}),
        SideSettings(fields={"kind": "categorical"}), item_column="user_id",
    )  # fmt: skip
    found = fit_inputs(RankSettings(min_count=1), examples, table)
    kind, age = found.users
    assert kind.labels is not None
    assert kind.labels.tolist() == ["y", ""]  # x is of a user that training does not know
    assert (age.mean, age.spread) == (30.5, pytest.approx(np.std([20.5, 30.5, 40.5])))
    assert found.values[0].tolist() == [0, 1, 1, 2]
    speed = found.log[0]
    assert (speed.mean, speed.spread) == (3.0, pytest.approx(np.std([1, 3, 5])))
    put = found.applied(examples).context
    assert put["user kind"].tolist() == [1, 1, 2, 0]  # u4 is unknown: the code of values not known
    np.testing.assert_allclose(put["user age"][:, 0], [-1.2247, 0, 1.2247, 0], atol=1e-4)
    assert put["user age"][:, 1].tolist() == [0, 0, 0, 1]  # missing
    np.testing.assert_allclose(put["log speed"][:, 0], [-1.2247, 0, 0, 1.2247], atol=1e-4)
    assert put["log speed"][:, 1].tolist() == [0, 0, 1, 0]
    assert found.sizes == {"user kind": 3}


def test_nothing_of_the_test_part_is_fitted(events: Events, users: Catalogue) -> None:
    making = Making(per_user=8, last=5, seed=1)
    train, test = making.split(events, 0.3)
    found = fit_inputs(RankSettings(), train, users)
    rows, told = log(), people()
    held = events.user_vocab.ids[np.unique(test.users)]
    rows.loc[rows["user_id"].isin(held), ["device", "speed"]] = ["radio", 1e9]
    told.loc[told["user_id"].isin(held), ["kind", "age"]] = ["strange", 1e9]
    other, _ = making.split(read_events(rows, context=CONTEXT)[0], 0.3)
    again = fit_inputs(RankSettings(), other, read_items(told, item_column="user_id"))
    for side in ("users", "log"):
        one, two = ([c.to_dict() for c in getattr(part, side)] for part in (found, again))
        assert one == two
        labels = [None if c.labels is None else c.labels.tolist() for c in getattr(again, side)]
        assert labels == [None if c.labels is None else c.labels.tolist() for c in getattr(found, side)]


def test_context_is_learned_from(events: Events, users: Catalogue) -> None:
    """Told the devices of other moments, the network knows less."""
    train, test = Making(negatives=4, last=5).split(events, 0.3)
    size = {"vector_size": 8, "hidden": (32,), "batch_size": 96, "epochs": 6, "learning_rate": 0.03}
    asked = {**TINY, **size, "workers": 1, "seed": 1}
    told = rank.fit(train, "mlp", users=users, **asked)
    mixed = np.random.default_rng(0).permutation(len(test))
    strange = replace(test, raw=tuple(one.take(mixed) for one in test.raw))
    assert told.evaluate(test)["auc"] > told.evaluate(strange)["auc"] + 0.15
    assert told.about["users in the table"] < told.about["users"]


def test_saved_loaded_and_asked_by_ids(
    model: rank.RankModel, parts: tuple[Examples, Examples], tmp_path: Path
) -> None:
    test = parts[1]
    model.save(tmp_path / "m")
    again = rank.load(tmp_path / "m", verify=True)
    scores = model.score_examples(test)
    np.testing.assert_array_equal(again.score_examples(test), scores)
    names, some = test.item_vocab.names, np.arange(15)
    histories = [names(test.history(e)) for e in some]
    assert test.user_vocab is not None
    ids, targets = test.user_vocab.names(test.users[some]), names(test.targets[some])
    device, speed = (one.take(some) for one in test.raw)
    assert speed.numbers is not None
    asked = {"device": texts(device), "speed": speed.numbers}
    np.testing.assert_allclose(again.score(histories, targets, users=ids, **asked), scores[some], rtol=1e-6)
    strange = again.score(histories, targets, users=["nobody"] * 15, **asked)
    assert np.isfinite(strange).all()
    missing = again.score(histories, targets, users=ids, device=[None] * 15, speed=[float("nan")] * 15)
    assert np.isfinite(missing).all()
    with pytest.raises(UsageError, match="with a users table; give users="):
        again.score(histories, targets, **asked)
    with pytest.raises(UsageError, match="with the column 'speed'; give it too"):
        again.score(histories, targets, users=ids, device=asked["device"])
    with pytest.raises(UsageError, match="score: 1 values of 'log device' for 15 targets"):
        again.score(histories, targets, users=ids, device=["web"], speed=speed.numbers)
    with pytest.raises(DataError, match=r"no column 'device' of the log.*context=\['device'\]"):
        again.score_examples(replace(test, raw=()))


def test_a_newer_users_table(model: rank.RankModel, parts: tuple[Examples, Examples]) -> None:
    later = people().assign(kind="even", more=1.5)
    kinds = model.inputs.kinds("users")
    assert kinds == {"kind": "categorical", "age": "numeric"}
    table = read_items(later, SideSettings(fields=kinds), item_column="user_id")
    newer = model.with_users(table)
    assert np.any(newer.score_examples(parts[1]) != model.score_examples(parts[1]))
    code = newer.inputs.values[0]
    assert len(np.unique(code)) == 1
    with pytest.raises(DataError, match="no column 'kind', which the model knows"):
        model.with_users(read_items(people()[["user_id", "age"]], item_column="user_id"))


@pytest.mark.parametrize("file", ["people.parquet", "people.safetensors", "users-values-0.parquet"])
def test_damaged_folders_are_refused(file: str, model: rank.RankModel, tmp_path: Path) -> None:
    path = model.save(tmp_path / "m") / file
    whole = path.read_bytes()
    for broken in (b"", whole[:-7], whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]):
        path.write_bytes(broken)
        with pytest.raises(ModelError):
            rank.load(tmp_path / "m")
    path.unlink()
    with pytest.raises(ModelError):
        rank.load(tmp_path / "m")


def test_input_columns_are_checked_at_birth(model: rank.RankModel) -> None:
    inputs = model.inputs
    with pytest.raises(DataError, match="a code of 'kind' lies outside"):
        replace(inputs, values=(inputs.values[0] + 9, inputs.values[1]))
    with pytest.raises(DataError, match="28 users but 3 values of 'age'"):
        replace(inputs, values=(inputs.values[0], inputs.values[1][:3]))


def test_examples_with_columns_are_saved(parts: tuple[Examples, Examples], tmp_path: Path) -> None:
    parts[1].save(tmp_path / "e")
    again = Examples.open(tmp_path / "e")
    assert texts(again.raw[0]) == texts(parts[1].raw[0])
    np.testing.assert_array_equal(again.raw[1].numbers, parts[1].raw[1].numbers)
    mask = again.labels > 0
    assert texts(again.select(mask).raw[0]) == texts(again.select(np.flatnonzero(mask)).raw[0])


def test_values_of_another_kind() -> None:
    number = ClickColumn("age", "number", mean=30.0, spread=10.0)
    words = RawField("age", "categorical", np.array(["20", "old"]), np.array([0, 1, 1, 2]), np.array([0, 1]))
    with pytest.raises(DataError, match="'age': 'old' is not a number, and the model takes numbers"):
        coded(number, words, np.arange(3))
    plain = RawField("age", "categorical", np.array(["20"]), np.array([0, 1, 1]), np.array([0]))
    np.testing.assert_allclose(coded(number, plain, np.arange(2)), [[-1, 0], [0, 1]])
    slot = ClickColumn("slot", "categorical", labels=np.array(["3", "1"]))
    numbers = RawField("slot", "numeric", numbers=np.array([1.0, 3.0, 2.0, np.nan]))
    assert coded(slot, numbers, np.arange(4)).tolist() == [2, 1, 0, 0]


def test_bad_columns_are_told(parts: tuple[Examples, Examples], events: Events, users: Catalogue) -> None:
    train = parts[0]
    flat = read_items(people().assign(land="de"), item_column="user_id")
    with pytest.raises(DataError, match=r"users column 'land' tells nothing: .* --without land, or all"):
        rank.fit(train, "mlp", users=flat, **TINY)
    dropped = rank.fit(train, "mlp", users=flat, constant="drop", workers=1, **TINY)
    assert [c.name for c in dropped.inputs.users] == ["kind", "age"]
    same = Making(per_user=2).examples(read_events(log(), context=("same",))[0])
    with pytest.raises(DataError, match=r"context column 'same' tells nothing: .* leave it out of --context"):
        rank.fit(same, "mlp", **TINY)
    several = read_items(people().assign(tags=[["a", "b"]] * 28), item_column="user_id")
    with pytest.raises(UsageError, match="'tags' holds several values in a row; leave it out by --without"):
        rank.fit(train, "mlp", users=several, **TINY)
    foreign = read_items(people().assign(user_id=np.arange(28) + 900), item_column="user_id")
    with pytest.raises(DataError, match="no user of the training examples is in the users table"):
        rank.fit(train, "mlp", users=foreign, **TINY)
    with pytest.raises(UsageError, match="users is DataFrame; give a Catalogue"):
        rank.fit(train, "mlp", users=people(), **TINY)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="goes with examples of known users"):
        fit_inputs(RankSettings(), replace(train, user_vocab=None, raw=()), users)
    with pytest.raises(DataError, match="column 'none' holds no value"):
        read_events(log().assign(none=np.nan), context=("none",))
    with pytest.raises(UsageError, match="column 'lists' holds lists"):
        read_events(log().assign(lists=[["a"]] * 600), context=("lists",))
    with pytest.raises(DataError, match="items but 5 rows of column 'device'"):
        replace(events, columns=(events.columns[0].take(np.arange(5)),))


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"log": log(), "users": people(), "flat": people().assign(land="de")}
    paths = {name: str(tmp_path / f"{name}.csv") for name in files}
    for name, frame in files.items():
        frame.to_csv(paths[name], index=False)
    out, small = str(tmp_path / "m"), ["--set", "epochs=1", "--set", "hidden=[4]", "--workers", "1"]
    fit = ["rank", "fit", "mlp", "--events", paths["log"], "--per-user", "4", "--out", out, *small]
    asked = ["--users", paths["flat"], "--without", "land", "--context", "device,speed"]
    assert run([*fit, *asked, "--test-share", "0.3"]) == 0
    first = capsys.readouterr()
    assert "users of the examples are in the users table" in first.err
    held = ["rank", "evaluate", out, "--events", paths["log"], "--per-user", "4", "--test-share", "0.3"]
    for more in ([], ["--users", paths["users"]]):
        assert run([*held, *more]) == 0
        assert (
            capsys.readouterr().out.splitlines()[1].split("\t")[1:]
            == first.out.splitlines()[1].split("\t")[1:]
        )
    for bad, code, words in (
        (
            [*fit, "--users", paths["flat"]],
            3,
            "leave it out by --without land, or all such by --constant drop",
        ),
        ([*fit, "--context", "device,same"], 3, "context column 'same' tells nothing"),
        ([*fit, "--context", "devise"], 3, "no column 'devise'; the columns are user_id"),
        ([*fit, "--context", "device", "--numeric", "device"], 3, "'device' cannot be numeric"),
        ([*fit, "--context", "device", "--numeric", "age"], 2, "'age' is none of --context"),
        ([*fit, "--numeric", "age"], 2, "--numeric is an option of a table, or of --users and --context"),
        (
            [*fit, "--users", paths["users"], "--without", "land"],
            2,
            "no field 'land'; the fields are kind, age",
        ),
        ([*fit, "--users", paths["users"], "--set", "constant=drop"], 2, "give it as --constant"),
        (
            ["rank", "fit", "lr", "--table", paths["log"], "--users", paths["users"]],
            2,
            "--users is an option",
        ),
    ):
        assert run(bad) == code
        told = capsys.readouterr().err
        assert words in told
        assert told.count("\n") == 1
    assert isinstance(rank.load(out).inputs, InputColumns)
