"""LSHIndex: laws of adding, removing and storing, recall on clustered rows, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import ModelError, UsageError
from cowalk.recall.exact_index import ExactIndex
from cowalk.recall.lsh import LSHIndex
from cowalk.recall.lsh.hashing import centre_of
from cowalk.recall.lsh.settings import LSHSettings

METRICS = ("cosine", "ip", "l2")
WIDE = LSHSettings(width=1.0, functions=6, tables=4, probes=40, sketch=0, scored=0)
ENDS = LSHSettings(lines=4, functions=2, tables=4, probes=20, sketch=0, scored=0)
ALL = LSHSettings(tables=0, sketch=2, scored=0)


def clusters(rows: int, size: int = 16, groups: int = 20, seed: int = 0) -> np.ndarray:
    """Rows around a few centres, of uneven lengths."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, size))
    made = centres[rng.integers(0, groups, rows)] + 0.3 * rng.normal(size=(rows, size))
    return (made * rng.lognormal(0, 0.2, (rows, 1))).astype(np.float32)


def same(a: LSHIndex, b: LSHIndex, queries: np.ndarray, k: int = 5) -> None:
    """Equal answers, looked up in the buckets alone."""
    (one, _), (two, _) = a.looked(queries, k), b.looked(queries, k)
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_array_equal(one.scores, two.scores)


@pytest.mark.parametrize("metric", METRICS)
def test_most_true_neighbours_are_found_and_few_rows_scored(metric: str) -> None:
    rows = clusters(5000)
    chosen = LSHSettings(
        width={"cosine": 1.0, "ip": 3.0, "l2": 4.5}[metric], functions=10, tables=8, probes=400
    )
    index = LSHIndex.build(rows, metric, chosen, seed=1)
    hits, work = index.looked(rows[:200], 10)
    truth = ExactIndex.build(rows, metric).search(rows[:200], 10)
    found = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(hits.ids, truth.ids, strict=True)])
    assert found >= (0.8 if metric == "ip" else 0.95)
    assert work[:, 0].mean() < 0.1 * len(rows)


@pytest.mark.parametrize("metric", METRICS)
def test_one_thread_and_two_build_and_answer_alike(metric: str) -> None:
    rows = clusters(700)
    one, two = (LSHIndex.build(rows, metric, seed=3, workers=n) for n in (1, 2))
    for name, array in one.stored()[1].items():
        np.testing.assert_array_equal(array, two.stored()[1][name])
    a, b = one.search(rows[:50], 7, workers=1), two.search(rows[:50], 7, workers=2)
    np.testing.assert_array_equal(a.ids, b.ids)
    np.testing.assert_array_equal(a.scores, b.scores)


