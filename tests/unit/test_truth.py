"""Found against true neighbours: a query's own row left out, shares by written arithmetic."""

import numpy as np

from cowalk.recall.truth import found_shares, without_own
from cowalk.tables import Hits

HITS = Hits(
    np.array([[4, 7, 9], [1, 2, 3], [5, 6, -1]], np.int32),
    np.array([[3, 2, 1], [3, 2, 1], [2, 1, -np.inf]], np.float32),
)


def test_own_rows_are_left_out() -> None:
    left = without_own(HITS, np.array([7, -1, 5], np.int32), 2)
    assert left.ids.tolist() == [[4, 9], [1, 2], [6, -1]]
    assert left.scores.tolist() == [[3, 1], [3, 2], [1, -np.inf]]
    assert without_own(HITS, None, 2).ids.tolist() == [[4, 7], [1, 2], [5, 6]]


def test_of_too_few_hits_the_own_row_leaves_a_gap() -> None:
    assert without_own(HITS, np.array([4, 9, 6], np.int32), 5).ids.tolist() == [
        [7, 9, -1],
        [1, 2, 3],
        [5, -1, -1],
    ]


def test_shares_of_what_is_wanted() -> None:
    wanted = np.array([[9, 4, 8], [0, -1, -1], [-1, -1, -1]], np.int32)
    assert found_shares(HITS.ids, wanted).tolist() == [2 / 3, 0, 1]
