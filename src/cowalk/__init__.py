"""cowalk: item and user vectors for recommenders. Names load on first use; importing does no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowalk.lazy import lazy_names

__version__ = "0.1.0"

_HOMES = {
    "cowalk.errors": (
        "CowalkError",
        "DataError",
        "DivergedError",
        "MissingExtraError",
        "ModelError",
        "StoreAwayError",
        "UnknownIdError",
        "UsageError",
    ),
    "cowalk.tables": (
        "Catalogue",
        "ClickTable",
        "Events",
        "Field",
        "Hits",
        "ItemGraph",
        "RawField",
        "Sessions",
        "SideInfo",
        "Vectors",
        "Vocab",
        "Walks",
    ),
    "cowalk.prepare": (
        "ClickSettings",
        "encode_items",
        "encode_side_info",
        "graph_from_networkx",
        "graph_from_scipy",
        "graph_health",
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
        "split_by_time",
        "with_vectors",
    ),
    "cowalk.walk": ("walk_blocks",),
    "cowalk.content": ("content_vectors",),
    "cowalk.learn": ("ColdMap", "Learned"),
    "cowalk.recall": ("cooccurrence_lists",),
    "cowalk.recall.named": ("VectorIndex",),
    "cowalk.recommend": ("Recommender",),
    "cowalk.settings": ("Recipe", "load_recipe", "recipe_names"),
    "cowalk.model": ("Model", "UserStore", "load"),
    "cowalk.pipeline": ("fit",),
    "cowalk.domains": ("DomainBridge",),
    "cowalk.updates": ("update",),
    "cowalk.tuning": ("Tuned", "tune"),
    "cowalk.online": ("OnlineVectors", "fetch_model", "open_histories", "publish"),
}
# learn is a room and, called, the function in it
_ROOMS = ("datasets", "evaluate", "examples", "learn", "nn", "rank")
_names, __getattr__ = lazy_names(__name__, _HOMES, rooms=_ROOMS)
__all__ = sorted([*_names, "__version__"])

if TYPE_CHECKING:
    from cowalk import datasets as datasets
    from cowalk import evaluate as evaluate
    from cowalk import examples as examples
    from cowalk import nn as nn
    from cowalk import rank as rank
    from cowalk.content import content_vectors as content_vectors
    from cowalk.domains import DomainBridge as DomainBridge
    from cowalk.errors import CowalkError as CowalkError
    from cowalk.errors import DataError as DataError
    from cowalk.errors import DivergedError as DivergedError
    from cowalk.errors import MissingExtraError as MissingExtraError
    from cowalk.errors import ModelError as ModelError
    from cowalk.errors import StoreAwayError as StoreAwayError
    from cowalk.errors import UnknownIdError as UnknownIdError
    from cowalk.errors import UsageError as UsageError
    from cowalk.learn import ColdMap as ColdMap
    from cowalk.learn import Learned as Learned
    from cowalk.learn import learn as learn
    from cowalk.model import Model as Model
    from cowalk.model import UserStore as UserStore
    from cowalk.model import load as load
    from cowalk.online import OnlineVectors as OnlineVectors
    from cowalk.online import fetch_model as fetch_model
    from cowalk.online import open_histories as open_histories
    from cowalk.online import publish as publish
    from cowalk.pipeline import fit as fit
    from cowalk.prepare import ClickSettings as ClickSettings
    from cowalk.prepare import encode_items as encode_items
    from cowalk.prepare import encode_side_info as encode_side_info
    from cowalk.prepare import graph_from_networkx as graph_from_networkx
    from cowalk.prepare import graph_from_scipy as graph_from_scipy
    from cowalk.prepare import graph_health as graph_health
    from cowalk.prepare import hide_items as hide_items
    from cowalk.prepare import hold_out_edges as hold_out_edges
    from cowalk.prepare import item_graph as item_graph
    from cowalk.prepare import leave_last as leave_last
    from cowalk.prepare import read_clicks as read_clicks
    from cowalk.prepare import read_clicks_split as read_clicks_split
    from cowalk.prepare import read_edges as read_edges
    from cowalk.prepare import read_events as read_events
    from cowalk.prepare import read_items as read_items
    from cowalk.prepare import read_labels as read_labels
    from cowalk.prepare import refit_vocab as refit_vocab
    from cowalk.prepare import sessionize as sessionize
    from cowalk.prepare import split_by_time as split_by_time
    from cowalk.prepare import with_vectors as with_vectors
    from cowalk.recall import cooccurrence_lists as cooccurrence_lists
    from cowalk.recall.named import VectorIndex as VectorIndex
    from cowalk.recommend import Recommender as Recommender
    from cowalk.settings import Recipe as Recipe
    from cowalk.settings import load_recipe as load_recipe
    from cowalk.settings import recipe_names as recipe_names
    from cowalk.tables import Catalogue as Catalogue
    from cowalk.tables import ClickTable as ClickTable
    from cowalk.tables import Events as Events
    from cowalk.tables import Field as Field
    from cowalk.tables import Hits as Hits
    from cowalk.tables import ItemGraph as ItemGraph
    from cowalk.tables import RawField as RawField
    from cowalk.tables import Sessions as Sessions
    from cowalk.tables import SideInfo as SideInfo
    from cowalk.tables import Vectors as Vectors
    from cowalk.tables import Vocab as Vocab
    from cowalk.tables import Walks as Walks
    from cowalk.tuning import Tuned as Tuned
    from cowalk.tuning import tune as tune
    from cowalk.updates import update as update
    from cowalk.walk import walk_blocks as walk_blocks


def __dir__() -> list[str]:
    return __all__
