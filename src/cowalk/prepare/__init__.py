"""Files or tables -> Events -> Sessions -> Split -> ItemGraph, and attributes -> Catalogue -> SideInfo."""

from cowalk.prepare.attributes import catalogue_of, settings_like
from cowalk.prepare.edges import graph_from_networkx, graph_from_scipy, read_edges
from cowalk.prepare.graph import graph_of_edges, item_graph
from cowalk.prepare.health import GraphHealth, graph_health
from cowalk.prepare.items import read_items
from cowalk.prepare.read import read_events
from cowalk.prepare.report import Drop, DropReport
from cowalk.prepare.sessions import sessionize
from cowalk.prepare.settings import CleanSettings, GraphSettings, ReadSettings, SessionSettings, SideSettings
from cowalk.prepare.side_info import encode_items, encode_side_info
from cowalk.prepare.split import EdgeSplit, EventSplit, hide_items, hold_out_edges, leave_last, split_by_time
from cowalk.prepare.vocabulary import refit_vocab

__all__ = [
    "CleanSettings",
    "Drop",
    "DropReport",
    "EdgeSplit",
    "EventSplit",
    "GraphHealth",
    "GraphSettings",
    "ReadSettings",
    "SessionSettings",
    "SideSettings",
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
    "read_edges",
    "read_events",
    "read_items",
    "refit_vocab",
    "sessionize",
    "settings_like",
    "split_by_time",
]
