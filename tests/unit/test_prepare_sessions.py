"""Cutting into sessions against a slow twin, the rules on lengths, refitting the vocabulary, splits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import DataError, UsageError
from cowalk.prepare import (
    CleanSettings,
    SessionSettings,
    hide_items,
    leave_last,
    refit_vocab,
    sessionize,
    split_by_time,
)
from cowalk.tables import Events, Vocab
from reference import prepare as slow

MINUTE = 60_000_000


def events_of(rows, *, sessions=True, has_times=True):
    """Events of (user, session, minute, item) rows, sorted as reading does; user -1 = unknown."""
    rows = sorted(rows, key=lambda r: (r[0], r[1] if r[0] < 0 else -1, r[2]))
    users, visits, minutes, items = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Events(
        users=users.astype(np.int32),
        items=items.astype(np.int32),
        times=minutes * MINUTE * has_times,
        weights=np.arange(1, len(rows) + 1, dtype=np.float32),
        item_vocab=Vocab.of(np.arange(10) * 7 % 10),
        user_vocab=Vocab.of(["a", "b", "c"]),
        sessions=visits.astype(np.int32) if sessions else None,
        has_times=has_times,
    )


ROWS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(0, 3), st.integers(0, 200), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.sampled_from(["gap", "window", "column", "history"]))
def test_sessions_equal_their_slow_twin(rows, by):
    events = events_of(rows)
    cut, report = sessionize(events, SessionSettings(by=by))
    wanted = slow.sessions(events, by, gap=30 * MINUTE, window=60 * MINUTE)
    found = [cut.items[a:b].tolist() for a, b in zip(cut.offsets[:-1], cut.offsets[1:], strict=True)]
    assert found == wanted
    assert sorted(cut.weights.tolist()) == events.weights.tolist()
    assert events.items[cut.weights.astype(int) - 1].tolist() == cut.items.tolist()
    assert report.rows_out == len(events)


def test_a_pause_of_exactly_the_gap_does_not_cut_and_windows_start_at_the_epoch():
    events = events_of([(0, 0, minute, 0) for minute in (0, 30, 61, 119, 120)])
    assert sessionize(events, SessionSettings(by="gap"))[0].offsets.tolist() == [0, 2, 3, 5]
    cut, _ = sessionize(events, SessionSettings(by="window"))
    assert cut.offsets.tolist() == [0, 2, 4, 5]
    assert cut.starts.tolist() == [0, 61 * MINUTE, 120 * MINUTE]


def test_sessions_of_a_column_that_interleave_are_gathered_in_order():
    events = events_of([(0, 5, 0, 1), (0, 6, 1, 2), (0, 5, 2, 3), (1, 5, 0, 4)])
    cut, _ = sessionize(events)
    assert cut.items.tolist() == [1, 3, 2, 4]
    assert cut.offsets.tolist() == [0, 2, 3, 4]  # session 5 of another user is another session
    assert cut.users.tolist() == [0, 0, 1]


def test_odd_lengths_are_dropped_and_told():
    events = events_of([(0, 0, m, m) for m in range(5)] + [(1, 0, 0, 1)] + [(2, 0, m, m) for m in range(2)])
    cut, report = sessionize(events, clean=CleanSettings(min_session=2, max_session=3))
    assert cut.items.tolist() == [0, 1]
    assert cut.users.tolist() == [2]
    assert [(drop.dropped, drop.note) for drop in report.drops] == [(1, "1 sessions"), (5, "1 sessions")]
    with pytest.raises(DataError, match="took the most"):
        sessionize(events, clean=CleanSettings(min_session=9))


def test_nothing_is_copied_where_nothing_moves():
    events = events_of([(0, 0, 0, 1), (0, 0, 1, 2)])
    cut, _ = sessionize(events, SessionSettings(by="gap"))
    assert cut.items is events.items
    assert cut.weights is events.weights


def test_a_cut_that_the_log_cannot_give_is_refused():
    timeless = events_of([(0, 0, 0, 1)], sessions=False, has_times=False)
    for by in ("gap", "window", "column"):
        with pytest.raises(UsageError, match=by):
            sessionize(timeless, SessionSettings(by=by))
    assert sessionize(timeless)[1].facts[1] == ("cut by", "history")


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 4))
def test_a_refitted_vocabulary_counts_its_own_events(rows, least):
    events = events_of(rows)
    ids = events.item_vocab.ids[events.items].tolist()
    fitted, report = refit_vocab(events, least)
    wanted = [pair for pair in slow.vocabulary(ids) if pair[1] >= least]
    vocab = fitted.item_vocab
    assert list(zip(vocab.ids.tolist(), vocab.counts.tolist(), strict=True)) == wanted
    kept = {item for item, _ in wanted}
    assert vocab.ids[fitted.items].tolist() == [item for item in ids if item in kept]
    assert report.rows_in - report.rows_out == report.drops[0].dropped == len(events) - len(fitted)
    assert fitted.user_vocab.ids.tolist() == ["a", "b", "c"]
    assert fitted.user_vocab.counts.sum() == np.sum(fitted.users >= 0)


def test_a_split_by_time_parts_no_equal_times_and_covers_all():
    events = events_of([(u, 0, m, m % 10) for u in range(3) for m in range(30)])
    split = split_by_time(events)
    assert np.all(split.train.astype(int) + split.validation + split.test == 1)
    last, first = events.times[split.train].max(), events.times[split.validation].min()
    assert (last, first, events.times[split.test].min()) == (23 * MINUTE, 24 * MINUTE, 27 * MINUTE)
    whole = split_by_time(events, (1.0, 0.0, 0.0))
    assert whole.train.all()
    halves = split_by_time(events, (0.5, 0.0, 0.5))
    assert (halves.train.sum(), halves.validation.sum(), halves.test.sum()) == (45, 0, 45)


def test_splits_that_cannot_be_are_refused():
    events = events_of([(0, 0, 5, 1), (0, 0, 5, 2)])
    with pytest.raises(DataError, match="leave_last"):
        split_by_time(events)
    with pytest.raises(UsageError, match="sum to 1"):
        split_by_time(events, (0.8, 0.1, 0.2))
    with pytest.raises(UsageError, match="leave_last"):
        split_by_time(events_of([(0, 0, 0, 1)], has_times=False))


def test_leave_last_takes_the_ends_of_owners_with_three_events():
    events = events_of(
        [(0, 0, m, m) for m in range(4)]
        + [(1, 0, m, m) for m in range(2)]
        + [(-1, 3, m, 0) for m in range(3)]
    )
    split = leave_last(events)
    assert np.flatnonzero(split.test).tolist() == [2, 6]
    assert np.flatnonzero(split.validation).tolist() == [1, 5]
    assert np.all(split.train.astype(int) + split.validation + split.test == 1)


def test_hidden_items_are_a_seeded_share_of_those_seen_often():
    events = events_of([(0, 0, 10 * m + i, i) for m in range(6) for i in range(8)] + [(1, 0, 0, 9)])
    hidden = hide_items(events, share=0.25, min_count=5, seed=3)
    assert len(hidden) == 2
    assert set(hidden.tolist()) <= set(range(8))
    assert np.array_equal(hidden, hide_items(events, share=0.25, min_count=5, seed=3))
    assert len({tuple(hide_items(events, share=0.25, seed=seed).tolist()) for seed in range(20)}) > 5
    assert len(hide_items(events, share=0.25, min_count=99)) == 0
    with pytest.raises(UsageError, match="share"):
        hide_items(events, share=1.5)
