"""Node classification: F1 by written arithmetic, the protocol on planted labels, labels from tables."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from cowalk.errors import DataError, MissingExtraError, UsageError
from cowalk.evaluate import classification
from cowalk.evaluate.labelled import f1, probabilities, top_labels
from cowalk.prepare import read_labels
from cowalk.tables import Vectors, Vocab


def marks(text: str) -> np.ndarray:
    """ "10 01" as bool[2, 2]."""
    return np.array([[c == "1" for c in row] for row in text.split()])


def test_f1_by_written_arithmetic() -> None:
    true, predicted = marks("100 010 110 000"), marks("100 100 010 000")
    # label 0: TP 1, FP 1, FN 1; label 1: TP 1, FP 0, FN 1; label 2: never there nor predicted
    micro, macro = f1(true, predicted)
    assert micro == pytest.approx(2 * 2 / (2 * 2 + 1 + 2))
    assert macro == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)


def test_as_many_labels_as_the_node_has_ties_by_the_lower_code() -> None:
    chances = np.array([[0.1, 0.3, 0.2], [0.5, 0.5, 0.5], [0.9, 0.8, 0.7]])
    assert top_labels(chances, np.array([2, 1, 0])).tolist() == marks("011 100 000").tolist()


def test_labels_that_no_or_every_train_node_has_are_never_or_always_probable() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), np.zeros((20, 3), dtype=bool)
    y[:, 1], y[:10, 2] = True, True
    found = probabilities(x, y, x[:4], 1.0)
    assert found[:, 0].tolist() == [0.0] * 4
    assert found[:, 1].tolist() == [1.0] * 4
    assert ((found[:, 2] > 0) & (found[:, 2] < 1)).all()


def test_the_logistic_regression_is_the_penalised_one() -> None:
    """At the optimum of |w|^2 / 2 + C sum log(1 + exp(-y(w.x + b))) the gradient is 0."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] + rng.normal(size=60) > 0)[:, None]
    grid = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    chance = probabilities(x, y, grid, 2.0)[:, 0]
    b, u, v = np.log(chance / (1 - chance))  # the logits give the weights back
    w = np.array([u - b, v - b])
    error = 1 / (1 + np.exp(-(x @ w + b))) - y[:, 0]
    assert np.abs(w + 2.0 * x.T @ error).max() < 1e-2
    assert abs(error.sum()) < 1e-2


def world(n: int = 120) -> tuple[Vectors, dict[str, list[str]]]:
    rng = np.random.default_rng(2)
    group = np.arange(n) % 3
    rows = (np.eye(3)[group] * 4 + rng.normal(size=(n, 3)) * 0.3).astype(np.float32)
    nodes = [f"n {i}" for i in range(n)]
    named = {node: [f"g{g}"] + (["even"] if g == 0 else []) for node, g in zip(nodes, group, strict=True)}
    return Vectors(Vocab.of(nodes), rows), named


def test_planted_groups_are_found_and_shuffled_labels_are_not() -> None:
    vectors, named = world()
    found = classification(vectors, named, shares=(0.3, 0.5), shuffles=3)
    assert (found.nodes, found.labels, found.without_vector) == (120, 4, 0)
    assert min(found.micro[0.3].min(), found.macro[0.5].min()) > 0.98
    lists = list(named.values())
    np.random.default_rng(3).shuffle(lists)
    odd = classification(vectors, dict(zip(named, lists, strict=True)), shuffles=3)
    assert odd.micro[0.5].mean() < 0.6


def test_equal_seeds_give_equal_parts_and_a_shuffle_does_not_depend_on_the_others() -> None:
    vectors, named = world()
    noisy = Vectors(
        vectors.vocab, vectors.array + np.random.default_rng(5).normal(size=(120, 3)).astype("f4") * 4
    )
    three, two = (classification(noisy, named, shuffles=n, seed=4) for n in (3, 2))
    assert three.micro[0.5][:2].tolist() == two.micro[0.5].tolist()
    assert classification(noisy, named, shuffles=3, seed=5).micro[0.5].tolist() != three.micro[0.5].tolist()


def test_labels_are_read_from_tables_and_nodes_without_a_vector_are_told() -> None:
    vectors, named = world()
    pairs = [(node, one) for node, many in named.items() for one in many]
    frame = pd.DataFrame([*pairs, pairs[0], ("stranger", "g1"), ("n 3", None)], columns=["node", "label"])
    found = classification(vectors, frame, shuffles=2)
    assert found.without_vector == 1
    assert found.micro[0.5].tolist() == classification(vectors, named, shuffles=2).micro[0.5].tolist()
    held = read_labels(frame)
    assert held.names.ids.tolist() == ["g1", "even", "g0", "g2"]  # on most nodes first, ties by name
    assert held.names.counts.tolist() == [41, 40, 40, 40]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"shares": (1.0,)}, "between 0 and 1"),
        ({"shares": ()}, "at least one share"),
        ({"shuffles": 0}, "one shuffle"),
        ({"C": -1.0}, "C is -1.0; it must be above 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(changed: dict[str, object], words: str) -> None:
    vectors, named = world()
    with pytest.raises(UsageError, match=words):
        classification(vectors, named, **changed)  # type: ignore[arg-type]


def test_foreign_or_empty_labels_are_refused() -> None:
    vectors, _ = world()
    with pytest.raises(DataError, match=r"0 of 1 labelled nodes have a vector.*'other'.*'n 0'"):
        classification(vectors, {"other": "g0"})
    with pytest.raises(DataError, match="column 'label' holds no label"):
        read_labels(pd.DataFrame({"node": ["a"], "label": [None]}))
    with pytest.raises(DataError, match=r"column 'node': no id .*row 2"):
        read_labels(pd.DataFrame({"node": ["a", None], "label": ["x", "y"]}))
    with pytest.raises(DataError, match="no column 'label'"):
        read_labels(pd.DataFrame({"node": ["a"]}))


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    vectors, named = world()
    with pytest.raises(MissingExtraError, match=r"pip install 'cowalk\[classify\]'"):
        classification(vectors, named)
