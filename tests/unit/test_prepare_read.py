"""Reading against a slow twin on odd tables and from every kind of source; bad input, one line each."""

import csv
import errno
import gzip
import json
import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cowalk.errors import CowalkError, DataError, UsageError
from cowalk.prepare import CleanSettings, ReadSettings, read_events
from cowalk.prepare.database import explain
from reference import prepare as slow

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
WORD = st.sampled_from(
    ["", "a", "A", "a b", " a", "a,b", 'say "hi"', "é", "日本", "007", "7", "x\ny", "'; --", "-0"]
)
TIME = st.sampled_from([None, 0, 1_300_000_000_000_000, 1_300_000_000_000_001, 1_400_000_000_000_000])
IDS = {"word": WORD | st.none(), "text": TEXT | st.none(), "whole": st.integers(-(2**62), 2**62) | st.none()}


@st.composite
def tables(draw):
    """A log as a list of dicts; users, items and visits each text or whole numbers."""
    kinds = [draw(st.sampled_from(sorted(IDS))) for _ in range(3)]
    pools = [draw(st.lists(IDS[kind], min_size=1, max_size=4)) for kind in kinds]
    row = st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(pools[0]),
            "item_id": st.sampled_from(pools[1]),
            "timestamp": TIME,
            "visit": st.sampled_from(pools[2]),
            "place": st.none() | st.integers(0, 3),
        }
    )
    return draw(st.lists(row, min_size=1, max_size=25)), kinds


def as_polars(table, kinds):
    types = {"word": pl.String, "text": pl.String, "whole": pl.Int64}
    names = ("user_id", "item_id", "visit")
    schema = {name: types[kind] for name, kind in zip(names, kinds, strict=True)}
    return pl.DataFrame(table, schema=schema | {"timestamp": pl.Datetime("us"), "place": pl.Int64})


def rows_of(events):
    """(user, session code or None, item, time) of each event by outside ids; sessions only as a partition."""
    users, items = events.user_vocab.ids.tolist(), events.item_vocab.ids.tolist()
    return [
        (users[u] if u >= 0 else None, items[i], t)
        for u, i, t in zip(events.users.tolist(), events.items.tolist(), events.times.tolist(), strict=True)
    ]


def check(table, source, *, untyped=False, **options):
    """The events of `source` equal the twin's of `table`, vocabularies and drop report too."""
    session, order = options.get("session", False), options.get("order", False)
    wanted, drops = slow.read_events(table, untyped=untyped, **options)
    reading = ReadSettings(
        session_column="visit" if session else None, order_column="place" if order else None
    )
    cleaning = CleanSettings(
        max_user_events=options.get("max_user_events"), min_count=options.get("min_count", 1)
    )
    if not wanted:
        with pytest.raises(DataError, match=r"dropped all|is empty"):
            read_events(source, reading, cleaning)
        return
    events, report = read_events(source, reading, cleaning)
    assert rows_of(events) == [(user, item, time) for user, _, item, time in wanted]
    if session:
        codes = dict(zip([visit for _, visit, _, _ in wanted], events.sessions.tolist(), strict=True))
        assert [codes[visit] for _, visit, _, _ in wanted] == events.sessions.tolist()
        assert len(set(codes.values())) == len(codes)
    vocab = slow.vocabulary(item for _, _, item, _ in wanted)
    assert list(zip(events.item_vocab.ids.tolist(), events.item_vocab.counts.tolist(), strict=True)) == vocab
    assert events.user_vocab.ids.tolist() == sorted({user for user, _, _, _ in wanted if user is not None})
    assert report.rows_in == len(table)
    assert report.rows_out == len(events)
    assert sum(drop.dropped for drop in report.drops) == sum(drops.values())
    found = {drop.rule: drop.dropped for drop in report.drops}
    assert found["exact duplicates of an earlier row"] == drops["duplicates"]
    assert found["repeated events on the same item"] == drops["repeats"]


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(tables(), st.booleans(), st.booleans(), st.sampled_from([None, 3]), st.sampled_from([1, 2]))
def test_any_table_reads_as_its_slow_twin(odd, session, order, most, least):
    table, kinds = odd
    check(
        table,
        as_polars(table, kinds),
        session=session,
        order=order,
        max_user_events=most,
        min_count=least,
    )


