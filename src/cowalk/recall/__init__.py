"""Candidates: exact search over vectors, and co-occurrence lists."""

from cowalk.recall.cooccurrence import CooccurrenceLists, cooccurrence_lists
from cowalk.recall.exact import top_k
from cowalk.recall.inherited import inherited_lists, with_new_items
from cowalk.recall.merged import lists_of_part, merged_lists
from cowalk.recall.settings import CooccurrenceSettings

__all__ = [
    "CooccurrenceLists",
    "CooccurrenceSettings",
    "cooccurrence_lists",
    "inherited_lists",
    "lists_of_part",
    "merged_lists",
    "top_k",
    "with_new_items",
]
