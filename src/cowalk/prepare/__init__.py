"""Files or tables -> Events -> Sessions -> Split -> ItemGraph, and attributes -> Catalogue -> SideInfo."""

from cowalk.prepare.attributes import catalogue_of, settings_like
from cowalk.prepare.click_settings import ClickSettings
from cowalk.prepare.clicks import read_clicks, read_clicks_split
from cowalk.prepare.dense import with_vectors
from cowalk.prepare.edges import as_undirected, graph_from_networkx, graph_from_scipy, read_edges
from cowalk.prepare.graph import graph_of_edges, item_graph
from cowalk.prepare.health import GraphHealth, graph_health
from cowalk.prepare.items import read_items
from cowalk.prepare.labels import Labels, read_labels
from cowalk.prepare.read import read_events
from cowalk.prepare.report import Drop, DropReport
from cowalk.prepare.sessions import sessionize
from cowalk.prepare.settings import CleanSettings, GraphSettings, ReadSettings, SessionSettings, SideSettings
from cowalk.prepare.side_info import encode_items, encode_side_info
from cowalk.prepare.split import EdgeSplit, EventSplit, hide_items, hold_out_edges, leave_last, split_by_time
from cowalk.prepare.vocabulary import refit_vocab

__all__ = [
    "CleanSettings",
    "ClickSettings",
    "Drop",
    "DropReport",
    "EdgeSplit",
    "EventSplit",
    "GraphHealth",
    "GraphSettings",
    "Labels",
    "ReadSettings",
    "SessionSettings",
    "SideSettings",
    "as_undirected",
    "catalogue_of",
    "encode_items",
    "encode_side_info",
    "graph_from_networkx",
    "graph_from_scipy",
    "graph_health",
    "graph_of_edges",
    "hide_items",
    "hold_out_edges",
    "item_graph",
    "leave_last",
    "read_clicks",
    "read_clicks_split",
    "read_edges",
    "read_events",
    "read_items",
    "read_labels",
    "refit_vocab",
    "sessionize",
    "settings_like",
    "split_by_time",
    "with_vectors",
]
