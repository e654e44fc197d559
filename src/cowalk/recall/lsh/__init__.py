"""Locality-sensitive hashing: the index, its settings, and the tuning that chooses them for a recall."""

from cowalk.recall.lsh.index import LSHIndex
from cowalk.recall.lsh.settings import LSHSettings
from cowalk.recall.lsh.tuning import LSHTuning, tuned

__all__ = ["LSHIndex", "LSHSettings", "LSHTuning", "tuned"]