@FEW
@given(odd=tables())
def test_any_csv_reads_as_its_slow_twin(odd, tmp_path):
    table, _ = odd
    path = tmp_path / "log.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for row in table:
            time = row["timestamp"]
            stamp = "" if time is None else str(np.datetime64(time, "us"))
            writer.writerow({k: "" if v is None else v for k, v in row.items()} | {"timestamp": stamp})
    check(table, path, untyped=True)


@FEW
@given(odd=tables())
def test_any_json_lines_read_as_their_slow_twin(odd, tmp_path):
    table, _ = odd
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in table), encoding="utf-8")
    check(table, path, untyped=True, session=True)


LOG = pd.DataFrame(
    {
        "user_id": ["b", "a", "b", "b"],
        "item_id": [17850.0, 2, np.nan, 2],
        "timestamp": pd.to_datetime(["2011-01-01", "2011-01-02", "2011-01-01", "2011-01-01"]),
    }
)


def expected():
    day = 86_400_000_000
    first = 14_975 * day
    return [("a", 2, first + day), ("b", 17850, first), ("b", 2, first)]


def test_every_kind_of_source_gives_the_same_events(tmp_path):
    LOG.to_parquet(tmp_path / "log.parquet")
    LOG.to_csv(tmp_path / "log.csv", index=False)
    LOG.to_csv(tmp_path / "log.tsv.gz", index=False, sep="\t")
    arrow = pa.Table.from_pandas(LOG)
    frame = pl.from_arrow(arrow)
    odd_index = LOG.set_index(pd.Index([9, 9, 9, 9]))
    sources = [LOG, odd_index, arrow, frame, frame.lazy()]
    sources += [tmp_path / "log.parquet", str(tmp_path / "*.parquet"), [tmp_path / "log.parquet"]]
    for source in sources:
        assert rows_of(read_events(source)[0]) == expected()
    for name in ("log.csv", "log.tsv.gz"):  # as text 17850.0 is no whole number: ids stay as they are written
        items = [str(float(item)) for _, item, _ in expected()]
        assert [item for _, item, _ in rows_of(read_events(tmp_path / name)[0])] == items


def test_ties_keep_the_order_of_files_and_rows(tmp_path):
    def part(name, items):
        (tmp_path / name).write_text(
            "user_id,item_id,timestamp\n" + "".join(f"u,{i},2011-01-01\n" for i in items)
        )

    part("2.csv", "ab")
    part("10.csv", "cd")
    part("1.csv", "ef")
    events, _ = read_events(tmp_path / "*.csv")
    assert [item for _, item, _ in rows_of(events)] == list("efcdab")  # by path: 1, 10, 2
    events, _ = read_events([tmp_path / "2.csv", tmp_path / "1.csv"])
    assert [item for _, item, _ in rows_of(events)] == list("abef")  # a list keeps its own order
    ordered = ReadSettings(order_column="n")
    log = pd.DataFrame(
        {"user_id": 1, "item_id": list("abc"), "timestamp": "2011-01-01", "n": ["10", "9", None]}
    )
    assert [item for _, item, _ in rows_of(read_events(log, ordered)[0])] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("values", "unit", "fact"),
    [
        ([1_300_000_000, 1_300_000_001], "auto", "epoch s (found by size)"),
        ([1_300_000_000.5, math.nan], "auto", "epoch s (found by size)"),
        ([1_300_000_000_000, 0], "auto", "epoch ms (found by size)"),
        ([1_300_000_000_000_000, 1_300_000_000_000_001], "auto", "epoch us (found by size)"),
        (["1300000000", None], "auto", "epoch s (found by size)"),
        ([1_300_000_000, 1_300_000_001], "s", "epoch s"),
        (["2011-03-13T07:06:40Z", "2011-03-13 09:06:41+02:00"], "auto", "ISO text"),
        (["2011-03-13 07:06:40", ""], "auto", "ISO text"),
    ],
)
def test_the_time_unit_is_found_and_reported(values, unit, fact):
    log = pd.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": values})
    events, report = read_events(log, ReadSettings(time_unit=unit))
    assert events.times[0] // 1_000_000 == 1_300_000_000
    assert report.facts[0] == ("times", f"{fact} in column 'timestamp'")
    if len(events) == 2:
        assert events.times[1] - events.times[0] in (1, 1_000_000)


