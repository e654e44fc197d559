"""Candidates: exact search over vectors, and co-occurrence lists."""

from cowalk.recall.cooccurrence import CooccurrenceLists, cooccurrence_lists
from cowalk.recall.exact import top_k
from cowalk.recall.settings import CooccurrenceSettings

__all__ = ["CooccurrenceLists", "CooccurrenceSettings", "cooccurrence_lists", "top_k"]
