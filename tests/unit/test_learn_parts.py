"""Parts of the input vector, by written arithmetic."""

import numpy as np
import pytest
from learn_world import SHELVES, TAGS, field_of, small_side, vocab_of

from cowalk.errors import DataError
from cowalk.learn.parts import field_idf, own_prior, parts_of, value_scales
from cowalk.tables import SideInfo

VOCAB = vocab_of([8, 7, 6, 5, 4, 3, 2, 1])


def test_mean_scales() -> None:
    field = field_of("tag", [[0], [0, 2], [], [0, 1, 2], [2]])
    found = value_scales(field, "mean", field_idf(field))
    np.testing.assert_allclose(found, [1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3, 1])


def test_idf_scales_have_length_1_in_each_row() -> None:
    field = field_of("tag", [[0], [0, 1], [], [0, 1], []])
    a, b = np.log(6 / 4) + 1, np.log(6 / 3) + 1  # 5 items; 3 carry value 0, 2 carry value 1
    np.testing.assert_allclose(field_idf(field), [a, b], rtol=1e-6)
    both = np.array([a, b]) / np.hypot(a, b)
    np.testing.assert_allclose(value_scales(field, "idf", field_idf(field)), [1, *both, *both], rtol=1e-6)


@pytest.mark.parametrize("rows", [[[], []], [[], [0], []], [[0, 1], [], []]])
def test_rows_without_values_have_no_scales(rows: list[list[int]]) -> None:
    field = field_of("tag", rows, size=2)
    for multi in ("mean", "idf"):
        found = value_scales(field, multi, field_idf(field))
        assert len(found) == sum(map(len, rows))
        assert np.isfinite(found).all()


@pytest.mark.parametrize("multi", ["mean", "idf"])
def test_parts_are_the_own_row_and_the_rows_of_the_values_at_hand(multi: str) -> None:
    side = small_side(VOCAB)
    parts = parts_of(VOCAB, side, multi)
    assert (parts.n_slots, parts.n_rows, parts.most) == (3, 8 + 3 + 3, 5)
    np.testing.assert_array_equal(parts.field_starts, [8, 11, 14])
    scales = [value_scales(field, multi, field_idf(field)) for field in side.fields]
    at = [0, 0]
    for v in range(8):
        mine = slice(parts.offsets[v], parts.offsets[v + 1])
        wanted = [(v, 0, np.float32(1))]
        for f, codes in enumerate((TAGS[v], SHELVES[v])):
            for code in codes:
                wanted.append((parts.field_starts[f] + code, f + 1, scales[f][at[f]]))
                at[f] += 1
        found = zip(parts.rows[mine], parts.slots[mine], parts.scales[mine], strict=True)
        assert sorted(found) == sorted(wanted)
    assert parts.offsets[4] - parts.offsets[3] == 1  # item 3 has neither tag nor shelf


def test_without_side_information_an_item_is_its_own_row() -> None:
    for side in (None, SideInfo(VOCAB.fingerprint, ())):
        parts = parts_of(VOCAB, side, "mean")
        np.testing.assert_array_equal(parts.offsets, np.arange(9))
        np.testing.assert_array_equal(parts.rows, np.arange(8))
        assert (parts.n_slots, parts.n_rows, parts.most) == (1, 8, 1)


def test_side_information_of_another_vocabulary_is_told() -> None:
    with pytest.raises(DataError, match="another vocabulary"):
        parts_of(vocab_of([1] * 9), small_side(VOCAB), "mean")


def test_the_own_prior() -> None:
    found = own_prior(np.array([0, 5, 20]), 2.0, 3.0)
    np.testing.assert_allclose(found, [2, 2 + 3 * np.log(2), 2 + 3 * np.log(5)], rtol=1e-6)
