"""How questions are made: hand-written logs with written answers, and laws on the small shop."""

import numpy as np
import pytest
from evaluate_world import ITEMS, catalogue, shop

from cowalk.errors import DataError
from cowalk.evaluate.data import DataSettings, train_data
from cowalk.evaluate.methods import Fitted
from cowalk.evaluate.protocols import cold, link, matched, next_item
from cowalk.evaluate.queries import ColdCandidates, NextItemQueries
from cowalk.evaluate.ragged import draw_per_run
from cowalk.prepare import item_graph, sessionize
from cowalk.tables import Events, Hits, Sessions, Vocab


def log(users: list[int], items: list[int], n: int = 6) -> Events:
    size = len(users)
    return Events(
        np.array(users, dtype=np.int32), np.array(items, dtype=np.int32), np.arange(size, dtype=np.int64),
        np.ones(size, dtype=np.float32), Vocab.of([f"x{i}" for i in range(n)]),
        Vocab.of(range(max(users) + 1)),
    )  # fmt: skip


def mask(at: list[int], n: int) -> np.ndarray:
    out = np.zeros(n, dtype=bool)
    out[at] = True
    return out


def test_next_item_queries_by_hand() -> None:
    events = log([0, 0, 0, 0, 1, 1, 2, 2], [0, 1, 2, 3, 4, 0, 1, 5])
    vocab = Vocab.of(["x3", "x2", "x1", "x0"])  # x4 and x5 are unknown to training
    queries, figures = next_item.next_item_queries(events, mask([2, 3, 5, 6, 7], 8), vocab)
    assert np.split(queries.items, queries.offsets[1:-1])[0].tolist() == [3, 2]
    assert np.split(queries.items, queries.offsets[1:-1])[1].tolist() == [
        3,
        2,
        1,
    ]  # the part's own events too
    assert queries.targets.tolist() == [1, 0]
    assert queries.groups.tolist() == [0, 0]
    # x0 of user 1 and x1 of user 2 have no known history; x5 is unknown
    assert figures == {"test drawn": 5.0, "test no history": 2 / 5, "test unknown target": 1 / 3}


def test_at_most_three_targets_an_owner() -> None:
    events = shop()
    _, _, test = next_item.next_item_masks(events, next_item.NextItemSettings())
    queries, figures = next_item.next_item_queries(events, test, events.item_vocab, per_owner=3, seed=4)
    assert np.unique(queries.groups, return_counts=True)[1].max() == 3
    again, _ = next_item.next_item_queries(events, test, events.item_vocab, per_owner=3, seed=4)
    other, _ = next_item.next_item_queries(events, test, events.item_vocab, per_owner=3, seed=5)
    assert np.array_equal(queries.targets, again.targets)
    assert not np.array_equal(queries.targets, other.targets)
    assert figures["test drawn"] <= 3 * len(np.unique(events.users[test]))


def test_no_query_at_all_is_told() -> None:
    with pytest.raises(DataError, match="no test event has both"):
        next_item.next_item_queries(log([0, 1], [0, 1]), mask([0, 1], 2), Vocab.of(["x0", "x1"]))


def test_seen_and_part_of_queries() -> None:
    queries = NextItemQueries(
        np.array([1, 2, 3], dtype=np.int32), np.array([0, 2, 3]), np.array([2, 1], dtype=np.int32),
        np.array([7, 8]), 4,
    )  # fmt: skip
    assert queries.seen().tolist() == [True, False]
    part = queries.part(np.array([1]))
    assert (part.items.tolist(), part.targets.tolist(), part.groups.tolist()) == ([3], [1], [8])


def test_draw_per_run_is_fair() -> None:
    runs = np.repeat([0, 1], [4, 2])
    counts = np.zeros(6)
    for seed in range(600):
        drawn = draw_per_run(np.arange(6), runs, 2, np.random.default_rng(seed))
        assert len(drawn) == 4
        counts[drawn] += 1
    assert counts[4:].tolist() == [600, 600]
    assert np.all(np.abs(counts[:4] - 300) < 60)  # 5 standard deviations of binomial(600, 1/2)


def test_warm_neighbours_skip_what_is_not_known() -> None:
    # items 0-2 known as rows 2, 1, 0; 3 and 4 hidden; 5 unknown and not asked for
    sessions = Sessions(
        np.array([0, 3, 5, 1, 3, 4, 2, 4, 0, 3], dtype=np.int32), np.array([0, 4, 7, 8, 10]),
        np.full(4, -1, dtype=np.int32), np.zeros(4, dtype=np.int64), np.ones(10, dtype=np.float32),
    )  # fmt: skip
    to_train = np.array([2, 1, 0, -1, -1, -1], dtype=np.int32)
    offsets, truth = cold.warm_neighbours(sessions, to_train, np.array([3, 4], dtype=np.int32))
    # 3: 0 before and, past 5, 1 after; past 4 the 2; 0 before. 4: 2 after; alone in its session: none
    assert truth[: offsets[1]].tolist() == [0, 1, 2]
    assert truth[offsets[1] :].tolist() == [0]


def test_hidden_parts_share_nothing() -> None:
    events = shop()
    settings = cold.ColdTaskSettings(share=0.2, min_count=5)
    validation, test = cold.hidden_parts(events, settings, 1)
    counts = np.bincount(events.items, minlength=ITEMS)
    assert not set(validation) & set(test)
    assert len(test) == pytest.approx(0.2 * (counts >= 5).sum(), abs=1)
    assert len(validation) == pytest.approx(0.1 * (counts >= 5).sum(), abs=1)
    assert counts[np.concatenate([validation, test])].min() >= 5