def test_event_types_weigh_and_unknown_ones_are_dropped():
    log = pd.DataFrame(
        {"user_id": 1, "item_id": ["a", "a", "b", "c"], "timestamp": range(1_300_000_000, 1_300_000_004)}
    )
    log["kind"] = ["view", "buy", "look", "view"]
    reading = ReadSettings(event_column="kind", event_weights={"view": 1, "buy": 5})
    events, report = read_events(log, reading)
    assert [item for _, item, _ in rows_of(events)] == ["a", "c"]
    assert events.weights.tolist() == [5.0, 1.0]  # a repeat leaves its larger weight behind
    assert {d.rule: d.dropped for d in report.drops}["event type without a weight"] == 1
    same = log.assign(timestamp=1_300_000_000, item_id="a")
    kept, _ = read_events(same, reading, CleanSettings(drop_repeats=False))
    assert len(kept) == 2  # equal but for the type: view and buy stay, the unknown one and the second view go


def test_unknown_users_stay_where_sessions_hold_them():
    log = pd.DataFrame(
        {"user_id": [None, 5, None], "item_id": [1, 2, 3], "timestamp": "2011-01-01", "s": [7, 7, 8]}
    )
    events, _ = read_events(log, ReadSettings(session_column="s"))
    assert events.users.tolist() == [-1, -1, 0]
    assert events.sessions.tolist() == [0, 1, 0]
    assert np.diff(events.owner_offsets).tolist() == [1, 1, 1]
    alone, _ = read_events(log, ReadSettings(session_column="s", user_column=None))
    assert alone.users.tolist() == [-1, -1, -1]
    assert len(alone.user_vocab) == 0


def test_dwell_and_the_lack_of_times():
    log = pd.DataFrame({"user_id": 1, "item_id": list("abab"), "dwell": [0.5, 1, None, 3]})
    reading = ReadSettings(time_column=None, dwell_column="dwell")
    events, report = read_events(log, reading, CleanSettings(min_dwell=1))
    assert [item for _, item, _ in rows_of(events)] == [
        "b",
        "a",
        "b",
    ]  # unknown dwell stays; no duplicates without time
    assert not events.has_times
    assert any(drop.note.startswith("off") for drop in report.drops)


def test_columns_that_differ_only_in_case_are_kept_apart(tmp_path):
    log = pl.DataFrame({"ITEM": [1, 1], "item": [5, 6], "Item": [9, 9], "user_id": [1, 1]})
    log.write_csv(tmp_path / "log.csv")
    (tmp_path / "log.jsonl").write_text('{"ITEM":1,"item":5,"user_id":1}\n{"item":6,"user_id":1}\n')
    reading = ReadSettings(item_column="item", time_column=None)
    for source in (tmp_path / "log.csv", tmp_path / "log.jsonl", log.to_arrow(), log.to_pandas()):
        assert read_events(source, reading)[0].item_vocab.ids.tolist() == [5, 6]


def bad(change=None, reading=None, clean=None, **columns):
    log = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"], "timestamp": ["2011-01-01", "2011-01-02"]})
    return (change(log) if change else log.assign(**columns), reading, clean)


