"""A small shop for the tests of judging: people stay in a category, its items share attributes."""

import numpy as np

from cowalk.tables import Catalogue, Events, RawField, Vocab

CATEGORIES = 6
PER_CATEGORY = 10
ITEMS = CATEGORIES * PER_CATEGORY
MINUTE = 60_000_000


def shop(users: int = 120, visits: int = 3, length: int = 5, seed: int = 0) -> Events:
    """Each visit stays in one category and prefers its first items; visits spread over time."""
    rng = np.random.default_rng(seed)
    total = users * visits * length
    user = np.repeat(np.arange(users), visits * length).astype(np.int32)
    category = np.repeat(rng.integers(CATEGORIES, size=users * visits), length)
    place = np.minimum(rng.geometric(0.25, size=total) - 1, PER_CATEGORY - 1)
    start = np.sort(rng.integers(0, 10_000, size=(users, visits)) * 60 * MINUTE, axis=1).ravel()
    times = np.repeat(start, length) + np.tile(np.arange(length), users * visits) * MINUTE
    order = np.lexsort((times, user))
    items = (category * PER_CATEGORY + place).astype(np.int32)[order]
    vocab = Vocab(np.array([f"i{i:02d}" for i in range(ITEMS)]), np.bincount(items, minlength=ITEMS))
    people = Vocab.of([f"u{u}" for u in range(users)])
    weights = np.ones(total, dtype=np.float32)
    return Events(user[order], items, times[order].astype(np.int64), weights, vocab, people)


def catalogue(seed: int = 0) -> Catalogue:
    """category: as planted; tags: two, one of them of the category; price: by category with noise, some
    missing.
    """
    rng = np.random.default_rng(seed)
    category = np.repeat(np.arange(CATEGORIES), PER_CATEGORY)
    lines = np.arange(ITEMS + 1)
    tags = np.sort(np.stack([category, CATEGORIES + rng.integers(4, size=ITEMS)], axis=1), axis=1)
    price = category * 10.0 + rng.random(ITEMS)
    price[::7] = np.nan
    return Catalogue(
        Vocab.of([f"i{i:02d}" for i in range(ITEMS)]),
        (
            RawField("category", "categorical", _labels("c", CATEGORIES), lines, category.astype(np.int32)),
            RawField("tags", "multi", _labels("t", CATEGORIES + 4), 2 * lines, tags.ravel().astype(np.int32)),
            RawField("price", "numeric", numbers=price),
        ),
    )


def _labels(letter: str, number: int) -> np.ndarray:
    return np.array([f"{letter}{i}" for i in range(number)])
