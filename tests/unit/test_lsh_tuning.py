"""Tuning of LSH: the recall is reached on queries that it did not see, and what is predicted comes true."""

import json

import numpy as np
import pytest

from cowalk.errors import UsageError
from cowalk.recall.exact_index import ExactIndex
from cowalk.recall.lsh import LSHIndex
from cowalk.recall.lsh.costs import cheapest
from cowalk.recall.lsh.sample import Sample
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.tuning import PROBES, tuned
from cowalk.recall.truth import found_shares, without_own


def clusters(rows: int, size: int = 12, groups: int = 30, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, size))
    return (centres[rng.integers(0, groups, rows)] + 0.5 * rng.normal(size=(rows, size))).astype(np.float32)


@pytest.mark.usefixtures("few_choices")
@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_the_recall_is_reached_on_other_queries(metric: str) -> None:
    rows = clusters(3000)
    index, tuning = tuned(rows, metric, recall=0.9, k=10, share=0.9, seed=1)
    assert tuning.reached
    assert tuning.recall >= 0.9
    assert tuning.settings.tables > 0
    assert index.settings == tuning.settings
    own = np.arange(0, 3000, 7, dtype=np.int32)
    found = without_own(index.search(rows[own], 11), own, 10).ids
    truth = without_own(ExactIndex.build(rows, metric).search(rows[own], 11), own, 10).ids
    assert found_shares(found, truth).mean() >= 0.88
    if metric == "ip":
        again, _ = tuned(rows, metric, recall=0.9, k=10, share=0.9, seed=1)
        assert again.settings == index.settings


@pytest.mark.usefixtures("few_choices")
def test_the_curve_is_predicted_and_rises() -> None:
    _, tuning = tuned(clusters(3000), "cosine", recall=0.9, k=10, share=0.5, seed=2)
    assert tuning.chosen in tuning.curve
    assert tuning.chosen.recall == pytest.approx(tuning.recall)
    for point in tuning.curve:
        assert point.recall <= point.bucket_recall + 1e-9
        assert point.scored <= point.candidates
        assert point.predicted_recall == pytest.approx(point.bucket_recall, abs=0.12)
    recalls = [point.bucket_recall for point in tuning.curve]
    assert recalls == sorted(recalls)
    assert json.loads(json.dumps(tuning.to_dict()))["target"] == 0.9
    assert f"{tuning.settings.tables} tables" in tuning.words()


@pytest.mark.parametrize(
    "chosen",
    [
        LSHSettings(width=0.8, functions=8, tables=3, sketch=0, scored=0),
        LSHSettings(lines=8, functions=2, tables=3, sketch=0, scored=0),
    ],
)
def test_prediction_holds_over_the_draws_of_lines(chosen: LSHSettings) -> None:
    """Recall and candidates by the formula are the mean over seeds, within four standard errors or 0.02."""
    rows = clusters(2000)
    sample = Sample.drawn(ExactIndex.build(rows).vectors, "cosine", 10, 0.0, queries=None, seed=1)
    probes = np.array([0, 8, 64])
    predicted, candidates = sample.seen_by(chosen).expected(chosen, probes)
    measured = np.empty((12, 3, 2))
    for seed in range(12):
        index = LSHIndex.build(rows, "cosine", chosen, seed=seed)
        for at, number in enumerate(probes):
            hits, work = index.searched(probes=int(number)).looked(sample.queries, 11)
            measured[seed, at] = sample.recalls(hits).mean(), work[:, 1].mean()
    mean, error = measured.mean(axis=0), measured.std(axis=0) / np.sqrt(11)
    assert (np.abs(mean[:, 0] - predicted) < np.maximum(4 * error[:, 0], 0.02)).all()
    assert (np.abs(mean[:, 1] - candidates) < np.maximum(4 * error[:, 1], 0.1 * candidates)).all()


@pytest.mark.usefixtures("few_choices")
def test_few_rows_are_all_compared_unless_less_is_wanted() -> None:
    """Then there is no table and nothing to look into; the curve is one point."""
    rows = clusters(800)
    index, tuning = tuned(rows, "cosine", recall=0.9, k=10, seed=1)
    assert (tuning.settings.tables, len(tuning.curve)) == (0, 1)
    assert tuning.reached
    assert tuning.chosen.candidates == 800 > tuning.chosen.scored
    assert "all rows compared by sketches" in tuning.words()
    own = np.arange(200, dtype=np.int32)
    found = without_own(index.search(rows[:200], 11), own, 10).ids
    truth = without_own(ExactIndex.build(rows).search(rows[:200], 11), own, 10).ids
    assert found_shares(found, truth).mean() >= 0.88


def test_the_share_is_kept_where_it_is_within_reach() -> None:
    """Rows in clusters: 5 % is; rows without any structure: it is not, and all of them are compared."""
    rng = np.random.default_rng(0)
    for rows, reached in ((clusters(5000, groups=100), True), (rng.normal(size=(800, 40)), False)):
        held = ExactIndex.build(rows.astype(np.float32)).vectors
        sample = Sample.drawn(held, "cosine", 10, 0.0, queries=None, seed=1)
        chosen, tried = cheapest(sample, 0.9, PROBES[:12], share=0.05)
        assert tried > 100
        _, candidates = sample.seen_by(chosen).expected(chosen, np.array([chosen.probes]))
        assert (candidates[0] <= 0.05 * len(rows)) == reached
        assert (chosen.tables > 0) == reached


@pytest.mark.usefixtures("few_choices")
@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
def test_tiny_and_shapeless_rows(metric: str) -> None:
    """A row or two, fewer than k, rows that are all alike, rows that are 0: answers are whole."""
    for rows in (
        clusters(1),
        clusters(2),
        clusters(9),
        np.ones((70, 12), np.float32),
        np.zeros((70, 12), np.float32),
    ):
        index, _ = tuned(rows, metric, k=10, seed=1)
        ids = index.search(rows[:1], 10).ids[0]
        assert len(set(ids[ids >= 0].tolist())) == min(10, len(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recall": 1.0}, "recall"),
        ({"k": 0}, "at least 1"),
        ({"share": 0.0}, "share"),
        ({"metric": "dot"}, "metric"),
    ],
)
def test_what_cannot_be_tuned(change: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        tuned(clusters(50), **change)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="queries"):
        tuned(clusters(50), queries=np.zeros((0, 12), np.float32))


def test_ends_have_no_distances() -> None:
    with pytest.raises(UsageError, match="for l2 lines=1"):
        LSHIndex.build(clusters(50), "l2", LSHSettings(lines=8))
