"""The word2vec family beside gensim with the same settings, sequences and scorer: next item.

    word2vec.py online-retail --seeds 1     # then beauty, movielens-100k

Skip-gram and CBOW by negative sampling and by hierarchical softmax, and item2vec against gensim with a window
as long as the session (shrink_windows=False). Both sides learn from the same sequences: sessions of the
training part, cut to their latest --longest items; an item that no sequence holds then is known to neither.
Both are asked by the same scorer, the one that gensim's rows do best with on validation (at most 5,000
queries, --trials tried): one for each side would add the chance of the choice to the difference. What both
come to on validation is told beside the test, whose chance it does not share. gensim steps lock-free, cowalk
in its deterministic mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from common import parser, record, say, table
from cowalk.cli.options import of_dataset
from cowalk.datasets import load
from cowalk.evaluate import Comparison
from cowalk.evaluate.data import DataSettings, TrainData, train_data
from cowalk.evaluate.methods import choose
from cowalk.evaluate.protocols.next_item import (
    NextItemSettings,
    judge_next_item,
    next_item_masks,
    next_item_queries,
    next_item_recall,
)
from cowalk.evaluate.queries import NextItemQueries
from cowalk.evaluate.vectors import FittedVectors, VectorMethod
from cowalk.learn import Learned, LearnSettings, learn
from cowalk.learn.extras import as_sets
from cowalk.prepared import read_inputs
from cowalk.recommend_settings import RecommendSettings
from cowalk.settings import load_recipe
from cowalk.tables import Events, Sessions, Vocab
from cowalk.types import AnyArray
from gensim_peer import train as gensim_rows

EPOCHS = {"online-retail": 5, "beauty": 5, "movielens-100k": 10}
CHOOSE_ON = 5_000
METRICS = ("recall@20", "ndcg@20", "recall@50")


@dataclass(frozen=True)
class Form:
    """One member of the family, in the words of both."""

    ours: dict[str, Any]
    theirs: dict[str, Any]
    sets: bool = False


TREE = {"objective": "hierarchical-softmax"}
CBOW = {"architecture": "cbow", "cbow_gradient": "word2vec"}
HS = {"hs": 1, "negative": 0}
FORMS: dict[str, Form] = {
    "skip-gram, negatives": Form({}, {"sg": 1}),
    "skip-gram, tree": Form(TREE, {"sg": 1, **HS}),
    "CBOW, negatives": Form(CBOW, {"sg": 0, "cbow_mean": 1}),
    "CBOW, tree": Form({**CBOW, **TREE}, {"sg": 0, "cbow_mean": 1, **HS}),
    "item2vec": Form(
        {"pairs": "set", "negative": 15}, {"sg": 1, "negative": 15, "shrink_windows": False}, sets=True
    ),
}


def shortened(sessions: Sessions, longest: int) -> Sessions:
    """Each session's latest items, at most `longest`."""
    lengths = np.diff(sessions.offsets)
    places = np.arange(len(sessions.items)) - np.repeat(sessions.offsets[1:] - longest, lengths)
    kept = places >= 0
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, longest))]).astype(np.int64)
    times = None if sessions.times is None else sessions.times[kept]
    return Sessions(
        sessions.items[kept], offsets, sessions.users, sessions.starts, sessions.weights[kept], times
    )


def read_part(events: Events, mask: AnyArray, settings: DataSettings, longest: int) -> TrainData:
    """The training part without the items that no sequence holds after the cut: neither side knows them."""
    train = train_data(events.select(mask), None, settings)
    assert train.sessions is not None
    read = np.unique(shortened(train.sessions, longest).items)
    known = np.zeros(len(events.item_vocab), dtype=bool)
    known[events.item_vocab.find(train.vocab.ids[read])] = True
    return train_data(events.select(mask & known[events.items]), None, settings)


def ours_of(
    form: Form, sessions: Sessions, train: TrainData, epochs: int, seed: int, workers: int
) -> Learned:
    """cowalk's rows."""
    base = load_recipe("word2vec").learn.model_dump()
    asked = {**base, **form.ours, "epochs": epochs, "most_contexts": 1000}
    settings = LearnSettings.model_validate(asked)
    counts = np.bincount(sessions.items, minlength=len(train.vocab))
    vocab = Vocab(train.vocab.ids, np.maximum(counts, 1).astype(np.int64))  # gensim counts what it reads
    learned = learn(sessions, vocab, settings, seed=seed, workers=workers)
    return replace(learned, fingerprint=train.vocab.fingerprint)


def theirs_of(
    form: Form, sessions: Sessions, train: TrainData, epochs: int, seed: int, workers: int
) -> tuple[Learned, Any]:
    """gensim's rows as if they were cowalk's, so that one scorer asks both; and what the peer told."""
    window = int(np.diff(sessions.offsets).max()) if form.sets else 5
    asked = {"vector_size": 100, "sample": 1e-3, **form.theirs, "window": window, "epochs": epochs}
    items = len(train.vocab)
    rows = gensim_rows(sessions, items, seed=seed, workers=workers, **asked)
    weights = np.ones((items, 1), dtype=np.float32)
    one = Learned(train.vocab.fingerprint, rows.vectors, rows.contexts, rows.vectors, (), weights, (), ())
    return one, rows


def method_for(form: Form, name: str) -> VectorMethod:
    """How the rows are asked: vectors alone; by cosine where a tree leaves no context rows."""
    score: Any = "HH" if "objective" in form.ours else "HZ"
    return VectorMethod(name, recommend=RecommendSettings(score=score), lists=False)


