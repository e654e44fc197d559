"""Model: what a fit gives back. It answers, embeds new items, and lives in a folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cowalk.cold import ColdScorer
from cowalk.errors import UnknownIdError, UsageError
from cowalk.learn import ColdMap, Learned
from cowalk.learn.values import with_label, with_row
from cowalk.maps import MapMethod, make_map
from cowalk.model import inspection, store
from cowalk.model.answers import Answer, Hit
from cowalk.model.asking import Fallback, Policy, Question, ask
from cowalk.model.filters import Filters, Mask, Where
from cowalk.model.indexed import IndexedModel
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
from cowalk.prepare import catalogue_of, encode_items, read_events, read_items, settings_like
from cowalk.prepare.attributes import Attributes
from cowalk.recommend import Recommender
from cowalk.tables import Catalogue, Events, Field, Id, Vectors
from cowalk.tables.hits import check_k
from cowalk.types import Floats, Ids
from cowalk.users import Interests
from cowalk.users.log import UserHistories

NO_ITEMS = "the model was fitted without items, so it knows no attributes; fit with --items"


@dataclass(frozen=True)
class ColdItems:
    """Items that nobody has clicked yet: their vectors and context rows [N, d]; unknown: values by field."""

    vectors: Floats
    contexts: Floats
    fields: tuple[Field, ...]
    unknown: dict[str, list[str]]

    def told(self) -> list[str]:
        """One line for each field with values that the model has not seen."""
        return unknown_values(self.unknown)


def unknown_values(unknown: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each field with values that were not seen in training."""
    lines = []
    for name, values in unknown.items():
        if values:
            shown = ", ".join(repr(value) for value in values[:5]) + (", ..." if len(values) > 5 else "")
            lines.append(f"field {name!r}: {shown} not seen in training; treated as missing")
    return lines


