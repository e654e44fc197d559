"""Item vectors that are learned before the network, from training histories alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cowalk import seeds
from cowalk.errors import UsageError
from cowalk.evaluate.data import TrainData
from cowalk.examples import Examples
from cowalk.learn.engines import learned_from
from cowalk.prepare import item_graph
from cowalk.settings import load_recipe
from cowalk.tables import Sessions, SideInfo, Vectors, Vocab

Tell = Callable[[str, float], None]


def shown_sequences(examples: Examples, *, with_targets: bool) -> Sessions:
    """The histories that the examples show, of each owner as one sequence; `with_targets`: up to his latest
    target, else up to what stands before it. An earlier target of an owner stands in a later example's
    history, and so in the sequence.
    """
    if with_targets:
        return examples.sequences
    return replace(examples, places=np.full(len(examples), -1, dtype=np.int64)).sequences


def pretrained(
    recipe: str, sequences: Sessions, examples: Examples, size: int, *, side_info: SideInfo | None = None,
    seed: int = 0, workers: int | None = None, tell: Tell | None = None,
) -> Vectors:  # fmt: skip
    """The vectors that a recipe learns from the sequences: of the items in them, most frequent first."""
    known, vocab = _known(sequences, examples)
    made = load_recipe(recipe, {"vector_size": size})
    side = None
    if made.engine == "skip-gram" and made.learn.input != "own":
        if side_info is None or not side_info.fields:
            raise UsageError(f"embedding {recipe} needs attributes of the items: side_info= (--items)")
        rows = examples.item_vocab.find(vocab.ids)
        side = SideInfo(vocab.fingerprint, tuple(field.take(rows) for field in side_info.fields))
    data = TrainData(vocab, item_graph(known, len(vocab), made.graph), known, side)
    learned = learned_from(
        data, made.stages, seed=seeds.stream(seed, f"rank/{recipe}") % 2**31, workers=workers,
        progress=None if tell is None else lambda done, *_: tell(f"learning {recipe}", done),
    )  # fmt: skip
    return Vectors(vocab, learned.vectors)


def _known(sequences: Sessions, examples: Examples) -> tuple[Sessions, Vocab]:
    """The sequences under a vocabulary of their own items, most frequent first, ties by row."""
    counts = np.bincount(sequences.items, minlength=len(examples.item_vocab))
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    new = np.full(len(counts), -1, dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return replace(sequences, items=new[sequences.items]), examples.item_vocab.select(order, counts[order])