@pytest.mark.parametrize(
    ("metric", "chosen"), [*((m, WIDE) for m in METRICS), ("cosine", ENDS), ("ip", ENDS), ("l2", ALL)]
)
@pytest.mark.parametrize("loose", [5, 100_000])
def test_adding_is_building(
    metric: str, chosen: LSHSettings, loose: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorted into the tables, or still loose: then all of them are candidates: nothing less is found.

    Lines of several to a function go through the centre of the rows that were there first.
    """
    rows = clusters(400)
    middle = centre_of(rows[:150], 0.0)
    monkeypatch.setattr("cowalk.recall.lsh.index.centre_of", lambda rows, longest: middle)
    monkeypatch.setattr("cowalk.recall.lsh.index.LEAST_LOOSE", loose)
    grown = LSHIndex.build(rows[:150], metric, chosen, seed=2)
    np.testing.assert_array_equal(grown.add(rows[150:160]), np.arange(150, 160))
    grown.add(rows[160:])
    whole = LSHIndex.build(rows, metric, chosen, seed=2)
    np.testing.assert_array_equal(grown.stored()[1]["sketches"], whole.stored()[1]["sketches"])
    if loose == 5:
        same(grown, whole, rows[:60])
        for name in ("entries", "directory"):
            np.testing.assert_array_equal(grown.stored()[1][name], whole.stored()[1][name])
    else:
        more, less = (index.looked(rows[:60], 5)[0].scores for index in (grown, whole))
        assert (more >= less - 1e-6).all()


@given(
    st.integers(0, 10_000), st.sampled_from([("l2", WIDE), ("ip", ENDS), ("cosine", ENDS), ("cosine", ALL)]),
    st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_what_is_removed_never_answers_again(
    seed: int, kind: tuple[str, LSHSettings], sorted_in: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows = clusters(80, 4, 5, seed)
    index = LSHIndex.build(rows[:60], kind[0], kind[1], seed=seed)
    index.add(rows[60:])
    gone = rng.permutation(80)[: rng.integers(1, 79)].astype(np.int32)
    index.remove(gone[: len(gone) // 2])
    if sorted_in:
        index._sort_in()
    index.remove(gone[len(gone) // 2 :])
    assert len(index) == 80 - len(gone)
    for k in (1, 20):
        ids = index.search(rows[:30], k).ids
        assert not np.isin(ids, gone).any()
        assert not np.isin(index.looked(rows[:30], k)[0].ids, gone).any()
        assert ((ids >= 0).sum(axis=1) == min(k, 80 - len(gone))).all()


@given(st.integers(0, 10_000), st.sampled_from(METRICS))
@settings(deadline=None, max_examples=25)
def test_a_replaced_row_answers_by_its_new_numbers_alone(seed: int, metric: str) -> None:
    rows, new = clusters(80, 4, 5, seed), clusters(10, 4, 5, seed + 1)
    changed = np.random.default_rng(seed).permutation(80)[:10].astype(np.int32)
    index = LSHIndex.build(rows, metric, WIDE, seed=seed)
    index.replace(changed, new)
    after = rows.copy()
    after[changed] = new
    truth = ExactIndex.build(after, metric)
    for sort in (False, True):
        if sort:
            index._sort_in()
        found = index.search(after, 80).ids
        np.testing.assert_array_equal(found, truth.search(after, 80).ids)
        if metric != "ip":  # each lies in its own bucket; a lifted query lies beside its row
            assert (index.looked(new, 80)[0].ids == changed[:, None]).any(axis=1).all()
    if metric != "ip":  # the longest row may be gone
        same(index, LSHIndex.build(after, metric, WIDE, seed=seed), new)


@pytest.mark.parametrize(
    ("metric", "chosen"), [*((m, LSHSettings()) for m in METRICS), ("ip", ENDS), ("l2", ALL)]
)
def test_a_stored_index_answers_as_before(metric: str, chosen: LSHSettings) -> None:
    rows = clusters(300)
    index = LSHIndex.build(rows[:280], metric, chosen, seed=4)
    index.add(rows[280:])
    index.remove(np.array([3, 290], np.int32))
    told, arrays = index.stored()
    for array in arrays.values():
        array.flags.writeable = False  # as a memory map
    opened = LSHIndex.opened(told, arrays)
    same(index, opened, rows[:50])
    opened.add(rows[:3])
    opened.remove(np.array([0], np.int32))
    opened.replace(np.array([1], np.int32), rows[2:3])
    assert (len(opened), opened.size) == (len(index) + 2, 303)
    assert len(index) == 298


def test_a_longer_row_makes_the_tables_anew() -> None:
    """An inner product is lifted by the longest row: one ten times as long is found first by all near it."""
    rows = clusters(300)
    index = LSHIndex.build(rows, "ip", WIDE, seed=5)
    row = index.add(10 * rows[:1])
    assert (index.search(rows[:1], 1).ids == row).all()
    same(index, LSHIndex.build(np.concatenate([rows, 10 * rows[:1]]), "ip", WIDE, seed=5), rows[:40])


def test_and_alone_and_or_alone() -> None:
    """k functions in one table; one function in each of L tables, which finds more and looks at more."""
    rows = clusters(2000)
    known: dict[str, Any] = {"width": 0.7, "probes": 0, "sketch": 0, "scored": 0}
    both = [
        LSHIndex.build(rows, "cosine", LSHSettings(functions=f, tables=t, **known), seed=1).looked(
            rows[:100], 10
        )
        for f, t in ((8, 1), (1, 8))
    ]
    strict, lax = (work[:, 1].mean() for _, work in both)
    assert strict < 0.05 * len(rows) < 0.5 * len(rows) < lax


def test_rows_that_may_not_answer_are_passed_over() -> None:
    rows = clusters(3000)
    index = LSHIndex.build(rows, "cosine", LSHSettings(width=1.0, functions=8, tables=8, probes=400), seed=1)
    allowed = np.random.default_rng(0).random(3000) < 0.5
    hits = index.search(rows[:100], 10, allowed=allowed)
    assert allowed[hits.ids].all()
    truth = ExactIndex.build(rows, "cosine").search(rows[:100], 10, allowed=allowed)
    assert (hits.ids == truth.ids).mean() > 0.9
    few = np.zeros(3000, dtype=bool)
    few[[5, 9]] = True
    assert sorted(index.search(rows[:1], 3, allowed=few).ids[0].tolist()) == [-1, 5, 9]


def test_zero_rows_and_equal_rows() -> None:
    """A zero row has cosine 0 with all; equal rows come by rising row."""
    rows = np.zeros((50, 3), np.float32)
    for metric in METRICS:
        hits = LSHIndex.build(rows, metric).search(np.ones((1, 3), np.float32), 4)
        assert hits.ids.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 0}, "at least 1"),
        ({"queries": np.ones((1, 4), np.float32)}, "must be"),
        ({"queries": np.full((1, 16), np.nan, np.float32)}, "finite"),
        ({"allowed": np.ones(3, dtype=bool)}, "allowed"),
    ],
)
def test_what_cannot_be_asked(change: dict[str, Any], words: str) -> None:
    index = LSHIndex.build(clusters(100))
    asked = {"queries": clusters(1), "k": 5} | change
    with pytest.raises(UsageError, match=words):
        index.search(asked.pop("queries"), asked.pop("k"), **asked)


def test_settings_out_of_range_and_arrays_that_do_not_fit() -> None:
    for wrong in (
        {"functions": 33}, {"functions": 0}, {"tables": -1}, {"width": 0.0}, {"probes": -1}, {"lines": 0},
        {"lines": 2, "functions": 17},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            LSHSettings(**wrong)
    told, arrays = LSHIndex.build(clusters(100)).stored()
    beyond = arrays["entries"].copy()
    beyond[0, 0] |= np.uint64(0xFFFF)
    for name, array in (
        ("entries", beyond),
        ("loose", np.array([100], np.int32)),
        ("shifts", arrays["shifts"][1:]),
    ):
        with pytest.raises(ModelError, match="build it again"):
            LSHIndex.opened(told, {**arrays, name: array})
