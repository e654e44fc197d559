"""Newcomers of a second domain: MovieLens-100K split by genre, user clusters against what is hot.

    COWALK_DATA=FOLDER python examples/new_domain.py

Source domain: films without the genres of TARGET; target domain: films with one of them. A third of the users
are newcomers: their target events are hidden, and asked for. User vectors are the mean of the latest T source
items by a recipe learned on the source alone; the number of clusters and the smoothing are chosen on another
fifth of the users, who are newcomers for that while.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np

import cowalk as cw
from cowalk.datasets import load
from cowalk.domains import DomainBridge
from cowalk.evaluate.data import DataSettings, train_data
from cowalk.learn.engines import learned_from
from cowalk.tables import Catalogue, Events, Vectors
from cowalk.users import history_vectors

TARGET = ("Horror", "Sci-Fi", "Thriller", "Mystery", "Film-Noir")
LATEST, K = 20, 20
CLUSTERS, SMOOTHING = (5, 10, 20, 40, 80), (5.0, 20.0, 80.0, 320.0)


def in_target(events: Events, catalogue: Catalogue) -> np.ndarray:
    """bool[N]: events on films with a genre of TARGET."""
    genres = next(field for field in catalogue.fields if field.name == "genres")
    assert genres.labels is not None
    assert genres.offsets is not None
    assert genres.codes is not None
    wanted = np.isin(np.array(genres.labels.tolist()), TARGET)
    rows = np.repeat(np.arange(len(catalogue)), np.diff(genres.offsets))
    films = np.zeros(len(catalogue), dtype=bool)
    films[rows[wanted[genres.codes]]] = True
    return films[catalogue.ids.find(events.item_vocab.ids)][events.items]


def user_vectors(events: Events, catalogue: Catalogue, data: Any, recipe: str, seed: int) -> Vectors:
    """The mean of each user's latest items, by vectors learned on these events alone."""
    train = train_data(
        events, catalogue, DataSettings(clean=data.clean, session=data.sessions, side=data.side)
    )
    learned = learned_from(train, cw.load_recipe(recipe).stages, seed=seed)
    known = train.vocab.find(events.item_vocab.ids)[events.items]
    kept = events.select(known >= 0)
    users, starts = np.unique(kept.users, return_index=True)
    offsets = np.append(starts, len(kept)).astype(np.int64)
    rows = history_vectors(learned.vectors, known[known >= 0], offsets, LATEST, 1.0)
    return Vectors(kept.user_vocab.select(users), rows)


def recall(ids: np.ndarray, truth: list[set[int]]) -> np.ndarray:
    """Share of min(K, what a newcomer takes) that stands among the K places."""
    return np.array([
        len(wanted & set(row.tolist())) / min(K, len(wanted)) for row, wanted in zip(ids, truth, strict=True)
    ])  # fmt: skip


def judge(
    users: Vectors, target: Events, newcomers: np.ndarray, clusters: int, smoothing: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(Recall of clusters, of what is hot) by newcomer; newcomers: rows of the target's users."""
    hidden = np.isin(target.users, newcomers)
    bridge = DomainBridge.fit(
        users, target.select(~hidden), clusters=clusters, smoothing=smoothing, seed=seed
    )
    truth = [set(target.items[target.users == user].tolist()) for user in newcomers]
    rows = users.vocab.find(target.user_vocab.ids)[newcomers]
    vectors = np.where(rows[:, None] >= 0, users.array[rows], np.float32(0.0))
    found, hot = bridge.recommend(vectors, K), bridge.hottest(len(newcomers), K)
    return recall(found.ids, truth), recall(hot.ids, truth)


def one_seed(recipe: str, seed: int) -> dict[str, Any]:
    """What is chosen and what comes of it."""
    data = load("movielens-100k")
    events, _ = cw.read_events(data.events, data.read, data.clean)
    catalogue = cw.read_items(data.items, data.side, item_column=data.read.item_column)
    there = in_target(events, catalogue)
    target = events.select(there)
    order = np.random.default_rng(seed).permutation(np.unique(target.users))
    third, fifth = len(order) // 3, len(order) // 5
    asked, choosing = order[:third], order[third : third + fifth]
    users = user_vectors(events.select(~there), catalogue, data, recipe, seed)
    known = target.select(~np.isin(target.users, asked))
    scores = {
        (c, s): judge(users, known, choosing, c, s, seed)[0].mean() for c, s in product(CLUSTERS, SMOOTHING)
    }
    clusters, smoothing = max(scores, key=lambda pair: scores[pair])
    found, hot = judge(users, target, asked, clusters, smoothing, seed)
    gap = found - hot
    drawn = np.random.default_rng(0).integers(0, len(gap), (2000, len(gap)))
    low, high = np.quantile(gap[drawn].mean(axis=1), (0.025, 0.975))
    return {
        "recipe": recipe, "seed": seed, "newcomers": len(asked), "clusters": clusters, "smoothing": smoothing,
        "recall@20 clusters": round(float(found.mean()), 4), "recall@20 hot": round(float(hot.mean()), 4),
        "difference": [round(float(x), 4) for x in (gap.mean(), low, high)],
    }  # fmt: skip


def main() -> None:
    """One line of JSON for each recipe and seed."""
    for recipe in ("hema", "eges"):
        for seed in (1, 2, 3):
            print(json.dumps(one_seed(recipe, seed)), flush=True)


if __name__ == "__main__":
    main()
