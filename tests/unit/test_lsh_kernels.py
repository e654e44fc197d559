"""Hashing, multi-probe and search of LSH against slow twins that write everything out."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.kernels import lsh, lsh_search, lsh_theory
from cowalk.recall.lsh.hashing import Lines, Sides
from cowalk.recall.lsh.index import words_of
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.tables import Buckets
from cowalk.recall.lsh.theory import Choices, agree, collide, tables_for
from reference import lsh as hash_twin
from reference import lsh_probes as probes_twin
from reference import lsh_search as search_twin
from reference import lsh_theory as theory_twin

SMALL = LSHSettings(width=1.0, functions=3, tables=2, sketch=1)
ENDS = LSHSettings(lines=4, functions=2, tables=3, sketch=1)


def cloud(rows: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)


def lines_of(size: int, chosen: LSHSettings, seed: int = 0) -> Lines:
    """Lines through the middle of rows that lie around 0.1."""
    return Lines.drawn(np.full(size + 1, 0.1, np.float32), chosen, seed)


@pytest.mark.parametrize("chosen", [SMALL, ENDS])
def test_entries_and_sketches_equal_the_twins(chosen: LSHSettings) -> None:
    """Negative bucket ids among them: the lines cross 0."""
    vectors, lifts = cloud(40, 5), np.linspace(0, 1, 30).astype(np.float32)
    rows = np.arange(5, 35, dtype=np.int32)
    lines, sides = lines_of(5, chosen, 1), Sides.drawn(np.zeros(6, np.float32), chosen, 1)
    assert lines.each == chosen.lines
    told = vectors, rows, 0.5, lifts, lines.directions, lines.shifts, lines.each, lines.multipliers
    fast, slow = np.zeros((2, chosen.tables, 30), np.uint64)
    lsh.bucket_entries(*told, 2, fast)
    hash_twin.bucket_entries(*told, 2, slow)
    np.testing.assert_array_equal(fast, slow)
    drawn = vectors, rows, 0.5, lifts, sides.directions, sides.shifts
    fast, slow = np.zeros((2, 30, 1), np.uint64)
    lsh.sketches(*drawn, 2, fast)
    hash_twin.sketches(*drawn, 2, slow)
    np.testing.assert_array_equal(fast, slow)


def test_buckets_are_sorted_and_found_by_the_directory() -> None:
    entries = np.random.default_rng(0).integers(0, 2**64, (3, 500), dtype=np.uint64)
    made = Buckets.of(entries.copy())
    np.testing.assert_array_equal(made.entries, np.sort(entries, axis=1))
    for table, slots in enumerate(made.directory):
        leading = (made.entries[table] >> np.uint64(64 - made.bits)).astype(int)
        np.testing.assert_array_equal(np.repeat(np.arange(1 << made.bits), np.diff(slots)), leading)


@given(
    st.integers(0, 10_000), st.integers(1, 3), st.integers(0, 3), st.sampled_from([1, 2, 3]), st.booleans()
)
@settings(deadline=None, max_examples=60)
def test_search_equals_the_twin(seed: int, functions: int, tables: int, each: int, l2: bool) -> None:
    rng = np.random.default_rng(seed)
    chosen = LSHSettings(lines=each, width=1.5, functions=functions, tables=tables, sketch=1)
    vectors, queries = cloud(60, 4, seed), cloud(3, 4, seed + 1)
    lines, sides = lines_of(4, chosen, seed), Sides.drawn(np.zeros(5, np.float32), chosen, seed)
    inside, loose = np.arange(50, dtype=np.int32), np.arange(50, 60, dtype=np.int32)
    buckets = Buckets.of(lines.entries(vectors, inside, 0.0, 1))
    sketches = sides.sketches(vectors, np.arange(60, dtype=np.int32), 0.0, 1)
    probes, candidates, scored = (int(rng.integers(0, n)) for n in (30, 70, 20))
    told = (
        queries, np.ones(3, np.float32), vectors, l2, lines.directions, lines.shifts, lines.each,
        chosen.choices, lines.multipliers, buckets.entries, buckets.directory, buckets.bits,
        sides.directions, sides.shifts, sketches, words_of(rng.random(60) < 0.2), loose,
        probes, candidates, scored,
    )  # fmt: skip
    answers = [
        (np.empty((3, 7), np.int32), np.empty((3, 7), np.float32), np.empty((3, 3), int)) for _ in range(3)
    ]
    lsh_search.search(*told, *answers[0])
    lsh_search.search_many(*told, 2, *answers[1])
    search_twin.search(*told, *answers[2])
    for ids, scores, work in answers[:2]:
        np.testing.assert_array_equal(work, answers[2][2])
        np.testing.assert_array_equal(ids, answers[2][0])
        np.testing.assert_allclose(scores, answers[2][1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("functions", "tables"), [(1, 1), (1, 3), (3, 1), (4, 2), (3, 3)])
@pytest.mark.parametrize("choices", [3, 5])
def test_probes_go_by_rising_cost_and_leave_out_none(functions: int, tables: int, choices: int) -> None:
    """One heap over all tables gives the order of a sort of all buckets, whatever the choices cost."""
    functions = min(functions, 4 if choices == 3 else 3)
    rng = np.random.default_rng(functions * 10 + tables)
    count = tables * functions
    costs = np.sort(rng.integers(1, 1 << 26, (count, choices)), axis=1).astype(np.uint64)
    costs[:, 0] = 0
    chances = rng.random((count, choices, 2)) / choices
    picks = np.arange(count, dtype=np.int32).reshape(1, tables, functions)
    checks = np.arange(0, tables * (choices**functions - 1) + 3, 11)
    fast, slow = np.empty((2, 1, len(checks), 2))
    lsh_theory.chances_found(costs, chances, picks, checks, fast)
    theory_twin.chances_found(costs, chances, picks, checks, slow)
    np.testing.assert_allclose(fast, slow, rtol=1e-6)


def test_the_order_of_tables_is_the_merged_order_of_each() -> None:
    places = np.random.default_rng(3).random(6).tolist()
    known = probes_twin.choices_of(places, 1, 3)
    merged = probes_twin.probe_order(known, 2)
    for table in range(2):
        mine = [(cost, chosen) for cost, t, chosen in merged if t == table]
        assert mine == probes_twin.sets_of_table(known[3 * table : 3 * table + 3])


def test_chances_of_one_line_equal_the_twin() -> None:
    places = np.random.default_rng(1).normal(size=20).astype(np.float32)
    reaches = np.array([0.3, 1.0, 4.0])
    fast, slow = ((np.empty((20, 3), np.uint64), np.empty((20, 3, 3))) for _ in range(2))
    lsh_theory.line_chances(places, reaches, *fast)
    theory_twin.line_chances(places, reaches, *slow)
    np.testing.assert_allclose(fast[1], slow[1], atol=1e-6)
    np.testing.assert_allclose(fast[0] / 2**26, slow[0] / 2**26, atol=1e-6)


def test_chances_of_ends_equal_the_twin_and_sum_to_one() -> None:
    """8 nodes beside an integral of 1,600 steps: within 0.02; all ends together are certain."""
    places = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    cosines = np.array([0.3, 0.8, 0.95])
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    fast, slow = ((np.empty((4, 6), np.uint64), np.empty((4, 6, 3))) for _ in range(2))
    lsh_theory.end_chances(places, cosines, nodes, weights / weights.sum(), *fast)
    theory_twin.end_chances(places, cosines, nodes, weights, *slow)
    np.testing.assert_allclose(slow[1].sum(axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(fast[1], slow[1], atol=0.02)
    np.testing.assert_allclose(fast[0] / 2**26, slow[0] / 2**26, atol=1e-6)


def test_agree_gives_the_published_numbers() -> None:
    """w = 4; papers and a Monte Carlo agree on these."""
    distances = [0.5, 1, 1.5, 2, 3, 4]
    np.testing.assert_allclose(
        agree(np.array(distances), 4.0), [0.9003, 0.8005, 0.7017, 0.6095, 0.4652, 0.3687], atol=5e-5
    )
    assert agree(0.0, 4.0) == pytest.approx(1.0)
    assert tables_for(float(agree(1.0, 4.0)), 10, 0.9) == 21


@pytest.mark.parametrize("distance", [0.3, 0.8, 1.6])
def test_rows_agree_as_often_as_the_formula_says(distance: float) -> None:
    """3,000 functions on one pair; within 4 standard errors. Also by each table: 1 - (1 - p^k)^L."""
    chosen = LSHSettings(width=1.0, functions=3, tables=1000)
    lines = lines_of(8, chosen, 5)
    pair = np.zeros((2, 8), np.float32)
    pair[1] = cloud(1, 8, 7)[0]
    pair[1] *= distance / np.linalg.norm(pair[1])
    places = pair.astype(float) @ lines.directions[:-1] + lines.shifts
    same = np.floor(places[0]) == np.floor(places[1])
    p = float(agree(distance, 1.0))
    assert abs(same.mean() - p) < 4 * sqrt(p * (1 - p) / len(same))
    keys = lines.entries(pair, np.arange(2, dtype=np.int32), 0.0, 1) >> np.uint64(32)
    together = (keys[:, 0] == keys[:, 1]).reshape(250, 4)  # L = 4
    expected = float(collide(distance, 1.0, 3, 4))
    assert abs(together.any(axis=1).mean() - expected) < 4 * sqrt(expected * (1 - expected) / 250)


@pytest.mark.parametrize("cosine", [0.4, 0.8, 0.95])
def test_rows_go_to_one_end_as_often_as_the_chances_say(cosine: float) -> None:
    """4,000 functions of 8 lines on one pair, seen from the centre; within 4 standard errors."""
    chosen = LSHSettings(lines=8, functions=1, tables=1000)
    centre = np.full(17, 0.2, np.float32)
    centre[16] = 0
    pair = np.zeros((2, 16), np.float32)
    pair[:, 0], pair[1, 1] = (1, cosine), sqrt(1 - cosine**2)
    keys = np.concatenate([
        Lines.drawn(centre, chosen, seed).entries(pair + centre[:16], np.arange(2, dtype=np.int32), 0.0, 1)
        for seed in range(4)
    ]) >> np.uint64(32)  # fmt: skip
    same = keys[:, 0] == keys[:, 1]
    chances = Choices.of(np.array([sqrt(2 - 2 * cosine)]), chosen, seed=1).chances[:, 0, 0]
    error = sqrt(same.var() / len(same) + chances.var() / len(chances))
    assert abs(same.mean() - chances.mean()) < 4 * error


def test_without_probes_the_prediction_is_the_formula() -> None:
    """Places are drawn, so the mean over many of them comes near."""
    chosen = LSHSettings(width=1.5, functions=4, tables=3)
    distances = np.array([0.2, 0.7, 1.2])
    found = Choices.of(distances, chosen).found(4, 3, np.array([0]), draws=4000, seed=1)[0]
    np.testing.assert_allclose(found, collide(distances, 1.5, 4, 3), atol=0.02)


def test_places_do_not_depend_on_the_batch_or_the_threads() -> None:
    vectors, rows = cloud(300, 33), np.arange(300, dtype=np.int32)
    lines = lines_of(33, LSHSettings(functions=7, tables=3), 2)
    whole = lines.entries(vectors, rows, 0.0, 2)
    np.testing.assert_array_equal(whole, lines.entries(vectors, rows, 0.0, 1))
    for row in (0, 17, 299):
        np.testing.assert_array_equal(
            whole[:, row], lines.entries(vectors, rows[row : row + 1], 0.0, 1)[:, 0]
        )
