"""ItemNames: what people call the items, beside what was learned; shown and searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from cowalk.errors import ModelError
from cowalk.tables import Catalogue, Vocab
from cowalk.tables.sessions import rises
from cowalk.types import AnyArray, Offsets


@dataclass(frozen=True)
class ItemNames:
    """A name for each row, "" where none is known: warm items, then cold ones.

    text: uint8[*], the names in UTF-8 one behind the other; offsets: int64[V + 1], where each begins.
    """

    text: AnyArray
    offsets: Offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        return bytes(self.text[self.offsets[row] : self.offsets[row + 1]]).decode()

    def all(self) -> list[str]:
        """All names by row."""
        whole, ends = bytes(self.text), self.offsets.tolist()
        return [whole[start:end].decode() for start, end in pairwise(ends)]

    @classmethod
    def of(cls, names: Iterable[str]) -> Self | None:
        """These names; None where all are empty."""
        raw = [name.encode(errors="replace") for name in names]
        ends = np.concatenate([[0], np.cumsum([len(one) for one in raw])]).astype(np.int64)
        return cls(np.frombuffer(b"".join(raw), dtype=np.uint8), ends) if ends[-1] else None

    @classmethod
    def opened(cls, arrays: Mapping[str, AnyArray], rows: int) -> Self:
        """Those that a folder holds; ModelError where they are not a name for each of so many rows."""
        text, offsets = arrays["text"], arrays["offsets"]
        fits = offsets.shape == (rows + 1,) and offsets.dtype == np.int64 and text.dtype == np.uint8
        if not fits or not rises(offsets, text.size):
            raise ModelError(f"names.safetensors does not hold a name for each of {rows} items; fit again")
        return cls(text, offsets)


def names_of(
    catalogue: Catalogue | None, vocabs: Iterable[Vocab | None], before: Mapping[str, str]
) -> ItemNames | None:
    """Names of the items of these vocabularies, by the catalogue, or else as they were before, by id."""
    names = []
    for vocab in vocabs:
        if vocab is None:
            continue
        told = [""] * len(vocab) if catalogue is None else catalogue.names_of(vocab)
        ids = map(str, vocab.ids.tolist())
        names += [name or before.get(item, "") for name, item in zip(told, ids, strict=True)]
    return ItemNames.of(names)
