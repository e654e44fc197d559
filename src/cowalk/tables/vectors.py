"""Vectors: one row of numbers per outside id; asked, saved and loaded as people are used to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import DataError, MissingExtraError, UsageError
from cowalk.tables import vector_files as files
from cowalk.tables.keyed import Keyed
from cowalk.tables.vocab import Id, Vocab
from cowalk.tables.word2vec import read_word2vec, unescaped
from cowalk.types import AnyArray, Floats


@dataclass(frozen=True)
class Vectors(Keyed):
    """float32[V, d], row i belongs to `vocab.ids[i]`; memory-mapped when loaded from a model; all finite."""

    vocab: Vocab
    array: Floats

    def __post_init__(self) -> None:
        if self.array.ndim != 2 or len(self.array) != len(self.vocab):
            raise DataError(f"vectors: {self.array.shape} does not fit a vocabulary of {len(self.vocab)} ids")
        if not all(np.isfinite(self.array[i : i + 65536]).all() for i in range(0, len(self.array), 65536)):
            raise DataError("vectors: not all numbers are finite")

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, item: object) -> bool:
        return item in self.vocab

    def __iter__(self) -> Iterator[Id]:
        return iter(self.vocab.ids.tolist())

    def __getitem__(self, item: Id | Sequence[Id]) -> Floats:
        """float32[d] of one id, [n, d] of a list of ids; UnknownIdError where one is not known."""
        if isinstance(item, str | int | np.integer):
            return self.get_vector(item)
        return np.asarray(self.array[[self.vocab.row(one) for one in item]])

    @property
    def vector_size(self) -> int:
        """The dimension d."""
        return int(self.array.shape[1])

    def to_numpy(self) -> tuple[list[Id], Floats]:
        """The ids in row order and float32[V, d]."""
        return self.vocab.ids.tolist(), np.asarray(self.array)

    def save(self, path: str | Path, format: str | None = None) -> list[str]:
        """Write a file that `load` reads back; gives notes, as about ids that the format cannot hold.

        format: parquet, npz, word2vec, word2vec-bin or projector; unless given, by the ending (.parquet,
        .npz, .txt or .vec, .bin, .tsv). The file appears whole or not at all.
        """
        out = Path(path)
        if out.suffix == ".gz" and format is None:
            raise UsageError(f"{out}: gzipped files are read, not written; leave .gz out")
        table = files.Table(self.vocab.ids, self.array, {"count": self.vocab.counts})
        return files.write(table, files.format_of(out, format), out)

    @classmethod
    def load(cls, path: str | Path, format: str | None = None) -> Vectors:
        """The vectors of a file by any of the formats of `save`; word2vec text may be gzipped (.gz).

        word2vec files give text ids, in which %20 and other %XX are read as the signs they stand for. Raises
        DataError where the count is wrong, rows differ in size, a number is not finite, or the file is cut.
        """
        source = Path(path)
        kind = files.format_of(source, format)
        counts: AnyArray | None = None
        names: Any
        if kind == "parquet":
            names, rows, counts = files.read_parquet(source)
        elif kind == "npz":
            names, rows = files.read_npz(source)
        elif kind == "projector":
            names, rows = files.read_projector(source)
        else:
            words, rows = read_word2vec(source, binary=kind == "word2vec-bin")
            names = [unescaped(word) for word in words]
        try:
            vocab = Vocab.of(names)
            return cls(vocab if counts is None else Vocab(vocab.ids, counts), rows)
        except DataError as error:
            raise DataError(f"{source}: {error}") from None

    @classmethod
    def from_gensim(cls, model: Any) -> Vectors:
        """The vectors of a gensim KeyedVectors, or of a model that has one as `wv`, with its counts.

        Taken by what it has (index_to_key, vectors), so that gensim is not needed here.
        """
        kv = getattr(model, "wv", model)
        keys, rows = getattr(kv, "index_to_key", None), getattr(kv, "vectors", None)
        if keys is None or rows is None:
            raise UsageError(
                "from_gensim needs gensim's KeyedVectors (4.0 or above) or a model of it, "
                f"not {type(model).__name__}"
            )
        if len(keys) != len(rows) or any(key is None for key in keys):
            raise DataError(f"gensim's vectors: {len(keys)} keys but {len(rows)} vectors")
        counts = np.asarray(getattr(kv, "expandos", {}).get("count", np.zeros(len(keys), np.int64)))
        if len(counts) != len(keys):
            raise DataError(f"gensim's vectors: {len(keys)} keys but {len(counts)} counts")
        ids = np.array(list(keys), dtype=object)
        return cls(Vocab(ids, counts), np.array(rows, dtype=np.float32))

    def to_gensim(self) -> Any:
        """gensim's KeyedVectors of the same rows, ids and counts."""
        try:
            from gensim.models import KeyedVectors
        except ImportError:
            raise MissingExtraError("gensim is not installed; pip install 'cowalk[bench]'") from None
        out = KeyedVectors(self.vector_size)
        out.add_vectors(self.vocab.ids.tolist(), np.asarray(self.array))
        out.expandos["count"] = self.vocab.counts.copy()
        return out
