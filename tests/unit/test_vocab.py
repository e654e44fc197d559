"""Outside ids to rows and back, however long they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowalk.errors import DataError
from cowalk.tables import Vocab

TEXTS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=40
)


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40, unique=True), TEXTS)
def test_every_id_is_found_at_its_row_and_no_other(ids: list[str], other: str) -> None:
    vocab = Vocab.of(ids)
    assert vocab.find(ids).tolist() == list(range(len(ids)))
    assert vocab.find([other]).tolist() == [ids.index(other) if other in ids else -1]


def test_ids_of_sixteen_bytes_and_more_are_found() -> None:
    ids = [f"{number:036d}" for number in range(100, 0, -1)] + ["short"]
    vocab = Vocab.of(ids)
    assert vocab.find([ids[3], "short", "a", f"{7:035d}"]).tolist() == [3, 100, -1, -1]


@pytest.mark.parametrize(("ids", "words"), [([1, 2, 1], "id 1 stands twice"), (["b", "b"], "id 'b' stands")])
def test_an_id_stands_once(ids: list[int] | list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Vocab.of(ids)


WHOLE = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(-30, 90), min_size=1, max_size=40, unique=True),
    st.lists(WHOLE | st.integers(-40, 100), max_size=20),
    WHOLE,
)
def test_numbers_are_found_whether_they_lie_close_or_apart(
    near: list[int], asked: list[int], far: int
) -> None:
    for ids in (near, [*near, far] if far not in near else near):
        wanted = [ids.index(one) if one in ids else -1 for one in asked]
        vocab = Vocab.of(ids)
        assert vocab.find(asked).tolist() == wanted
        assert vocab.find([str(one) for one in asked]).tolist() == wanted
        mixed = [True, None, 2.0, "x", 10**30, ids[0], f"{ids[-1]}"]
        assert vocab.find(mixed).tolist() == [-1] * 5 + [0, len(ids) - 1]  # type: ignore[arg-type]


def test_digits_find_integers_and_integers_find_digits() -> None:
    assert Vocab.of([30, 10, 20]).find(["10", "x", "99999999999999999999"]).tolist() == [1, -1, -1]
    assert Vocab.of(["30", "10"]).find([10, 11]).tolist() == [1, -1]
