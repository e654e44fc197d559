"""Learned vectors to search in: simulated shops and Beauty, learned once and kept in build/bench/vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import CACHE, say, scratch
from cowalk.datasets import load, simulate
from cowalk.learn import LearnSettings, WalkSettings, learn
from cowalk.prepare import encode_side_info, item_graph, read_events, read_items, sessionize
from cowalk.settings import load_recipe
from cowalk.types import Floats, Ids
from cowalk.users import normalize

HOME = CACHE / "vectors"
SHOPS = {"shop-20k": (20_000, 10), "shop-200k": (200_000, 10), "shop-1m": (1_000_000, 4)}
"""Items, and walks from each."""
EVENTS = 20  # per item of a shop


@dataclass(frozen=True)
class World:
    """Rows as learned [V, d], contexts, counts, and the planted interest of each item (-1: none is known)."""

    name: str
    vectors: Floats
    contexts: Floats
    counts: Floats
    interests: Ids

    def spread(self, seed: int = 0, items: int = 2000) -> dict[str, float]:
        """Mean cosine of two items of one interest and of two items of any; nothing where none is planted."""
        rng = np.random.default_rng(seed)
        unit = normalize(self.vectors)
        mine = rng.choice(len(unit), items)
        other = rng.choice(len(unit), items)
        found = {"cosine of any two": float((unit[mine] * unit[other]).sum(axis=1).mean())}
        if (self.interests >= 0).any():
            order = np.argsort(self.interests, kind="stable")
            starts = np.searchsorted(self.interests[order], np.arange(self.interests.max() + 2))
            low, high = starts[self.interests[mine]], starts[self.interests[mine] + 1]
            same = order[low + (rng.random(items) * (high - low)).astype(np.int64)]
            cosines = (unit[mine] * unit[same]).sum(axis=1)[mine != same]
            found |= {"within an interest": float(cosines.mean()), "its deviation": float(cosines.std())}
            found["items of an interest"] = len(unit) / len(np.unique(self.interests))
        return found


def world(name: str, workers: int = 2) -> World:
    """The vectors of that name, learned at the first call."""
    path = HOME / f"{name}.npz"
    if not path.exists():
        say(f"{name}: learning its vectors")
        made = _beauty(workers) if name == "beauty" else _shop(name, *SHOPS[name], workers)
        HOME.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new.npz")
        np.savez(
            draft, vectors=made.vectors, contexts=made.contexts, counts=made.counts, interests=made.interests
        )
        draft.replace(path)
    with np.load(path) as kept:
        return World(name, kept["vectors"], kept["contexts"], kept["counts"], kept["interests"])


def _shop(name: str, items: int, walks: int, workers: int) -> World:
    with scratch() as folder:
        made = simulate(items, items * EVENTS, out=folder, seed=0)
        return _learned(name, made.events, made.items, "item_id", walks, 1, "category", workers)


def _beauty(workers: int) -> World:
    data = load("beauty")
    assert data.events is not None
    assert data.items is not None
    recipe = load_recipe("eges")
    walks, epochs = recipe.walks.num_walks, recipe.learn.epochs
    return _learned(
        "beauty", data.events, data.items, data.read.item_column, walks, epochs, "", workers, data
    )


def _learned(
    name: str, log: Path, items: Path, item_column: str, walks: int, epochs: int, interest: str, workers: int,
    data: object = None,
) -> World:  # fmt: skip
    recipe = load_recipe("eges")
    read = () if data is None else (data.read, data.clean)  # type: ignore[attr-defined]
    events, _ = read_events(log, *read)
    side = () if data is None else (data.side,)  # type: ignore[attr-defined]
    catalogue = read_items(items, *side, item_column=item_column)
    sessions, _ = sessionize(events, *(() if data is None else (data.sessions, data.clean)))  # type: ignore[attr-defined]
    vocab = events.item_vocab
    graph = item_graph(sessions, len(vocab))
    fields = encode_side_info(catalogue, vocab, *side)
    settings: LearnSettings = recipe.learn.model_copy(update={"epochs": epochs})
    how = WalkSettings(num_walks=walks, walk_length=recipe.walks.walk_length)
    learned = learn(graph, vocab, settings, walks=how, side_info=fields, seed=1, workers=workers)
    none = np.full(len(vocab), -1, dtype=np.int32)
    planted = fields[interest].codes.astype(np.int32) if interest else none
    return World(name, learned.vectors, learned.contexts, vocab.counts.astype(np.float32), planted)


if __name__ == "__main__":
    import sys

    for wanted in sys.argv[1:]:
        found = world(wanted)
        say(f"{wanted}: {found.vectors.shape} {found.spread()}")
