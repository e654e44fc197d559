"""Names of settings that people bring from other libraries: taken over, or pointed to ours."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

SAME = {"random_state": "seed", "n_jobs": "workers"}
"""Names that mean the same everywhere and are simply taken."""

FIRST = {"window": "learn", "mode": "learn"}
"""Names that two stages have here, and the stage that is meant without another word."""

HINTS = {
    "size": "it is vector_size here, as in gensim 4",
    "dimensions": "it is vector_size here",
    "dimension": "it is vector_size here",
    "dim": "it is vector_size here",
    "embedding_dim": "it is vector_size here",
    "embed_size": "it is vector_size here",
    "emb_size": "it is vector_size here",
    "n_components": "it is vector_size here",
    "factors": "it is vector_size here",
    "iter": "it is epochs here",
    "iterations": "it is epochs here",
    "n_iter": "it is epochs here",
    "n_epochs": "it is epochs here",
    "max_epochs": "it is epochs here",
    "alpha": "it is step here, of row-wise Adagrad (about 0.2); 0.025 goes with optimizer=sgd",
    "lr": "it is step here, for row-wise Adagrad by default (about 0.2)",
    "learning_rate": "it is step here, for row-wise Adagrad by default (about 0.2)",
    "min_alpha": "it is min_step here, a share of step: gensim's 0.0001 of 0.025 is 0.004",
    "sg": "it is architecture here: skip-gram (sg=1) or cbow (sg=0)",
    "cbow_mean": "the mean is always taken; cbow_gradient=word2vec is how gensim's cbow_mean=1 steps",
    "cbow": "it is architecture=cbow here",
    "hs": "it is objective here: hierarchical-softmax (hs=1) or negative-sampling (hs=0, negative > 0)",
    "loss": "it is objective here",
    "rho": "it is sample here; item2vec's rule is sample_rule=paper",
    "num_negatives": "it is negative here",
    "n_negatives": "it is negative here",
    "neg": "it is negative here",
    "num_ns": "it is negative here",
    "window_size": "it is window here",
    "context_size": "it is window here",
    "walks_per_node": "it is num_walks here",
    "walk_number": "it is num_walks here",
    "n_walks": "it is num_walks here",
    "number_walks": "it is num_walks here",
    "walk_len": "it is walk_length here, a number of nodes",
    "length": "it is walk_length here, a number of nodes",
    "return_param": "it is p here",
    "inout_param": "it is q here",
    "threads": "it is workers here",
    "num_threads": "it is workers here",
    "num_workers": "it is workers here",
    "random_seed": "it is seed here",
    "user_col": "it is user_column here",
    "item_col": "it is item_column here",
    "time_col": "it is time_column here",
    "session_col": "it is session_column here",
    "timestamp_column": "it is time_column here",
    "subsample": "it is sample here",
    "shrink_window": "it is shrink_windows here",
    "dynamic_window": "it is shrink_windows here",
    "batch_size": "block is the nearest: positions whose gradients are taken at the same values",
    "sentences": "give the log as events",
    "corpus_file": "give the log as events, or --events",
    "weight_key": "give --weight-column with --edges",
    "gap": "it is gap_minutes here",
    "session_gap": "it is gap_minutes here",
}
"""Names that do not fit one to one, and what to write."""


def translated(name: str) -> str:
    """Our name for a name that means the same."""
    return SAME.get(name, name)


def foreign_hint(name: str) -> str:
    """What to write for a name of gensim, node2vec and others; empty where it is not known."""
    told = HINTS.get(name) or (f"it is {SAME[name]} here, at the top" if name in SAME else "")
    return f"; {told}" if told else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'` for the nearest known name; empty where none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}" if near else ""
