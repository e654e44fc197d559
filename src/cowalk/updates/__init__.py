"""Updates: a model learns from new events and new items, and moves its old vectors as little as asked."""

from cowalk.updates.align import aligned, procrustes
from cowalk.updates.drift import Drift, drift, neighbor_overlap
from cowalk.updates.run import update

__all__ = ["Drift", "aligned", "drift", "neighbor_overlap", "procrustes", "update"]