def test_cold_queries_know_only_attributes() -> None:
    events, goods = shop(), catalogue()
    validation, test = cold.hidden_parts(events, cold.ColdTaskSettings(share=0.2), 1)
    hidden = np.concatenate([validation, test])
    train = train_data(events.select(~np.isin(events.items, hidden)), goods, DataSettings())
    assert not any(item in train.vocab for item in events.item_vocab.names(hidden))
    sessions, _ = sessionize(events)
    queries = cold.cold_queries(sessions, events.item_vocab, test, train, goods, seed=1)
    category = np.array([int(str(i)[1:]) // 10 for i in train.vocab.ids])
    mine = np.repeat(test // 10, np.diff(queries.truth_offsets))
    assert (category[queries.truth] == mine).mean() > 0.9  # visits may follow within 30 minutes
    assert queries.known.tolist() == [2 if item % 7 == 0 else 3 for item in test]
    rank = np.argsort(np.argsort(-train.vocab.counts, kind="stable"), kind="stable")
    far = np.abs(rank[queries.matched] - rank[queries.truth][:, None])[queries.matched >= 0]
    assert np.median(far) <= 5
    taken = set(zip(np.repeat(test, np.diff(queries.truth_offsets)), queries.truth, strict=True))
    for item, row in zip(np.repeat(test, np.diff(queries.truth_offsets)), queries.matched, strict=True):
        assert not any((item, other) in taken for other in row)
    offered = cold.cold_candidates(events, test, queries, train.vocab, seed=1)
    assert offered.targets.min() >= len(train.vocab)
    assert offered.n_cold == len(test)
    assert np.diff(offered.offsets).min() >= 1


def test_matched_negatives_of_everything_true_are_none() -> None:
    counts = np.array([5, 4, 3])
    out = matched.matched_negatives(
        counts, np.array([0, 3]), np.arange(3, dtype=np.int32), np.random.default_rng(0)
    )
    assert (out == -1).all()


def test_link_pairs_hold_no_edge_and_keep_the_degrees() -> None:
    events, goods = shop(), catalogue()
    sessions, _ = sessionize(events)
    graph = item_graph(sessions, ITEMS)
    train, pairs, figures = link.link_task(graph, events.item_vocab, goods, seed=2)
    edges = set(zip(graph.sources().tolist(), graph.targets.tolist(), strict=True))
    left = set(zip(train.graph.sources().tolist(), train.graph.targets.tolist(), strict=True))
    for u, v in pairs.positives.tolist():
        assert (u, v) in edges  # in the direction of the removed edge
        assert (u, v) not in left
        assert (v, u) not in left
    for table in (pairs.uniform, pairs.matched):
        there = [tuple(sorted(row)) for row in table.tolist() if row[0] >= 0]
        assert len(set(there)) == len(there) > 0.9 * len(pairs)
        assert all(u != v and (u, v) not in edges and (v, u) not in edges for u, v in there)
    matched_rows = pairs.matched[:, 0] >= 0
    assert np.array_equal(pairs.matched[matched_rows, 0], pairs.positives[matched_rows, 0])
    same = np.bincount(pairs.matched[matched_rows, 1], minlength=ITEMS)
    wanted = np.bincount(pairs.positives[:, 1], minlength=ITEMS)
    assert np.abs(same - wanted).sum() <= (~matched_rows).sum()
    assert train.sessions is None
    assert figures["removed edges"] == len(pairs)


def test_lost_nodes_are_counted() -> None:
    graph = item_graph(sessionize(shop(users=3, visits=1))[0], ITEMS)
    train, pairs, figures = link.link_task(graph, Vocab.of(range(ITEMS)), None, seed=0)
    degree = np.zeros(ITEMS, dtype=int)
    for u, v in zip(train.graph.sources(), train.graph.targets, strict=True):
        degree[[u, v]] += 1
    assert np.array_equal(pairs.lost, degree == 0)
    touched = [degree[u] == 0 or degree[v] == 0 for u, v in pairs.positives]
    assert figures["positives at a lost node"] == pytest.approx(np.mean(touched))


class Shows(Fitted):
    """Shows cold item 0, the target, and `cold` other cold items before warm ones."""

    def cold_candidates(self, items, offsets, fields, n, k, choice):
        row = np.r_[4 + np.arange(1 + choice["cold"]), np.arange(20)][:k].astype(np.int32)
        return Hits(
            np.tile(row, (len(offsets) - 1, 1)), np.zeros((len(offsets) - 1, len(row)), dtype=np.float32)
        )


def test_choosing_cold_candidates_has_a_budget() -> None:
    queries = ColdCandidates(
        np.zeros(2, dtype=np.int32),
        np.array([0, 1, 2]),
        np.array([4, 5], dtype=np.int32),
        np.arange(2),
        (),
        4,
        30,
    )
    assert cold.candidates_recall(Shows(), queries, {"cold": 0}, k=4) == 0.5  # a quarter of the places
    assert cold.candidates_recall(Shows(), queries, {"cold": 1}, k=4) == 1.0  # half
    assert cold.candidates_recall(Shows(), queries, {"cold": 3}, k=4) == 0.5  # all: marked down by half
