"""Which kind of index suits so many rows, and why."""

from __future__ import annotations

from importlib.util import find_spec

from cowalk.errors import UsageError
from cowalk.recall.index import IndexMetric

SMALL = 200_000 * 128
"""Numbers in a table up to which every row is looked at: about 4 ms on one core, 100 MB."""


def choose_kind(
    size: int, dimension: int, metric: IndexMetric, recall: float = 0.95, *, faiss: bool | None = None
) -> tuple[str, str]:
    """The kind for so many rows, and why. faiss: whether it is installed; looked up unless given."""
    check_recall(recall)
    if size * dimension <= SMALL:
        return "exact", f"{size:,} rows of {dimension} are looked through in a few ms"
    if recall > 0.999:
        return "exact", f"recall {recall:g} leaves nothing to save by looking at fewer rows"
    if not (find_spec("faiss") is not None if faiss is None else faiss):
        return "lsh", f"{size:,} rows are too many to look at, and faiss (cowalk[index]) is not installed"
    if metric == "ip":
        return "ivf", f"{size:,} rows are too many to look at, and a graph loses neighbours by inner product"
    return "hnsw", f"{size:,} rows are too many to look at, and by {metric} a graph finds nearly all"


def check_recall(recall: float) -> float:
    """The recall wanted; UsageError unless it lies in (0, 1]."""
    if not 0 < recall <= 1:
        raise UsageError(f"recall must be above 0 and at most 1, not {recall:g}")
    return recall


def check_share(share: object) -> float:
    """The share of rows that LSH may look at; UsageError unless it is a number in (0, 1]."""
    if isinstance(share, int | float) and not isinstance(share, bool) and 0 < share <= 1:
        return float(share)
    raise UsageError(f"share must be a number above 0 and at most 1, not {share!r}")
