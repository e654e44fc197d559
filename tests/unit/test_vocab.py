"""Outside ids to rows and back, however long they are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_digits_find_integers_and_integers_find_digits() -> None:
    assert Vocab.of([30, 10, 20]).find(["10", "x", "99999999999999999999"]).tolist() == [1, -1, -1]
    assert Vocab.of(["30", "10"]).find([10, 11]).tolist() == [1, -1]
