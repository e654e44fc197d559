"""Attribute overlap: items that share attribute values, over all fields, plain or weighted by rarity."""

from __future__ import annotations

import numpy as np

from cowalk.errors import DataError
from cowalk.evaluate.baselines.histories import recommend_by
from cowalk.evaluate.baselines.item_cf import HISTORY
from cowalk.evaluate.data import TrainData
from cowalk.evaluate.methods import Choice, Fitted, Progress, Question, Space
from cowalk.evaluate.ragged import slices
from cowalk.evaluate.sparse import Sparse, idf, incidence
from cowalk.tables import Field, Hits
from cowalk.types import AnyArray, Floats, Ids, Offsets
from cowalk.users import history_vectors

KEPT_ENTRIES = 150_000_000  # 600 MB
POPULARITY = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Overlap:
    """Jaccard of attribute values between given and training items: shared weight / joint weight."""

    def __init__(self, train: TrainData) -> None:
        if train.side_info is None:
            raise DataError("attribute overlap: the items have no attributes; give an items table")
        n = len(train.vocab)
        self._weights = {"jaccard": None, "idf": idf(train.side_info, n)}
        self._items = {name: incidence(train.side_info.fields, n, w) for name, w in self._weights.items()}
        self._carriers = {name: table.transposed() for name, table in self._items.items()}
        self._plain = self._items["jaccard"]
        self._known: dict[str, Floats] = {}

    def of(self, fields: tuple[Field, ...], n: int, kind: str) -> Floats:
        """float32[n, V] in 0..1; kind is jaccard or idf (values weigh log(1 + items / carriers))."""
        return self._against(incidence(fields, n), kind)

    def of_rows(self, rows: AnyArray, kind: str) -> Floats:
        """float32[len(rows), V] of training items; a shop of 12,000 items keeps its whole table."""
        n = len(self._plain)
        if n * n > KEPT_ENTRIES:
            return self._against(self._plain.take(rows), kind)
        if kind not in self._known:
            if 4 * n * n > KEPT_ENTRIES:
                self._known.clear()  # one kind at a time
            self._known[kind] = self._against(self._plain, kind)
        return self._known[kind][rows]

    def _against(self, marks: Sparse, kind: str) -> Floats:
        shared = marks.times(self._carriers[kind])
        weight = self._weights[kind]
        mine = marks.dot(np.ones((marks.n_columns, 1)) if weight is None else weight[:, None])
        theirs = self._items[kind].dot(np.ones((marks.n_columns, 1)))[:, 0]
        joint = mine + theirs[None, :] - shared
        out: Floats = (shared / np.maximum(joint, 1e-12)).astype(np.float32)
        return out


class AttributeOverlap:
    """The attributes alone, with a popularity term."""

    name = "attribute-overlap"
    answers: frozenset[Question] = frozenset({"next-item", "cold", "cold-candidates", "link"})

    def fit(
        self, train: TrainData, *, seed: int, workers: int | None = None, progress: Progress | None = None
    ) -> Fitted:
        """Nothing is learned but the rarity of values."""
        return _Overlap(train)


class _Overlap(Fitted):
    link_kinds = ("jaccard", "idf")

    def __init__(self, train: TrainData) -> None:
        self._overlap = Overlap(train)
        popular = np.log1p(train.vocab.counts)
        self._popular = (popular / max(float(popular.max(initial=0)), 1e-12)).astype(np.float32)

    def space(self, question: Question) -> Space:
        own: Space = {"overlap": ("jaccard", "idf"), "popularity": POPULARITY}
        if question == "link":
            return {}
        return own if question == "cold" else {**own, **HISTORY}

    def recommend(self, items: Ids, offsets: Offsets, k: int, exclude_seen: bool, choice: Choice) -> Hits:
        n = len(self._popular)

        def score(block: Ids, lines: Offsets) -> Floats:
            return self._like_history(block, lines, choice) + np.float32(choice["popularity"]) * self._popular

        return recommend_by(score, items, offsets, k, exclude_seen, n)

    def cold_scores(self, fields: tuple[Field, ...], n: int, choice: Choice) -> Floats:
        overlap = self._overlap.of(fields, n, choice["overlap"])
        return overlap + np.float32(choice["popularity"]) * self._popular

    def cold_candidates(
        self, items: Ids, offsets: Offsets, fields: tuple[Field, ...], n: int, k: int, choice: Choice
    ) -> Hits:
        """A cold item has no popularity."""
        by_warm = np.ascontiguousarray(self._overlap.of(fields, n, choice["overlap"]).T)

        def score(block: Ids, lines: Offsets) -> Floats:
            warm = self._like_history(block, lines, choice) + np.float32(choice["popularity"]) * self._popular
            new = history_vectors(by_warm, block, lines, choice["history"], choice["decay"])
            return np.concatenate([warm, new], axis=1)

        return recommend_by(score, items, offsets, k, False, len(self._popular) + n)

    def link_scores(self, pairs: Ids, kind: str) -> AnyArray:
        out = np.empty(len(pairs))
        order = np.argsort(pairs[:, 0], kind="stable")
        for start in range(0, len(order), 4096):
            at = order[start : start + 4096]
            rows, where = np.unique(pairs[at, 0], return_inverse=True)
            out[at] = self._overlap.of_rows(rows, kind)[where, pairs[at, 1]]
        return out

    def _like_history(self, items: Ids, offsets: Offsets, choice: Choice) -> Floats:
        """float32[Q, V]: weighted mean overlap with the latest items."""
        last = choice["history"]
        ragged, at = slices(np.maximum(offsets[:-1], offsets[1:] - last), offsets[1:])
        rows, where = np.unique(items[at], return_inverse=True)
        known = self._overlap.of_rows(rows, choice["overlap"])
        return history_vectors(known, where.astype(np.int32), ragged, last, choice["decay"])