@pytest.mark.parametrize(
    ("case", "error", "says"),
    [
        (
            bad(lambda t: t.drop(columns="item_id")),
            DataError,
            "no column 'item_id'; the columns are user_id, time",
        ),
        (
            bad(timestamp=["2011-01-01", "12/1/2010"]),
            DataError,
            "column 'timestamp': cannot read '12/1/2010' .*row 2",
        ),
        (bad(item_id=[None, ""]), DataError, "'null or empty item id' took the most"),
        (bad(item_id=[1.5, 2.0]), DataError, "column 'item_id': 1.5 .*row 1"),
        (bad(item_id=[[1], [2]]), DataError, "column 'item_id': ids are text or whole numbers"),
        (bad(lambda t: t[:0]), DataError, "is empty"),
        (bad(timestamp=[1, 2]), DataError, "'impossible time' took the most .*epoch s"),
        (bad(clean=CleanSettings(min_count=3)), DataError, "fewer than 3 events' took the most"),
        (bad(reading=ReadSettings(event_column="item_id")), UsageError, "event_weights go together"),
        (bad(reading=ReadSettings(event_column="a", event_weights={"b": -1})), UsageError, "b=-1"),
        (bad(reading=ReadSettings(event_column="a", event_weights={"b": -1.0})), UsageError, "b=-1"),
        (bad(timestamp=[None, None]), DataError, "'null time' took the most"),
        (bad(timestamp=[True, False]), DataError, "'timestamp': a time is .* not BOOLEAN"),
        (bad(clean=CleanSettings(min_dwell=1)), UsageError, "dwell_column"),
        (bad(clean=CleanSettings(min_time="soon")), UsageError, "'soon'"),
        (bad(reading=ReadSettings(user_column=None)), UsageError, "session_column"),
    ],
)
def test_bad_logs_get_one_clear_line(case, error, says):
    log, reading, clean = case
    with pytest.raises(error, match=says) as caught:
        read_events(log, reading, clean)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-2.0, math.nan, math.inf, None])
def test_a_weight_that_is_off_is_named(value):
    log = pd.DataFrame({"user_id": 1, "item_id": [1, 2], "timestamp": "2011-01-01", "w": [1.0, value]})
    with pytest.raises(DataError, match=r"column 'w': weight .* row 2"):
        read_events(log, ReadSettings(weight_column="w"))


@pytest.mark.parametrize(
    "name",
    [
        "no.csv",
        "no*.parquet",
        "empty.csv",
        "half.parquet",
        "latin.csv",
        "ragged.csv",
        "twice.csv",
        "odd.xlsx",
        "x.jsonl",
    ],
)
def test_bad_files_get_one_clear_line_that_names_them(name, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "latin.csv").write_bytes(
        "user_id,item_id,timestamp\n1,caf\u00e9,2011-01-01\n".encode("latin-1")
    )
    (tmp_path / "odd.xlsx").write_bytes(b"x")
    (tmp_path / "ragged.csv").write_text("user_id,item_id,timestamp\n1,a\n")
    (tmp_path / "twice.csv").write_text("user_id,item_id,item_id,timestamp\n1,2,3,2011-01-01\n")
    (tmp_path / "x.jsonl").write_text('{"user_id": 1,\n')
    with pytest.raises(CowalkError) as caught:
        read_events(str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_memory_limit_is_read_and_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read_events(LOG, memory_limit="500MB", workers=1)
    with pytest.raises(DataError):
        read_events(LOG.assign(item_id=None))
    assert list(tmp_path.iterdir()) == []
    for limit in ("much", "1MB"):
        with pytest.raises(UsageError, match="memory limit"):
            read_events(LOG, memory_limit=limit)


def test_the_report_adds_up_and_goes_into_a_manifest():
    _, report = read_events(LOG)
    text = report.lines()
    assert text[0] == "3 of 4 rows kept (75.0%)"
    assert json.loads(json.dumps(report.to_json()))["rows_out"] == 3
    both = report + report
    assert (both.rows_in, both.rows_out, len(both.drops)) == (4, 3, 2 * len(report.drops))


def test_a_full_disk_and_too_little_memory_are_said_in_one_line():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "is full; set TMPDIR" in str(explain(full, "log.csv", "2GB"))
    spill = duckdb.IOException("IO Error: Could not write file: No space left on device\nmore")
    assert str(explain(spill, "log.csv", "2GB")).startswith("log.csv: the disk of the temporary folder")
    assert "memory limit of 2GB" in str(explain(duckdb.OutOfMemoryException("x"), "log.csv", "2GB"))
    assert str(explain(duckdb.Error("Invalid Input Error: odd\nLINE 1"), "log.csv", "2GB")) == "log.csv: odd"
