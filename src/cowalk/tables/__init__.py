"""What flows between the rooms: frozen tables, checked once at birth."""

from cowalk.tables.catalogue import Catalogue, RawField
from cowalk.tables.clicks import ClickColumn, ClickTable
from cowalk.tables.events import Events
from cowalk.tables.graph import ItemGraph
from cowalk.tables.hits import Hits
from cowalk.tables.sessions import Sessions
from cowalk.tables.side_info import Field, SideInfo
from cowalk.tables.vectors import Vectors
from cowalk.tables.vocab import Id, Vocab
from cowalk.tables.walks import Walks

__all__ = [
    "Catalogue",
    "ClickColumn",
    "ClickTable",
    "Events",
    "Field",
    "Hits",
    "Id",
    "ItemGraph",
    "RawField",
    "Sessions",
    "SideInfo",
    "Vectors",
    "Vocab",
    "Walks",
]
