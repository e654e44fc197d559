"""Model folders to serve: learned vectors of a simulated shop, its lists and attributes; made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common import CACHE, say, scratch
from cowalk.datasets import simulate
from cowalk.learn import Learned
from cowalk.model import Model
from cowalk.prepare import encode_side_info, read_events, read_items, sessionize
from cowalk.recall import cooccurrence_lists
from cowalk.settings import load_recipe
from lsh_data import EVENTS, SHOPS, world

HOME = CACHE / "serving"
PLAIN = {
    "score": "HH",
    "popularity": 0.0,
    "cooccurrence": 0.0,
    "history": 20,
    "decay": 1.0,
    "exclude_seen": True,
}
"""What the bare endpoint does too: the mean of 20 vectors, and the cosine to all others."""
SERVED = {"history": 20, "decay": 0.9, "exclude_seen": True}
"""The scorer of a fitted model: context rows, popularity, and the co-occurrence channel."""
VECTORS_ALONE = SERVED | {"cooccurrence": 0.0}


def model_of(name: str, settings: dict[str, object], workers: int) -> Model:
    """The shop's model, scored by these settings; without an index."""
    found, (items, _) = world(name, workers), SHOPS[name]
    with scratch() as folder:
        made = simulate(items, items * EVENTS, out=folder, seed=0)
        events, _ = read_events(made.events)
        catalogue = read_items(made.items)
    vocab = events.item_vocab
    assert len(vocab) == len(found.vectors), "the shop is another than the one that was learned from"
    sessions, _ = sessionize(events)
    info = encode_side_info(catalogue, vocab)
    size = found.vectors.shape[1]
    tables = tuple(np.zeros((field.size, size), dtype=np.float32) for field in info.fields)
    weights = np.zeros((len(vocab), len(tables) + 1), dtype=np.float32)
    weights[:, 0] = 1
    learned = Learned(
        vocab.fingerprint,
        found.vectors,
        found.contexts,
        found.vectors,
        tables,
        weights,
        tuple(info.names),
        (),
    )
    recipe = load_recipe("eges").changed({f"recommend.{key}": value for key, value in settings.items()})
    lists = cooccurrence_lists(sessions, len(vocab), recipe.cooccurrence, workers=workers)
    return Model(recipe=recipe, vocab=vocab, learned=learned, side_info=info, lists=lists)


def folder_of(name: str, label: str, settings: dict[str, object], kind: str, workers: int) -> Path:
    """A model folder with an index for what `recommend` asks; made at the first call."""
    folder = HOME / f"{name}-{label}-{kind}"
    if not (folder / "current").exists():
        say(f"{folder.name}: making it")
        base = HOME / f"{name}-base"
        from cowalk import load

        if not (base / "current").exists():
            model_of(name, SERVED, workers).save(base)
        model = load(base)
        changed = model.recipe.changed({f"recommend.{key}": value for key, value in settings.items()})
        from dataclasses import replace

        replace(model, recipe=changed).with_index(kind, 0.95, "recommend", workers=workers).save(folder)
    return folder


if __name__ == "__main__":
    import sys

    for shop in sys.argv[1:]:
        for label, settings in (("plain", PLAIN), ("vectors", VECTORS_ALONE), ("served", SERVED)):
            print(folder_of(shop, label, settings, "ivf", 2))
