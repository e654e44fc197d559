"""The engine as a whole: forms that must agree, equal runs, interruption, divergence, quality."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from learn_world import (
    COUNTS,
    TWO_THREADS,
    field_of,
    graph_of,
    random_graph,
    sessions_of,
    small_sessions,
    small_side,
    vocab_of,
)

from cowalk.errors import DataError, DivergedError, UsageError
from cowalk.kernels import skipgram
from cowalk.kernels.bundles import Draw, Mix, Parts, Steps, Stream, Table
from cowalk.learn import Learned, LearnSettings, WalkSettings, learn, sequences
from cowalk.learn.outputs import outputs_of
from cowalk.learn.state import block_size
from cowalk.tables import ItemGraph, Sessions, SideInfo

VOCAB = vocab_of(COUNTS)
SIDE = small_side(VOCAB)
WALKS = WalkSettings(num_walks=6, walk_length=5)
SMALL = {"vector_size": 8, "window": 3, "epochs": 2, "block": 16}
SOURCES = {"sessions": small_sessions(), "walks": random_graph(8, seed=1, share=0.6)}


def run(source: Sessions | ItemGraph = SOURCES["sessions"], **names: object) -> Learned:
    more = {key: names.pop(key) for key in ("seed", "workers", "checkpoint", "progress") if key in names}
    side = names.pop("side", SIDE)
    settings = LearnSettings.model_validate(SMALL | names)
    return learn(source, VOCAB, settings, walks=WALKS, side_info=side, **more)


def assert_equal(one: Learned, other: Learned, atol: float | None = None) -> None:
    """Every array and the losses are equal bit for bit, or within atol."""
    for name in ("vectors", "contexts", "own", "losses"):
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        if atol is None:
            np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            np.testing.assert_allclose(a, b, atol=atol, err_msg=name)
    for a, b in zip(one.fields, other.fields, strict=True):
        np.testing.assert_allclose(a, b, atol=atol or 0)
    if one.weights.shape == other.weights.shape:
        np.testing.assert_allclose(one.weights, other.weights, atol=atol or 0)


def test_shapes_and_what_stands_in_them() -> None:
    learned = run()
    assert learned.vectors.shape == learned.contexts.shape == learned.own.shape == (8, 8)
    assert [f.shape for f in learned.fields] == [(3, 8), (3, 8)]
    assert learned.field_names == ("tag", "shelf")
    assert learned.weights.shape == (8, 3)
    np.testing.assert_allclose(learned.weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(learned.weights[3], [1, 0, 0])
    assert len(learned.losses) == 2
    tag, shelf = learned.fields  # item 4: tags 0, 1, 2 and shelf 1
    w = learned.weights[4]
    np.testing.assert_allclose(
        learned.vectors[4], w[0] * learned.own[4] + w[1] * tag.mean(axis=0) + w[2] * shelf[1], atol=1e-6
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_weights_that_cannot_move_give_the_plain_mean(optimizer: str) -> None:
    eges, ges = (run(input=form, optimizer=optimizer, step_weights=0) for form in ("weighted", "mean"))
    assert_equal(eges, ges, atol=1e-6)


def test_free_weights_do_not_give_the_plain_mean() -> None:
    eges, ges = (run(input=form) for form in ("weighted", "mean"))
    assert np.abs(eges.vectors - ges.vectors).max() > 1e-3


@pytest.mark.parametrize("side", [None, SideInfo(VOCAB.fingerprint, ())])
def test_without_fields_all_three_forms_are_one(side: SideInfo | None) -> None:
    eges, ges, bge = (run(input=form, side=side) for form in ("weighted", "mean", "own"))
    assert_equal(ges, bge)
    assert_equal(eges, bge, atol=1e-6)
    np.testing.assert_array_equal(bge.vectors, bge.own)


def test_bge_does_not_look_at_fields() -> None:
    assert_equal(run(input="own"), run(input="own", side=None))
    assert run(input="own").fields == ()


FORMS = [
    {"input": "own"},
    {"input": "mean", "negatives_per": "pair"},
    {"input": "weighted"},
    {"input": "weighted", "own_dropout": 0.3, "field_dropout": 0.2, "multi": "idf", "sample": 0.05},
    {"input": "weighted", "negatives_per": "pair", "optimizer": "sgd", "counts": "walks"},
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("form", FORMS)
def test_two_runs_are_equal_and_so_are_one_and_two_threads(source: str, form: dict[str, object]) -> None:
    one = run(SOURCES[source], **form, workers=1)
    assert_equal(one, run(SOURCES[source], **form, workers=1))
    if TWO_THREADS:
        assert_equal(one, run(SOURCES[source], **form, workers=2))


def test_the_number_of_threads_is_a_subject_of_these_tests() -> None:
    if not TWO_THREADS:
        pytest.skip("one thread only: set NUMBA_NUM_THREADS=2 for the tests of 1 against 2 threads")


def test_another_seed_gives_other_rows() -> None:
    assert not np.array_equal(run(seed=1).vectors, run(seed=2).vectors)


def test_a_chunk_ends_where_a_sequence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(sequences, "CHUNK", 40)
    run(progress=lambda share, _: told.append(share))
    assert len(told) > 8
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("source", SOURCES)
def test_epochs_draw_afresh_and_steps_fall_linearly(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "CHUNK", 60)
    calls: list[tuple[bytes, int, Steps, float]] = []
    kernel = skipgram.learn_blocks

    def spy(
        stream: Stream,
        parts: Parts,
        table: Table,
        draw: Draw,
        how: Mix,
        steps: Steps,
        end: float,
        *more: object,
    ) -> None:
        calls.append((stream.tokens.tobytes(), int(draw.seed), steps, end))
        kernel(stream, parts, table, draw, how, steps, end, *more)

    monkeypatch.setattr(skipgram, "learn_blocks", spy)
    run(SOURCES[source], step=0.4, step_contexts=0.5, step_fields=2, step_weights=3, min_step=0.1)
    half = len(calls) // 2
    assert len({tokens for tokens, *_ in calls}) == len(calls)
    assert len({seed for _, seed, *_ in calls[:half]}) == 1
    assert calls[0][1] != calls[-1][1]
    assert calls[0][2].own == 0.4
    assert calls[half][2].own == pytest.approx(0.22)
    for _, _, steps, _ in calls:
        np.testing.assert_allclose(np.array(steps[1:4]) / steps.own, [0.5, 2, 3])
    for (_, _, now, end), (_, _, later, _) in pairwise(calls):
        assert now.own * end == pytest.approx(later.own)
    assert calls[-1][2].own * calls[-1][3] == pytest.approx(0.04)


def interrupted(after: int) -> object:
    """A progress callback that is interrupted when it is told for the `after`-th time."""
    calls: list[float] = []

    def progress(share: float, _: str) -> None:
        calls.append(share)
        if len(calls) == after:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_an_interrupted_run_goes_on_to_the_same_result(
    source: str, optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "CHUNK", 60)
    names = {"epochs": 3, "optimizer": optimizer, "own_dropout": 0.2, "checkpoint": tmp_path / "run"}
    told: list[str] = []
    whole = run(SOURCES[source], **(names | {"checkpoint": None}), progress=lambda _, word: told.append(word))
    first = sum("epoch 1" in word for word in told)
    assert first >= 3
    with pytest.raises(KeyboardInterrupt):
        run(SOURCES[source], **names, progress=interrupted(first + 2))
    again: list[str] = []
    resumed = run(SOURCES[source], **names, progress=lambda _, word: again.append(word))
    assert not any("epoch 1" in word for word in again)
    assert_equal(resumed, whole)


def leave_one_epoch(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=folder, progress=interrupted(2))
    assert len(json.loads((folder / "epoch" / "state.json").read_text())["losses"]) == 1


def tear_rows(epoch: Path) -> None:
    data = (epoch / "rows.npy").read_bytes()
    (epoch / "rows.npy").write_bytes(data[: len(data) // 2])


TEARS = {
    "half an array": tear_rows,
    "an empty array": lambda epoch: (epoch / "contexts.npy").write_bytes(b""),
    "no array": lambda epoch: (epoch / "logits.npy").unlink(),
    "no state": lambda epoch: (epoch / "state.json").unlink(),
    "half a state": lambda epoch: (epoch / "state.json").write_text('{"key": "'),
    "another state": lambda epoch: (epoch / "state.json").write_text("[1]"),
    "no losses": lambda epoch: (epoch / "state.json").write_text(
        json.dumps({"key": json.loads((epoch / "state.json").read_text())["key"]})
    ),
    "only half renamed": lambda epoch: epoch.rename(epoch.with_name("epoch.new")),
}


@pytest.mark.parametrize("tear", TEARS)
def test_a_torn_checkpoint_is_ignored(tear: str, tmp_path: Path) -> None:
    leave_one_epoch(tmp_path)
    TEARS[tear](tmp_path / "epoch")
    told: list[str] = []
    learned = run(checkpoint=tmp_path, progress=lambda _, word: told.append(word))
    assert any("epoch 1" in word for word in told)
    assert_equal(learned, run())


def test_the_epoch_before_serves_when_only_half_was_renamed(tmp_path: Path) -> None:
    leave_one_epoch(tmp_path)
    (tmp_path / "epoch").rename(tmp_path / "epoch.old")
    told: list[str] = []
    learned = run(checkpoint=tmp_path, progress=lambda _, word: told.append(word))
    assert not any("epoch 1" in word for word in told)
    assert_equal(learned, run())


OTHERS = {
    "seed": {"seed": 3},
    "settings": {"step": 0.1},
    "side information": {"side": None},
    "source": {"source": small_sessions(seed=9)},
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_checkpoint_of_another_run_is_ignored(what: str, tmp_path: Path) -> None:
    leave_one_epoch(tmp_path)
    assert_equal(run(checkpoint=tmp_path, **OTHERS[what]), run(**OTHERS[what]))


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    whole = run(checkpoint=tmp_path)

    def never(_: float, __: str) -> None:
        raise AssertionError("nothing is left to learn")

    assert_equal(run(checkpoint=tmp_path, progress=never), whole)


@pytest.mark.parametrize("mode", ["deterministic", "hogwild"])
def test_divergence_is_told(mode: str) -> None:
    with pytest.raises(DivergedError, match=r"diverged.*lower learn\.step"):
        run(optimizer="sgd", step=1e30, epochs=5, mode=mode)


def test_learning_stops_when_the_loss_stands_still() -> None:
    learned = run(epochs=50, tolerance=0.5)
    assert len(learned.losses) == 2
    np.testing.assert_array_equal(learned.losses, run(epochs=50, tolerance=0.0).losses[:2])


def test_the_loss_starts_at_log_2_of_every_target() -> None:
    """All context rows are 0 at first, so each target costs log 2; one block sees nothing else."""
    source = sessions_of([[0, 1]] * 3)
    learned = run(source, epochs=1, negative=4, negatives_per="position", step=1e-6, block=512, side=None)
    assert np.log(2) < learned.losses[0] <= 5 * np.log(2) + 1e-6


@pytest.mark.parametrize("rows", [[], [[], []], [[0], [1], [2]]])
def test_sessions_without_a_pair_are_told(rows: list[list[int]]) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        run(sessions_of(rows))


def test_the_graph_has_to_fit_the_vocabulary() -> None:
    with pytest.raises(UsageError, match="9 nodes but the vocabulary 8"):
        run(random_graph(9, seed=0))


def planted(source: str) -> Sessions | ItemGraph:
    """Two clusters of four items; sequences stay within one but for one step in twenty."""
    side = np.arange(8) // 4
    if source == "walks":
        table = np.where(side[:, None] == side[None, :], 1.0, 0.05)
        np.fill_diagonal(table, 0)
        return graph_of(table)
    rng = np.random.default_rng(0)
    return sessions_of([(4 * rng.integers(2) + rng.integers(0, 4, size=6)).tolist() for _ in range(200)])


@pytest.mark.parametrize("mode", ["deterministic", "hogwild"])
@pytest.mark.parametrize("form", ["own", "mean", "weighted"])
@pytest.mark.parametrize("source", ["walks", "sessions"])
def test_two_planted_clusters_are_told_apart(source: str, form: str, mode: str) -> None:
    """The worst cosine within a cluster is above the best across; so are the scores H.Z."""
    kind = field_of("kind", [[0], [0], [1], [1], [2], [2], [3], [3]])
    vocab = vocab_of([10] * 8)
    settings = LearnSettings(input=form, vector_size=8, epochs=15, window=3, mode=mode)
    learned = learn(
        planted(source), vocab, settings, walks=WALKS, side_info=SideInfo(vocab.fingerprint, (kind,))
    )
    unit = learned.vectors / np.linalg.norm(learned.vectors, axis=1, keepdims=True)
    same = (np.arange(8) // 4)[:, None] == np.arange(8) // 4
    other = ~np.eye(8, dtype=bool)
    for scores in (unit @ unit.T, learned.vectors @ learned.contexts.T):
        assert scores[same & other].min() > scores[~same].max()
    assert learned.losses[-1] < learned.losses[0]


def block_of(positions: int, **names: object) -> int:
    settings = LearnSettings.model_validate({"optimizer": "sgd", "negative": 1} | names)
    even = np.full(200_000, 20)  # no row is hot, so only the epoch's length tells
    return block_size(even, outputs_of(even, settings), 20.0, settings, positions=positions)


def test_sgd_takes_a_thousandth_of_an_epoch_at_once_and_small_epochs_step_by_step() -> None:
    assert block_of(600_000) == 600
    assert block_of(10_000_000) == 1024
    assert block_of(10_000_000, block=512) == 512
    assert block_of(600_000, pairs="set") == 1024
    assert block_of(255_999) == block_of(255_999, pairs="set") == 1
    assert block_of(1_000, optimizer="adagrad") == 1024


@pytest.mark.parametrize("negatives_per", ["position", "pair"])
def test_small_epochs_of_sgd_are_equal_on_any_number_of_threads(negatives_per: str) -> None:
    names: dict[str, object] = {"optimizer": "sgd", "step": 0.05, "negatives_per": negatives_per}
    one, two = (run(**names, workers=workers) for workers in (1, 2))
    assert_equal(one, two)
    alone = run(**names, workers=1, mode="hogwild")
    assert np.array_equal(one.vectors, alone.vectors) == (negatives_per == "position")
