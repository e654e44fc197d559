"""The harness as a whole: order in the small shop, equal runs, and nothing held out has a part in what is
fitted.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluate_world import ITEMS, catalogue, shop

from cowalk.errors import UsageError
from cowalk.evaluate.baselines import AttributeNeighbours, AttributeOverlap, ItemCF, Popularity, Random
from cowalk.evaluate.harness import CompareSettings, compare
from cowalk.evaluate.protocols.cold import ColdTaskSettings
from cowalk.prepare import item_graph, sessionize
from cowalk.tables import Vocab

SETTINGS = CompareSettings(trials=4, cold=ColdTaskSettings(share=0.2))
METHODS = [
    Popularity(),
    Random(),
    ItemCF(),
    ItemCF(popularity=True),
    AttributeOverlap(),
    AttributeNeighbours(),
]


@pytest.fixture(scope="module")
def comparison():
    return compare(METHODS, shop(), catalogue(), seeds=(1, 2), settings=SETTINGS)


def test_order_of_methods_in_a_shop_of_categories(comparison) -> None:
    def mean(task: str, name: str, metric: str = "recall@10") -> float:
        return comparison.estimates(task, metric)[name].mean

    assert mean("next-item", "item-cf") > 0.6 > 0.5 > mean("next-item", "popularity")
    assert mean("next-item", "random") == pytest.approx(10 / ITEMS, abs=0.08)
    assert mean("cold", "attribute-neighbours") > 0.7 > mean("cold", "popularity")
    assert mean("cold", "attribute-overlap", "auc matched") > 0.85
    assert mean("cold", "random", "auc") == pytest.approx(0.5, abs=0.1)
    assert mean("cold", "popularity", "auc matched") == pytest.approx(0.5, abs=0.12)
    assert mean("link", "item-cf common neighbours", "auc uniform") > 0.9
    assert mean("link", "random", "auc matched") == pytest.approx(0.5, abs=0.08)
    assert mean("link", "popularity degree product", "auc matched") == pytest.approx(
        0.5, abs=0.1
    )  # degrees are matched
    assert mean("cold-candidates", "attribute-neighbours", "recall@20") > mean(
        "cold-candidates", "popularity", "recall@20"
    )


def test_every_method_had_the_same_trials(comparison) -> None:
    for entry in comparison.entries["next-item"].values():
        assert len(entry.judged) == len(entry.chosen) == 2
    assert {c.trials for c in comparison.entries["next-item"]["item-cf"].chosen} == {4}
    assert {c.trials for c in comparison.entries["next-item"]["popularity"].chosen} == {
        1
    }  # nothing to choose


def test_differences_are_paired_over_the_same_queries(comparison) -> None:
    gap = comparison.difference("next-item", "recall@20", "item-cf", "random")
    means = comparison.estimates("next-item", "recall@20")
    assert gap.mean == pytest.approx(means["item-cf"].mean - means["random"].mean)
    assert gap.above_zero
    with pytest.raises(UsageError, match="no method 'ges'"):
        comparison.difference("cold", "auc", "ges", "random")
    with pytest.raises(UsageError, match="no task 'warm'"):
        comparison.estimates("warm", "auc")


def test_json_holds_everything(comparison) -> None:
    told = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    cf = told["tasks"]["next-item"]["methods"]["item-cf"]
    assert set(cf["chosen"][0]["settings"]) == {"window", "damping", "before", "history", "decay"}
    assert cf["metrics"]["recall@20"]["low"] <= cf["metrics"]["recall@20"]["mean"]
    assert told["tasks"]["next-item"]["figures"]["test drawn"] > 0


def test_equal_runs_and_order_of_methods_do_not_matter(comparison) -> None:
    again = compare(METHODS[::-1], shop(), catalogue(), seeds=(1, 2), settings=SETTINGS)
    one, two = comparison.to_dict()["tasks"], again.to_dict()["tasks"]
    for task in one:
        for name, entry in one[task]["methods"].items():
            other = two[task]["methods"][name]
            assert entry["metrics"] == other["metrics"]
            assert entry["chosen"] == other["chosen"]


def test_one_fit_for_both() -> None:
    fits = []
    both = compare(
        [ItemCF(), AttributeOverlap()], shop(), catalogue(), protocols=("next-item", "cold"),
        settings=SETTINGS.model_copy(update={"one_fit": True}), progress=fits.append,
    )  # fmt: skip
    assert sum("fitting" in line for line in fits) == 2
    assert list(both.entries) == ["next-item", "cold", "cold-candidates"]
    assert both.figures["next-item"][0]["test unknown target"] > 0.1  # the hidden items


def test_a_graph_alone_is_judged_on_links() -> None:
    graph = item_graph(sessionize(shop())[0], ITEMS)
    found = compare([Popularity(), ItemCF()], graph=(graph, Vocab.of(range(ITEMS))), settings=SETTINGS)
    assert list(found.entries) == ["link"]
    with pytest.raises(UsageError, match="give events, or a graph"):
        compare([Popularity()])
    with pytest.raises(UsageError, match="different names"):
        compare([Popularity(), Popularity()], shop())
    with pytest.raises(UsageError, match="no protocol 'ctr'"):
        compare([Popularity()], shop(), protocols=("ctr",))


class Spy(Popularity):
    """Keeps what it was given to learn from."""

    def __init__(self) -> None:
        self.seen = []

    def fit(self, train, *, seed, workers=None, progress=None):
        self.seen.append(train)
        return super().fit(train, seed=seed)


def fitted_things(train) -> list[np.ndarray]:
    """Every array that came out of preparing a training part."""
    out = [np.array(train.vocab.ids.tolist()), train.vocab.counts]
    out += [train.graph.offsets, train.graph.targets, train.graph.weights]
    if train.sessions is not None:
        out += [train.sessions.items, train.sessions.offsets]
    for field in train.side_info.fields:
        out += [field.offsets, field.codes, np.array(field.labels.tolist())]
        out += [] if field.edges is None else [field.edges]
    return out


def same(one, two) -> bool:
    pairs = zip(fitted_things(one), fitted_things(two), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_no_leak_from_the_test_part_of_next_item() -> None:
    events = shop()
    latest = events.times >= np.sort(events.times)[round(0.9 * len(events))]
    rng = np.random.default_rng(5)
    items = events.items.copy()
    items[latest] = rng.integers(ITEMS, size=latest.sum())  # other items, counts and order
    changed = replace(events, items=items)
    spies, chosen = [], []
    for log in (events, changed):
        spy = Spy()
        found = compare(
            [spy, ItemCF(popularity=True)], log, catalogue(), protocols=("next-item",), settings=SETTINGS
        )
        spies.append(spy)
        chosen.append(found.entries["next-item"]["item-cf+popularity"].chosen)
        chosen.append(found.entries["next-item"]["popularity"].chosen)
    assert same(spies[0].seen[0], spies[1].seen[0])
    assert chosen[0] == chosen[2]  # settings and their validation figure
    assert chosen[1] == chosen[3]


def test_no_leak_from_hidden_items() -> None:
    events, goods = shop(), catalogue()
    spies = [Spy(), Spy()]
    compare([spies[0]], events, goods, protocols=("cold",), settings=SETTINGS)
    hidden = spies[0].seen[0].vocab.find(events.item_vocab.ids) < 0
    at = hidden[events.items]
    assert at.any()
    items = events.items.copy()  # hidden items change places: other counts, other neighbours
    mixed = np.random.default_rng(1).permutation(np.flatnonzero(hidden))
    items[at] = mixed[np.searchsorted(np.flatnonzero(hidden), items[at])]
    compare([spies[1]], replace(events, items=items), goods, protocols=("cold",), settings=SETTINGS)
    assert not np.array_equal(np.bincount(items), np.bincount(events.items))
    assert same(spies[0].seen[0], spies[1].seen[0])


def test_no_leak_from_removed_edges() -> None:
    graph = item_graph(sessionize(shop())[0], ITEMS)
    vocab = Vocab(np.arange(ITEMS), np.arange(ITEMS))
    spies = [Spy(), Spy()]
    compare([spies[0]], catalogue=None, graph=(graph, vocab), settings=SETTINGS)
    removed = spies[0].seen[0].graph
    left = set(zip(removed.sources().tolist(), removed.targets.tolist(), strict=True))
    gone = np.array(
        [(u, v) not in left for u, v in zip(graph.sources().tolist(), graph.targets.tolist(), strict=True)]
    )
    heavier = replace(graph, weights=np.where(gone, graph.weights * 9, graph.weights).astype(np.float32))
    compare(
        [spies[1]],
        catalogue=None,
        graph=(heavier, Vocab(np.arange(ITEMS), np.arange(ITEMS)[::-1])),
        settings=SETTINGS,
    )
    one, two = spies[0].seen[0], spies[1].seen[0]
    assert np.array_equal(one.vocab.counts, two.vocab.counts)  # not the log's counts
    assert np.array_equal(one.graph.weights, two.graph.weights)
