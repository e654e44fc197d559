"""What networks learn from: a history, what came next (or did not), and when; batched from one stream."""

from cowalk.examples.batches import Batches, histories_of
from cowalk.examples.build import (
    labelled_examples,
    last_examples,
    next_item_examples,
    one_per_user,
    rated_examples,
    with_negatives,
)
from cowalk.examples.splits import check_no_leak, split_by_time, split_by_user
from cowalk.examples.store import open_examples
from cowalk.examples.stream import Stream
from cowalk.examples.table import Examples

__all__ = [
    "Batches",
    "Examples",
    "Stream",
    "check_no_leak",
    "histories_of",
    "labelled_examples",
    "last_examples",
    "next_item_examples",
    "one_per_user",
    "open_examples",
    "rated_examples",
    "split_by_time",
    "split_by_user",
    "with_negatives",
]
