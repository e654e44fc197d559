"""Preparing the real log UCI Online Retail: one timestamp an invoice, many rows without a user."""

import os
from pathlib import Path

import numpy as np
import pytest

from cowalk.prepare import CleanSettings, ReadSettings, graph_health, item_graph, read_events, sessionize

LOG = Path(os.environ.get("COWALK_DATA", "/nowhere")) / "uci-online-retail" / "online_retail_all.csv.gz"
pytestmark = pytest.mark.skipif(not LOG.is_file(), reason="COWALK_DATA does not hold UCI Online Retail")


def test_online_retail_by_invoice():
    reading = ReadSettings(
        user_column="CustomerID",
        item_column="StockCode",
        time_column="InvoiceDate",
        session_column="InvoiceNo",
    )
    events, report = read_events(LOG, reading, CleanSettings(drop_duplicates=False, drop_repeats=False))
    assert (report.rows_in, report.rows_out) == (541_909, 541_909)
    assert (events.users < 0).sum() == 135_080
    assert len(events.user_vocab) == 4_372
    assert len(events.item_vocab) == 4_070
    assert events.item_vocab.ids[0] == "85123A"
    sessions, _ = sessionize(events)
    assert len(sessions) == 25_900
    graph = item_graph(sessions, len(events.item_vocab))
    within = np.ones(len(sessions.items) - 1, dtype=bool)
    within[sessions.offsets[1:-1] - 1] = False
    moves = within & (sessions.items[1:] != sessions.items[:-1])
    assert graph.weights.sum() == moves.sum()
    assert graph_health(graph).largest_share > 0.95