def some(queries: NextItemQueries, seed: int) -> NextItemQueries:
    """At most CHOOSE_ON of the queries, drawn once for all forms."""
    drawn = np.random.default_rng(seed).permutation(len(queries))[:CHOOSE_ON]
    return queries.part(np.sort(drawn))


def of_seed(dataset: str, seed: int, options: Any) -> Comparison:
    """Both sides of every form on one seed."""
    data = of_dataset(load(dataset))
    prepared = read_inputs(data.events, None, None, load_recipe("word2vec", data.changes), say)
    assert prepared.events is not None
    events = prepared.events
    train_mask, validation_mask, test_mask = next_item_masks(events, NextItemSettings(split=data.split))
    train = read_part(events, train_mask, prepared.settings(), options.longest)
    validation, _ = next_item_queries(events, validation_mask, train.vocab, seed=seed, name="validation")
    validation = some(validation, seed)
    test, told = next_item_queries(events, test_mask, train.vocab, seed=seed)
    out = Comparison((seed,), figures={"next-item": [told]})
    assert train.sessions is not None
    sessions = shortened(train.sessions, options.longest)
    epochs = 1 if options.quick else options.epochs or EPOCHS[dataset]
    for name, form in FORMS.items():
        if options.forms and name not in options.forms.split(";"):
            continue
        read = as_sets(sessions, len(train.vocab)) if form.sets else sessions
        start = perf_counter()
        ours = ours_of(form, read, train, epochs, seed, options.workers)
        seconds = perf_counter() - start
        theirs, rows = theirs_of(form, read, train, epochs, seed, options.workers)
        fitted = FittedVectors(method_for(form, "gensim"), train, theirs)
        measure = partial(next_item_recall, fitted, validation)
        chosen = choose(fitted, "next-item", measure, trials=options.trials, seed=seed)
        for who, learned, took in (("cowalk", ours, seconds), ("gensim", theirs, rows.seconds)):
            fitted = FittedVectors(method_for(form, who), train, learned)
            found = judge_next_item(fitted, test, train.vocab.counts, chosen.choice)
            out.add("next-item", f"{name}: {who}", found, chosen, took)
            out.figures["next-item"][0][f"validation {name}: {who}"] = next_item_recall(
                fitted, validation, chosen.choice
            )
            mean = out.estimates("next-item", "recall@20")[f"{name}: {who}"].mean
            say(f"{dataset}, seed {seed}, {name}: {who} {mean:.4f} in {took:.0f} s {dict(chosen.choice)}")
    return out


def figures_of(seeds: list[Comparison]) -> dict[str, Any]:
    """By form: the metrics of both sides over all seeds, the ratio, the paired difference with bounds."""
    found = Comparison(tuple(one.seeds[0] for one in seeds), figures={"next-item": []})
    for one in seeds:
        found.figures["next-item"] += one.figures["next-item"]
        for name, entry in one.entries["next-item"].items():
            found.add("next-item", name, entry.judged[0], entry.chosen[0], entry.seconds[0])
    out: dict[str, Any] = {}
    entries = found.entries["next-item"]
    for form in dict.fromkeys(name.rpartition(": ")[0] for name in entries):
        gap = found.difference("next-item", "recall@20", f"{form}: cowalk", f"{form}: gensim")
        known = found.figures["next-item"]
        sides = {
            who: {
                "validation": float(np.mean([told[f"validation {form}: {who}"] for told in known])),
                **{m: found.estimates("next-item", m)[f"{form}: {who}"].mean for m in METRICS},
                "seconds": [round(s, 1) for s in entries[f"{form}: {who}"].seconds],
                "chosen": [dict(c.choice) for c in entries[f"{form}: {who}"].chosen],
            }
            for who in ("cowalk", "gensim")
        }
        out[form] = {
            **sides,
            "ratio": sides["cowalk"]["recall@20"] / max(sides["gensim"]["recall@20"], 1e-12),
            "difference": {"mean": gap.mean, "low": gap.low, "high": gap.high},
        }
    return out


def main() -> None:
    """Judge, print, record."""
    options = parser(__doc__ or "")
    options.add_argument("dataset", choices=tuple(EPOCHS))
    options.add_argument("--seeds", default="1,2,3,4,5", help="seeds, with commas (default 1,2,3,4,5)")
    options.add_argument("--trials", type=int, default=20, help="scorers tried on validation (default 20)")
    options.add_argument("--longest", type=int, default=30, help="items of a sequence at most (default 30)")
    options.add_argument("--epochs", type=int, default=0, help="epochs of both sides (default: by data set)")
    options.add_argument("--forms", default="", help="forms, parted by semicolons (default all)")
    asked = options.parse_args()
    seeds = (1,) if asked.quick else tuple(int(seed) for seed in asked.seeds.split(","))
    judged: list[Comparison] = []
    for seed in seeds:
        judged.append(of_seed(asked.dataset, seed, asked))
        figures = figures_of(judged)
        told = {
            "seeds": list(seeds[: len(judged)]), "trials": asked.trials, "workers": asked.workers,
            "longest": asked.longest, "epochs": asked.epochs or EPOCHS[asked.dataset],
        }  # fmt: skip
        told_figures = {"dataset": asked.dataset, "forms": figures}
        record(f"word2vec-{asked.dataset}", told, told_figures, quick=asked.quick)
    rows = [
        (form, f"{one['cowalk']['recall@20']:.4f}", f"{one['gensim']['recall@20']:.4f}",
         f"{one['ratio']:.3f}",
         "{mean:+.4f} ({low:+.4f}, {high:+.4f})".format(**one["difference"]))
        for form, one in figures.items()
    ]  # fmt: skip
    print(table((asked.dataset, "cowalk", "gensim", "ratio", "paired difference"), rows))


if __name__ == "__main__":
    main()
