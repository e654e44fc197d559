"""Model: what a fit gives back. It answers, embeds new items, and lives in a folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.errors import UsageError
from cowalk.learn import Learned
from cowalk.maps import MapMethod, make_map
from cowalk.model import inspection, store
from cowalk.model.answers import Answer, Hit
from cowalk.model.asking import Fallback, Question, ask
from cowalk.model.cold_items import NO_ITEMS, ColdModel, Policy, unknown_values
from cowalk.model.filters import Mask, Where
from cowalk.model.neighbors import (
    METRICS,
    Metric,
    attribute_scores,
    best,
    codes_of,
    lengths,
    vector_scores,
)
from cowalk.model.reasons import reasons, reasons_of_history
from cowalk.model.user_store import Time, UserStore
from cowalk.prepare import read_events
from cowalk.prepare.attributes import Attributes
from cowalk.tables import Events, Field, Id, Vectors
from cowalk.tables.hits import check_k
from cowalk.types import Floats, Ids
from cowalk.users import Interests
from cowalk.users.log import UserHistories


class Model(ColdModel):
    """Everything that was learned, and the answers it gives."""

    def similar(
        self,
        item: Id | Attributes,
        k: int = 10,
        metric: Metric | None = None,
        *,
        explain: bool = False,
        on_unknown: Policy = "error",
        where: Where | None = None,
        exact: bool = False,
        method: str | None = None,
    ) -> Answer:
        """The k items most like an item, or like a new item of these attributes; itself is left out.

        metric: cosine (of known items unless given), dot, l2 (scores are distances with a minus), context
        (item vector . context rows + popularity) or attributes (Jaccard overlap); a new item is scored as fit
        chose.
        explain: per hit the shared attributes and how often the two stood together. where: only items that
        match; see `mask`. exact: look at all items, where the model has an index for the cosine. method: how
        the vector of a new item is made, as in `embed`.
        """
        if metric is not None and metric not in METRICS:
            raise UsageError(f"metric is {metric!r}; it must be one of {', '.join(METRICS)}")
        check_k(k)
        mask, told = self.mask(where)
        if isinstance(item, Mapping):
            fields, values = self._encode(item)
            notes = (*unknown_values(values), *told)
            return self._similar_cold(fields, k, metric, explain, notes, mask, method)
        rows, unknown = self.rows_of([item], on_unknown)
        if unknown:
            return Answer((), METRICS[metric or "cosine"], unknown, notes=told)
        row = int(rows[0])
        if row >= len(self.vocab):
            assert self.cold_info is not None
            fields = tuple(field.take(np.array([row - len(self.vocab)])) for field in self.cold_info.fields)
            notes = ("nobody has clicked it yet", *told)
            return self._similar_cold(fields, k, metric, explain, notes, mask, method)
        codes = [] if self.side_info is None else codes_of(self.side_info, row)
        query = np.asarray(self.learned.vectors[row])
        index = None if exact or metric not in (None, "cosine") else self.index("similar")
        if index is not None:
            hits = index.search(query[None], min(k + 1, index.size), allowed=mask)
            pairs = zip(hits.ids[0].tolist(), hits.scores[0].tolist(), strict=True)
            near = [(r, score) for r, score in pairs if r not in (row, -1)]
            return self._told(near[:k], codes, row, METRICS["cosine"], explain, told)
        scores = self._scores(query, codes, metric or "cosine", self.learned)
        return self._answer(scores, codes, row, k, METRICS[metric or "cosine"], explain, told, mask)

    def _similar_cold(
        self, fields: tuple[Field, ...], k: int, metric: Metric | None, explain: bool, notes: tuple[str, ...],
        mask: Mask | None, method: str | None,
    ) -> Answer:  # fmt: skip
        """The answer for one item that is known by its attributes alone."""
        codes, asking = [field.codes for field in fields], self._asking_by(method)
        if metric is None:
            return self._answer(asking.scores(fields)[0], codes, -1, k, asking.label, explain, notes, mask)
        learned = self.cold_learned or self.learned
        scores = self._scores(asking.vectors(fields)[0], codes, metric, learned)
        return self._answer(scores, codes, -1, k, METRICS[metric], explain, notes, mask)

    def _scores(self, query: Floats, codes: list[Ids], metric: Metric, learned: Learned) -> Floats:
        if metric == "attributes":
            if self.side_info is None or not self.side_info.fields:
                raise UsageError(NO_ITEMS)
            return attribute_scores(codes, self.side_info)
        if metric == "context" and learned.contexts.shape[1] == 0:
            raise UsageError("hierarchical softmax learns no context rows; use metric cosine, dot or l2")
        if metric == "context":
            popular = self.recipe.cold.popularity * np.log1p(self.vocab.counts)
            return np.asarray(learned.contexts @ query + popular, dtype=np.float32)
        norms = self._norms if learned is self.learned else lengths(learned.vectors)
        return vector_scores(query, learned.vectors, norms, metric)

    @cached_property
    def _norms(self) -> Floats:
        return lengths(self.learned.vectors)

    def _answer(
        self, scores: Floats, codes: list[Ids], row: int, k: int, label: str, explain: bool,
        notes: tuple[str, ...], mask: Mask | None,
    ) -> Answer:  # fmt: skip
        if mask is not None:
            scores = np.where(mask, scores, np.float32(-np.inf))
        rows = [r for r in best(scores, k, row).tolist() if scores[r] > -np.inf]
        return self._told([(r, float(scores[r])) for r in rows], codes, row, label, explain, notes)

    def _told(
        self, found: list[tuple[int, float]], codes: list[Ids], row: int, label: str, explain: bool,
        notes: tuple[str, ...],
    ) -> Answer:  # fmt: skip
        """Rows and scores as an answer; codes and row: those of the item asked for."""
        hits = [
            Hit(
                self.name_of(r),
                score,
                reasons=reasons(self, codes, row, r) if explain else (),
                name=self.called(r),
            )
            for r, score in found
        ]
        return Answer(tuple(hits), label, notes=notes)

    def recommend(
        self,
        history: Sequence[Id],
        k: int = 10,
        *,
        times: Sequence[Time] | None = None,
        exclude_seen: bool | None = None,
        on_unknown: Policy = "error",
        fallback: Fallback = "none",
        exact: bool = False,
        where: Where | None = None,
        diversity: float = 0.0,
        interests: int | None = None,
        explain: bool = False,
        user: Id | None = None,
    ) -> Answer:
        """The k items to show next after a history (oldest first), by the scorer that fit chose.

        times: when each event was, for recommend.half_life. exclude_seen: leave the history's own items out
        (the recipe's choice unless given). on_unknown="cold" lets items of the items table that nobody has
        clicked into the history and into the answer. fallback: what a history of which nothing is known gets,
        nothing or the most popular items that match; a note says so. exact: score the whole catalogue instead
        of the candidates of two channels. where: only items that match; see `mask`. diversity: 0 (off) to 1,
        how much an item loses by its likeness to those above it; see `recall.diversity`. interests: parts of
        the history that ask apart and share the places; the recipe's number unless given. explain: per hit
        with what of the history it stood together and shares attributes. user: who asks, where the model was
        fitted with a users table (two-tower, youtube-dnn); one it does not know counts as unknown.
        """
        if isinstance(history, str | int):
            history = [history]
        found = ask(self, history, Question(
            k, times, exclude_seen, on_unknown, fallback, exact, where, diversity, interests, user=user,
        ))  # fmt: skip
        hits = [
            Hit(
                self.name_of(row),
                float(score),
                cold=row >= len(self.vocab),
                reasons=reasons_of_history(self, found.history, row) if explain else (),
                name=self.called(row),
            )
            for row, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True)
        ]
        return Answer(tuple(hits), found.label, found.unknown, found.asked, found.notes)

    def user_histories(self, events: Any) -> UserHistories:
        """What each user of a log did with the model's items, read and cleaned by the recipe's rules."""
        if not isinstance(events, Events):
            clean = self.recipe.clean.model_copy(update={"min_count": 1})
            events, _ = read_events(events, self.recipe.read, clean, memory_limit=self.recipe.memory_limit)
        return UserHistories.of(events, self.vocab)

    def user_vectors(self, events: Any) -> Vectors:
        """One vector per user of a log: what `recommend` asks with, by the same weights and the same code.

        Times `recommender.keys` it is the vector channel's score. A user without a known item gets a zero
        vector, or what a user tower makes of who it is, and a warning tells how many there are; the counts
        are known events by user.
        """
        asked = self.user_histories(events)
        for line in asked.told():
            warnings.warn(line, stacklevel=2)
        who = self.user_rows(asked.users.ids)
        return Vectors(asked.users, self.recommender.queries(asked.items, asked.offsets, asked.times, who))

    def user_interests(self, events: Any) -> tuple[UserHistories, Interests]:
        """Each user's interests (recommend.interests at most), and the histories that they are parts of."""
        asked = self.user_histories(events)
        return asked, self.recommender.interests(asked.items, asked.offsets, asked.times)

    def user_store(self, keep: int | None = None) -> UserStore:
        """An empty store of users, to be kept up to date event by event; see UserStore."""
        repeats = not self.recipe.clean.drop_repeats
        return UserStore(self.recommender, self.vocab, keep=keep, repeats=repeats, rows_of=self.user_rows)

    def with_map(self, method: MapMethod = "auto") -> Model:
        """The same model with a map of its items, which `save` keeps and the page of `cowalk serve` draws."""
        return replace(self, map=make_map(np.asarray(self.learned.vectors), method, self.recipe.seed))

    def inspect(self) -> dict[str, Any]:
        """What is in the model, what was dropped and why, the graph's health, learned weights by field."""
        return inspection.inspect(self)

    def save(self, folder: str | Path) -> Path:
        """Publish the model as a new version of this folder; a reader sees the old one or the new one.

        ModelError where an index is older than the vectors.
        """
        self.check_indexes()
        return store.save(self, Path(folder))

    def __repr__(self) -> str:
        d = self.learned.vectors.shape[1]
        names = f", fields {', '.join(self.learned.field_names)}" if self.learned.field_names else ""
        return f"Model({self.recipe.name}: {len(self.vocab)} items, {d} dimensions{names})"


def load(folder: str | Path, *, verify: bool = False, indexes: bool = True) -> Model:
    """The model of a folder that `save` or `cowalk fit` wrote; arrays stay on the disk and are mapped.

    ModelError where the folder is truncated, foreign or newer. verify: take the checksum of large files too.
    indexes: without them the model looks at all items, as before it had any; with them a ModelError tells
    of one that is older than the vectors.
    """
    found = Model(**vars(store.load(Path(folder), verify=verify)))
    if not indexes:
        return replace(found, indexes={})
    found.check_indexes()
    return found
