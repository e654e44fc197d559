"""Candidates: indexes over vectors, exact search, and co-occurrence lists."""

from cowalk.recall.cooccurrence import CooccurrenceLists, cooccurrence_lists
from cowalk.recall.exact import top_k
from cowalk.recall.exact_index import ExactIndex
from cowalk.recall.index import Abilities, Index, IndexMetric
from cowalk.recall.inherited import inherited_lists, with_new_items
from cowalk.recall.merged import lists_of_part, merged_lists
from cowalk.recall.opened import opened
from cowalk.recall.settings import CooccurrenceSettings

__all__ = [
    "Abilities",
    "CooccurrenceLists",
    "CooccurrenceSettings",
    "ExactIndex",
    "Index",
    "IndexMetric",
    "cooccurrence_lists",
    "inherited_lists",
    "lists_of_part",
    "merged_lists",
    "opened",
    "top_k",
    "with_new_items",
]