class Model(IndexedModel):
    """Everything that was learned, and the answers it gives."""

    @cached_property
    def cold(self) -> ColdScorer:
        """What gives new items vectors and context rows beside the learned ones, and recommends them."""
        return self._cold_scorer(self.learned, None)

    @cached_property
    def _asking(self) -> ColdScorer:
        """What asks for the warm neighbours of a cold item, in the rows that were learned for that."""
        return self.cold if self.cold_learned is None else self._cold_scorer(self.cold_learned, None)

    def _asking_by(self, method: str | None) -> ColdScorer:
        """The same with vectors made by this method; fitted once."""
        if method in (None, self.recipe.cold.method):
            return self._asking
        if method not in self._other_asking:
            self._other_asking[method] = self._cold_scorer(self.cold_learned or self.learned, method)
        return self._other_asking[method]

    @cached_property
    def _other_asking(self) -> dict[str | None, ColdScorer]:
        return {}

    def _cold_scorer(self, learned: Learned, method: str | None) -> ColdScorer:
        cold_map = self._map(learned, method)
        return ColdScorer(cold_map, self.lists, cold_map.settings)

    def _map(self, learned: Learned, method: str | None) -> ColdMap:
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(NO_ITEMS)
        settings = self.recipe.changed({"cold.method": method}).cold if method else self.recipe.cold
        return ColdMap.fit(learned, self.side_info, self.vocab.counts, settings)

    def embed(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue, method: str | None = None
    ) -> Floats:
        """float32[d] of one new item, [N, d] of several, from their attributes alone.

        method: mean (the paper's), similar, ridge, or transfer (Hema's); the recipe's unless given. Values
        that were not seen in training count as missing and are told in a warning; an unknown field is a
        UsageError.
        """
        found = self.cold_items(attributes, method)
        for line in found.told():
            warnings.warn(line, stacklevel=2)
        return found.vectors[0] if isinstance(attributes, Mapping) else found.vectors

    def cold_items(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue, method: str | None = None
    ) -> ColdItems:
        """Vectors and context rows of new items, and what of their attributes was not known."""
        own = method in (None, self.recipe.cold.method)
        cold_map = self.cold.cold_map if own else self._map(self.learned, method)
        fields, unknown = self._encode(attributes)
        return ColdItems(cold_map.vectors(fields), cold_map.contexts(fields), fields, unknown)

    def _encode(
        self, attributes: Attributes | Sequence[Attributes] | Catalogue
    ) -> tuple[tuple[Field, ...], dict[str, list[str]]]:
        """The attributes of new items by the fitted codes, and the values that were not known."""
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(NO_ITEMS)
        if not isinstance(attributes, Catalogue):
            attributes = catalogue_of(attributes, self.side_info)
        return encode_items(self.side_info, attributes)

    def with_value(self, field: str, value: str, carriers: Sequence[Id] | None = None) -> Model:
        """The same model, which also knows a value of a field that no training item had.

        carriers: ids of known items that have it, at least one, or None. See `learn.values.with_row` for the
        row that it gets; cold methods that read field rows (transfer, mean, similar) use it.
        """
        if self.side_info is None:
            raise UsageError(NO_ITEMS)
        if carriers is not None and not len(carriers):
            raise UsageError(f"carriers of {field}={value}: no ids; leave carriers out where none are known")
        rows = np.zeros(0, dtype=np.int32) if carriers is None else self.rows_of(carriers, "error")[0]
        wider, before = with_label(self.side_info, field, value), self.side_info
        second = self.cold_learned
        return replace(
            self,
            side_info=wider,
            learned=with_row(self.learned, before, field, rows),
            cold_learned=None if second is None else with_row(second, before, field, rows),
            cold_info=None if self.cold_info is None else with_label(self.cold_info, field, value),
        )

    def read_items(self, source: Any, item_column: str | None = None) -> Catalogue:
        """A table of new items, its columns taken as the fields that the model knows."""
        settings = (
            self.recipe.side if self.side_info is None else settings_like(self.side_info, self.recipe.side)
        )
        return read_items(source, settings, item_column=item_column or self.recipe.read.item_column)

    @cached_property
    def _with_cold(self) -> Recommender:
        """The recommender over warm rows 0..V-1 and cold rows from V on: the items table beyond the log."""
        if self.cold_vocab is None or self.cold_info is None or not len(self.cold_vocab):
            return self.recommender
        scorer = self._cold_scorer(self._asked, None)
        beside: Recommender = scorer.beside(self.recommender, self.cold_info.fields)
        return beside

    def rows_of(self, ids: Sequence[Id], on_unknown: Policy) -> tuple[Ids, tuple[Id, ...]]:
        """Rows (cold ones from V on) of the known ids in order, and the unknown ids, by the policy."""
        if on_unknown not in ("error", "skip", "cold"):
            raise UsageError(f"on_unknown is {on_unknown!r}; it must be error, skip or cold")
        rows = self.vocab.find(list(ids))
        if on_unknown == "cold" and self.cold_vocab is not None:
            cold = self.cold_vocab.find(list(ids))
            rows = np.where((rows < 0) & (cold >= 0), cold + len(self.vocab), rows).astype(np.int32)
        if (rows >= 0).all():
            return rows, ()
        unknown = tuple(item for item, row in zip(ids, rows, strict=True) if row < 0)
        if on_unknown == "error":
            known_cold = self.cold_vocab is not None and unknown[0] in self.cold_vocab
            mend = (
                "on_unknown='cold' (--on-unknown cold) uses its attributes"
                if known_cold
                else "check how it is written, or on_unknown='skip' (--on-unknown skip) leaves it out"
            )
            raise UnknownIdError(f"id {unknown[0]!r} is not in the log the model was fitted on; {mend}")
        return rows[rows >= 0], unknown

    def scorer(self, *, cold: bool = False) -> Recommender:
        """The scorer of histories; cold: over the items of the table that nobody has clicked, too."""
        return self._with_cold if cold else self.recommender

    @cached_property
    def _filters(self) -> tuple[Filters, Filters]:
        """Filters over the warm rows, and over warm and cold ones."""
        if self.side_info is None or not self.side_info.fields:
            raise UsageError(f"filter: {NO_ITEMS}")
        warm = Filters(self.side_info)
        return warm, warm if self.cold_info is None else Filters(self.side_info, self.cold_info)

    def mask(self, where: Where | None, *, cold: bool = False) -> tuple[Mask | None, tuple[str, ...]]:
        """bool[V]: the items that match; None where nothing is asked; and what of it no item has.

        where: by field a value, a list of which one must be there, {"min": a, "max": b} of a numeric field,
        or None for no value; every field must match. Numbers are known by their bucket: an item matches where
        its bucket reaches into the range. UsageError for an unknown field.
        """
        if not where:
            return None, ()
        found = self._filters[cold](where)
        return found.mask, found.notes

    def name_of(self, row: int) -> Id:
        """The outside id of a warm or cold row."""
        if row < len(self.vocab):
            return self.vocab.names(np.array([row], dtype=np.int32))[0]
        assert self.cold_vocab is not None
        return self.cold_vocab.names(np.array([row - len(self.vocab)], dtype=np.int32))[0]

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
        vector, and a warning tells how many there are; the counts are known events by user.
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
